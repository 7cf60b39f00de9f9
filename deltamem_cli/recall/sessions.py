"""The conversations of a memory: which there are, and what each comes to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.ledger import NO_TIME, seconds
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.exchange import message
from deltamem_cli.records import KINDS, ROLES, Hit

Longs = NDArray[np.int64]

ORDERS = ("newest", "oldest", "longest")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session in short. start, end in seconds since 1970 UTC; line: where it begins in its log."""

    session: str
    title: str
    project: str
    source: str
    format: str
    line: int
    passages: int
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class Digest:
    """A session, what the person asked in it (first and last), and what the last answer was."""

    conversation: Conversation
    asked: tuple[Hit, ...]
    concluded: Hit | None


def conversations(
    memory: StoredMemory, passing: NDArray[np.bool_], *, order: str = "newest", most: int | None = None
) -> list[Conversation]:
    """The sessions that a passage of passes, at most so many; counted is what passes."""
    rows = memory.rows
    count = np.bincount(rows.session[passing], minlength=len(memory.sessions))
    end = np.full(len(count), -1, np.int64)
    timed = passing & (rows.time != NO_TIME)
    np.maximum.at(end, rows.session[timed], rows.time[timed])
    held = np.flatnonzero(count)
    by = {"newest": -end, "oldest": np.where(end < 0, NO_TIME, end), "longest": -count}[order]
    chosen = held[np.argsort(by[held], kind="stable")][:most]
    return [conversation(memory, int(number), passing) for number in chosen]


def conversation(memory: StoredMemory, number: int, passing: NDArray[np.bool_]) -> Conversation:
    """One session in short, of what passes."""
    first, stop = np.searchsorted(memory.rows.session, (number, number + 1)).tolist()
    held = np.flatnonzero(passing[first:stop]) + first
    times = memory.rows.time[held]
    times = times[times != NO_TIME]
    session, source = memory.sessions[number], memory.sources[memory.rows.source[held[0]]]
    return Conversation(
        session=session.id,
        title=memory.title(number),
        project=session.project,
        source=source.path,
        format=source.format,
        line=int(memory.rows.line[held[0]]),
        passages=len(held),
        start=seconds(int(times.min())) if len(times) else None,
        end=seconds(int(times.max())) if len(times) else None,
    )


def digest(memory: StoredMemory, passing: NDArray[np.bool_], most: int = 10) -> list[Digest]:
    """The newest sessions of what passes, each by what was asked and what came out; sub-agents' are left out."""
    names = {session.id for session in memory.sessions}
    branch = np.array([_parent(session.id) in names for session in memory.sessions], bool)
    passing = passing & ~branch[memory.rows.session]
    numbers = {session.id: number for number, session in enumerate(memory.sessions)}
    return [
        _digest(memory, one, np.flatnonzero(passing & (memory.rows.session == numbers[one.session])))
        for one in conversations(memory, passing, most=most)
    ]


def _parent(session: str) -> str:
    """The session that one of a sub-agent belongs to, by its id."""
    return session.partition("/")[0].partition("#")[0] if "/agent" in session or "#agent" in session else ""


def _digest(memory: StoredMemory, one: Conversation, rows: Longs) -> Digest:
    text = rows[memory.rows.kind[rows] == KINDS.index("text")]
    role = memory.rows.role[text]
    asked = _openings(memory, text[role == ROLES.index("user")])
    told = _openings(memory, text[role == ROLES.index("assistant")])
    ends = list(dict.fromkeys([asked[0], asked[-1]])) if asked else []
    return Digest(
        one,
        tuple(message(memory, _parts(memory, row), {}, one.title) for row in ends),
        message(memory, _parts(memory, told[-1]), {}, one.title) if told else None,
    )


def _openings(memory: StoredMemory, rows: Longs) -> list[int]:
    """The first row of each message among those rows."""
    line, source = memory.rows.line[rows], memory.rows.source[rows]
    new = np.ones(len(rows), bool)
    new[1:] = (line[1:] != line[:-1]) | (source[1:] != source[:-1])
    return [int(row) for row in rows[new]]


def _parts(memory: StoredMemory, row: int) -> list[int]:
    """The rows of the message that begins at a row."""
    rows, end = memory.rows, row + 1
    columns = (rows.session, rows.source, rows.line, rows.role, rows.kind)
    while end < len(rows) and all(column[end] == column[row] for column in columns):
        end += 1
    return list(range(row, end))
