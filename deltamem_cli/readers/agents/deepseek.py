"""DeepSeek's coding agent: `session.jsonl`, whole messages beside the chunks they were streamed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    parts_text,
    seconds,
    sequence,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "DeepSeek agent session (JSONL)"

_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the data


def detect(head: Head) -> bool:
    """A header of type "session" with its moment of creation in milliseconds."""
    first = head.objects[0] if head.is_jsonl else {}
    return first.get("type") == "session" and {"id", "version", "createdAt"} <= first.keys()


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a session, in file order."""
    return _messages(log.stream, report)


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    session = project = title = ""
    for line, record in records(stream, report):
        kind, data = string(record.get("type")), mapping(record.get("data"))
        if kind == "session":
            session, project = string(record.get("id")), string(record.get("cwd"))
        title = string(data.get("title")) if kind == "session/title" else title
        if kind == "user/message" and mapping(data.get("source")).get("kind", "user") != "user":
            report.skipped["injected"] += 1
            continue
        told = [found for found in _told(kind, data) if found[0].strip()]
        if not told:
            report.skipped[label(kind)] += 1
        for text, role, said_as, pointer in told:
            yield Message(
                text=text,
                role=role,
                kind=said_as,
                line=line,
                pointer=f"/data{pointer}",
                session=session,
                id=f"{session}/{record['seq']}{pointer}" if session and isinstance(record.get("seq"), int) else "",
                time=seconds(record.get("time")),
                title=title,
                project=project,
            )


def _told(kind: str, data: dict[str, Any]) -> Iterator[_Told]:
    if kind == "user/message":
        yield parts_text(data.get("content")), "user", "text", "/content"
    elif kind == "assistant/message":
        for index, part in enumerate(map(mapping, sequence(mapping(data.get("message")).get("content")))):
            said_as: Kind = "thinking" if part.get("type") == "reasoning" else "text"
            yield without_base64(string(part.get("text"))), "assistant", said_as, f"/message/content/{index}"
    elif kind == "tool/call":
        yield call_text(string(data.get("name")), data.get("arguments")), "assistant", "tool_call", ""
    elif kind == "tool/result":
        for index, part in enumerate(map(mapping, sequence(mapping(data.get("message")).get("content")))):
            yield tool_output(part.get("content")), "tool", "tool_result", f"/message/content/{index}"
