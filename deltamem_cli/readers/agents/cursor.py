"""Cursor: the databases `state.vscdb` of the editor, and the agent transcripts (JSONL) of its command line.

In the database a composer is a chat: it lists its bubbles in order, or holds them itself (older versions). The table
is gigabytes of other things, so only those keys are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import is_wrapped, opened_by
from deltamem_cli.readers.parse.sqlite import Database, connect, is_open, json_of, place
from deltamem_cli.readers.parse.turn import block_messages
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

TITLE = "Cursor chats (state.vscdb, or agent transcript JSONL)"

_BUBBLE_ROLES: dict[object, Role] = {1: "user", 2: "assistant", "user": "user", "ai": "assistant"}
_OLD_CHATS = "workbench.panel.aichat.view.aichat.chatdata"
_INJECTED = frozenset({"user_info", "environment_details", "system_reminder", "attached_files", "open_files"})
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the bubble
_Placed = tuple[int, str, dict[str, Any]]  # line, pointer, bubble


def detect(head: Head) -> bool:
    """The table that only its database has, or lines `{role, message: {content: […]}}`."""
    if head.tables:
        return "cursorDiskKV" in head.tables
    first = head.objects[0] if head.is_jsonl else {}
    spoken = isinstance(mapping(first.get("message")).get("content"), list)
    return first.get("role") in ("user", "assistant") and spoken and "type" not in first


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of all chats of a database, chat by chat, or of one transcript (which has no times).

    Raises LogError for a database that cannot be read.
    """
    if not is_open(log):
        yield from _transcript(log.stream, report)
        return
    with connect(log) as database:
        yield from each_with_ids(
            _messages(session, title, bubbles, report.skipped)
            for session, title, bubbles in _chats(database, report.skipped)
        )


def _transcript(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    for line, record in records(stream, report):
        if "role" not in record:
            report.skipped[label(record.get("type"))] += 1
            continue
        turn = mapping(record.get("message")) | {"role": record["role"]}
        for message in block_messages(turn, line, "/message", report.skipped):
            if is_wrapped(message.text, _INJECTED):
                report.skipped["injected"] += 1
                continue
            query = opened_by(message.text, ("user_query",)) if message.role == "user" else None
            yield replace(message, text=query[0]) if query and query[0] and not query[1] else message


def _chats(database: Database, skipped: Counter[str]) -> Iterator[tuple[str, str, Iterator[_Placed]]]:
    """(id, title, bubbles) of every chat."""
    composers = "WHERE key >= 'composerData:' AND key < 'composerData;' ORDER BY rowid"
    for rowid, key, value in database.rows("cursorDiskKV", ("key", "value"), composers):
        chat, session = mapping(json_of(value)), string(key).partition(":")[2]
        title = string(chat.get("name"))
        if inline := sequence(chat.get("conversation")):
            pointer = f"/cursorDiskKV/{rowid}/value/conversation"
            yield session, title, _inline(inline, place(rowid), pointer)
        elif headers := sequence(chat.get("fullConversationHeadersOnly")):
            yield session, title, _bubbles(database, session, headers, skipped)
        else:
            skipped["chat without messages"] += 1
    for rowid, value in database.rows("ItemTable", ("value",), "WHERE key = ?", (_OLD_CHATS,)):
        for index, tab in enumerate(map(mapping, sequence(mapping(json_of(value)).get("tabs")))):
            pointer = f"/ItemTable/{rowid}/value/tabs/{index}/bubbles"
            bubbles = _inline(sequence(tab.get("bubbles")), place(rowid), pointer)
            yield string(tab.get("tabId")), string(tab.get("chatTitle")), bubbles


def _inline(bubbles: list[Any], line: int, pointer: str) -> Iterator[_Placed]:
    for index, bubble in enumerate(bubbles):
        yield line, f"{pointer}/{index}", mapping(bubble)


def _bubbles(database: Database, session: str, headers: list[Any], skipped: Counter[str]) -> Iterator[_Placed]:
    """The bubbles that a chat's headers list, each from its own row."""
    for header in headers:
        key = f"bubbleId:{session}:{string(mapping(header).get('bubbleId'))}"
        row = next(database.rows("cursorDiskKV", ("value",), "WHERE key = ?", (key,)), None)
        if row is None:
            skipped["bubble that is gone"] += 1
        else:
            yield place(row[0]), f"/cursorDiskKV/{row[0]}/value", mapping(json_of(row[1]))


def _messages(session: str, title: str, bubbles: Iterator[_Placed], skipped: Counter[str]) -> Iterator[Message]:
    for line, pointer, bubble in bubbles:
        role = _BUBBLE_ROLES.get(bubble.get("type")) if isinstance(bubble.get("type"), int | str) else None
        told = [found for found in _told(bubble, role) if found[0].strip()] if role else []
        if not told:
            skipped["no text"] += 1
        identity = string(bubble.get("bubbleId")) or string(bubble.get("id"))
        for text, who, kind, inner in told:
            yield Message(
                text=without_base64(text),
                role=who,
                kind=kind,
                line=line,
                pointer=pointer + inner,
                session=session,
                id=f"{identity}{inner}" if identity else "",
                time=_time(bubble),
                title=title,
                project=string(bubble.get("workspaceProjectDir")),
            )
            title = ""


def _time(bubble: dict[str, Any]) -> float | None:
    created = seconds(bubble.get("createdAt"))
    return created if created is not None else seconds(mapping(bubble.get("timingInfo")).get("clientStartTime"))


def _told(bubble: dict[str, Any], role: Role) -> Iterator[_Told]:
    yield string(mapping(bubble.get("thinking")).get("text")), "assistant", "thinking", "/thinking/text"
    field = "text" if string(bubble.get("text")) else "rawText"
    yield string(bubble.get(field)), role, "text", f"/{field}"
    tool = mapping(bubble.get("toolFormerData"))
    if tool:
        arguments = tool.get("rawArgs") or tool.get("params")
        yield call_text(string(tool.get("name")), arguments), "assistant", "tool_call", "/toolFormerData"
        yield tool_output(tool.get("result")), "tool", "tool_result", "/toolFormerData/result"
