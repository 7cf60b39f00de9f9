"""A column of strings as compressed blocks: written in one pass, any row read without the rest.

A block is the JSON array of some consecutive strings, as one zstd frame. It closes once it holds BLOCK_BYTES of text or
BLOCK_ROWS strings, so its bounds depend only on the strings from its first one on: columns that begin alike have the
same first blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import orjson
import zstandard
from numpy.typing import NDArray

from deltamem_cli.errors import MemoryFileError

_SURROGATE = re.compile("[\ud800-\udfff]")
BLOCK_BYTES = 64 * 1024  # of text: larger compresses little better, and a hit costs one block
BLOCK_ROWS = 4096  # most columns of pointers are empty strings, which would never fill a block
LEVEL = 9
TABLE_LIMIT = 256 * 1024 * 1024  # as is a table, which is read whole
KEPT_BYTES = 8 * 1024 * 1024  # of blocks that were read last
FRAME_LIMIT = 64 * 1024 * 1024  # a frame that claims to unpack to more is not ours


def plain(text: str) -> str:
    """The text with lone surrogates, which have no UTF-8, replaced."""
    return _SURROGATE.sub("\ufffd", text)


@dataclass(frozen=True)
class Bounds:
    """Where the blocks lie: block i holds rows[i]:rows[i+1] and is bytes[i]:bytes[i+1] of the frames (int64)."""

    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]


class BlockWriter:
    """Packs strings into blocks, handing each finished frame to `sink`."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self._pack = zstandard.ZstdCompressor(level=LEVEL).compress
        self._open: list[str] = []
        self._size = 0
        self._ends = [(0, 0)]  # rows and bytes of all blocks so far; in pairs, which an interrupt cannot part

    def add(self, text: str) -> None:
        """Append one string (a lone surrogate becomes U+FFFD: it has no UTF-8)."""
        self._open.append(text)
        self._size += len(text)
        if self._size >= BLOCK_BYTES or len(self._open) >= BLOCK_ROWS:
            self._close()

    def add_frame(self, frame: bytes, count: int) -> bool:
        """Append a whole finished block of `count` strings as it is; False when the open block is not empty."""
        if self._open:
            return False
        self._emit(frame, count)
        return True

    def finish(self) -> Bounds:
        """Close the last block."""
        if self._open:
            self._close()
        rows, ends = np.array(self._ends, np.int64).T
        return Bounds(np.ascontiguousarray(rows), np.ascontiguousarray(ends))

    def _close(self) -> None:
        try:
            array = orjson.dumps(self._open)
        except TypeError:
            array = orjson.dumps([plain(text) for text in self._open])
        self._emit(self._pack(array), len(self._open))
        self._open, self._size = [], 0

    def _emit(self, frame: bytes, count: int) -> None:
        self._sink(frame)
        rows, end = self._ends[-1]
        self._ends.append((rows + count, end + len(frame)))


class BlockReader:
    """The strings of a column. `frames(a, b)` returns those bytes of the frames; the last few blocks are kept."""

    def __init__(self, bounds: Bounds, frames: Callable[[int, int], bytes], name: str) -> None:
        self.bounds, self._frames, self._name = bounds, frames, name
        self._cache: dict[int, tuple[list[str], int]] = {}  # and how many bytes each was

    def __len__(self) -> int:
        return int(self.bounds.rows[-1])

    def __getitem__(self, row: int) -> str:
        block, first, _ = self.span(row)
        return self.block(block)[row - first]

    def span(self, row: int) -> tuple[int, int, int]:
        """The block that holds a row, its first row and the row after its last."""
        block = int(np.searchsorted(self.bounds.rows, row, side="right")) - 1
        return block, int(self.bounds.rows[block]), int(self.bounds.rows[block + 1])

    def __iter__(self) -> Iterator[str]:
        for block in range(len(self.bounds.rows) - 1):
            yield from self.block(block)

    def bounded(self) -> BlockReader:
        """Itself. Raises MemoryFileError when all blocks together claim to unpack to more than a table ever holds."""
        total = 0
        for block in range(len(self.bounds.rows) - 1):
            try:
                total += zstandard.frame_content_size(self.frame(block))
            except zstandard.ZstdError:
                continue  # damaged: said when it is unpacked
            if total > TABLE_LIMIT:
                raise MemoryFileError(f"{self._name}: a table in it is too large to be ours; restore the file")
        return self

    def frame(self, block: int) -> bytes:
        """One block as stored."""
        return self._frames(int(self.bounds.bytes[block]), int(self.bounds.bytes[block + 1]))

    def block(self, block: int) -> list[str]:
        """The strings of one block. Raises MemoryFileError when it is damaged."""
        if block not in self._cache:
            strings, size = self._unpack(block)
            while self._cache and size + sum(kept for _, kept in self._cache.values()) > KEPT_BYTES:
                self._cache.pop(next(iter(self._cache)))
            self._cache[block] = strings, size
        return self._cache[block][0]

    def _unpack(self, block: int) -> tuple[list[str], int]:
        frame, size = self.frame(block), 0
        try:
            size = zstandard.frame_content_size(frame)
            if not 0 <= size <= FRAME_LIMIT:
                raise ValueError("its size is not believable")
            strings = orjson.loads(zstandard.ZstdDecompressor().decompress(frame))
        except (zstandard.ZstdError, ValueError) as error:
            raise MemoryFileError(
                f"{self._name}: block {block} is damaged ({error}); restore the file or ingest again"
            ) from error
        expected = int(self.bounds.rows[block + 1] - self.bounds.rows[block])
        if not isinstance(strings, list) or len(strings) != expected or set(map(type, strings)) - {str}:
            raise MemoryFileError(
                f"{self._name}: block {block} does not hold {expected} strings; restore the file or ingest again"
            )
        return strings, size


def pack(strings: Iterable[str]) -> tuple[Bounds, bytes]:
    """All strings at once, for short columns."""
    frames: list[bytes] = []
    writer = BlockWriter(frames.append)
    for string in strings:
        writer.add(string)
    return writer.finish(), b"".join(frames)
