"""SillyTavern chats: JSONL, a header, then messages that say whether the user wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import label, mapping, seconds, string, without_base64
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "SillyTavern chat (JSONL)"

_CLOCK = re.compile(r"(\w{3,9} \d{1,2}, \d{4}) (\d{1,2}:\d{2}) ?([ap]m)", re.I)
_STAMP = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@ ?(\d{1,2})h ?(\d{1,2})m ?(\d{1,2})s")


def detect(head: Head) -> bool:
    """Messages with `mes` and `is_user`."""
    return any("mes" in record and "is_user" in record for record in head.objects[:5])


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of a chat, in file order; swipes that were not chosen are left out."""
    for line, record in records(log.stream, report):
        text = without_base64(string(record.get("mes")))
        if "is_user" not in record or not text.strip():
            report.skipped["header" if "user_name" in record else label(record.get("type"))] += 1
            continue
        if swipes := len(record["swipes"]) - 1 if isinstance(record.get("swipes"), list) else 0:
            report.skipped["swipe not chosen"] += swipes
        role: Role = (
            "user" if record["is_user"] is True else "system" if record.get("is_system") is True else "assistant"
        )
        thought = string(mapping(record.get("extra")).get("reasoning"))
        told: list[tuple[str, Kind, str]] = [(thought, "thinking", "/extra/reasoning"), (text, "text", "/mes")]
        for said, kind, pointer in told:
            if said.strip():
                yield Message(
                    text=said,
                    role=role,
                    kind=kind,
                    line=line,
                    pointer=pointer,
                    speaker=string(record.get("name")),
                    time=_time(record.get("send_date")),
                )


def _time(value: Any) -> float | None:  # noqa: ANN401 - any JSON value
    """The time of a message: ISO 8601, a number, or one of the tool's two ways to write a date."""
    text = string(value)
    if clock := _CLOCK.fullmatch(text):
        try:
            moment = datetime.strptime(f"{clock[1]} {clock[2]} {clock[3].upper()}", "%B %d, %Y %I:%M %p")
        except ValueError:
            return None
        return seconds(moment.replace(tzinfo=UTC).timestamp())
    if stamp := _STAMP.match(text):
        year, month, day, hour, minute, second = (int(part) for part in stamp.groups())
        return seconds(f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    return seconds(value)
