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
from deltamem_cli.memory.columns import COLUMNS, Column, of_passages, of_terms
from deltamem_cli.memory.ledger import NO_TIME, Longs, Rows
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import StoredMemory, Tensors
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


def part_of(memory: StoredMemory) -> Part:
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
        self._offsets = [ledger.offsets(part.rows.sizes, scratch.empty) for part in parts]
        self._count = int(self._starts[-1]) if chosen is None else len(chosen)
        used = [self._used(number) for number in range(len(parts))]
        spoken = [{name for name, is_used in zip(part.speakers, spoke, strict=True) if is_used}
                  for part, (spoke, _) in zip(parts, used, strict=True)]  # fmt: skip
        self.speakers = sorted(set().union(*spoken))
        self.vocabulary = np.unique(
            np.concatenate([part.vocabulary[terms] for part, (_, terms) in zip(parts, used, strict=True)])
        )
        self._numbers = {
            "sources": [_renumbering(part.sources, paths) for part in parts],
            "sessions": [_renumbering(part.sessions, ids) for part in parts],
            "speakers": [_renumbering(part.speakers, self.speakers) for part in parts],
            "vocabulary": [np.searchsorted(self.vocabulary, part.vocabulary).astype(np.uint32) for part in parts],
        }
        by_start = self._session_ranks(ids)
        if ids:  # else nothing is left, and no number leads anywhere
            self._numbers["sessions"] = [by_start[numbers].astype(np.uint32) for numbers in self._numbers["sessions"]]
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
        for column in of_passages():
            width = self._parts[0].rows.column(column.name).shape[1:]
            made[column.name] = self._scratch.empty((len(order), *width), column.dtype)
            for first in range(0, len(order), _CHUNK):
                places = order[first : first + _CHUNK]
                made[column.name][first : first + len(places)] = self.column(column.name, places)
            self._let_go()
        total = int(made["sizes"].sum(dtype=np.int64))
        made |= {column.name: self._scratch.empty(total, column.dtype) for column in of_terms()}
        at = 0
        for first in range(0, len(order), _CHUNK):
            for name, values in self._of_terms(order[first : first + _CHUNK]).items():
                made[name][at : at + len(values)] = values
            at += len(values)
        self._let_go()
        return Rows(made)

    def column(self, name: str, places: Longs) -> NDArray[Any]:
        """A column (not of the terms) of the rows at those places, with common numbers."""
        about, width = COLUMNS[name], self._parts[0].rows.column(name).shape[1:]
        values = np.empty((len(places), *width), about.dtype)
        for number, mine, rows in self._by_part(places):
            values[mine] = self._common(about, number, self._parts[number].rows.column(name)[rows])
        return values

    def _of_terms(self, places: Longs) -> dict[str, NDArray[Any]]:
        """The columns of the terms of the rows at those places, with common numbers."""
        sizes = self.column("sizes", places).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        values = {column.name: np.empty(int(sizes.sum()), column.dtype) for column in of_terms()}
        for number, mine, rows in self._by_part(places):
            old = ledger.ranges(self._offsets[number][rows], sizes[mine])
            new = ledger.ranges(starts[mine], sizes[mine])
            for column in of_terms():
                values[column.name][new] = self._common(
                    column, number, self._parts[number].rows.column(column.name)[old]
                )
        return values

    def _common(self, column: Column, number: int, values: NDArray[Any]) -> NDArray[Any]:
        """Values of a column of that part, under the common numbers where they index a table."""
        return self._numbers[column.table][number][values] if column.table else values

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
                terms[part.rows.terms[ledger.ranges(self._offsets[number][rows], sizes)]] = True
        return speakers, terms

    def _session_ranks(self, ids: list[str]) -> Longs:
        start = np.full(len(ids), NO_TIME)
        for _, places in self._chunks():
            np.minimum.at(start, self.column("session", places), self.column("time", places))
        return ledger.session_ranks(start, ids)

    def _let_go(self) -> None:
        self._scratch.let_go()
        for part in self._parts:
            if part.tensors is not None:
                part.tensors.let_go()


def _renumbering(mine: list[str], names: list[str]) -> NDArray[np.uint32]:
    """For each of my names its place among all; a name that is not there (no chosen row may use it) gets 0."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(name, 0) for name in mine], np.uint32)
