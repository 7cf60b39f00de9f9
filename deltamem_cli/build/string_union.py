"""The strings of several parts, their pointers and their text, copied in another order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.fit_budget import Shape
from deltamem_cli.build.importance import Said
from deltamem_cli.build.row_union import Part
from deltamem_cli.memory.ledger import Longs
from deltamem_cli.memory.memory import string_arrays
from deltamem_cli.memory.text_blocks import BlockReader, BlockWriter, Bounds


class Strings:
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
        said = Said.of(chain.from_iterable(each))
        return Said(said.size[places], said.told[places])

    def copy(self, shape: Shape, spool: Callable[[], BinaryIO]) -> tuple[dict[str, NDArray[Any]], dict[str, BinaryIO]]:
        """Write the strings of a shape to new spools: the tensors beside them, and the spools, by name."""
        arrays: dict[str, NDArray[Any]] = {}
        spools: dict[str, BinaryIO] = {}
        for name, readers in self._columns.items():
            out = spools[f"ledger.{name}.frames"] = spool()
            kept = shape.texts if name == "text" else None
            arrays |= string_arrays(name, _copy(readers, self._lengths, shape.places, kept, out))
        return arrays, spools


def _copy(
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
    starts = [0, *accumulate(lengths)]
    row = 0
    while row < len(order):
        part = bisect_right(starts, order[row]) - 1
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
