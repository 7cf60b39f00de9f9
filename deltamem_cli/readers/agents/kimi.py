"""Kimi Code sessions: `wire.jsonl`, which tells an answer in parts, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.chunks import joined
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import call_text, label, mapping, parts_text, seconds, string, tool_output
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Kimi Code session (wire.jsonl)"

_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer


def detect(head: Head) -> bool:
    """Records that add a message or an event to the context."""
    return any(string(record.get("type")).startswith("context.append_") for record in head.objects)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a session, in file order."""
    return joined(_pieces(log.stream, report))


def _pieces(stream: BinaryIO, report: ReadReport) -> Iterator[tuple[str, Message]]:
    for line, record in records(stream, report):
        event = mapping(record.get("event"))
        told = _message(mapping(record.get("message"))) if "message" in record else _event(event)
        if told is None or not told[0]:
            report.skipped[label(event.get("type") or record.get("type"))] += 1
            continue
        text, role, kind, pointer = told
        yield (
            string(event.get("stepUuid")) or f"line {line}",
            Message(
                text=text,
                role=role,
                kind=kind,
                line=line,
                pointer=pointer,
                id=string(event.get("uuid")),
                time=seconds(record.get("time")),
            ),
        )


def _message(message: dict[str, Any]) -> _Told | None:
    """A whole message: a prompt; answers come as events."""
    if message.get("role") != "user":
        return None
    return parts_text(message.get("content")), "user", "text", "/message/content"


def _event(event: dict[str, Any]) -> _Told | None:
    kind, part = event.get("type"), mapping(event.get("part"))
    if kind == "content.part":
        thought = string(part.get("think")) or string(part.get("text"))
        if part.get("type") == "think":
            return thought, "assistant", "thinking", "/event/part"
        return string(part.get("text")), "assistant", "text", "/event/part/text"
    if kind == "tool.call":
        arguments = event.get("args", event.get("arguments"))
        return call_text(string(event.get("name")), arguments), "assistant", "tool_call", "/event"
    if kind == "tool.result":
        return tool_output(event.get("result", event.get("output"))), "tool", "tool_result", "/event"
    return None
