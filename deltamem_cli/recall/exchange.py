"""What was said around a passage, from the memory alone: messages of one session, whole, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.hit import hit
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import KINDS, ROLES, Hit

Texts = Callable[[list[int]], dict[int, str]]


@dataclass(frozen=True, slots=True)
class Turn:
    """A message, its text whole. asked: it is the one that was asked for."""

    hit: Hit
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """Messages of one session around one of them. before, after: how many more the session has on either side."""

    turns: tuple[Turn, ...]
    format: str
    before: int
    after: int


def exchange(
    memory: StoredMemory, row: int, *, around: int | None = None, whole: bool = False, texts: Texts | None = None
) -> Exchange:
    """What was said around a row: from what the person said before it to what they said next.

    around: so many messages on either side instead; whole: all of the session. texts: rows → their text, for those
    that the memory keeps none of.
    """
    session = int(memory.rows.session[row])
    first, end = np.searchsorted(memory.rows.session, (session, session + 1)).tolist()
    groups = message_rows(memory, np.arange(first, end))
    at = next(number for number, group in enumerate(groups) if row in group)
    if whole:
        begin, stop = 0, len(groups)
    elif around is not None:
        begin, stop = max(at - around, 0), min(at + around + 1, len(groups))
    else:
        begin, stop = _to_the_next_prompt(memory, groups, at)
    chosen = groups[begin:stop]
    known = texts([row for group in chosen for row in group]) if texts else {}
    turns = tuple(Turn(message(memory, group, known), row in group) for group in chosen)
    source = memory.sources[memory.rows.source[row]]
    return Exchange(turns, source.format, begin, len(groups) - stop)


def message_rows(memory: StoredMemory, rows: NDArray[np.int64]) -> list[list[int]]:
    """Neighbouring rows that are parts of one message, together."""
    columns = memory.rows

    def name(row: int) -> tuple[object, ...]:
        place = int(columns.session[row]), int(columns.source[row]), int(columns.line[row])
        return *place, int(columns.role[row]), int(columns.kind[row]), memory.pointers[row], columns.summed[row] > 0

    return [list(group) for _, group in groupby(rows.tolist(), name)]


def message(memory: StoredMemory, rows: Sequence[int], texts: dict[int, str], title: str | None = None) -> Hit:
    """The rows of one message as one result."""
    first = hit(memory, rows[0], 0.0, texts.get(rows[0]), title=title)
    if len(rows) == 1:
        return first
    parts = [texts.get(row) or (memory.text[row] if memory.text is not None else "") for row in rows]
    return replace(first, text="\n".join(parts) if all(parts) else None)


def messages(memory: StoredMemory, passing: NDArray[np.bool_]) -> Iterator[Hit]:
    """Every message that a passage of passes, session by session."""
    title, session = "", -1
    for group in message_rows(memory, np.flatnonzero(passing)):
        if int(memory.rows.session[group[0]]) != session:
            session = int(memory.rows.session[group[0]])
            title = memory.title(session)
        yield message(memory, group, {}, title)


def is_prompt(memory: StoredMemory, row: int) -> bool:
    """Whether a person wrote it."""
    rows = memory.rows
    return bool(rows.role[row] == ROLES.index("user") and rows.kind[row] == KINDS.index("text"))


def _to_the_next_prompt(memory: StoredMemory, groups: list[list[int]], at: int) -> tuple[int, int]:
    begin = at
    while begin > 0 and not is_prompt(memory, groups[begin][0]):
        begin -= 1
    stop = at + 1
    while stop < len(groups) and not is_prompt(memory, groups[stop][0]):
        stop += 1
    return begin, stop
