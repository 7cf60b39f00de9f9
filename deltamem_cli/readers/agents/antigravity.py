"""Antigravity transcripts: JSONL of what the person asked and the model said; the request is wrapped with metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import without
from deltamem_cli.readers.parse.values import call_text, label, mapping, parts_text, seconds, sequence, string
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Antigravity transcript (JSONL)"

_ROLES: dict[str, Role] = {"USER_EXPLICIT": "user", "MODEL": "assistant"}
_SAID = ("", "PLANNER_RESPONSE", "NOTIFY_USER", "MODEL_RESPONSE")  # types of the model's own words
_METADATA = ("ADDITIONAL_METADATA", "USER_SETTINGS_CHANGE", "EPHEMERAL_MESSAGE")
_REQUEST = re.compile(r"</?USER_REQUEST>")
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer


def detect(head: Head) -> bool:
    """Records that name the person or the model as their source."""
    return any(_role(record.get("source")) and {"content", "step_index"} & record.keys() for record in head.objects)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a transcript, in file order."""
    return _messages(log.stream, report)


def _role(source: object) -> Role | None:
    return _ROLES.get(source) if isinstance(source, str) else None


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    for line, record in records(stream, report):
        told = [found for found in _told(record) if found[0].strip()]
        if not told:
            report.skipped[label(record.get("source"))] += 1
        for text, role, kind, pointer in told:
            time = seconds(record.get("created_at"))
            yield Message(text=text, role=role, kind=kind, line=line, pointer=pointer, time=time)


def _told(record: dict[str, Any]) -> Iterator[_Told]:
    """What a record says: of the model's steps only its responses are its words, the others are its tools' output."""
    role, text = _role(record.get("source")), parts_text(record.get("content"))
    if role == "user":
        for tag in _METADATA:
            text = without(text, tag)
        yield _REQUEST.sub("", text).strip(), "user", "text", "/content"
    elif role == "assistant":
        yield string(record.get("thinking")), "assistant", "thinking", "/thinking"
        said = string(record.get("type")) in _SAID
        yield text, "assistant" if said else "tool", "text" if said else "tool_result", "/content"
        for index, call in enumerate(map(mapping, sequence(record.get("tool_calls")))):
            arguments = call.get("args", call.get("arguments"))
            yield call_text(string(call.get("name")), arguments), "assistant", "tool_call", f"/tool_calls/{index}"
