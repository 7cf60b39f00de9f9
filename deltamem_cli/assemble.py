"""Parts of memories → one memory file: what `ingest`, `merge` and `forget` have in common.

A part is rows with the tables they refer to and the strings beside them. Rows are brought under common tables and one
vocabulary, put into canonical order, learned, and written; strings are copied block by block. So the same passages
under the same tables are the same bytes, whichever parts they came from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from itertools import chain, repeat
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import ledger, matrix, store
from deltamem_cli.blocks import BlockReader, BlockWriter, Bounds, pack
from deltamem_cli.ledger import NO_TIME, Longs, Rows
from deltamem_cli.matrix import Matrix
from deltamem_cli.memory import Header, Memory, Stamp, string_arrays, table_lines
from deltamem_cli.records import Session, Source
from deltamem_cli.shrink import Shape, arrays_of, fit, matrix_of
from deltamem_cli.worth import Said


@dataclass(frozen=True)
class Part:
    """Rows, and what their numbers mean: `sources` are paths, `sessions` ids. text is None where none was kept.

    learned: the matrix of exactly these rows, where it is known.
    """

    rows: Rows
    vocabulary: NDArray[np.uint64]
    sources: list[str]
    sessions: list[str]
    speakers: list[str]
    text: BlockReader | None
    pointers: BlockReader
    learned: Matrix | None = None


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
    )


def assemble(
    path: str | Path,
    header: Header,
    mean: NDArray[np.float32],
    parts: list[Part],
    sources: Iterable[Source],
    sessions: Iterable[Session],
    *,
    chosen: Longs | None = None,
    removed: NDArray[np.uint8] | None = None,
    device: str = "cpu",
    expected: Stamp | EllipsisType | None = ...,
) -> None:
    """Write the memory of all rows of the parts, or of the `chosen` ones (places among all rows, part after part).

    `sources` and `sessions` are the tables of the result. `header` says how it is made; its counts are filled in.
    `removed` (n, 16) are the uids that a patch takes away. The list of parts is empty afterwards: their columns are let
    go as soon as the result has its own, which halves the memory that this takes. `expected` is as for `store.save`.
    A header with a budget bounds the file (shrink.py); UsageError when it cannot be kept to.
    """
    store.check_place(path)
    by_path = {source.path: source for source in sources}
    by_id = {session.id: session for session in sessions}
    rows, vocabulary, speakers, names = _under_common_tables(parts, sorted(by_path), list(by_id), chosen)
    order = ledger.canonical_order(rows)
    old = [(part.rows.uid, part.learned) for part in parts if part.learned is not None]
    strings = _Strings(parts, header.text)
    parts.clear()
    tables = {
        "sources": table_lines(by_path[name] for name in sorted(by_path)),
        "sessions": table_lines(by_id[name] for name in names),
    }
    around: dict[str, NDArray[Any]] = {"ledger.mean": mean}
    if removed is not None:
        around["ledger.removed"] = np.unique(removed, axis=0)
    for name, lines in tables.items():
        around |= _packed(name, lines)
    shape = Shape(rows.take(order), vocabulary, speakers, order if chosen is None else chosen[order])
    del rows
    beside = os.path.dirname(os.path.realpath(path))  # the system's own temporary folder is often in memory
    with ExitStack() as stack:

        def ledger_of(shape: Shape) -> tuple[Header, dict[str, NDArray[Any]], dict[str, BinaryIO]]:
            """Everything but the matrix, and the strings on disk."""
            stack.pop_all().close()
            bounds, spools = strings.copy(shape, lambda: stack.enter_context(_spool(beside)))
            arrays = around | arrays_of(shape.rows, shape.vocabulary) | _packed("speakers", shape.speakers) | bounds
            return _described(header, shape.rows, len(by_path), len(by_id)), arrays, spools

        def size(shape: Shape) -> int:
            described, arrays, spools = ledger_of(shape)
            return store.measure(described, arrays | matrix_of(shape.rows, header.dimension, shape.lean), spools)

        if header.budget is not None:
            shape = fit(shape, strings.said(shape.places), header.dimension, size, header.budget, str(path))
        learned = matrix.build(shape.rows, shape.vocabulary, header.dimension, device, old, shape.lean)
        described, arrays, spools = ledger_of(shape)
        arrays |= {f"state.{field.name}": getattr(learned, field.name) for field in fields(Matrix)}
        store.save(path, described, arrays, spools, expected)


def _packed(name: str, lines: list[str]) -> dict[str, NDArray[Any]]:
    bounds, frames = pack(lines)
    return string_arrays(name, bounds) | {f"ledger.{name}.frames": np.frombuffer(frames, np.uint8)}


def _spool(folder: str) -> BinaryIO:
    return tempfile.TemporaryFile(dir=folder, prefix=".deltamem-")


class _Strings:
    """The strings of all parts, row after row: their pointers, and their text where it is to be kept."""

    def __init__(self, parts: Sequence[Part], text: bool) -> None:
        self._lengths = [len(part.rows) for part in parts]
        self._columns: dict[str, list[BlockReader | None]] = {"pointers": [part.pointers for part in parts]}
        if text:
            self._columns["text"] = [part.text for part in parts]

    def said(self, places: Longs) -> Said:
        """What the worth of the rows at those places depends on."""
        readers = self._columns.get("text", [None] * len(self._lengths))
        each = (reader or repeat("", n) for reader, n in zip(readers, self._lengths, strict=True))
        return Said(*(column[places] for column in Said.of(chain.from_iterable(each))))

    def copy(self, shape: Shape, spool: Callable[[], BinaryIO]) -> tuple[dict[str, NDArray[Any]], dict[str, BinaryIO]]:
        """Write the strings of a shape to new spools: the tensors beside them, and the spools, by name."""
        arrays: dict[str, NDArray[Any]] = {}
        spools: dict[str, BinaryIO] = {}
        for name, readers in self._columns.items():
            out = spools[f"ledger.{name}.frames"] = spool()
            kept = shape.texts if name == "text" else None
            arrays |= string_arrays(name, _copy_strings(readers, self._lengths, shape.places, kept, out))
        return arrays, spools


def _under_common_tables(
    parts: Sequence[Part], paths: list[str], ids: list[str], chosen: Longs | None
) -> tuple[Rows, NDArray[np.uint64], list[str], list[str]]:
    """All (or the chosen) rows with one vocabulary, sorted speakers, and sessions in the order of their start."""
    everyone = sorted({name for part in parts for name in part.speakers})
    renumbered = []
    for part in parts:
        source, session, speaker = (
            _renumbering(mine, all_names)
            for mine, all_names in ((part.sources, paths), (part.sessions, ids), (part.speakers, everyone))
        )
        rows = replace(
            part.rows,
            source=source[part.rows.source],
            session=session[part.rows.session],
            speaker=speaker[part.rows.speaker],
        )
        renumbered.append((rows, part.vocabulary))
    rows, vocabulary = ledger.unify(renumbered)
    if chosen is not None:
        rows = rows.take(chosen)
        used, terms = np.unique(rows.terms, return_inverse=True)
        vocabulary, rows = vocabulary[used], replace(rows, terms=terms.astype(np.uint32))
        speaking, speaker_now = np.unique(rows.speaker, return_inverse=True)
        everyone, rows = [everyone[i] for i in speaking], replace(rows, speaker=speaker_now.astype(np.uint32))
    by_start = ledger.session_ranks(rows, ids)
    rows = replace(rows, session=by_start[rows.session].astype(np.uint32))
    return rows, vocabulary, everyone, [ids[i] for i in np.argsort(by_start)]


def _renumbering(mine: list[str], names: list[str]) -> NDArray[np.uint32]:
    """For each of my names its place among all; a name that is not there (no chosen row may use it) gets 0."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(name, 0) for name in mine], np.uint32)


