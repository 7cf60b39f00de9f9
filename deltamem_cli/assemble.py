"""Parts of memories → one memory file: what `ingest`, `merge` and `forget` have in common.

A part is rows with the tables they refer to and the strings beside them. Rows are brought under common tables and one
vocabulary, put into canonical order, learned, and written; strings are copied block by block. So the same passages
under the same tables are the same bytes, whichever parts they came from.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from itertools import accumulate
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import matrix, store
from deltamem_cli.blocks import BlockReader, BlockWriter, Bounds, pack
from deltamem_cli.gather import Part, Whole, part_of
from deltamem_cli.header import Header
from deltamem_cli.ledger import NO_TIME, Longs, Rows
from deltamem_cli.matrix import Before, Matrix
from deltamem_cli.memory import Stamp, string_arrays, table_lines
from deltamem_cli.records import Session, Source
from deltamem_cli.scratch import Scratch

__all__ = ["Part", "assemble", "part_of"]


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
    `removed` (n, 16) are the uids that a patch takes away. `expected` is as for `store.save`. Columns lie in temporary
    files beside the result: what it takes in memory are the tables, some 30 bytes a row, and one state at a time.
    """
    store.check_place(path)
    by_path = {source.path: source for source in sources}
    by_id = {session.id: session for session in sessions}
    beside = os.path.dirname(os.path.realpath(path))
    scratch = Scratch(beside)
    whole = Whole(parts, sorted(by_path), list(by_id), chosen, scratch)
    order = whole.order()
    rows = whole.rows(order)
    old = [Before(part.rows.uid, part.rows.time, part.learned) for part in parts if part.learned is not None]
    learned = matrix.build(rows, whole.vocabulary, header.dimension, device, old, header.learning, scratch.empty)
    arrays: dict[str, NDArray[Any]] = {f"ledger.{field.name}": getattr(rows, field.name) for field in fields(Rows)}
    arrays |= {f"state.{field.name}": getattr(learned, field.name) for field in fields(Matrix)}
    arrays |= {"ledger.vocabulary": whole.vocabulary, "ledger.mean": mean}
    if removed is not None:
        arrays["ledger.removed"] = np.unique(removed, axis=0)
    tables = {
        "sources": table_lines(by_path[name] for name in sorted(by_path)),
        "sessions": table_lines(by_id[name] for name in whole.sessions),
        "speakers": whole.speakers,
    }
    for name, lines in tables.items():
        bounds, frames = pack(lines)
        arrays |= string_arrays(name, bounds) | {f"ledger.{name}.frames": np.frombuffer(frames, np.uint8)}
    columns: dict[str, list[BlockReader | None]] = {"pointers": [part.pointers for part in parts]}
    if header.text:
        columns["text"] = [part.text for part in parts]
    lengths = [len(part.rows) for part in parts]
    with ExitStack() as stack:
        spools: dict[str, BinaryIO] = {}
        for name, readers in columns.items():
            spool: BinaryIO = stack.enter_context(tempfile.TemporaryFile(dir=beside, prefix=".deltamem-"))
            spools[f"ledger.{name}.frames"] = spool
            arrays |= string_arrays(name, _copy_strings(readers, lengths, order, spool))
        store.save(path, _described(header, rows, len(by_path), len(by_id)), arrays, spools, expected)


def _copy_strings(readers: Sequence[BlockReader | None], lengths: list[int], order: Longs, out: BinaryIO) -> Bounds:
    """Write the strings of the parts in that order; blocks that stay as they were are copied as they are."""
    writer = BlockWriter(out.write)
    starts = [0, *accumulate(lengths)]
    row = 0
    while row < len(order):
        part = bisect_right(starts, order[row]) - 1
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
