"""LibreChat's export of a conversation: messages with their parents, `isCreatedByUser` and a sender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.turn import first_string
from deltamem_cli.readers.parse.values import call_text, mapping, parts_text, seconds, sequence, string, tool_output
from deltamem_cli.records import OTHER_BRANCH, Kind, Message, ReadReport, Role

TITLE = "LibreChat conversation (JSON)"


def detect(head: Head) -> bool:
    """Its first message says whether the user made it."""
    return "isCreatedByUser" in mapping(next(iter(_messages(head.document)[1]), None))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages on the way to the last one, then those of other branches."""
    value = document(log)
    root, listed = _messages(value)
    flat = _flat(listed, root)
    parents = {key: string(message.get("parentMessageId")) for key, (_, message) in flat.items()}
    path, others = paths(parents, next(reversed(flat), None))
    if others:
        report.skipped[OTHER_BRANCH] += len(others)
    fields = mapping(value)
    title = string(fields.get("title"))
    for number, key in enumerate((*path, *others)):
        pointer, message = flat[key]
        off = number >= len(path)
        role: Role = "user" if message.get("isCreatedByUser") is True else "assistant"
        session = first_string(message, ("conversationId",)) or first_string(fields, ("conversationId",))
        told = [found for found in _told(message, role) if found[0].strip()]
        if not told:
            (report.off_path if off else report.skipped)["no text"] += 1
        for text, who, kind, inner in told:
            yield Message(
                text=text,
                role=who,
                kind=kind,
                line=1,
                pointer=pointer + inner,
                session=session,
                id=f"{session}/{key}{inner}" if session else "",
                speaker=first_string(message, ("model", "sender")) if who == "assistant" else "",
                time=seconds(message.get("createdAt")),
                title=title,
                off_path=off,
            )
            title = ""


def _messages(value: Any) -> tuple[str, list[Any]]:  # noqa: ANN401 - any JSON value
    fields = mapping(value)
    name = "messagesTree" if "messagesTree" in fields else "messages"
    return f"/{name}", sequence(fields.get(name))


def _flat(listed: list[Any], root: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Id → (pointer, message), of a list or of a tree with `children`."""
    flat: dict[str, tuple[str, dict[str, Any]]] = {}
    waiting = [(f"{root}/{index}", mapping(message)) for index, message in enumerate(listed)][::-1]
    while waiting:
        pointer, message = waiting.pop()
        flat.setdefault(string(message.get("messageId")) or pointer, (pointer, message))
        children = enumerate(sequence(message.get("children")))
        waiting += [(f"{pointer}/children/{index}", mapping(child)) for index, child in children][::-1]
    return flat


def _told(message: dict[str, Any], role: Role) -> Iterator[tuple[str, Role, Kind, str]]:
    parts = sequence(message.get("content"))
    if not parts:
        yield parts_text(message.get("text")), role, "text", "/text"
    for index, part in enumerate(map(mapping, parts)):
        kind, place = part.get("type"), f"/content/{index}"
        if kind == "think":
            yield string(part.get("think")), "assistant", "thinking", place
        elif kind == "tool_call":
            call = mapping(part.get("tool_call"))
            yield call_text(string(call.get("name")), call.get("args")), "assistant", "tool_call", place
            yield tool_output(call.get("output")), "tool", "tool_result", f"{place}/tool_call/output"
        else:
            text = part.get("text")
            yield string(mapping(text).get("value")) or string(text), role, "text", place
