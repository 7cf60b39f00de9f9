"""The columns of the ledger: one row of `COLUMNS` each, and the only place that lists them.

A new column is its row here, and its line in `docs/memory-file.md`; `Rows` may give it a type as well. From then on
it is filled by `ingest`, saved, checked when a file is opened, merged, compared by `diff`, and summed by a budget. With
a `default` files that were made before it stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.records import KINDS, ROLES, Passage

Longs = NDArray[np.int64]

NO_TIME = np.iinfo(np.int64).max  # sorts last
_LATEST = 253_402_300_800  # seconds: the year 10000, where calendars end
_ROLE = {role: number for number, role in enumerate(ROLES)}
_KIND = {kind: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class NewRow:
    """A passage that comes into a ledger: what its columns are filled from.

    number: its running number in its log. source, session, speaker: numbers in those tables. code: its dense vector
    (keys.py). terms: their hashes, and how often each occurs.
    """

    passage: Passage
    number: int
    source: int
    session: int
    speaker: int
    code: NDArray[np.uint8]
    terms: Counter[int]


def first(values: NDArray[Any], starts: Longs) -> NDArray[Any]:
    """Return of each group of rows, which begin at `starts`, the first one's number."""
    return values[starts]


def least(values: NDArray[Any], starts: Longs) -> NDArray[Any]:
    """Return the least number of each group."""
    return np.asarray(np.minimum.reduceat(values, starts))


def total(values: NDArray[Any], starts: Longs) -> NDArray[Any]:
    """Return the sum of each group, as large as the column's type allows at most."""
    sums = np.add.reduceat(values.astype(np.int64), starts)
    return np.minimum(sums, np.iinfo(values.dtype).max).astype(values.dtype)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: one number a passage (N,), `width` of them (N, w), or one of each of its terms (M,).

    fill: what a new passage has there, of a column of terms the list of all of its terms.
    width: how many numbers a passage has, for the encoder's dimension; None for one.
    of_terms: whether it runs along the terms, row after row, and not along the passages.
    table: the table that its numbers index; values: how many there are to index, where no table says it.
    default: what every row has where a file lacks the column, as it does when all rows have it; None: no file lacks it.
    from_uid: whether the uid decides it, so that two memories that share a passage need not be compared in it.
    sum: the numbers of groups of rows that a budget makes one row of; None where `build/summary_rows.py` makes them.
    part: the part of the file that `info` counts it to.
    """

    name: str
    dtype: type[np.generic]
    fill: Callable[[NewRow], Any]
    width: Callable[[int], int] | None = None
    of_terms: bool = False
    table: str = ""
    values: int | None = None
    default: int | None = None
    from_uid: bool = False
    sum: Callable[[NDArray[Any], Longs], NDArray[Any]] | None = first
    part: str = "ledger"

    def shape(self, dimension: int) -> tuple[int, ...]:
        """Return the shape of one row of it."""
        return () if self.width is None else (self.width(dimension),)


def _time(new: NewRow) -> int:
    time = new.passage.message.time
    return round(time * 1000) if time is not None and abs(time) < _LATEST else NO_TIME


def _counts(new: NewRow) -> list[int]:
    return [min(count, 255) for count in new.terms.values()]


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        # hash of the message's id, its kind, the part of it and the text: the same in every copy
        Column("uid", np.uint8, lambda new: [*new.passage.uid], width=lambda _: 16, from_uid=True, sum=None),
        Column("source", np.uint32, lambda new: new.source, table="sources"),
        Column("session", np.uint32, lambda new: new.session, table="sessions"),
        Column("speaker", np.uint32, lambda new: new.speaker, table="speakers", sum=None),
        Column("role", np.uint8, lambda new: _ROLE[new.passage.message.role], values=len(ROLES), sum=least),
        Column("kind", np.uint8, lambda new: _KIND[new.passage.message.kind], values=len(KINDS), sum=None),
        # milliseconds since 1970 UTC, NO_TIME where the log does not say
        Column("time", np.int64, _time, sum=least),
        # 1-based line in the log; running number of the passage in its log
        Column("line", np.uint32, lambda new: min(new.passage.message.line, 2**32 - 1)),
        Column("seq", np.uint32, lambda new: new.number),
        # the dense vector at 2 bits a dimension (keys.py)
        Column("code", np.uint8, lambda new: new.code, width=lambda d: -(-d // 4), sum=None, part="codes"),
        # words in the passage; different terms in it
        Column("length", np.uint16, lambda new: min(new.terms.total(), 65535), from_uid=True, sum=total, part="index"),
        Column("sizes", np.uint16, lambda new: len(new.terms), from_uid=True, sum=None, part="index"),
        # how many passages the row is the sum of (a budget makes those), 0 for a passage itself
        Column("summed", np.uint32, lambda _: 0, default=0, from_uid=True, sum=None),
        # a new passage's are hashes, a ledger's their places in its vocabulary; how often each occurs
        Column(
            "terms", np.uint32, lambda new: [*new.terms], of_terms=True, table="vocabulary",
            from_uid=True, sum=None, part="index",
        ),
        Column("counts", np.uint8, _counts, of_terms=True, from_uid=True, sum=None, part="index"),
    )
}  # fmt: skip


def of_passages() -> list[Column]:
    """Return the columns that run along the passages."""
    return [column for column in COLUMNS.values() if not column.of_terms]


def of_terms() -> list[Column]:
    """Return the columns that run along the terms."""
    return [column for column in COLUMNS.values() if column.of_terms]
