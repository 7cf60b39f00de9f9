"""Grok Build sessions: `chat_history.jsonl`, or the stream of updates it was made from (`updates.jsonl`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from deltamem_cli.readers.parse.chunks import joined
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    parts_text,
    seconds,
    sequence,
    string,
    tool_output,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Grok Build session (JSONL)"

_CHUNKS: dict[str, tuple[Role, Kind]] = {
    "user_message_chunk": ("user", "text"),
    "agent_message_chunk": ("assistant", "text"),
    "agent_thought_chunk": ("assistant", "thinking"),
}
_MARKS = {"prompt_index", "synthetic_reason", "model_id"}
_TYPED = (None, "interjection")  # reasons of a user's record that a person wrote
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer


def detect(head: Head) -> bool:
    """Updates of a session, or typed records with the marks of this tool."""
    return any(_update(record) for record in head.objects) or any(
        record.get("type") in ("user", "assistant") and "content" in record and _MARKS & record.keys()
        for record in head.objects
    )


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a session, in file order."""
    if any(_update(record) for record in log.head.objects):
        return joined(_chunks(log.stream, report))
    return _history(log.stream, report)


def _update(record: dict[str, Any]) -> dict[str, Any]:
    update = mapping(mapping(record.get("params")).get("update"))
    return update if isinstance(update.get("sessionUpdate"), str) else {}


def _chunks(stream: BinaryIO, report: ReadReport) -> Iterator[tuple[str, Message]]:
    for line, record in records(stream, report):
        update = _update(record)
        kind = string(update.get("sessionUpdate"))
        if kind not in _CHUNKS:
            report.skipped[label(kind)] += 1
            continue
        role, said_as = _CHUNKS[kind]
        piece = Message(
            text=string(mapping(update.get("content")).get("text")),
            role=role,
            kind=said_as,
            line=line,
            pointer="/params/update/content/text",
            session=string(mapping(record["params"]).get("sessionId")),
            time=seconds(record.get("timestamp")),
        )
        yield kind, piece


def _history(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    for line, record in records(stream, report):
        kind = string(record.get("type"))
        if kind == "user" and record.get("synthetic_reason") not in _TYPED:
            report.skipped["injected"] += 1
            continue
        told = [found for found in _told(kind, record) if found[0].strip()]
        if not told:
            report.skipped[label(kind)] += 1
        for text, role, said_as, pointer in told:
            speaker = string(record.get("model_id"))
            yield Message(text=text, role=role, kind=said_as, line=line, pointer=pointer, speaker=speaker)


def _told(kind: str, record: dict[str, Any]) -> Iterator[_Told]:
    if kind in ("user", "assistant", "system"):
        yield parts_text(record.get("content")), cast(Role, kind), "text", "/content"
        for index, call in enumerate(map(mapping, sequence(record.get("tool_calls")))):
            text = call_text(string(call.get("name")), call.get("arguments"))
            yield text, "assistant", "tool_call", f"/tool_calls/{index}"
    elif kind == "reasoning":
        yield parts_text(record.get("summary")), "assistant", "thinking", "/summary"
    elif kind == "tool_result":
        yield tool_output(record.get("content")), "tool", "tool_result", "/content"
