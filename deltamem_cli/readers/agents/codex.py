"""OpenAI Codex rollouts: `~/.codex/sessions/**/rollout-*.jsonl`, all three generations of them.

Response items are the spine; event messages add what only they hold, each matched with its twin by role and text
within a turn. Generation A has bare items, B envelopes `{timestamp, type, payload}`, C (paginated) tells its events
as `item_completed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.agents.codex_state import Recent, Twins
from deltamem_cli.readers.agents.codex_text import human_text, working_folder
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import digest
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    part_text,
    parts_text,
    seconds,
    sequence,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Codex rollout (JSONL)"

_ENVELOPES = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
_COPY_SECONDS = 1.0  # a fork writes its parent's records anew at once: nothing of its own is that early
_EVENT_TEXT: dict[str, tuple[str, Role, Kind]] = {  # event → (field of its text, role, kind)
    "user_message": ("message", "user", "text"),
    "agent_message": ("message", "assistant", "text"),
    "agent_reasoning": ("text", "assistant", "thinking"),
}
_ITEM_TEXT: dict[str, tuple[str, Role, Kind]] = {
    "UserMessage": ("content", "user", "text"),
    "AgentMessage": ("content", "assistant", "text"),
    "Reasoning": ("summary_text", "assistant", "thinking"),
    "Plan": ("text", "assistant", "text"),
}


def detect(head: Head) -> bool:
    """An envelope of Codex among the first records, or the bare header of the first generation."""
    objects = head.objects
    if any(string(record.get("type")) in _ENVELOPES and isinstance(record.get("payload"), dict) for record in objects):
        return True
    first = objects[0] if objects else {}
    return "type" not in first and {"id", "timestamp"} <= first.keys() and bool({"instructions", "git"} & first.keys())


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a rollout, in file order, without the turns that were rolled back."""
    return _Rollout(report).messages(records(log.stream, report))


