"""ShareGPT: conversations of turns `{from, value}`, as a JSON array, a document, or JSONL (one a line)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import entries
from deltamem_cli.readers.parse.sqlite import json_of
from deltamem_cli.readers.parse.turn import first_string
from deltamem_cli.readers.parse.values import call_text, label, mapping, sequence, string, tool_output, without_base64
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "ShareGPT conversations (JSON or JSONL)"

_LISTS = ("conversations", "conversation", "dialog", "chat", "items")
_ROLES: dict[str, Role] = {
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard", "claude", "model", "ai"), "assistant"),
    "function_call": "assistant",
    **dict.fromkeys(("observation", "tool", "function_response"), "tool"),
    "system": "system",
}


def detect(head: Head) -> bool:
    """The first conversation holds turns with `from` and `value`."""
    document = head.document
    listed = sequence(document)
    first = mapping(listed[0] if listed else document) if not head.is_jsonl else head.objects[0]
    return bool(_turns(first)[1])


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of every conversation, in the order of the file; each conversation is a session.

    Raises LogError where a JSON document breaks off.
    """
    return each_with_ids(
        _messages(mapping(value), line, pointer, report.skipped) for line, pointer, value in entries(log, report)
    )


def _turns(conversation: dict[str, Any]) -> tuple[str, list[Any]]:
    """(key, turns) of a conversation; no turns where the first is none of ShareGPT."""
    for key in _LISTS:
        turns = sequence(conversation.get(key))
        if turns and isinstance(mapping(turns[0]).get("from"), str) and "value" in turns[0]:
            return key, turns
    return "", []


def _messages(conversation: dict[str, Any], line: int, pointer: str, skipped: Counter[str]) -> Iterator[Message]:
    key, turns = _turns(conversation)
    if not turns:
        skipped["not a conversation"] += 1
    title = string(conversation.get("title"))
    system = string(conversation.get("system"))
    if system.strip():
        yield Message(text=system, role="system", line=line, pointer=f"{pointer}/system", title=title)
        title = ""
    for index, turn in enumerate(map(mapping, turns)):
        role = _ROLES.get(string(turn.get("from")).lower())
        text, kind = _told(turn)
        if role is None or not text.strip():
            skipped[f"turn of {label(turn.get('from'))}" if role is None else "no text"] += 1
            continue
        yield Message(
            text=text,
            role=role,
            kind=kind,
            line=line,
            pointer=f"{pointer}/{key}/{index}/value",
            speaker=first_string(conversation, ("model",)) if role == "assistant" else "",
            title=title,
        )
        title = ""


def _told(turn: dict[str, Any]) -> tuple[str, Kind]:
    said = string(turn.get("from")).lower()
    value = turn.get("value")
    if said == "function_call":
        call = mapping(json_of(value)) or mapping(value)
        return (call_text(string(call.get("name")), call.get("arguments")) if call else string(value)), "tool_call"
    if _ROLES.get(said) == "tool":
        return tool_output(value), "tool_result"
    return without_base64(string(value)), "text"
