"""Messages of the AI SDK (`UIMessage`): `{role, parts: […]}`, an array, one a line, or the messages of a chat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import entries
from deltamem_cli.readers.parse.turn import ROLES, first_string
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    seconds,
    sequence,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "AI SDK messages (UIMessage, JSON)"

_Told = tuple[str, Role, Kind]


def detect(head: Head) -> bool:
    """The first message has a role and parts that name their types."""
    document = head.document
    first = document[0] if isinstance(document, list) and document else mapping(document)
    listed = sequence(mapping(first).get("messages"))
    return _is_message(listed[0] if listed else first)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages, in file order."""
    for line, pointer, value in entries(log, report):
        chat = mapping(value)
        listed = sequence(chat.get("messages"))
        session, title = first_string(chat, ("chatId", "id")) if listed else "", string(chat.get("title"))
        for index, message in enumerate(listed or [chat]):
            place = f"{pointer}/messages/{index}" if listed else pointer
            for said in _messages(mapping(message), line, place, report):
                identity = f"{session}/{said.id}" if session and said.id else ""
                yield replace(said, session=session, title=title, id=identity)


def _is_message(value: object) -> bool:
    fields = mapping(value)
    parts = sequence(fields.get("parts"))
    return string(fields.get("role")) in ROLES and bool(parts) and isinstance(mapping(parts[0]).get("type"), str)


def _messages(message: dict[str, Any], line: int, pointer: str, report: ReadReport) -> Iterator[Message]:
    role = ROLES.get(string(message.get("role")))
    meta, identity = mapping(message.get("metadata")), string(message.get("id"))
    time = next(
        (at for key in ("createdAt", "timestamp") for at in map(seconds, (message.get(key), meta.get(key))) if at), None
    )
    for index, part in enumerate(map(mapping, sequence(message.get("parts")))):
        told = [found for found in _told(part, role) if found[0].strip()] if role else []
        if not told:
            report.skipped[label(part.get("type") if role else f"role {label(message.get('role'))}")] += 1
        for text, who, kind in told:
            yield Message(
                text=without_base64(text),
                role=who,
                kind=kind,
                line=line,
                pointer=f"{pointer}/parts/{index}",
                id=f"{identity}/{index}" if identity else "",
                speaker=first_string(meta, ("model", "modelId")) if who == "assistant" else "",
                time=time,
            )


def _told(part: dict[str, Any], role: Role) -> Iterator[_Told]:
    kind = string(part.get("type"))
    if kind == "text":
        yield string(part.get("text")), role, "text"
    elif kind == "reasoning":
        yield first_string(part, ("text", "reasoning")), "assistant", "thinking"
    elif kind.startswith("tool-") or kind == "dynamic-tool":
        call = mapping(part.get("toolInvocation")) or part
        name = first_string(call, ("toolName",)) or kind.removeprefix("tool-")
        yield call_text(name, call.get("input", call.get("args"))), "assistant", "tool_call"
        yield (
            first_string(call, ("errorText",)) or tool_output(call.get("output", call.get("result"))),
            "tool",
            "tool_result",
        )
    elif kind == "source-url":
        yield "\n".join(filter(None, (string(part.get("title")), string(part.get("url"))))), "tool", "tool_result"
