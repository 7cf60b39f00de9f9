"""What merging from file to file keeps in memory: some bytes a passage, whatever its columns hold."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from deltamem_cli.algebra import merge as merging
from deltamem_cli.algebra.merge import merge
from deltamem_cli.build import assemble as assembling
from deltamem_cli.build import learn_matrix, scratch
from deltamem_cli.build import row_union as gather
from deltamem_cli.memory import keys, ledger, matrix
from deltamem_cli.memory import text_blocks as blocks
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.text_blocks import BlockReader, pack
from deltamem_cli.records import Session, Source
from deltamem_cli.rules.rule import Rule, State

SESSION, TERMS, DIMENSION, WIDTH = 200, 20, 8, 10
MOST = 45  # bytes a passage: the order, what is taken, sessions, and (for a moment) the places of the terms
COLUMNS_OF_ONE = 16 + 6 * 4 + 8 + 2 + DIMENSION // 4 + 4 + 5 * TERMS  # bytes a passage in the file, beside its text


def constant(rule: Rule, writes: tuple[np.ndarray, ...], segments: np.ndarray, **_: object) -> State:
    """A state without learning, which takes the same room at any size."""
    keys = writes[0]
    S, F = np.zeros((len(segments), keys.shape[1]), np.int8), np.zeros((1, keys.shape[1]), np.int8)
    one = np.ones(1, np.float32)
    return State(S, np.ones(len(S), np.float32), F, one, np.ones(len(keys), np.float16), (1.0, 1.0, 1.0))


def make(path: Path, seed: int, passages: int) -> Path:
    """A memory of random passages; sessions of the seeds 0 and 1 take turns in time."""
    chance = np.random.default_rng(seed)
    session = np.arange(passages) // SESSION
    rows = ledger.blank(passages, DIMENSION).replaced(
        uid=chance.integers(0, 256, (passages, 16), np.uint8),
        session=session.astype(np.uint32),
        time=session * 2000 + seed * 1000 + np.arange(passages) % SESSION,
        line=np.arange(passages, dtype=np.uint32),
        seq=np.arange(passages, dtype=np.uint32),
        code=chance.integers(0, 256, (passages, DIMENSION // 4), np.uint8),
        length=np.full(passages, TERMS, np.uint16),
        sizes=np.full(passages, TERMS, np.uint16),
        terms=chance.integers(0, 500, passages * TERMS).astype(np.uint32),
        counts=np.ones(passages * TERMS, np.uint8),
    )
    names = [f"{seed}-{number}" for number in range(int(session[-1]) + 1)]

    def column(strings: list[str]) -> BlockReader:
        bounds, frames = pack(strings)
        return BlockReader(bounds, lambda first, end: frames[first:end], "here")

    text = column([f"passage {number} of {seed}".ljust(500) for number in range(passages)])
    part = gather.Part(rows, np.arange(500, dtype=np.uint64), [f"/{seed}"], names, [""], text, column([""] * passages))
    header = Header("words", "0", DIMENSION, 16, text=True)
    sessions = [Session(name) for name in names]
    mean = np.zeros(DIMENSION, np.float32)
    assembling.assemble(path, header, mean, [part], [Source(f"/{seed}", "text")], sessions)
    return path


def test_a_merge_keeps_the_order_in_memory_and_no_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)
    monkeypatch.setattr(blocks, "KEPT_BYTES", 1 << 17)
    monkeypatch.setattr(scratch, "_SMALL", 1 << 10)
    monkeypatch.setattr(gather, "_CHUNK", 64)
    monkeypatch.setattr(merging, "_AT_ONCE", 64)
    monkeypatch.setattr(matrix, "STATE_WRITES", 1024)
    monkeypatch.setattr(learn_matrix, "learn", constant)
    monkeypatch.setattr(matrix, "row_keys", lambda *a: np.zeros((a[4] - a[3], WIDTH), np.float32))
    monkeypatch.setattr(keys, "WORDS", WIDTH - DIMENSION)  # small keys: what a state takes would hide the rest
    peaks = []
    for passages in (2_000, 8_000):
        paths = [make(tmp_path / f"{passages}-{seed}", seed, passages) for seed in (0, 1)]
        tracemalloc.start()
        merge([open_memory(path) for path in paths], tmp_path / "both")
        peaks.append((2 * passages, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
        assert open_memory(tmp_path / "both").header.passages == 2 * passages
    ((few, less), (many, more)) = next(pairwise(peaks))
    assert (more - less) / (many - few) < MOST < COLUMNS_OF_ONE
