"""What coding agents print for programs: `claude -p --output-format stream-json` and `codex exec --json`, JSONL.

Neither has times. The last record of Claude's repeats the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deltamem_cli.readers.agents.codex_items import item_tool
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import is_injected
from deltamem_cli.readers.parse.turn import block_messages
from deltamem_cli.readers.parse.values import label, mapping, seconds, string
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Claude Code stream-json or codex exec --json (JSONL)"

_STREAM = ("user", "assistant", "system", "result", "stream_event", "rate_limit_event")
_TEXTS: dict[str, tuple[Role, Kind]] = {
    "agent_message": ("assistant", "text"),
    "assistant_message": ("assistant", "text"),
    "user_message": ("user", "text"),
    "reasoning": ("assistant", "thinking"),
}


def detect(head: Head) -> bool:
    """Records of a run that name their session, or the events of a thread."""
    return head.is_jsonl and (any(map(_is_stream, head.objects)) or any(map(_is_event, head.objects)))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of a run, in file order."""
    thread = model = ""
    told: set[str] = set()
    for line, record in records(log.stream, report):
        thread = string(record.get("thread_id")) or string(record.get("session_id")) or thread
        if "item" in record or string(record.get("type")).startswith(("thread.", "turn.")):
            found = _item(record, line, report.skipped)
        elif record.get("type") in ("user", "assistant") and isinstance(record.get("message"), dict):
            found = _turn(record, line, told, report.skipped)
        else:
            model = string(record.get("model")) or model
            kind = string(record.get("subtype")) if record.get("type") == "system" else ""
            report.skipped[label(f"{string(record.get('type'))} {kind}".strip())] += 1
            continue
        parent = string(record.get("parent_tool_use_id"))
        for message in found:
            speaker = message.speaker or model if message.role == "assistant" else ""
            session = f"{thread}/{parent}" if parent and thread else thread
            yield replace(message, session=session, speaker=speaker)


def _is_stream(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("session_id"), str) and "uuid" in record and "sessionId" not in record
    return named and record.get("type") in _STREAM


def _is_event(record: dict[str, Any]) -> bool:
    kind = string(record.get("type"))
    item = mapping(record.get("item"))
    return kind == "thread.started" or (kind.startswith("item.") and "type" in item)


def _turn(record: dict[str, Any], line: int, told: set[str], skipped: Counter[str]) -> Iterator[Message]:
    uuid, message = string(record.get("uuid")), mapping(record["message"])
    if uuid and uuid in told:
        skipped["told twice"] += 1
        return
    told.add(uuid)
    for said in block_messages({"role": record["type"]} | message, line, "/message", skipped):
        if said.role == "user" and said.kind == "text" and (record.get("isSynthetic") or is_injected(said.text)):
            skipped["injected"] += 1
            continue
        identity = f"{uuid}{said.pointer.removeprefix('/message')}" if uuid else ""
        yield replace(said, id=identity, time=seconds(record.get("timestamp")))


def _item(record: dict[str, Any], line: int, skipped: Counter[str]) -> Iterator[Message]:
    kind, item = string(record.get("type")), mapping(record.get("item"))
    shape = string(item.get("type"))
    if kind != "item.completed":
        skipped[label(kind)] += 1
    elif shape in _TEXTS and string(item.get("text")).strip():
        role, said_as = _TEXTS[shape]
        yield Message(text=string(item["text"]), role=role, kind=said_as, line=line, pointer="/item/text")
    elif tool := item_tool(item):
        yield Message(text=tool[0], role="assistant", kind="tool_call", line=line, pointer="/item")
        if tool[1].strip():
            yield Message(text=tool[1], role="tool", kind="tool_result", line=line, pointer="/item")
    else:
        skipped[label(shape or kind)] += 1
