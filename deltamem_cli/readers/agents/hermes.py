"""Hermes agent sessions: a database whose table of messages has a row for each turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.sqlite import connect, json_of, place
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
from deltamem_cli.records import Message, ReadReport, Role

TITLE = "Hermes agent sessions (SQLite)"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "tool": "tool"}
_COLUMNS = ("id", "session_id", "role", "content", "tool_calls", "timestamp")


def detect(head: Head) -> bool:
    """Its table of messages."""
    return {"session_id", "role", "content", "tool_calls", "timestamp"} <= head.tables.get("messages", frozenset())


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of all sessions, in the order of their rows. Raises LogError for a broken database."""
    return _messages(log, report)


def _messages(log: Log, report: ReadReport) -> Iterator[Message]:
    with connect(log) as database:
        for rowid, _, session, speaker, content, calls, time in database.rows("messages", _COLUMNS, "ORDER BY rowid"):
            role, text = _ROLES.get(string(speaker)), string(content)
            called = [_call(mapping(call)) for call in sequence(json_of(calls))]
            if role is None or not (text.strip() or any(called)):
                report.skipped["no text" if role else f"role {label(speaker)}"] += 1
                continue
            said = Message(
                text=tool_output(text) if role == "tool" else without_base64(text),
                role=role,
                kind="tool_result" if role == "tool" else "text",
                line=place(rowid),
                pointer=f"/messages/{rowid}/content",
                session=string(session),
                id=f"{string(session)}/{rowid}",
                time=seconds(time),
            )
            if said.text.strip():
                yield said
            for index, call in enumerate(called):
                if call.strip():
                    pointer = f"/messages/{rowid}/tool_calls/{index}"
                    yield replace(said, text=call, kind="tool_call", pointer=pointer, id=f"{said.id}/{index}")


def _call(call: dict[str, Any]) -> str:
    function = mapping(call.get("function"))
    return call_text(string(function.get("name")), function.get("arguments"))
