"""opencode's second tables: `session_v2`, and `session_message` with whole messages in the order of `seq`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.sqlite import Database, json_of, place
from deltamem_cli.readers.parse.turn import first_string
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    seconds,
    sequence,
    server_result,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import Kind, Message, Role

_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the data


def second_generation(database: Database, skipped: Counter[str], sessions: set[object]) -> Iterator[Message]:
    """Yield the messages of all sessions; `sessions` gets the ids of those that have any."""
    columns = ("id", "directory", "title")
    known = {key: (string(folder), string(title)) for _, key, folder, title in database.rows("session_v2", columns)}
    told_by = ("id", "session_id", "type", "time_created", "data")
    rows = database.rows("session_message", told_by, "ORDER BY session_id, seq")
    for rowid, key, session, kind, created, value in rows:
        data = mapping(json_of(value))
        told = [found for found in _told(string(kind), data) if found[0].strip()]
        if not told:
            skipped[label(kind)] += 1
            continue
        sessions.add(session)
        folder, title = known.get(session, ("", ""))
        for text, role, said_as, inner in told:
            yield Message(
                text=without_base64(text),
                role=role,
                kind=said_as,
                line=place(rowid),
                pointer=f"/session_message/{rowid}/data{inner}",
                session=string(session),
                id=f"{key}{inner}" if key else "",
                speaker=first_string(mapping(data.get("model")), ("id", "modelID")) if role == "assistant" else "",
                time=seconds(mapping(data.get("time")).get("created")) or seconds(created),
                title=title,
                project=folder,
            )


def _told(kind: str, data: dict[str, Any]) -> Iterator[_Told]:
    if kind == "user":
        yield string(data.get("text")), "user", "text", "/text"
    elif kind in ("compaction", "summary"):
        field = "summary" if string(data.get("summary")) else "text"
        yield string(data.get(field)), "system", "summary", f"/{field}"
    elif kind == "shell":
        yield call_text("shell", {"command": data.get("command")}), "user", "tool_call", ""
        yield tool_output(data.get("output")), "tool", "tool_result", "/output"
    elif kind == "assistant":
        for index, part in enumerate(map(mapping, sequence(data.get("content")))):
            yield from _part(part, f"/content/{index}")


def _part(part: dict[str, Any], pointer: str) -> Iterator[_Told]:
    kind, state = part.get("type"), mapping(part.get("state"))
    if kind == "text":
        yield string(part.get("text")), "assistant", "text", f"{pointer}/text"
    elif kind == "reasoning":
        yield string(part.get("text")), "assistant", "thinking", f"{pointer}/text"
    elif kind == "tool":
        name = first_string(part, ("name", "tool"))
        yield call_text(name, state.get("input")), "assistant", "tool_call", pointer
        failed = state.get("error")
        answer = server_result(state.get("content")) or tool_output(state.get("output"))
        failure = string(failed) or string(mapping(failed).get("message"))
        yield answer or failure, "tool", "tool_result", f"{pointer}/state"
