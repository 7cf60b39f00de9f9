"""Chats as plain JSON: records of who said what when, such as `{"author": …, "message": …, "timestamp": …}`, in an
array or one a line. Converters of other tools write them (signal-export, chat-miner, langchain).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.generic.turns import SESSION
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.turn import ROLES, first_string
from deltamem_cli.readers.parse.values import mapping, plain, seconds, string
from deltamem_cli.records import Message, ReadReport

TITLE = "chat as JSON records (author, message, timestamp)"

_WHO = ("author", "sender", "sender_name", "speaker", "sender_id", "from")
_WHAT = ("message", "body", "text", "content")
_WHEN = ("timestamp", "date", "datetime", "timestamp_ms", "time")
_OTHERS = {"role", "type", "uuid", "messages", "payload", "kind"}  # records of other formats


def detect(head: Head) -> bool:
    """Every record that the head shows has a text, its author, who is a person, and a time."""
    document = head.document
    listed = document if isinstance(document, list) else head.objects if head.is_jsonl else []
    whole = [mapping(record) for record in listed][:50]
    return bool(whole) and all(_is_turn(record) for record in whole[: max(1, len(whole) - 1)])


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages, in file order. Raises LogError where a JSON document breaks off."""
    if isinstance(log.head.document, list):
        entries = ((1, f"/{index}", mapping(value)) for index, value in items(log, "item"))
    else:
        entries = ((line, "", record) for line, record in records(log.stream, report))
    return _messages(entries, report)


def _is_turn(record: dict[str, Any]) -> bool:
    said = isinstance(_first(record, _WHAT), str) and seconds(_first(record, _WHEN)) is not None
    who = _first(record, _WHO)
    named = isinstance(who, str | int) and str(who).lower() not in ROLES
    return said and named and not _OTHERS & record.keys()


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    """The value of the first of the keys that the record has."""
    return next((record[key] for key in keys if record.get(key) is not None), None)


def _messages(entries: Iterator[tuple[int, str, dict[str, Any]]], report: ReadReport) -> Iterator[Message]:
    for line, pointer, record in entries:
        text = string(_first(record, _WHAT))
        if not text.strip():
            report.skipped["no text"] += 1
            continue
        yield Message(
            text=text,
            role="user",
            line=line,
            pointer=pointer,
            session=first_string(record, SESSION),
            speaker=plain(_first(record, _WHO)),
            time=seconds(_first(record, _WHEN)),
        )
