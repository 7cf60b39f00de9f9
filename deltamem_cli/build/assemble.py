"""Parts of memories → one memory file: what `ingest`, `merge`, `forget` and `compact` have in common.

A part is rows with the tables they refer to and the strings beside them. Rows are brought under common tables and one
vocabulary, put into canonical order, learned, and written; strings are copied block by block. So the same passages
under the same tables are the same bytes, whichever parts they came from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build import learn_matrix
from deltamem_cli.build.fit_budget import Shape, arrays_of, fit, matrix_of
from deltamem_cli.build.learn_matrix import Before
from deltamem_cli.build.row_union import Part, Whole, part_of
from deltamem_cli.build.scratch import Scratch
from deltamem_cli.build.string_union import Strings
from deltamem_cli.memory import file as store
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.ledger import NO_TIME, Longs, Rows
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import Stamp, StoredMemory, string_arrays, table_lines
from deltamem_cli.memory.text_blocks import pack
from deltamem_cli.records import Session, Source

__all__ = ["Part", "assemble", "part_of", "state_before"]


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
    A header with a budget bounds the file (fit_budget.py, in memory); UsageError when it cannot be kept to.
    """
    store.check_place(path)
    by_path = {source.path: source for source in sources}
    by_id = {session.id: session for session in sessions}
    beside = os.path.dirname(os.path.realpath(path))  # the system's own temporary folder is often in memory
    scratch = Scratch(beside)
    whole = Whole(parts, sorted(by_path), list(by_id), chosen, scratch)
    order = whole.order()
    shape = Shape(whole.rows(order), whole.vocabulary, whole.speakers, order)
    old = [Before(part.rows.uid, part.rows.time, part.learned) for part in parts if part.learned is not None]
    around: dict[str, NDArray[Any]] = {"ledger.mean": mean}
    if removed is not None:
        around["ledger.removed"] = np.unique(removed, axis=0)
    around |= _packed("sources", table_lines(by_path[name] for name in sorted(by_path)))
    around |= _packed("sessions", table_lines(by_id[name] for name in whole.sessions))
    strings = Strings(parts, header.text)
    with ExitStack() as stack:

        def ledger_of(shape: Shape) -> tuple[Header, dict[str, NDArray[Any]], dict[str, BinaryIO]]:
            """Everything but the matrix, and the strings on disk."""
            stack.pop_all().close()
            bounds, spools = strings.copy(shape, lambda: stack.enter_context(_spool(beside)))
            arrays = around | arrays_of(shape.rows, shape.vocabulary) | _packed("speakers", shape.speakers) | bounds
            return _described(header, shape.rows, len(by_path), len(by_id)), arrays, spools

        def size(shape: Shape) -> int:
            described, arrays, spools = ledger_of(shape)
            return store.measure(described, arrays | matrix_of(shape.rows, header, shape.lean), spools)

        if header.budget is not None:
            shape = fit(shape, strings.said(shape.places), header, size, str(path))
        to = header.dimension, device, old, header.learning, shape.lean
        learned = learn_matrix.build(shape.rows, shape.vocabulary, *to, scratch.empty)
        described, arrays, spools = ledger_of(shape)
        arrays |= {f"state.{field.name}": getattr(learned, field.name) for field in fields(Matrix)}
        store.save(path, described, arrays, spools, expected)


def state_before(path: str | Path, memories: Iterable[StoredMemory]) -> Stamp | EllipsisType | None:
    """Return what must still stand at `path` in the end: the state that was read, where it is one of these memories."""
    here = os.path.realpath(path)
    return next((memory.stamp for memory in memories if os.path.realpath(memory.name) == here), ...)


def _packed(name: str, lines: list[str]) -> dict[str, NDArray[Any]]:
    """A short column of strings as tensors."""
    bounds, frames = pack(lines)
    return string_arrays(name, bounds) | {f"ledger.{name}.frames": np.frombuffer(frames, np.uint8)}


def _spool(folder: str) -> BinaryIO:
    return tempfile.TemporaryFile(dir=folder, prefix=".deltamem-")


def _described(header: Header, rows: Rows, sources: int, sessions: int) -> Header:
    known = rows.time[rows.time != NO_TIME]
    first, last = (int(known.min()), int(known.max())) if len(known) else (None, None)
    return replace(header, passages=len(rows), sessions=sessions, sources=sources, first=first, last=last)
