"""Gemini CLI sessions: one JSON document, or JSONL in which later records change earlier ones.

In JSONL a message is written again whenever it grows (the last one counts, at the place of the first), `$set` may
replace all messages, and `$rewindTo` takes back a message and what follows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import without
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    plain,
    seconds,
    sequence,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Gemini CLI session (JSON or JSONL)"

_TYPES = ("user", "gemini", "info", "error", "warning")
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the record
_Placed = tuple[int, str, dict[str, Any]]  # line, pointer, record


def detect(head: Head) -> bool:
    """The header names a session, its project or its time; or the document has them beside its messages."""
    first = head.objects[0] if head.is_jsonl else mapping(head.document)
    messages = sequence(first.get("messages"))
    if messages and mapping(messages[0]).get("type") in _TYPES and "timestamp" in messages[0]:
        return True  # a large document may tell its session after its messages
    dated = isinstance(first.get("startTime"), str) and isinstance(first.get("lastUpdated"), str)
    return isinstance(first.get("sessionId"), str) and (dated or "projectHash" in first) and "type" not in first


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages as they stand at the end of the log. Holds one session in memory.

    Raises LogError for a JSON document that is broken.
    """
    session = _Session()
    if log.head.is_jsonl:
        for line, record in records(log.stream, report):
            session.take(line, record)
    else:
        session.take(1, mapping(document(log)))
    return _messages(session, report.skipped)


class _Session:
    """The header's fields, and the messages by id in the order they first came."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.messages: dict[str, _Placed] = {}

    def take(self, line: int, record: dict[str, Any]) -> None:
        """Apply one record."""
        if "$rewindTo" in record:
            self._rewind(string(record["$rewindTo"]))
        elif "$set" in record:
            self._set(line, "/$set", mapping(record["$set"]))
        elif "type" in record:
            self._put(line, "", record)
        else:
            self._set(line, "", record)

    def _set(self, line: int, pointer: str, fields: dict[str, Any]) -> None:
        self.fields |= {key: value for key, value in fields.items() if key != "messages"}
        if isinstance(fields.get("messages"), list):
            self.messages.clear()
            for index, message in enumerate(fields["messages"]):
                self._put(line, f"{pointer}/messages/{index}", mapping(message))

    def _put(self, line: int, pointer: str, message: dict[str, Any]) -> None:
        key = string(message.get("id")) or f"{line}{pointer}"
        self.messages[key] = (line, pointer, message)

    def _rewind(self, key: str) -> None:
        """Take back a message and all after it; all of them when it is not there, as Gemini CLI itself does."""
        while self.messages and self.messages.popitem()[0] != key:
            pass


def _messages(log: _Session, skipped: Counter[str]) -> Iterator[Message]:
    session, title = string(log.fields.get("sessionId")), string(log.fields.get("summary"))
    project = next(iter(sequence(log.fields.get("directories"))), "")
    for line, pointer, record in log.messages.values():
        kind = record.get("type")
        if kind not in ("user", "gemini"):
            skipped[label(kind)] += 1
            continue
        told = [found for found in _told(record) if found[0].strip()]
        if not told:
            skipped["injected" if kind == "user" and _plain(record.get("content")).strip() else "no text"] += 1
        for text, role, said_as, inner in told:
            yield Message(
                text=text,
                role=role,
                kind=said_as,
                line=line,
                pointer=pointer + inner,
                session=session,
                id=f"{record['id']}{inner}" if isinstance(record.get("id"), str) else "",
                speaker=string(record.get("model")),
                time=seconds(record.get("timestamp")),
                title=title,
                project=string(project),
            )
            title = ""


def _told(record: dict[str, Any]) -> Iterator[_Told]:
    if record["type"] == "user":
        shown = "displayContent" if _plain(record.get("displayContent")).strip() else "content"
        yield without(_plain(record.get(shown)), "session_context"), "user", "text", f"/{shown}"
        return
    for index, thought in enumerate(map(mapping, sequence(record.get("thoughts")))):
        text = "\n".join(filter(None, (string(thought.get("subject")), string(thought.get("description")))))
        yield text, "assistant", "thinking", f"/thoughts/{index}"
    yield _plain(record.get("content")), "assistant", "text", "/content"
    for index, call in enumerate(map(mapping, sequence(record.get("toolCalls")))):
        pointer = f"/toolCalls/{index}"
        yield call_text(string(call.get("name")), call.get("args")), "assistant", "tool_call", pointer
        yield _result(call), "tool", "tool_result", f"{pointer}/result"


def _result(call: dict[str, Any]) -> str:
    """What a tool answered: each part's `output` or `error`."""
    found = []
    for part in sequence(call.get("result")):
        response = mapping(mapping(mapping(part).get("functionResponse")).get("response"))
        answer = response.get("output", response.get("error"))
        found.append(tool_output(answer) if isinstance(answer, str | list | dict) else plain(answer))
    return "\n".join(filter(None, found)) or without_base64(string(call.get("resultDisplay")))


def _plain(content: object) -> str:
    """The text of a content: a string, a part, or a list of them; thoughts and function calls are no text."""
    if isinstance(content, str):
        return without_base64(content)
    parts = content if isinstance(content, list) else [content]
    texts = (part if isinstance(part, str) else _part(mapping(part)) for part in parts)
    return without_base64("\n".join(filter(None, texts)))


def _part(part: dict[str, Any]) -> str:
    return "" if part.get("thought") is True else string(part.get("text"))
