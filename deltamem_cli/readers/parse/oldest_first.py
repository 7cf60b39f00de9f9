"""Exports that list the newest message first, put in the order in which they were said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from deltamem_cli.records import Message

_HELD = 64 << 20  # characters that are held back; of more, each part is in order by itself


def oldest_first(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages, each run of one session turned round where its times run backwards from the start."""
    for _, run in groupby(messages, key=lambda message: message.session):
        yield from _turned(run)


def _turned(run: Iterator[Message]) -> Iterator[Message]:
    held: list[Message] = []
    first: float | None = None
    size = 0
    for message in run:
        held.append(message)
        size += len(message.text)
        if message.time is None or message.time == first:
            continue
        if first is None:
            first = message.time
        elif message.time > first:
            yield from held
            yield from run
            return
        else:
            break
    for message in run:
        held.append(message)
        size += len(message.text)
        if size > _HELD:
            yield from reversed(held)
            held, size = [], 0
    backwards = first is not None and any(message.time is not None and message.time < first for message in held)
    yield from reversed(held) if backwards else held
