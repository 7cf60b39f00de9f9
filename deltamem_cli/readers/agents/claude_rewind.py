"""Rewinds in a Claude Code file: two prompts of a person answer one record, and nothing goes on from the first.

The graph of parents is no tree of a chat: parallel tool calls fork it all the time. So only a prompt with a later
sibling that is a prompt, too, counts as left, with all that hangs on it, and no longer when a record goes on there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from deltamem_cli.records import OTHER_BRANCH, Message, ReadReport

_HELD_CHARACTERS = 16 << 20  # of messages that a rewind can still reach
_RECORD = 2000  # what a record costs beside its text, in characters


@dataclass(slots=True, eq=False)
class _Prompt:
    """A person's prompt. answers: uuid of its parent; above: the prompt that this one hangs on.

    settled: its record has come out, so whether it was left can change no more, and `left` holds for all above it, too.
    seen: the number of rewinds at which no prompt from here upwards was left.
    """

    answers: str
    above: _Prompt | None
    left: bool = False
    settled: bool = False
    seen: int = 0


@dataclass(slots=True)
class _Record:
    uuid: str
    prompt: _Prompt | None
    is_prompt: bool
    messages: list[Message]
    cost: int


class Rewinds:
    """Records held back until a rewind of them has become unlikely, in bounded memory."""

    def __init__(self, report: ReadReport) -> None:
        self._skipped = report.skipped
        self._held: deque[_Record] = deque()
        self._cost = self._rewinds = 0
        self._prompts: dict[str, _Prompt | None] = {}  # uuid of a held record → the prompt that it hangs on
        self._open: dict[str, list[_Prompt]] = {}  # uuid of a parent → held prompts that answer it and are not left

    def add(self, uuid: str, parent: str, messages: list[Message], *, by_user: bool) -> list[Message]:
        """Hold a record; the messages of those that must go to make room, oldest first."""
        prompt = self._prompts.get(parent) if parent else None
        self._go_on(prompt)
        is_prompt = by_user and parent != "" and uuid not in self._prompts and any(map(_typed, messages))
        if is_prompt:
            prompt = self._opened(parent, prompt)
        cost = _RECORD + sum([len(message.text) for message in messages])
        self._prompts.setdefault(uuid, prompt)
        self._held.append(_Record(uuid, prompt, is_prompt=is_prompt, messages=messages, cost=cost))
        self._cost += cost
        out: list[Message] = []
        while self._cost > _HELD_CHARACTERS and len(self._held) > 1:
            out += self._pop_first()
        return out

    def drain(self) -> list[Message]:
        """Return all that is held, at the end of the log."""
        return [message for _ in range(len(self._held)) for message in self._pop_first()]

    def _go_on(self, prompt: _Prompt | None) -> None:
        """A record hangs on this prompt: it was not left after all, nor was any above it."""
        while prompt and not prompt.settled and prompt.seen < self._rewinds:
            prompt.seen = self._rewinds
            if prompt.left:
                prompt.left = False
                self._open.setdefault(prompt.answers, []).append(prompt)
            prompt = prompt.above

    def _opened(self, parent: str, above: _Prompt | None) -> _Prompt:
        """A new prompt; those that answer the same record are left."""
        for sibling in self._open.get(parent, ()):
            sibling.left = True
            self._rewinds += 1
        prompt = _Prompt(parent, above, seen=self._rewinds)
        self._open[parent] = [prompt]
        return prompt

    def _pop_first(self) -> list[Message]:
        record = self._held.popleft()
        self._cost -= record.cost
        self._prompts.pop(record.uuid, None)
        if record.is_prompt and record.prompt:
            self._settle(record.prompt)
        if not (record.messages and record.prompt and record.prompt.left):
            return record.messages
        self._skipped[OTHER_BRANCH] += 1
        return [replace(message, off_path=True) for message in record.messages]

    def _settle(self, prompt: _Prompt) -> None:
        siblings = self._open.get(prompt.answers, [])
        if prompt in siblings:
            siblings.remove(prompt)
        if not siblings:
            self._open.pop(prompt.answers, None)
        prompt.left = prompt.left or (prompt.above is not None and prompt.above.left)
        prompt.settled, prompt.above = True, None


def _typed(message: Message) -> bool:
    return message.role == "user" and message.kind == "text"
