"""Parts of memories → one memory file: what `ingest`, `merge` and `forget` have in common.

A part is rows with the tables they refer to and the strings beside them. Rows are brought under common tables and one
vocabulary, put into canonical order, learned, and written; strings are copied block by block. So the same passages
under the same tables are the same bytes, whichever parts they came from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import ledger, matrix, store
from deltamem_cli.blocks import BlockReader, BlockWriter, Bounds, pack
from deltamem_cli.header import Header
from deltamem_cli.ledger import NO_TIME, Longs, Rows
from deltamem_cli.matrix import Before, Matrix
from deltamem_cli.memory import Memory, Stamp, string_arrays, table_lines
from deltamem_cli.records import Session, Source


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
    """
    store.check_place(path)
    by_path = {source.path: source for source in sources}
    by_id = {session.id: session for session in sessions}
    rows, vocabulary, speakers, names = _under_common_tables(parts, sorted(by_path), list(by_id), chosen)
    order = ledger.canonical_order(rows)
    old = [Before(part.rows.uid, part.rows.time, part.learned) for part in parts if part.learned is not None]
    lengths = [len(part.rows) for part in parts]
    columns: dict[str, list[BlockReader | None]] = {"pointers": [part.pointers for part in parts]}
    if header.text:
        columns["text"] = [part.text for part in parts]
    parts.clear()
    rows = rows.take(order)
    places = order if chosen is None else chosen[order]
    learned = matrix.build(rows, vocabulary, header.dimension, device, old, header.learning)
    arrays: dict[str, NDArray[Any]] = {f"ledger.{field.name}": getattr(rows, field.name) for field in fields(Rows)}
    arrays |= {f"state.{field.name}": getattr(learned, field.name) for field in fields(Matrix)}
    arrays |= {"ledger.vocabulary": vocabulary, "ledger.mean": mean}
    if removed is not None:
        arrays["ledger.removed"] = np.unique(removed, axis=0)
    tables = {
        "sources": table_lines(by_path[name] for name in sorted(by_path)),
        "sessions": table_lines(by_id[name] for name in names),
        "speakers": speakers,
    }
    for name, lines in tables.items():
        bounds, frames = pack(lines)
        arrays |= string_arrays(name, bounds) | {f"ledger.{name}.frames": np.frombuffer(frames, np.uint8)}
    beside = os.path.dirname(os.path.realpath(path))  # the system's own temporary folder is often in memory
    with ExitStack() as stack:
        spools: dict[str, BinaryIO] = {}
        for name, readers in columns.items():
            spool: BinaryIO = stack.enter_context(tempfile.TemporaryFile(dir=beside, prefix=".deltamem-"))
            spools[f"ledger.{name}.frames"] = spool
            arrays |= string_arrays(name, _copy_strings(readers, lengths, places, spool))
        store.save(path, _described(header, rows, len(by_path), len(by_id)), arrays, spools, expected)


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


def _copy_strings(readers: Sequence[BlockReader | None], lengths: list[int], order: Longs, out: BinaryIO) -> Bounds:
    """Write the strings of the parts in that order; blocks that stay as they were are copied as they are."""
    writer = BlockWriter(out.write)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    part_of_row = np.searchsorted(starts, order, side="right") - 1
    row = 0
    while row < len(order):
        part = int(part_of_row[row])
        reader, at = readers[part], int(order[row] - starts[part])
        if reader is None:
            writer.add("")
            row += 1
            continue
        block, first, end = reader.span(at)
        here = order[row : row + end - first]
        whole = first == at and end < len(reader) and np.array_equal(here, np.arange(len(here)) + order[row])
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
