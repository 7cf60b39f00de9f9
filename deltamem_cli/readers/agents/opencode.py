"""opencode sessions: the database `opencode.db`, what `opencode export` writes, or the older tree of JSON files.

A message is a row (or file) that says who speaks; its words are parts of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.siblings import sibling
from deltamem_cli.readers.parse.sqlite import Database, connect, is_open, json_of, place
from deltamem_cli.readers.parse.turn import first_string
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

TITLE = "opencode sessions (opencode.db, or JSON)"

_ID = re.compile(r"[\w-]{1,200}")
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the part


def detect(head: Head) -> bool:
    """The three tables of its database, an export of a session, or one part of the older tree."""
    if head.tables:
        rows = head.tables.get("message", frozenset()), head.tables.get("part", frozenset())
        return "session" in head.tables and {"session_id", "time_created", "data"} <= rows[0] and "data" in rows[1]
    value = mapping(head.document)
    return _is_export(value) or _is_part(value)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of all sessions of a database, or of one JSON file. Raises LogError for one that is broken."""
    if is_open(log):
        with connect(log) as database:
            yield from _from_rows(database, report.skipped)
        return
    value = mapping(document(log))
    yield from _from_tree(value, log.name, report.skipped) if _is_part(value) else _from_export(value, report.skipped)


def _is_export(value: dict[str, Any]) -> bool:
    first = mapping(next(iter(sequence(value.get("messages"))), None))
    return isinstance(value.get("info"), dict) and "info" in first and "parts" in first


def _is_part(value: dict[str, Any]) -> bool:
    return {"id", "messageID", "sessionID", "type"} <= value.keys()


def _from_rows(database: Database, skipped: Counter[str]) -> Iterator[Message]:
    columns = ("id", "directory", "title")
    sessions = {
        key: {"id": string(key), "directory": directory, "title": title}
        for _, key, directory, title in database.rows("session", columns)
    }
    told_by = ("id", "session_id", "time_created", "data")
    for _, key, session, time, data in database.rows("message", told_by, "ORDER BY session_id, time_created, id"):
        info = {"time": {"created": time}} | mapping(json_of(data)) | {"id": key}
        parts = database.rows("part", ("id", "data"), "WHERE message_id = ? ORDER BY id", (key,))
        for rowid, part_id, part in parts:
            value = mapping(json_of(part)) | {"id": part_id}
            pointer = f"/part/{rowid}/data"
            yield from _part(value, info, sessions.get(session, {"id": session}), (place(rowid), pointer), skipped)


def _from_export(value: dict[str, Any], skipped: Counter[str]) -> Iterator[Message]:
    session = mapping(value.get("info"))
    for number, message in enumerate(map(mapping, sequence(value.get("messages")))):
        for index, part in enumerate(sequence(message.get("parts"))):
            at = (1, f"/messages/{number}/parts/{index}")
            yield from _part(mapping(part), mapping(message.get("info")), session, at, skipped)


def _from_tree(part: dict[str, Any], name: str, skipped: Counter[str]) -> Iterator[Message]:
    """The one part of a file `part/<message>/<part>.json`; who says it stands in `message/<session>/<message>.json`."""
    session, message = string(part["sessionID"]), string(part["messageID"])
    info: dict[str, Any] = {}
    if _ID.fullmatch(session) and _ID.fullmatch(message):
        info = mapping(sibling(name, 2, f"message/{session}/{message}.json"))
        if not info:
            skipped["part without its message"] += 1
            return
    yield from _part(part, info, {"id": session}, (1, ""), skipped)


def _part(
    part: dict[str, Any], info: dict[str, Any], session: dict[str, Any], at: tuple[int, str], skipped: Counter[str]
) -> Iterator[Message]:
    role, kind = info.get("role"), part.get("type")
    if role not in ("user", "assistant"):
        skipped[f"role {label(role)}"] += 1
        return
    if part.get("synthetic") is True or part.get("ignored") is True:
        skipped["injected"] += 1
        return
    told = [found for found in _told(part, role, info.get("summary") is True) if found[0].strip()]
    if not told:
        skipped[label(kind)] += 1
    identity = string(part.get("id"))
    for text, who, said_as, inner in told:
        yield Message(
            text=without_base64(text),
            role=who,
            kind=said_as,
            line=at[0],
            pointer=at[1] + inner,
            session=string(session.get("id")),
            id=f"{identity}{inner}" if identity else "",
            speaker=first_string(info, ("modelID",)) if role == "assistant" else "",
            time=_time(part, info),
            title=string(session.get("title")),
            project=string(session.get("directory")),
        )


def _time(part: dict[str, Any], info: dict[str, Any]) -> float | None:
    started = seconds(mapping(part.get("time")).get("start"))
    return started if started is not None else seconds(mapping(info.get("time")).get("created"))


def _told(part: dict[str, Any], role: Role, summary: bool) -> Iterator[_Told]:
    kind, state = part.get("type"), mapping(part.get("state"))
    if kind == "text":
        yield string(part.get("text")), role, "summary" if summary else "text", "/text"
    elif kind == "reasoning":
        yield string(part.get("text")), role, "thinking", "/text"
    elif kind == "tool":
        yield call_text(string(part.get("tool")), state.get("input")), role, "tool_call", ""
        field = "error" if state.get("status") == "error" else "output"
        yield tool_output(state.get(field)), "tool", "tool_result", f"/state/{field}"
