"""What a Codex rollout tells over several records: texts told twice, and turns taken back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from deltamem_cli.readers.parse.ids import digest
from deltamem_cli.records import Message

_HELD_CHARACTERS = 16 << 20  # of messages that a rollback can still reach


class Twins:
    """Tells whether a text is new or the twin of one from the other source (response item or event).

    Twins stand in the same turn or in neighbouring ones; each text has one twin at most, so a sentence said twice
    counts twice.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._single: dict[bytes, list[tuple[str, int]]] = {}
        self._said: dict[bytes, int] = {}

    def next_turn(self) -> None:
        """A new turn begins; what is two turns old has no twin to come."""
        self._turn += 1
        self._single = {
            key: kept
            for key, places in self._single.items()
            if (kept := [place for place in places if place[1] >= self._turn - 1])
        }

    def occurrence(self, source: str, *what: str) -> int | None:
        """Return how often this has been said before, or None when it is a twin of what was told."""
        key = bytes.fromhex(digest(*what))
        places = self._single.setdefault(key, [])
        for place in places:
            if place[0] != source:
                places.remove(place)
                return None
        places.append((source, self._turn))
        self._said[key] = self._said.get(key, -1) + 1
        return self._said[key]


class Recent:
    """Messages held back until a rollback of their turn has become unlikely, in bounded memory."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._characters = 0

    def add(self, message: Message) -> Iterator[Message]:
        """Hold a message; the ones that must go to make room come out, oldest first."""
        self._messages.append(message)
        self._characters += len(message.text)
        while self._characters > _HELD_CHARACTERS:
            yield self._pop_first()

    def drain(self) -> Iterator[Message]:
        """Yield all that is held, at the end of the log."""
        while self._messages:
            yield self._pop_first()

    def roll_back(self, turns: int) -> int:
        """Drop the last `turns` turns, each from a user's text on; how many messages that were."""
        before = len(self._messages)
        turns = min(turns, sum(map(_begins_turn, self._messages)))
        while turns > 0:
            message = self._messages.pop()
            self._characters -= len(message.text)
            turns -= _begins_turn(message)
        return before - len(self._messages)

    def _pop_first(self) -> Message:
        message = self._messages.popleft()
        self._characters -= len(message.text)
        return message


def _begins_turn(message: Message) -> bool:
    return message.role == "user" and message.kind == "text"
