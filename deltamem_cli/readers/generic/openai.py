"""OpenAI or Anthropic messages: turns `{role, content}` in a JSON document, or a turn or conversation a line (JSONL).

A conversation is `{"messages": [turn, …]}`. A file of turns is one session unless they name theirs. Ids are derived
from the content, for the ids of such files ("msg_001") are not unique among files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.turn import ROLES, first_string, turn_messages
from deltamem_cli.readers.parse.values import mapping, parts_text, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "OpenAI or Anthropic messages (JSON or JSONL)"

_Entry = tuple[int, str, Any]  # line, pointer, a turn or a conversation
_SESSION = ("session_id", "conversation_id", "thread_id", "sessionId")
_OTHERS = {"mapping", "chat_messages", "guild", "projectHash", "haystack_sessions", "$set", "payload"}


def detect(head: Head) -> bool:
    """The first JSON value is a turn or a conversation, or an array of them."""
    first = _first(head)
    return not _OTHERS & first.keys() and (_is_turn(first) or _is_conversation(first))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of every conversation, in the order of the file; a JSON document is streamed too.

    Raises LogError where a JSON document breaks off.
    """
    entries: Iterator[_Entry]
    if isinstance(log.head.document, list):
        entries = ((1, f"/{index}", value) for index, value in items(log, "item"))
    elif log.head.is_jsonl:
        entries = ((line, "", record) for line, record in records(log.stream, report))
    else:
        entries = ((1, f"/messages/{index}", turn) for index, turn in items(log, "messages.item"))
        conversation = mapping(log.head.document)
        return chain(_system(conversation, 1, ""), _turns(entries, report, conversation))
    if _is_conversation(_first(log.head)):
        return each_with_ids(_conversation(entry, report) for entry in entries)
    return _turns(entries, report, {})


def _first(head: Head) -> dict[str, Any]:
    """The first turn or conversation of the head, as far as it reaches."""
    if isinstance(head.document, list):
        return mapping(head.document[0]) if head.document else {}
    return head.objects[0] if head.is_jsonl else mapping(head.document) if "messages" in mapping(head.document) else {}


def _is_turn(value: dict[str, Any]) -> bool:
    return string(value.get("role")).lower() in ROLES and ("content" in value or "tool_calls" in value)


def _is_conversation(value: dict[str, Any]) -> bool:
    turns = sequence(value.get("messages"))
    return bool(turns) and _is_turn(mapping(turns[0]))


def _conversation(entry: _Entry, report: ReadReport) -> Iterator[Message]:
    line, pointer, value = entry
    conversation = mapping(value)
    turns = sequence(conversation.get("messages"))
    if not turns:
        report.skipped["not a conversation"] += 1
    numbered = ((line, f"{pointer}/messages/{index}", turn) for index, turn in enumerate(turns))
    yield from _system(conversation, line, pointer)
    yield from _turns(numbered, report, conversation)


def _system(conversation: dict[str, Any], line: int, pointer: str) -> Iterator[Message]:
    """The system prompt that stands beside the turns, as Anthropic's messages have it."""
    text = parts_text(conversation.get("system"))
    if text.strip():
        yield Message(
            text=text,
            role="system",
            line=line,
            pointer=f"{pointer}/system",
            session=first_string(conversation, (*_SESSION, "id")),
        )


def _turns(entries: Iterator[_Entry], report: ReadReport, conversation: dict[str, Any]) -> Iterator[Message]:
    """The messages of turns, with the session and title that their conversation names."""
    whole_session = first_string(conversation, (*_SESSION, "id"))
    title, model = string(conversation.get("title")), string(conversation.get("model"))
    for line, pointer, entry in entries:
        turn = mapping(entry)
        session = first_string(turn, _SESSION) or whole_session
        for message in turn_messages(turn, line, pointer, report.skipped):
            speaker = message.speaker or (model if message.role == "assistant" else "")
            yield replace(message, session=session, title=title, speaker=speaker)
            title = ""
