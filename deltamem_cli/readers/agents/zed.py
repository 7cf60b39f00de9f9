"""Zed's agent threads (`threads.db`): a row is a thread, as JSON, packed with zstandard in newer versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.io.archives import MAX_RATIO
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.sqlite import Database, connect, json_of, place
from deltamem_cli.readers.parse.values import call_text, label, mapping, sequence, string, tool_output, without_base64
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Zed agent threads (threads.db)"

_ROLES: dict[str, Role] = {"User": "user", "Agent": "assistant"}
_OLD_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_LARGEST = 256 << 20  # bytes of a thread
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the message


def detect(head: Head) -> bool:
    """Its table of threads."""
    return {"id", "summary", "data_type", "data"} <= head.tables.get("threads", frozenset())


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of all threads, thread by thread. Raises LogError for a database that cannot be read."""
    with connect(log) as database:
        yield from _threads(database, report.skipped)


def _threads(database: Database, skipped: Counter[str]) -> Iterator[Message]:
    columns = ("id", "summary", "data_type", "data", "folder_paths")
    for rowid, key, summary, data_type, data, folders in database.rows("threads", columns, "ORDER BY rowid"):
        thread = mapping(json_of(_unpacked(data) if data_type == "zstd" else data))
        if not thread:
            skipped["thread that cannot be read"] += 1
        for index, message in enumerate(sequence(thread.get("messages"))):
            told = [found for found in _told(message) if found[0].strip()]
            if not told:
                skipped[label(message) if isinstance(message, str) else "no text"] += 1
            for text, role, kind, inner in told:
                session = string(key) or f"row {rowid}"
                yield Message(
                    text=without_base64(text),
                    role=role,
                    kind=kind,
                    line=place(rowid),
                    pointer=f"/threads/{rowid}/data/messages/{index}{inner}",
                    session=session,
                    id=f"{session}/{index}{inner}",
                    title=string(summary),
                    project=string(folders),
                )


def _unpacked(data: object) -> bytes:
    import zstandard

    if not isinstance(data, bytes):
        return b""
    try:
        most = min(_LARGEST, MAX_RATIO * len(data) + (1 << 20))
        with zstandard.ZstdDecompressor().stream_reader(data) as reader:
            return reader.read(most)
    except zstandard.ZstdError:
        return b""


def _told(message: object) -> Iterator[_Told]:
    """Messages are `{User: …}` or `{Agent: …}`; older threads have a role and segments."""
    fields = mapping(message)
    for name, who in _ROLES.items():
        inside = mapping(fields.get(name))
        for index, part in enumerate(map(mapping, sequence(inside.get("content")))):
            yield _part(part, who, f"/{name}/content/{index}")
        for key, result in mapping(inside.get("tool_results")).items():
            output = mapping(mapping(result).get("content")).get("Text", mapping(result).get("output"))
            yield tool_output(output), "tool", "tool_result", f"/{name}/tool_results/{key}"
    role = _OLD_ROLES.get(string(fields.get("role")))
    if role:
        for index, segment in enumerate(map(mapping, sequence(fields.get("segments")))):
            kind: Kind = "thinking" if segment.get("type") == "thinking" else "text"
            yield string(segment.get("text")), role, kind, f"/segments/{index}"


def _part(part: dict[str, Any], role: Role, pointer: str) -> _Told:
    if "ToolUse" in part:
        call = mapping(part["ToolUse"])
        return call_text(string(call.get("name")), call.get("input")), role, "tool_call", f"{pointer}/ToolUse"
    if "Thinking" in part:
        return string(mapping(part["Thinking"]).get("text")), role, "thinking", f"{pointer}/Thinking/text"
    return string(part.get("Text")), role, "text", f"{pointer}/Text"
