"""The rows of several parts as one table: read column by column and chunk by chunk, never all of it in memory.

A row's place is its number among all rows, part after part. What stays in memory is 8 bytes a row for the order, the
tables and the vocabulary; columns are views of files, old ones and scratch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.scratch import Scratch
from deltamem_cli.memory import ledger
from deltamem_cli.memory.ledger import NO_TIME, Longs, Rows
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import Memory, Tensors
from deltamem_cli.memory.text_blocks import BlockReader

_CHUNK = 1 << 16  # rows that are moved at once


@dataclass(frozen=True)
class Part:
    """Rows, and what their numbers mean: `sources` are paths, `sessions` ids. text is None where none was kept.

    learned: the matrix of exactly these rows, where it is known. tensors: where they lie, if in a file.
    """

    rows: Rows
    vocabulary: NDArray[np.uint64]
    sources: list[str]
    sessions: list[str]
    speakers: list[str]
    text: BlockReader | None
    pointers: BlockReader
    learned: Matrix | None = None
    tensors: Tensors | None = None


def part_of(memory: Memory) -> Part:
    """A whole memory as a part."""
    return Part(
        memory.rows,
        memory.vocabulary,
        [source.path for source in memory.sources],
        [session.id for session in memory.sessions],
        memory.speakers,
        memory.text,
        memory.pointers,
        memory.matrix,
        memory.tensors,
    )


class Whole:
    """All rows of the parts, or those at the `chosen` places (ascending), under common numbers.

    paths: the sources, sorted. speakers, vocabulary: those of the chosen rows, sorted. sessions: ids by their start.
    """

    def __init__(
        self, parts: Sequence[Part], paths: list[str], ids: list[str], chosen: Longs | None, scratch: Scratch
    ) -> None:
        self._parts, self._chosen, self._scratch = parts, chosen, scratch
        lengths = [len(part.rows) for part in parts]
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._ends = [self._running_sum(part.rows.sizes) for part in parts]
        self._count = int(self._starts[-1]) if chosen is None else len(chosen)
        used = [self._used(number) for number in range(len(parts))]
        spoken = [{name for name, is_used in zip(part.speakers, spoke, strict=True) if is_used}
                  for part, (spoke, _) in zip(parts, used, strict=True)]  # fmt: skip
        self.speakers = sorted(set().union(*spoken))
        self.vocabulary = np.unique(
            np.concatenate([part.vocabulary[terms] for part, (_, terms) in zip(parts, used, strict=True)])
        )
        self._numbers = {
            "source": [_renumbering(part.sources, paths) for part in parts],
            "session": [_renumbering(part.sessions, ids) for part in parts],
            "speaker": [_renumbering(part.speakers, self.speakers) for part in parts],
        }
        self._terms = [np.searchsorted(self.vocabulary, part.vocabulary).astype(np.uint32) for part in parts]
        by_start = self._session_ranks(ids)
        self._numbers["session"] = [by_start[numbers].astype(np.uint32) for numbers in self._numbers["session"]]
        self.sessions = [ids[i] for i in np.argsort(by_start)]

    def order(self) -> Longs:
        """The places of the rows (n,) in the order they stand in."""
        session = np.empty(self._count, np.uint32)
        for first, places in self._chunks():
            session[first : first + len(places)] = self.column("session", places)
        order = np.argsort(session, kind="stable")
        bounds = ledger.gather(ledger.stretches(session[order], max(self._count, 1)), _CHUNK)
        if self._chosen is not None:
            order = self._chosen[order]
        for first, end in pairwise(bounds.tolist()):
            places = order[first:end]
            columns = (self.column(name, places) for name in ("session", "source", "time", "seq"))
            order[first:end] = places[ledger.canonical_order(*columns)]
        self._let_go()
        return order

    def rows(self, order: Longs) -> Rows:
        """The rows at those places, in that order; columns that are large lie in files."""
        made: dict[str, NDArray[Any]] = {}
        for name in ledger.COLUMNS:
            width = getattr(self._parts[0].rows, name).shape[1:]
            made[name] = self._scratch.empty((len(order), *width), ledger.DTYPES[name])
            for first in range(0, len(order), _CHUNK):
                places = order[first : first + _CHUNK]
                made[name][first : first + len(places)] = self.column(name, places)
            self._let_go()
        total = int(made["sizes"].sum(dtype=np.int64))
        made |= {name: self._scratch.empty(total, ledger.DTYPES[name]) for name in ("terms", "counts")}
        at = 0
        for first in range(0, len(order), _CHUNK):
            terms, counts = self._terms_of(order[first : first + _CHUNK])
            made["terms"][at : at + len(terms)], made["counts"][at : at + len(terms)] = terms, counts
            at += len(terms)
        self._let_go()
        return Rows(**made)

    def column(self, name: str, places: Longs) -> NDArray[Any]:
        """A column (but not `terms` or `counts`) of the rows at those places, with common numbers."""
        width = getattr(self._parts[0].rows, name).shape[1:]
        values = np.empty((len(places), *width), ledger.DTYPES[name])
        for number, mine, rows in self._by_part(places):
            found = getattr(self._parts[number].rows, name)[rows]
            values[mine] = self._numbers[name][number][found] if name in self._numbers else found
        return values

    def _terms_of(self, places: Longs) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        sizes = self.column("sizes", places).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        terms, counts = np.empty(int(sizes.sum()), np.uint32), np.empty(int(sizes.sum()), np.uint8)
        for number, mine, rows in self._by_part(places):
            old = ledger.ranges(self._ends[number][rows] - sizes[mine], sizes[mine])
            new = ledger.ranges(starts[mine], sizes[mine])
            terms[new] = self._terms[number][self._parts[number].rows.terms[old]]
            counts[new] = self._parts[number].rows.counts[old]
        return terms, counts

    def _by_part(self, places: Longs) -> Iterator[tuple[int, Longs, Longs]]:
        """Part by part: which of the places lie in it, and the rows there."""
        part = np.searchsorted(self._starts, places, side="right") - 1
        for number in np.unique(part).tolist():
            mine = np.flatnonzero(part == number)
            yield number, mine, places[mine] - self._starts[number]

    def _chunks(self) -> Iterator[tuple[int, Longs]]:
        """All places that are meant, in chunks: how many came before, and the next ones."""
        for first in range(0, self._count, _CHUNK):
            end = min(first + _CHUNK, self._count)
            yield first, np.arange(first, end) if self._chosen is None else self._chosen[first:end]

    def _used(self, number: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which speakers and which terms of a part the chosen rows have."""
        part = self._parts[number]
        speakers, terms = (np.full(len(of), self._chosen is None) for of in (part.speakers, part.vocabulary))
        if self._chosen is not None:
            first, end = np.searchsorted(self._chosen, self._starts[number : number + 2])
            for at in range(first, end, _CHUNK):
                rows = self._chosen[at : min(at + _CHUNK, end)] - self._starts[number]
                sizes = part.rows.sizes[rows].astype(np.int64)
                speakers[part.rows.speaker[rows]] = True
                terms[part.rows.terms[ledger.ranges(self._ends[number][rows] - sizes, sizes)]] = True
        return speakers, terms

    def _session_ranks(self, ids: list[str]) -> Longs:
        start = np.full(len(ids), NO_TIME)
        for _, places in self._chunks():
            np.minimum.at(start, self.column("session", places), self.column("time", places))
        return ledger.session_ranks(start, ids)

    def _running_sum(self, sizes: NDArray[np.uint16]) -> Longs:
        ends: Longs = self._scratch.empty(len(sizes), np.int64)
        return np.cumsum(sizes, dtype=np.int64, out=ends)

    def _let_go(self) -> None:
        self._scratch.let_go()
        for part in self._parts:
            if part.tensors is not None:
                part.tensors.let_go()


def _renumbering(mine: list[str], names: list[str]) -> NDArray[np.uint32]:
    """For each of my names its place among all; a name that is not there (no chosen row may use it) gets 0."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(name, 0) for name in mine], np.uint32)
