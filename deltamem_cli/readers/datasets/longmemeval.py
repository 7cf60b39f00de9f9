"""LongMemEval (`longmemeval_s.json` and its kin): questions, each with the chats in which its answer hides.

Chats are sessions under the set's own ids, by which the questions name their evidence; one that several questions share
is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import label, mapping, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport, Role

TITLE = "LongMemEval questions with their chats (research set)"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
_DATE = re.compile(r"(\d{4})/(\d\d)/(\d\d) \(\w{3}\) (\d\d:\d\d)")
_MARKS = {"haystack_sessions", "haystack_session_ids", "haystack_dates"}


def detect(head: Head) -> bool:
    """The first record has a question and a haystack."""
    document = head.document
    first = mapping(document[0]) if isinstance(document, list) and document else mapping(document)
    return "question_id" in first and bool(_MARKS & first.keys())


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the turns of every chat, one question in memory at a time; a turn's time is that of its chat.

    Raises LogError where a JSON document breaks off, after the questions before.
    """
    seen: set[str] = set()
    if isinstance(log.head.document, list):
        for index, value in items(log, "item"):
            yield from _question(mapping(value), 1, f"/{index}", seen, report)
    else:
        for line, record in records(log.stream, report):
            yield from _question(record, line, "", seen, report)


def _question(record: dict[str, Any], line: int, pointer: str, seen: set[str], report: ReadReport) -> Iterator[Message]:
    ids, dates = sequence(record.get("haystack_session_ids")), sequence(record.get("haystack_dates"))
    for index, turns in enumerate(sequence(record.get("haystack_sessions"))):
        named = string(ids[index]) if index < len(ids) else ""
        session = named or f"{string(record.get('question_id'))}/{index}"
        if session in seen:
            report.skipped["session read before"] += 1
            continue
        seen.add(session)
        time = _time(string(dates[index])) if index < len(dates) else None
        for place, turn in enumerate(map(mapping, sequence(turns))):
            role, text = _ROLES.get(string(turn.get("role"))), string(turn.get("content"))
            if role is None or not text.strip():
                report.skipped["no text" if role else f"role {label(turn.get('role'))}"] += 1
                continue
            yield Message(
                text=text,
                role=role,
                line=line,
                pointer=f"{pointer}/haystack_sessions/{index}/{place}",
                session=session,
                id=f"{session}/{place}",
                time=time,
            )


def _time(date: str) -> float | None:
    """The time of a chat, such as "2023/05/28 (Sun) 19:47", taken as UTC."""
    found = _DATE.fullmatch(date)
    return seconds(f"{found[1]}-{found[2]}-{found[3]} {found[4]}") if found else None
