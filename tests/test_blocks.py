"""Columns of strings: all of them come back, a longer column begins with the same blocks, damage is refused."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory import text_blocks as blocks
from deltamem_cli.memory.text_blocks import BlockReader, BlockWriter, Bounds, pack

STRINGS = st.lists(st.text(max_size=30) | st.integers(1, 5000).map("ab".__mul__), max_size=60)


def reader(bounds: Bounds, frames: bytes) -> BlockReader:
    return BlockReader(bounds, lambda first, end: frames[first:end], "memory")


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> object:
    """Blocks of 100 characters, so that a few strings fill several."""
    patch = pytest.MonkeyPatch()
    patch.setattr(blocks, "BLOCK_BYTES", 100)
    yield
    patch.undo()


@given(STRINGS)
def test_all_strings_come_back_in_any_order(strings: list[str]) -> None:
    found = reader(*pack(strings))
    assert list(found) == strings
    assert len(found) == len(strings)
    assert [found[row] for row in reversed(range(len(strings)))] == strings[::-1]


@given(STRINGS, STRINGS)
def test_a_longer_column_begins_with_the_same_blocks(strings: list[str], more: list[str]) -> None:
    short, frames = pack(strings)
    long, longer_frames = pack(strings + more)
    whole = max(len(short.rows) - 2, 0)  # all blocks but the last, which was closed by the end
    assert long.rows[: whole + 1].tolist() == short.rows[: whole + 1].tolist()
    assert longer_frames[: short.bytes[whole]] == frames[: short.bytes[whole]]


@given(STRINGS)
def test_whole_blocks_may_be_copied(strings: list[str]) -> None:
    bounds, frames = pack(strings)
    source, out = reader(bounds, frames), bytearray()
    writer = BlockWriter(out.extend)
    for block, (first, end) in enumerate(zip(bounds.rows, bounds.rows[1:], strict=False)):
        assert writer.add_frame(source.frame(block), int(end - first))
    copied = writer.finish()
    assert (bytes(out), copied.rows.tolist(), copied.bytes.tolist()) == (
        frames,
        bounds.rows.tolist(),
        bounds.bytes.tolist(),
    )


def test_no_block_is_put_behind_a_started_one() -> None:
    writer = BlockWriter(lambda frame: None)
    writer.add("a")
    assert not writer.add_frame(b"frame", 3)
    assert writer.finish().rows.tolist() == [0, 1]


def test_half_a_character_becomes_a_replacement() -> None:
    assert list(reader(*pack(["a\ud800b", "c"]))) == ["a\ufffdb", "c"]


def frame_of(value: object) -> bytes:
    return zstandard.compress(value if isinstance(value, bytes) else orjson.dumps(value))


def of_unknown_size() -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(b'["a"]')


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"no frame",
        frame_of(["a"])[:-2],
        frame_of(b"no json"),
        frame_of({"a": 1}),
        frame_of(["a", "b"]),
        frame_of([]),
        frame_of([1]),
        frame_of(b"[" * 100_000),
        of_unknown_size(),
    ],
    ids=["empty", "noise", "cut", "no json", "object", "too many", "too few", "number", "deep", "unknown size"],
)
def test_a_damaged_block_is_refused(frame: bytes) -> None:
    bounds = Bounds(np.array([0, 1]), np.array([0, len(frame)]))
    with pytest.raises(MemoryFileError, match="memory: block 0"):
        reader(bounds, frame)[0]


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zstandard.compress(bytes(blocks.FRAME_LIMIT + 1))
    assert len(bomb) < 10_000
    with pytest.raises(MemoryFileError, match="not believable"):
        reader(Bounds(np.array([0, 1]), np.array([0, len(bomb)])), bomb)[0]


def test_empty_strings_fill_blocks_too() -> None:
    bounds, _ = pack([""] * (2 * blocks.BLOCK_ROWS + 1))
    assert bounds.rows.tolist() == [0, blocks.BLOCK_ROWS, 2 * blocks.BLOCK_ROWS, 2 * blocks.BLOCK_ROWS + 1]
