"""What a memory's people talked about, by day, week or month: how much, where, and what was new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import keys
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.exchange import message
from deltamem_cli.recall.sessions import Conversation, conversation
from deltamem_cli.records import KINDS, ROLES, Hit

Longs = NDArray[np.int64]

_WORDS = 5  # that a passage has at least to be news
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Period:
    """What was talked about in a day, a week or a month. start: its first moment, here."""

    start: float
    passages: int
    sessions: int
    busiest: tuple[Conversation, ...]
    novel: tuple[Hit, ...]


def timeline(
    memory: StoredMemory, passing: NDArray[np.bool_], *, period: str = "week", busiest: int = 3, novel: int = 1
) -> list[Period]:
    """What was talked about by day, week or month, oldest first; what has no time is in none."""
    held = np.flatnonzero(passing & (memory.rows.time != NO_TIME))
    starts, number = _periods(memory.rows.time[held], period)
    news = novelty(memory)
    told = []
    for at, start in enumerate(starts):
        here = held[number == at]
        sessions, count = np.unique(memory.rows.session[here], return_counts=True)
        top = sessions[np.argsort(-count, kind="stable")][:busiest]
        within = np.zeros(len(memory.rows), bool)
        within[here] = True
        fresh = here[news[here] > 0]
        best = fresh[np.argsort(-news[fresh], kind="stable")][:novel]
        told.append(
            Period(
                start=start,
                passages=len(here),
                sessions=len(sessions),
                busiest=tuple(conversation(memory, int(session), within) for session in top),
                novel=tuple(message(memory, [int(row)], {}) for row in best),
            )
        )
    return told


def _periods(times: Longs, period: str) -> tuple[list[float], Longs]:
    """The first moments of the periods that hold a time, and of each time which one."""
    days: dict[int, float] = {}
    begins = np.empty(len(times))
    for at, time in enumerate(times.tolist()):
        quarter = time // 900_000  # of an hour: zones differ by no less
        if quarter not in days:
            try:
                day = datetime.fromtimestamp(time / 1000).replace(hour=0, minute=0, second=0, microsecond=0)
                back = {"day": 0, "week": day.weekday(), "month": day.day - 1}[period]
                days[quarter] = (day - timedelta(days=back)).timestamp()
            except (ValueError, OverflowError, OSError):  # a time that no calendar has
                days[quarter] = 0.0
        begins[at] = days[quarter]
    starts, number = np.unique(begins, return_inverse=True)
    return starts.tolist(), number.astype(np.int64)


def novelty(memory: StoredMemory) -> NDArray[np.float32]:
    """How little like any earlier session what people said is (N,): 1 less the best cosine, 0 for all else.

    Sessions are their passages' mean, in their order of time. The first session is no news: there is nothing before it.
    """
    rows = memory.rows
    sums = np.zeros((len(memory.sessions), memory.header.dimension), np.float32)
    for first in range(0, len(rows), _CHUNK):
        part = slice(first, first + _CHUNK)
        np.add.at(sums, rows.session[part], keys.decode(rows.code[part], memory.header.dimension))
    means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    said = (rows.role == ROLES.index("user")) & (rows.kind == KINDS.index("text")) & (rows.length >= _WORDS)
    news = np.zeros(len(rows), np.float32)
    chosen = np.flatnonzero(said & (rows.session > 0) & (rows.summed == 0))
    for first in range(0, len(chosen), _CHUNK):
        some = chosen[first : first + _CHUNK]
        like = keys.decode(rows.code[some], memory.header.dimension) @ means.T
        like[np.arange(len(means)) >= rows.session[some][:, None]] = -1
        news[some] = 1 - like.max(axis=1)
    return news
