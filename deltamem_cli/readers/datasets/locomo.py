"""LoCoMo (`locomo10.json`): long conversations of two people over many sessions, made for research.

The id of a message ends in the turn's `dia_id`, by which the questions of the set name their evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import digest
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.values import mapping, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "LoCoMo conversations (research set)"

_SESSION = re.compile(r"session_(\d{1,6})")


def detect(head: Head) -> bool:
    """The first conversation has two speakers and sessions, or questions with evidence (which may fill the head)."""
    document = head.document
    first = mapping(document[0] if isinstance(document, list) and document else document)
    talk = mapping(first.get("conversation")) or first
    asked = mapping(next(iter(sequence(first.get("qa"))), None))
    return {"speaker_a", "speaker_b"} <= talk.keys() or {"question", "evidence", "category"} <= asked.keys()


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the turns of every conversation, session by session; a turn's time is that of its session.

    Raises LogError where the JSON breaks off, after the conversations before.
    """
    many = isinstance(log.head.document, list)
    for index, value in items(log, "item" if many else ""):
        yield from _conversation(mapping(value), f"/{index}" if many else "", report)


def _conversation(record: dict[str, Any], pointer: str, report: ReadReport) -> Iterator[Message]:
    talk = mapping(record.get("conversation"))
    talk, pointer = (talk, f"{pointer}/conversation") if talk else (record, pointer)
    numbers = sorted(int(found[1]) for key in talk if (found := _SESSION.fullmatch(key)))
    name = string(record.get("sample_id"))
    for number in numbers:
        session = f"session_{number}"
        time = _time(string(talk.get(f"{session}_date_time")))
        turns = sequence(talk[session])
        name = name or digest(talk.get("speaker_a"), talk.get("speaker_b"), turns[:1])
        for index, turn in enumerate(map(mapping, turns)):
            text, caption = string(turn.get("text")), string(turn.get("blip_caption"))
            if not (text + caption).strip():
                report.skipped["no text"] += 1
                continue
            yield Message(
                text=f"{text} [image: {caption}]".strip() if caption else text,
                role="user",
                line=1,
                pointer=f"{pointer}/{session}/{index}",
                session=f"{name}/{session}",
                id=f"{name}/{string(turn.get('dia_id')) or f'D{number}:{index + 1}'}",
                speaker=string(turn.get("speaker")),
                time=time,
            )


def _time(date: str) -> float | None:
    """The time of a session, such as "1:56 pm on 8 May, 2023", taken as UTC."""
    try:
        return datetime.strptime(date.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
