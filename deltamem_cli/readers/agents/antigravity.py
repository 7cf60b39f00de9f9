"""Antigravity transcripts: JSONL of what the person asked and the model said; the request is wrapped with metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import without
from deltamem_cli.readers.parse.values import label, parts_text, seconds
from deltamem_cli.records import Message, ReadReport, Role

TITLE = "Antigravity transcript (JSONL)"

_ROLES: dict[str, Role] = {"USER_EXPLICIT": "user", "MODEL": "assistant"}
_REQUEST = re.compile(r"</?USER_REQUEST>")


def detect(head: Head) -> bool:
    """Records that name the person or the model as their source."""
    return any(_role(record.get("source")) and "content" in record for record in head.objects)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a transcript, in file order."""
    return _messages(log.stream, report)


def _role(source: object) -> Role | None:
    return _ROLES.get(source) if isinstance(source, str) else None


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    for line, record in records(stream, report):
        role, text = _role(record.get("source")), parts_text(record.get("content"))
        text = _REQUEST.sub("", without(text, "ADDITIONAL_METADATA")).strip() if role == "user" else text
        if role is None or not text.strip():
            report.skipped[label(record.get("source"))] += 1
            continue
        time = seconds(record.get("created_at"))
        yield Message(text=text, role=role, line=line, pointer="/content", time=time)
