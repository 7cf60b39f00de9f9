"""Claude Code sessions: `~/.claude/projects/*/*.jsonl`, sub-agents' files, and Claude Code for web's `session.json`.

Messages come in file order, one for each content block; a record's own line leads to it. Two records with one uuid
give two messages with one id: the ids are what a memory drops copies by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from deltamem_cli.errors import LogError
from deltamem_cli.readers.agents.claude_rewind import Rewinds
from deltamem_cli.readers.agents.claude_state import Queue, Titles
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.markup import is_injected, slash_command
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    part_text,
    parts_text,
    seconds,
    sequence,
    string,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Claude Code session (JSONL)"

_TITLE_TYPES = frozenset({"custom-title", "ai-title", "agent-name", "summary"})
_BOOKKEEPING = _TITLE_TYPES | {"queue-operation", "permission-mode", "mode", "last-prompt", "attachment", "progress"}
_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


def detect(head: Head) -> bool:
    """Any of the first records is one of Claude Code's, or the document is a `session.json` of them."""
    if any(_is_record(record) for record in head.objects):
        return True
    return any(_is_record(record) for record in _loglines(head))


def _loglines(head: Head) -> list[dict[str, Any]]:
    return [mapping(record) for record in sequence(mapping(head.document).get("loglines"))]


