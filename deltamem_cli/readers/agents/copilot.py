"""GitHub Copilot chat in VS Code: a JSON document a session, or the log of operations (JSONL) that makes one.

An answer comes in fragments with links and tool runs between them; fragments up to the next tool run are one message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.oplog import Replayed
from deltamem_cli.readers.parse.values import call_text, mapping, parts_text, seconds, sequence, string, without_base64
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "GitHub Copilot chat of VS Code (JSON or JSONL)"

_Told = tuple[str, Role, Kind, tuple[str | int, ...]]  # text, role, kind, path inside the request


def detect(head: Head) -> bool:
    """A document with requests and responses, or an operation log that begins with one."""
    if head.is_jsonl and {"kind", "v"} <= head.objects[0].keys():
        return head.objects[0]["kind"] == 0 and _is_session(mapping(head.objects[0]["v"]))
    return _is_session(mapping(head.document))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of the session as it stands at the end of the log. Holds one session in memory.

    Raises LogError for a JSON document that is broken.
    """
    session = Replayed()
    if log.head.is_jsonl and "kind" in log.head.objects[0]:
        for line, operation in records(log.stream, report):
            if not session.take(line, operation):
                report.skipped["operation that fits nowhere"] += 1
        return _messages(session, report.skipped)
    session.take(1, {"kind": 0, "v": document(log)})
    return _messages(session, report.skipped, "/v")


def _is_session(value: dict[str, Any]) -> bool:
    return isinstance(value.get("requests"), list) and bool(
        {"sessionId", "requesterUsername", "version"} & value.keys()
    )


def _messages(log: Replayed, skipped: Counter[str], less: str = "") -> Iterator[Message]:
    """The messages of all requests; `less` is what pointers of a plain document begin with too much."""
    chat = mapping(log.document)
    session, title = string(chat.get("sessionId")), string(chat.get("customTitle"))
    for number, request in enumerate(map(mapping, sequence(chat.get("requests")))):
        identity = string(request.get("requestId"))
        told = [found for found in _told(request, skipped) if found[0].strip()]
        for text, role, kind, path in told:
            line, pointer = log.origin("requests", number, *path)
            yield Message(
                text=without_base64(text),
                role=role,
                kind=kind,
                line=line,
                pointer=pointer.removeprefix(less),
                session=session,
                id=f"{identity}/{'/'.join(map(str, path))}" if identity else "",
                speaker=string(request.get("modelId")) if role == "assistant" else "",
                time=seconds(request.get("timestamp")),
                title=title,
            )
            title = ""


def _told(request: dict[str, Any], skipped: Counter[str]) -> Iterator[_Told]:
    asked = request.get("message")
    path: tuple[str | int, ...] = ("message",) if isinstance(asked, str) else ("message", "text")
    yield asked if isinstance(asked, str) else string(mapping(asked).get("text")), "user", "text", path
    fragments: list[str] = []
    first: tuple[str | int, ...] = ("response",)
    for index, item in enumerate(sequence(request.get("response"))):
        text = _fragment(item)
        if text is not None:
            if not fragments:
                first = ("response", index, "value") if "value" in mapping(item) else ("response", index)
            fragments.append(text)
            continue
        steps = list(_step(mapping(item), index))
        if not steps:
            skipped[string(mapping(item).get("kind")) or "response item"] += 1
        elif fragments:
            yield "".join(fragments), "assistant", "text", first
            fragments = []
        yield from steps
    yield "".join(fragments), "assistant", "text", first


def _fragment(item: object) -> str | None:
    """The words of a piece of an answer, None for what is none."""
    if isinstance(item, str):
        return item
    fields = mapping(item)
    kind = fields.get("kind")
    if kind in (None, "markdownContent", "markdown"):
        return _markdown(fields.get("value", fields.get("content")))
    if kind == "inlineReference":
        reference = mapping(fields.get("inlineReference"))
        path = string(reference.get("path")) or string(mapping(reference.get("uri")).get("path"))
        return string(fields.get("name")) or string(reference.get("name")) or path.rsplit("/", 1)[-1]
    return None


def _markdown(value: object) -> str:
    return value if isinstance(value, str) else string(mapping(value).get("value"))


def _step(item: dict[str, Any], index: int) -> Iterator[_Told]:
    """What the model does between its words: a thought, or the run of a tool."""
    kind = item.get("kind")
    if kind == "thinking":
        yield parts_text(item.get("value")), "assistant", "thinking", ("response", index, "value")
    elif kind in ("toolInvocationSerialized", "toolInvocation"):
        data = mapping(item.get("toolSpecificData"))
        command = mapping(data.get("commandLine"))
        details = mapping(item.get("resultDetails"))
        told = {
            "command": string(command.get("original")) or string(data.get("command")),
            "input": string(details.get("input")),
            "message": _markdown(item.get("pastTenseMessage")) or _markdown(item.get("invocationMessage")),
        }
        name = string(item.get("toolId"))
        call = call_text(name, {key: value for key, value in told.items() if value})
        yield call, "assistant", "tool_call", ("response", index)
        output = "\n".join(_markdown(part) for part in sequence(details.get("output")))
        yield output, "tool", "tool_result", ("response", index, "resultDetails", "output")
