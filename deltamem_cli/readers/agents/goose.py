"""Goose sessions: JSONL files up to 1.9, the database `sessions.db` since.

Both hold the same content blocks; a message that only carries tool results is the tool's, although its role is user's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.sqlite import Database, connect, is_open, json_of, place
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

TITLE = "Goose sessions (JSONL or sessions.db)"

_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer of the block


def detect(head: Head) -> bool:
    """The tables of its database, or a first line that describes a session with its working folder."""
    if "content_json" in head.tables.get("messages", ()) and "sessions" in head.tables:
        return True
    first = head.objects[0] if head.is_jsonl else {}
    return isinstance(first.get("working_dir"), str) and "role" not in first and "type" not in first


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of one JSONL session, or of all sessions of a database in the order they were written.

    Raises LogError for a database that cannot be read.
    """
    if not is_open(log):
        yield from _from_lines(log.stream, report)
        return
    with connect(log) as database:
        yield from _from_rows(database, report.skipped)


def _from_lines(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    header: dict[str, Any] = {}
    for line, record in records(stream, report):
        if "role" in record:
            session = {key: string(header.get(key)) for key in ("id", "description", "working_dir")}
            yield from _message(record, session, line, "/content", report.skipped)
        else:
            header = header or record


def _from_rows(database: Database, skipped: Counter[str]) -> Iterator[Message]:
    sessions = {
        identity: {"id": string(identity), "description": string(name) or string(description), "working_dir": folder}
        for _, identity, name, description, folder in database.rows(
            "sessions", ("id", "name", "description", "working_dir")
        )
    }
    columns = ("message_id", "session_id", "role", "content_json", "created_timestamp", "metadata_json")
    for rowid, identity, session, role, content, created, metadata in database.rows("messages", columns, "ORDER BY id"):
        record = {
            "id": string(identity) or f"row {rowid}",
            "role": role,
            "content": json_of(content),
            "created": created,
            "metadata": json_of(metadata),
        }
        pointer = f"/messages/{rowid}/content_json"
        yield from _message(record, sessions.get(session, {"id": string(session)}), place(rowid), pointer, skipped)


def _message(
    record: dict[str, Any], session: dict[str, Any], line: int, pointer: str, skipped: Counter[str]
) -> Iterator[Message]:
    role = record.get("role")
    if role not in ("user", "assistant"):
        skipped[f"role {label(role)}"] += 1
        return
    if mapping(record.get("metadata")).get("userVisible") is False:
        skipped["hidden"] += 1
        return
    identity, named = string(record.get("id")), string(session.get("id"))
    blocks = sequence(record.get("content"))
    told = [_block(mapping(block), role, f"/{index}") for index, block in enumerate(blocks)]
    if not any(text.strip() for text, *_ in told):
        skipped["no text"] += 1
    for text, who, kind, inner in told:
        if text.strip():
            yield Message(
                text=text,
                role=who,
                kind=kind,
                line=line,
                pointer=pointer + inner,
                session=named,
                id=f"{identity}{inner}" if identity else "",
                time=seconds(record.get("created")),
                title=string(session.get("description")),
                project=string(session.get("working_dir")),
            )


def _block(block: dict[str, Any], role: Role, pointer: str) -> _Told:
    kind = block.get("type")
    if kind == "text":
        return without_base64(string(block.get("text"))), role, "text", pointer
    if kind == "thinking":
        return string(block.get("thinking")), role, "thinking", pointer
    if kind in ("toolRequest", "frontendToolRequest"):
        call = mapping(mapping(block.get("toolCall")).get("value"))
        return call_text(string(call.get("name")), call.get("arguments")), role, "tool_call", pointer
    if kind == "toolResponse":
        result = mapping(block.get("toolResult"))
        return tool_output(result.get("value", result.get("error"))), "tool", "tool_result", pointer
    if kind == "summarizationRequested":
        return string(block.get("msg")), "system", "summary", pointer
    return "", role, "text", pointer
