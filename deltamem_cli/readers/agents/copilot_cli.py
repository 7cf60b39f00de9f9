"""GitHub Copilot CLI: `~/.copilot/session-state/<id>/events.jsonl`, one event a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.turn import first_string
from deltamem_cli.readers.parse.values import call_text, label, mapping, seconds, string, tool_output, without_base64
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "GitHub Copilot CLI events (JSONL)"

_SAID: dict[str, tuple[Role, Kind]] = {
    "user.message": ("user", "text"),
    "assistant.message": ("assistant", "text"),
    "assistant.reasoning": ("assistant", "thinking"),
    "tool.execution_start": ("assistant", "tool_call"),
    "tool.execution_complete": ("tool", "tool_result"),
}
_EVENTS = {*_SAID, "session.start", "session.resume", "assistant.turn_start"}


def detect(head: Head) -> bool:
    """Events of the kinds that only this tool has, each with its data."""
    return any(record.get("type") in _EVENTS and isinstance(record.get("data"), dict) for record in _plain(head))


def _plain(head: Head) -> list[dict[str, Any]]:
    return [record for record in head.objects if isinstance(record.get("type"), str)]


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a session, in file order."""
    return _messages(log.stream, report)


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    session = project = model = ""
    for line, record in records(stream, report):
        kind, data = string(record.get("type")), mapping(record.get("data"))
        session = session or (string(data.get("sessionId")) if kind == "session.start" else "")
        project = project or string(mapping(data.get("context")).get("cwd"))
        model = first_string(data, ("newModel", "selectedModel")) or model
        if kind not in _SAID:
            report.skipped["hidden" if kind == "system.message" else label(kind)] += 1
            continue
        role, said_as = _SAID[kind]
        text, pointer = _told(kind, data)
        if not text.strip():
            report.skipped[f"{kind} without text"] += 1
            continue
        yield Message(
            text=text,
            role=role,
            kind=said_as,
            line=line,
            pointer=f"/data{pointer}",
            session=session,
            id=string(record.get("id")),
            speaker=string(data.get("model")) or model if role == "assistant" else "",
            time=seconds(record.get("timestamp")),
            project=project,
        )


def _told(kind: str, data: dict[str, Any]) -> tuple[str, str]:
    """(text, pointer) of an event's data."""
    if kind == "tool.execution_start":
        return call_text(string(data.get("toolName")), data.get("arguments")), ""
    if kind == "tool.execution_complete":
        failure = string(mapping(data.get("error")).get("message"))
        return (failure, "/error/message") if failure else (tool_output(data.get("result")), "/result")
    return without_base64(string(data.get("content"))), "/content"
