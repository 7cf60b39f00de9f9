"""Factory Droid sessions: `~/.factory/sessions/**/*.jsonl`, a header, then messages in Anthropic's blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import is_injected
from deltamem_cli.readers.parse.turn import block_messages, first_string
from deltamem_cli.readers.parse.values import label, mapping, seconds, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Factory Droid session (JSONL)"


def detect(head: Head) -> bool:
    """Its header."""
    return any(record.get("type") == "session_start" and "id" in record for record in head.objects[:5])


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of a session, in file order."""
    session = title = project = ""
    for line, record in records(log.stream, report):
        kind = string(record.get("type"))
        if kind == "session_start":
            session, project = string(record.get("id")), string(record.get("cwd"))
            title = first_string(record, ("sessionTitle", "title"))
        if kind == "compaction_state" and string(record.get("summaryText")).strip():
            text = string(record["summaryText"])
            yield Message(text=text, role="system", kind="summary", line=line, pointer="/summaryText", session=session)
            continue
        if kind != "message":
            report.skipped[label(kind)] += 1
            continue
        identity = string(record.get("id"))
        for message in block_messages(mapping(record.get("message")), line, "/message", report.skipped):
            if message.role == "user" and message.kind == "text" and is_injected(message.text):
                report.skipped["injected"] += 1
                continue
            yield replace(
                message,
                session=session,
                id=f"{session}/{identity}{message.pointer.removeprefix('/message')}/{message.kind}"
                if session and identity
                else "",
                time=seconds(record.get("timestamp")),
                title=title,
                project=project,
            )
            title = ""
