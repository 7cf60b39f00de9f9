"""What was said, where, when and by whom: one row a passage, in columns.

The rows stand in one canonical order, whatever order the logs were read in: sessions by their first time, then by id;
inside a session by source and place. So a memory that grows keeps its old rows in front, block for block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.columns import COLUMNS, NO_TIME, Longs, of_passages, of_terms

__all__ = ["NO_TIME", "Longs", "Rows"]

_CHUNK = 1 << 18  # rows whose terms are moved at once


class Rows:
    """N passages as columns, by the names of `columns.COLUMNS`, where it says what each is; M terms of all together.

    They are arrays as attributes: `rows.time`. What has a type here can be named so in the code; `column` takes any.
    """

    uid: NDArray[np.uint8]
    source: NDArray[np.uint32]
    session: NDArray[np.uint32]
    speaker: NDArray[np.uint32]
    role: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    time: Longs
    line: NDArray[np.uint32]
    seq: NDArray[np.uint32]
    code: NDArray[np.uint8]
    length: NDArray[np.uint16]
    sizes: NDArray[np.uint16]
    summed: NDArray[np.uint32]
    terms: NDArray[np.uint32]
    counts: NDArray[np.uint8]

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        assert columns.keys() == COLUMNS.keys(), f"these are not the columns of a ledger: {sorted(columns)}"
        self._columns = dict(columns)
        self.__dict__.update(columns)

    def __len__(self) -> int:
        return len(self.uid)

    def column(self, name: str) -> NDArray[Any]:
        """Return the column of that name."""
        return self._columns[name]

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """All columns by their names."""
        return self._columns

    @cached_property
    def offsets(self) -> Longs:
        """Where the terms of each row begin, and M (N + 1,)."""
        return offsets(self.sizes)

    def replaced(self, **columns: NDArray[Any]) -> Rows:
        """Return the rows with other columns in place of some."""
        return Rows(self._columns | columns)

    def take(self, order: Longs) -> Rows:
        """Return the rows in that order (any selection of them)."""
        moved = {column.name: self.column(column.name)[order] for column in of_passages()}
        total = int(moved["sizes"].sum(dtype=np.int64))
        moved |= {column.name: np.empty(total, self.column(column.name).dtype) for column in of_terms()}
        at = 0
        for first in range(0, len(order), _CHUNK):  # in chunks: the index of all terms would be eight bytes each
            part = order[first : first + _CHUNK]
            index = ranges(self.offsets[part], self.sizes[part].astype(np.int64))
            for column in of_terms():
                moved[column.name][at : at + len(index)] = self.column(column.name)[index]
            at += len(index)
        return Rows(moved)


def blank(passages: int, dimension: int) -> Rows:
    """Return so many rows of zeros and without terms, for an encoder of that dimension."""
    lengths = {column.name: passages for column in of_passages()}
    return Rows({name: np.zeros((lengths.get(name, 0), *c.shape(dimension)), c.dtype) for name, c in COLUMNS.items()})


def offsets(sizes: NDArray[np.integer], empty: Callable[..., NDArray[Any]] = np.empty) -> Longs:
    """Return where each stretch of those sizes (N,) begins, and the end of all (N + 1,), in an `empty` array."""
    places: Longs = empty(len(sizes) + 1, np.int64)
    places[0] = 0
    np.cumsum(sizes, dtype=np.int64, out=places[1:])
    return places


def idf(documents: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """How rare terms are that so many of n documents hold: ln(1 + (n − df + ½) / (df + ½)), never below 0."""
    return np.asarray(np.log1p((n - documents + 0.5) / (documents + 0.5)), np.float64)


def seconds(milliseconds: int) -> float | None:
    """A time of the column `time` as seconds since 1970 UTC, None for NO_TIME."""
    return None if milliseconds == NO_TIME else milliseconds / 1000


def ranges(starts: Longs, sizes: Longs) -> Longs:
    """The numbers starts[i], starts[i] + 1, … (sizes[i] of them) for each i, joined."""
    total = int(sizes.sum())
    if total == 0:
        return np.zeros(0, np.int64)
    before = np.cumsum(sizes) - sizes
    return np.asarray(np.arange(total) + np.repeat(starts - before, sizes), np.int64)


def concatenate(parts: list[Rows]) -> Rows:
    """One after the other; their tables and vocabularies must already be the same."""
    return Rows({name: np.concatenate([part.column(name) for part in parts]) for name in COLUMNS})


def unify(parts: list[tuple[Rows, NDArray[np.uint64]]]) -> tuple[Rows, NDArray[np.uint64]]:
    """Rows with a vocabulary each → all rows with one sorted vocabulary."""
    vocabulary = np.unique(np.concatenate([words for _, words in parts]))
    renumbered = [
        rows.replaced(terms=np.searchsorted(vocabulary, words).astype(np.uint32)[rows.terms]) for rows, words in parts
    ]
    return concatenate(renumbered), vocabulary


def session_ranks(start: Longs, ids: list[str]) -> Longs:
    """The place of each session when they are sorted by their first time `start` (S,), then by id."""
    return ranks(np.array(sorted(range(len(ids)), key=lambda i: (start[i], ids[i])), np.int64))


def canonical_order(
    session: NDArray[np.uint32], source: NDArray[np.uint32], time: Longs, seq: NDArray[np.uint32]
) -> Longs:
    """The order that rows (N,) of whole sessions stand in (see the top of this file), once the tables are sorted.

    A session found in several files: the file that has the earliest part of it comes first.
    """
    pair = session.astype(np.int64) << 32 | source
    pairs, inverse = np.unique(pair, return_inverse=True)
    opening = np.full(len(pairs), NO_TIME)
    np.minimum.at(opening, inverse, time)
    return np.asarray(np.lexsort((seq, source, opening[inverse], session)), np.int64)


def ranks(order: Longs) -> Longs:
    """The place of each item, for an order given as a list of items."""
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places


def stretches(labels: NDArray[np.generic], longest: int) -> Longs:
    """Bounds (B + 1,) of runs of equal labels, each cut into pieces of at most `longest` rows."""
    if len(labels) == 0:
        return np.zeros(1, np.int64)
    edges = np.concatenate([[0], np.flatnonzero(labels[1:] != labels[:-1]) + 1, [len(labels)]])
    pieces = [np.arange(first, end, longest) for first, end in pairwise(edges)]
    return np.concatenate([*pieces, [len(labels)]]).astype(np.int64)


def gather(bounds: Longs, most: int) -> Longs:
    """Fewer bounds: neighbouring stretches joined while they hold at most `most` rows together."""
    kept = [0]
    for first, end in pairwise(bounds.tolist()):
        if end - kept[-1] > most and first > kept[-1]:
            kept.append(first)
    return np.array([*kept, int(bounds[-1])] if bounds[-1] else [0], np.int64)


def cut(session: NDArray[np.uint32], states: int, most: int) -> Longs:
    """First rows of the states, and N: at least `states` stretches of whole sessions, as equal as those allow.

    None holds more than `most` rows: a stretch that does is cut again, within a session only if that is longer.
    """
    edges = stretches(session, max(len(session), 1))
    wanted = np.arange(1, states) * (len(session) / states)
    later = edges[np.searchsorted(edges, wanted)]
    earlier = edges[np.maximum(np.searchsorted(edges, wanted) - 1, 0)]
    nearest = np.where(later - wanted < wanted - earlier, later, earlier)
    outer = np.unique(np.concatenate([[0], nearest, [len(session)]]))
    inner = [first + gather(stretches(session[first:end], most), most) for first, end in pairwise(outer.tolist())]
    return np.unique(np.concatenate([outer, *inner])).astype(np.int64)
