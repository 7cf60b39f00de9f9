"""Qwen Code sessions: JSONL in the envelope of Claude Code, with messages in the parts of Gemini."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    plain,
    seconds,
    sequence,
    string,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Qwen Code session (JSONL)"

_ROLES: dict[object, Role] = {"user": "user", "assistant": "assistant", "tool_result": "tool"}


def detect(head: Head) -> bool:
    """Records of a session whose messages are made of parts."""
    return any(
        isinstance(mapping(record.get("message")).get("parts"), list) and isinstance(record.get("sessionId"), str)
        for record in head.objects
    )


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a session, in file order."""
    return _messages(log.stream, report)


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    for line, record in records(stream, report):
        role = _ROLES.get(string(record.get("type")))
        parts = sequence(mapping(record.get("message")).get("parts"))
        if role is None or not parts:
            report.skipped[label(record.get("type"))] += 1
            continue
        identity = string(record.get("uuid"))
        for index, part in enumerate(map(mapping, parts)):
            text, who, kind = _told(part, role)
            if not text.strip():
                report.skipped["part without text"] += 1
                continue
            yield Message(
                text=text,
                role=who,
                kind=kind,
                line=line,
                pointer=f"/message/parts/{index}",
                session=string(record.get("sessionId")),
                id=f"{identity}/{index}" if identity else "",
                speaker=string(record.get("model")) if role == "assistant" else "",
                time=seconds(record.get("timestamp")),
                project=string(record.get("cwd")),
            )


def _told(part: dict[str, Any], role: Role) -> tuple[str, Role, Kind]:
    call, result = mapping(part.get("functionCall")), mapping(part.get("functionResponse"))
    if call:
        return call_text(string(call.get("name")), call.get("args")), role, "tool_call"
    if result:
        response = mapping(result.get("response"))
        return without_base64(plain(response.get("output", response.get("error")))), "tool", "tool_result"
    thought = part.get("thought") is True
    return without_base64(string(part.get("text"))), role, "thinking" if thought else "text"