def _copy_strings(
    readers: Sequence[BlockReader | None],
    lengths: list[int],
    order: Longs,
    kept: NDArray[np.bool_] | None,
    out: BinaryIO,
) -> Bounds:
    """Write the strings of the parts in that order, "" for what is not `kept` (None: all are).

    Blocks that stay as they were are copied as they are.
    """
    writer = BlockWriter(out.write)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    part_of_row = np.searchsorted(starts, order, side="right") - 1
    row = 0
    while row < len(order):
        part = int(part_of_row[row])
        reader, at = readers[part], int(order[row] - starts[part])
        if reader is None or (kept is not None and not kept[row]):
            writer.add("")
            row += 1
            continue
        block, first, end = reader.span(at)
        here = order[row : row + end - first]
        whole = first == at and end < len(reader) and (kept is None or bool(kept[row : row + end - first].all()))
        whole = whole and np.array_equal(here, np.arange(len(here)) + order[row])
        if whole and len(here) == end - first and writer.add_frame(reader.frame(block), end - first):
            row += end - first
        else:
            writer.add(reader[at])
            row += 1
    return writer.finish()


def _described(header: Header, rows: Rows, sources: int, sessions: int) -> Header:
    known = rows.time[rows.time != NO_TIME]
    first, last = (int(known.min()), int(known.max())) if len(known) else (None, None)
    return replace(header, passages=len(rows), sessions=sessions, sources=sources, first=first, last=last)