class _Rollout:
    """One pass over a rollout: whose session, which turn, what has been said."""

    def __init__(self, report: ReadReport) -> None:
        self.skipped = report.skipped
        self.twins = Twins()
        self.recent = Recent()
        self.session = ""  # of the records now read
        self.own: dict[str, Any] | None = None  # payload of the first session_meta
        self.parent = ""  # whose records stand first in a forked session
        self.turn = ""
        self.project = self.title = self.model = ""
        self.line = 0
        self.time: float | None = None

    def messages(self, numbered: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Message]:
        """The messages of the records, those of the last turns held back until the end or until there are many."""
        for self.line, record in numbered:
            self.time = seconds(record.get("timestamp"))
            for message in self._record(record):
                yield from self.recent.add(message)
        yield from self.recent.drain()

    def _record(self, record: dict[str, Any]) -> list[Message]:
        payload, kind = record.get("payload"), record.get("type")
        if not isinstance(payload, dict):
            return self._bare(record)
        self._inherit(record)
        if kind == "session_meta":
            self._meta(payload)
        elif kind == "turn_context":
            self._turn(payload)
            self.model = string(payload.get("model")) or self.model
            self.project = string(payload.get("cwd")) or self.project
        elif kind == "response_item":
            return self._item(payload)
        elif kind == "event_msg":
            return self._event(payload)
        elif kind == "compacted":  # its replacement_history repeats what is above
            return self._said(string(payload.get("message")), "system", "summary", "item")
        self.skipped[label(kind)] += 1
        return []

    def _bare(self, record: dict[str, Any]) -> list[Message]:
        """A record without envelope: the first generation."""
        if "type" in record:
            self.time = None  # only the header has a time, that of the start
            return self._item(record)
        if self.own is None and isinstance(record.get("id"), str):
            self._meta(record)
            return []
        self.skipped[label(record.get("record_type"))] += 1
        return []

    def _meta(self, payload: dict[str, Any]) -> None:
        """The first header names the session; a later one heads records that were copied from its parent."""
        identity = string(payload.get("id")) or string(payload.get("session_id"))
        if self.own is None:
            self.own = {**payload, "time": seconds(payload.get("timestamp")) or self.time}
            self.session = identity
            self.parent = string(payload.get("forked_from_id"))
            self.project = string(payload.get("cwd"))
        elif identity != self.session:
            self.parent = self.parent or identity

    def _inherit(self, record: dict[str, Any]) -> None:
        """A fork begins with its parent's records: they belong to its session, and have the same ids there."""
        if not self.parent or self.own is None:
            return
        start, ordinal = self.own.get("subagent_history_start_ordinal"), record.get("ordinal")
        if isinstance(start, int) and isinstance(ordinal, int):
            copied = ordinal < start
        else:
            began = self.own["time"]
            copied = began is not None and self.time is not None and self.time <= began + _COPY_SECONDS
        own = string(self.own.get("id")) or string(self.own.get("session_id"))
        session = self.parent if copied else own
        if session != self.session:
            self.session, self.twins = session, Twins()

    def _turn(self, payload: dict[str, Any]) -> None:
        turn = string(payload.get("turn_id"))
        if turn and turn != self.turn:
            self.turn = turn
            self.twins.next_turn()

    def _item(self, item: dict[str, Any]) -> list[Message]:
        kind = item.get("type") or ("message" if "role" in item else None)
        call = string(item.get("call_id"))
        if kind == "message":
            return self._message(item)
        if kind == "reasoning":
            parts = [*sequence(item.get("summary")), *sequence(item.get("content"))]
            told = (self._said(part_text(part), "assistant", "thinking", "item") for part in parts)
            return [message for messages in told for message in messages]
        if kind in ("function_call", "custom_tool_call", "tool_search_call"):
            arguments = item.get("arguments", item.get("input"))
            return self._tool(call_text(string(item.get("name")) or label(kind), arguments), "tool_call", call)
        if kind in ("local_shell_call", "web_search_call"):
            name = "shell" if kind == "local_shell_call" else "web_search"
            return self._tool(call_text(name, item.get("action")), "tool_call", call or string(item.get("id")))
        if kind in ("function_call_output", "custom_tool_call_output", "tool_search_output"):
            return self._tool(tool_output(item.get("output")), "tool_result", call)
        self.skipped[label(kind)] += 1
        return []

    def _message(self, item: dict[str, Any]) -> list[Message]:
        role, content = item.get("role"), item.get("content")
        if role == "assistant":
            return self._said(parts_text(content), "assistant", "text", "item")
        self.project = self.project or working_folder(parts_text(content))
        if role != "user":  # developer and system: the tool's own instructions
            self.skipped["injected"] += 1
            return []
        parts = [content] if isinstance(content, str) else [part_text(part) for part in sequence(content)]
        return self._typed([string(part) for part in parts], "item")

    def _typed(self, parts: list[str], source: str) -> list[Message]:
        """What a person typed, the tool's context left out (and counted when nothing else is there)."""
        typed = "\n".join(text for text in map(human_text, parts) if text)
        if not typed.strip():
            self.skipped["injected" if any(part.strip() for part in parts) else "empty text"] += 1
            return []
        return self._said(typed, "user", "text", source)

    def _event(self, event: dict[str, Any]) -> list[Message]:
        kind = event.get("type")
        table = _EVENT_TEXT
        if kind in ("task_started", "turn_started"):
            self._turn(event)
        elif kind == "thread_rolled_back":
            turns = event.get("num_turns")
            self.skipped["rolled back"] += self.recent.roll_back(turns if isinstance(turns, int) else 0)
            return []
        elif kind == "thread_name_updated":
            self.title = string(event.get("thread_name")) or string(event.get("name"))
        elif kind == "item_completed":
            event = mapping(event.get("item"))
            kind, table = event.get("type"), _ITEM_TEXT
        if (kind := string(kind)) in table:
            field, role, said = table[kind]
            text = event.get(field)
            if role == "user":
                return self._typed([parts_text(text)], "event")
            return self._said(parts_text(text), role, said, "event")
        self.skipped[label(kind)] += 1
        return []

    def _said(self, text: str, role: Role, kind: Kind, source: str) -> list[Message]:
        """A text that response items and events may both tell: a message the first time."""
        text = without_base64(text)
        if not text.strip():
            self.skipped[f"empty {kind}"] += 1
            return []
        occurrence = self.twins.occurrence(source, self.session, role, kind, text.strip())
        if occurrence is None:
            self.skipped["told twice"] += 1
            return []
        identity = digest(self.session, role, kind, text.strip(), occurrence) if self.session else ""
        return [self._told(text, role, kind, identity)]

    def _tool(self, text: str, kind: Kind, call: str) -> list[Message]:
        if not text.strip():
            self.skipped[f"empty {kind}"] += 1
            return []
        identity = f"{self.session}/{call}/{kind}" if call and self.session else ""
        return [self._told(text, "assistant" if kind == "tool_call" else "tool", kind, identity)]

    def _told(self, text: str, role: Role, kind: Kind, identity: str) -> Message:
        title, self.title = self.title, ""
        return Message(
            text=text,
            role=role,
            kind=kind,
            line=self.line,
            session=self.session,
            id=identity,
            speaker=self.model if role == "assistant" else "",
            time=self.time,
            title=title,
            project=self.project,
        )