def _is_record(record: dict[str, Any]) -> bool:
    kind, message = string(record.get("type")), record.get("message")
    if kind == "summary":
        return "leafUuid" in record
    if kind == "file-history-snapshot":
        return "messageId" in record
    if isinstance(record.get("sessionId"), str) and ("parentUuid" in record or kind in _BOOKKEEPING):
        return "projectHash" not in record
    told = kind in ("user", "assistant") and isinstance(message, dict) and "content" in message
    return told and ("timestamp" in record or "uuid" in record) and "session_id" not in record


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a session file, in file order. Raises LogError for a broken `session.json`."""
    if b'"loglines"' in log.head.data and "loglines" in mapping(log.head.document):
        numbered = _web_records(log, report)
    else:
        numbered = ((line, "", record) for line, record in records(log.stream, report))
    return _Session(report).messages(numbered)


def _web_records(log: Log, report: ReadReport) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for index, record in items(log, "loglines.item"):
        if isinstance(record, dict):
            yield 1, f"/loglines/{index}", record
        else:
            report.skipped["not an object"] += 1


@dataclass(slots=True)
class _Place:
    """Where a record stands, and what all its messages share."""

    line: int
    pointer: str
    session: str
    uuid: str
    time: float | None
    project: str
    speaker: str = ""

    def message(self, text: str, role: Role, kind: Kind, part: str = "") -> Message:
        return Message(
            text=text,
            role=role,
            kind=kind,
            line=self.line,
            pointer=self.pointer,
            session=self.session,
            id=self.uuid + part if self.uuid else "",
            speaker=self.speaker if role == "assistant" else "",
            time=self.time,
            project=self.project,
        )


class _Session:
    """One pass over a file: what must be remembered between records."""

    def __init__(self, report: ReadReport) -> None:
        self.skipped = report.skipped
        self.titles = Titles()
        self.queue = Queue(report.skipped)
        self.rewinds = Rewinds(report)
        self.session_id = ""

    def messages(self, numbered: Iterator[tuple[int, str, dict[str, Any]]]) -> Iterator[Message]:
        """Messages, the last ones held back: a title or a rewind that follows still reaches them."""
        try:
            yield from self._told(numbered)
        except LogError:
            yield from self._titled(self.rewinds.drain())
            raise
        yield from self._titled(self.rewinds.drain())
        self.queue.close()

    def _told(self, numbered: Iterator[tuple[int, str, dict[str, Any]]]) -> Iterator[Message]:
        for line, pointer, record in numbered:
            place = self._place(line, pointer, record)
            kind = record.get("type")
            if kind == "user" or kind == "assistant":
                found = self._turn(record, place, kind)
            else:
                found = self._other(record, place)
            self.titles.seen(place.uuid, place.session)
            if place.uuid or found:
                parent = string(record.get("parentUuid"))
                settled = self.rewinds.add(place.uuid, parent, found, by_user=kind == "user")
                if settled:
                    yield from self._titled(settled)

    def _titled(self, messages: Iterable[Message]) -> Iterator[Message]:
        """The messages, a new title on the next one that is not left out."""
        return (message if message.off_path else self.titles.on(message) for message in messages)

    def _place(self, line: int, pointer: str, record: dict[str, Any]) -> _Place:
        get = record.get
        self.session_id = session = string(get("sessionId")) or self.session_id
        if get("isSidechain") is True:  # a sub-agent: its records carry the parent's id
            agent = string(get("agentId"))
            session = f"{session}/agent-{agent}" if agent else f"{session}/sidechain"
        return _Place(
            line=line,
            pointer=pointer,
            session=session,
            uuid=string(get("uuid")),
            time=seconds(get("timestamp")),
            project=string(get("cwd")),
        )

    def _turn(self, record: dict[str, Any], place: _Place, role: Role) -> list[Message]:
        message = record.get("message")
        if not isinstance(message, dict):
            self.skipped[f"{role} without message"] += 1
            return []
        place.speaker = string(message.get("model"))
        if role == "assistant":
            if record.get("isApiErrorMessage") or place.speaker == "<synthetic>":
                self.skipped["api error"] += 1
                return []
            return [*self.queue.answered(), *self._blocks(message.get("content"), place, "assistant")]
        if record.get("isCompactSummary"):
            text = parts_text(message.get("content"))
            return [place.message(text, "system", "summary")] if text.strip() else []
        return self._human(record, message.get("content"), place)

    def _human(self, record: dict[str, Any], content: object, place: _Place) -> list[Message]:
        """A user record: a person's words only if it is not marked as the tool's and holds no tool result."""
        injected = record.get("isMeta") is True
        injected = injected or any(mapping(block).get("type") == "tool_result" for block in sequence(content))
        found = self._blocks(content, place, "user", injected)
        self.queue.delivered("\n".join((parts_text(content), *(message.text for message in found))))
        return found

    def _blocks(self, content: object, place: _Place, role: Role, injected: bool = False) -> list[Message]:
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else sequence(content)
        found: list[Message] = []
        for ordinal, block in enumerate(blocks):
            message = self._block(mapping(block), place, role, injected)
            if message is None:
                continue
            if len(blocks) > 1:
                part = f"#{ordinal}"
                pointer = f"{place.pointer}/message/content/{ordinal}"
                message = replace(message, id=message.id and message.id + part, pointer=pointer)
            found.append(message)
        return found

    def _block(self, block: dict[str, Any], place: _Place, role: Role, injected: bool) -> Message | None:
        kind = block.get("type")
        if kind == "text":
            return self._text(part_text(block), place, role, injected)
        if kind == "thinking":
            return self._said(string(block.get("thinking")), place, role, "thinking")
        if kind == "tool_result":
            return self._said(parts_text(block.get("content")), place, "tool", "tool_result")
        if kind in _CALLS:
            return self._said(call_text(string(block.get("name")), block.get("input")), place, role, "tool_call")
        self.skipped[label(kind)] += 1
        return None

    def _text(self, text: str, place: _Place, role: Role, injected: bool) -> Message | None:
        """A text block; of a user's, only what a person typed."""
        if role == "user":
            command = None if injected else slash_command(text)
            if command == "":
                self.skipped["slash command"] += 1
                return None
            if command is None and (injected or is_injected(text)):
                self.skipped["injected"] += 1
                return None
            text = command or text
        return self._said(without_base64(text), place, role, "text")

    def _said(self, text: str, place: _Place, role: Role, kind: Kind) -> Message | None:
        if text.strip():
            return place.message(text, role, kind)
        self.skipped[f"empty {kind}"] += 1
        return None

    def _other(self, record: dict[str, Any], place: _Place) -> list[Message]:
        """A record that is no turn: a title, a queued prompt, or bookkeeping that is counted."""
        kind = string(record.get("type"))
        if kind in _TITLE_TYPES:
            self.titles.named(record, place.session)
        elif kind == "queue-operation":
            self.queue.operation(record, place.message("", "user", "text"))
            return []
        elif kind == "attachment":
            attachment = mapping(record.get("attachment"))
            if attachment.get("type") == "queued_command":
                return self.queue.attached(attachment.get("prompt"), place.message("", "user", "text"))
            kind = f"attachment {label(attachment.get('type'))}"
        elif kind == "system" and isinstance(record.get("subtype"), str):
            kind = f"system {label(record['subtype'])}"
        self.skipped[label(kind)] += 1
        return []
