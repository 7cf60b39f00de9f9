"""What a Claude Code file tells over several records: a session's title, and prompts that were queued."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from typing import Any

from deltamem_cli.readers.parse.markup import is_injected
from deltamem_cli.readers.parse.values import parts_text, string
from deltamem_cli.records import Message

_FIELD = {"summary": "summary", "agent-name": "agentName", "ai-title": "aiTitle", "custom-title": "customTitle"}
_RANK = {kind: rank for rank, kind in enumerate(_FIELD)}
_RECENT = 1000  # uuids among which a summary at the end of a file finds its leaf


class Titles:
    """The best title of each session so far: custom-title over ai-title over agent-name over summary.

    A summary names the session that its leaf belongs to, often one in another file: then it names none here.
    """

    def __init__(self) -> None:
        self._rank: dict[str, int] = {}
        self._new: dict[str, str] = {}
        self._leaves: dict[str, str] = {}
        self._recent: deque[tuple[str, str]] = deque(maxlen=_RECENT)

    def named(self, record: dict[str, Any], session: str) -> None:
        """Take note of a title record."""
        kind = string(record.get("type"))
        title = string(record.get(_FIELD[kind])).strip()
        if kind != "summary":
            self._offer(title, session, _RANK[kind])
            return
        leaf = string(record.get("leafUuid"))
        here = next((owner for uuid, owner in self._recent if uuid == leaf), None)
        if here is not None:
            self._offer(title, here, _RANK[kind])
        elif leaf and title:
            self._leaves[leaf] = title

    def seen(self, uuid: str, session: str) -> None:
        """Take note of a record, which may be the leaf of a summary."""
        if uuid:
            self._recent.append((uuid, session))
            if uuid in self._leaves:
                self._offer(self._leaves.pop(uuid), session, _RANK["summary"])

    def on(self, message: Message) -> Message:
        """Return the message, with its session's title if that is new."""
        if not self._new or message.session not in self._new:
            return message
        return replace(message, title=self._new.pop(message.session))

    def _offer(self, title: str, session: str, rank: int) -> None:
        if title and rank >= self._rank.get(session, -1):
            self._rank[session] = rank
            self._new[session] = title


class Queue:
    """Prompts typed while the model worked. Most come again as a user record; those that do not are told here.

    A queued prompt is a message when it was attached to a running turn, or when it left the queue and the next
    answer came without a user record that holds it.
    """

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._waiting: list[Message] = []
        self._taken: list[Message] = []

    def operation(self, record: dict[str, Any], blank: Message) -> None:
        """A queue-operation record; `blank` is a message of its place without text."""
        self._skipped["queue-operation"] += 1
        operation = record.get("operation")
        if operation == "enqueue":
            text = _prompt(record.get("content"))
            if text:
                self._waiting.append(replace(blank, text=text))
        elif operation == "dequeue" and self._waiting:
            self._taken.append(self._waiting.pop(0))
        elif operation == "remove" and self._waiting:  # sent at once, or taken back into the input line
            self._taken.append(self._waiting.pop())
        elif operation == "popAll":
            self._waiting.clear()

    def attached(self, prompt: object, blank: Message) -> list[Message]:
        """Note a queued_command attachment: the prompt reached the model in the middle of its turn."""
        text = _prompt(prompt)
        self.delivered(text)
        if not text:
            self._skipped["injected"] += 1
            return []
        return [replace(blank, text=text)]

    def delivered(self, text: str) -> None:
        """A user text: the queued prompts that it holds are told."""
        if self._waiting or self._taken:
            self._waiting = [message for message in self._waiting if message.text not in text]
            self._taken = [message for message in self._taken if message.text not in text]

    def answered(self) -> list[Message]:
        """Return, as the model answers, the prompts that left the queue and came in no user record."""
        if not self._taken:
            return []
        found, self._taken = self._taken, []
        return found

    def close(self) -> None:
        """The log ends: what still waits has not been said yet."""
        if waiting := len(self._waiting) + len(self._taken):
            self._skipped["queued prompt not sent"] += waiting


def _prompt(content: object) -> str:
    """What a person typed of a queued prompt, without the tool's own blocks."""
    blocks = content if isinstance(content, list) else [content]
    texts = (string(block) or parts_text([block]) for block in blocks)
    return "\n".join(text.strip() for text in texts if text.strip() and not is_injected(text))
