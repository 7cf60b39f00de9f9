"""Turns one after another under any usual names: `{speaker, text}`, `{author, message}`, `{user, text, ts}` and so on,
as JSONL or as a JSON array. A word for a role (user, assistant, …) is that role; any other name is a person's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import entries
from deltamem_cli.readers.parse.turn import ROLES, first_string
from deltamem_cli.readers.parse.values import mapping, parts_text, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "turns with a speaker and a text (JSON or JSONL)"

_WHO = ("role", "speaker", "author", "sender", "user", "from")
_WHAT = ("content", "text", "message", "utterance", "value")
_WHEN = ("timestamp", "created_at", "create_time", "datetime", "time", "ts", "date")
SESSION = ("session_id", "conversation_id", "thread_id", "sessionId")
_OTHERS = {"type", "payload", "guild", "team", "subtype", "blocks", "from_id", "date_unixtime"}  # people's chats
_OTHERS |= {"hash", "sha", "commit"}  # commits have authors and messages
_SHARE = 0.8  # of the records that must have the one pair of names


def detect(head: Head) -> bool:
    """Nearly all of the first records have the same two names for speaker and text."""
    return _names(head) is not None


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The turns in file order: one session, unless they name theirs. Raises LogError where a JSON array breaks off."""
    return _messages(log, report)


def _names(head: Head) -> tuple[str, str] | None:
    records = head.objects if head.is_jsonl else [mapping(value) for value in sequence(head.document)[:50]]
    for who in _WHO:
        for what in _WHAT:
            told = sum(1 for record in records if _is_turn(record, who, what))
            if told >= 2 and told >= _SHARE * len(records):
                return who, what
    return None


def _is_turn(record: dict[str, Any], who: str, what: str) -> bool:
    speaker = string(record.get(who)).strip()
    return 0 < len(speaker) <= 80 and isinstance(record.get(what), str) and not _OTHERS & record.keys()


def _messages(log: Log, report: ReadReport) -> Iterator[Message]:
    who, what = _names(log.head) or ("role", "content")
    for line, pointer, value in entries(log, report):
        turn = mapping(value)
        speaker, text = string(turn.get(who)).strip(), parts_text(turn.get(what))
        if not speaker or not text.strip():
            report.skipped["no speaker or no text"] += 1
            continue
        role = ROLES.get(speaker.lower())
        yield Message(
            text=text,
            role=role or "user",
            kind="tool_result" if role == "tool" else "text",
            line=line,
            pointer=f"{pointer}/{what}",
            session=first_string(turn, SESSION),
            speaker="" if role else speaker,
            time=next((time for key in _WHEN if (time := seconds(turn.get(key))) is not None), None),
        )
