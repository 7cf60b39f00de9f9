"""What a ranker prepares once reads as the plain functions do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ledger import rows_of

from deltamem_cli.memory import keys, matrix
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.recall.matrix_scorer import Reads, Words
from deltamem_cli.rules import RULES

DICE = np.random.RandomState(0)


def learned(states: int, segments: int, known: int, width: int) -> Matrix:
    """A matrix of random numbers, `segments` and `known` a state."""
    ends = np.arange(states + 1, dtype=np.int64)
    return Matrix(
        states=ends * segments * 2,
        segments=np.arange(states * segments + 1, dtype=np.int64) * 2,
        S=DICE.randint(-127, 128, (states * segments, width)).astype(np.int8),
        S_scale=DICE.rand(states * segments).astype(np.float32),
        known=ends * known,
        F=DICE.randint(-127, 128, (states * known, width)).astype(np.int8),
        F_scale=(DICE.rand(states * known) / 1000).astype(np.float32),
        norms=np.ones(states * segments * 2, np.float16),
        alpha=np.linspace(0, 2, states + 1)[1:].astype(np.float32),
        fit=np.ones(states, np.float32),
        rank=np.ones(states, np.float32),
    )


@pytest.mark.parametrize(("states", "segments", "known"), [(0, 0, 0), (1, 1, 1), (3, 5, 7), (2, 9, 0)])
def test_gains_and_segments(states: int, segments: int, known: int) -> None:
    made, query = learned(states, segments, known, 40), DICE.standard_normal(40).astype(np.float32)
    made.S[:1] = 0
    for _ in range(2):
        for fast, plain in zip(Reads(made, "rls").gains(query), matrix.gains(made, query), strict=True):
            assert fast.shape == plain.shape and np.abs(fast - plain).max(initial=0) < 1e-5
        fast, plain = Reads(made, "rls").segments(query), matrix.read_segments(made, RULES["rls"], query)
        assert fast.shape == plain.shape and np.abs(fast - plain).max(initial=0) < 1e-5


def test_every_rule_reads_its_segments() -> None:
    made = learned(2, 3, 0, 40)
    query = DICE.standard_normal(40).astype(np.float32)
    for rule in sorted({*RULES} - {"slots"}):
        assert np.allclose(Reads(made, rule).segments(query), matrix.read_segments(made, RULES[rule], query), atol=1e-5)
    without = replace(made, alpha=np.zeros(2, np.float32))
    assert not any(part.any() for part in Reads(without, "delta").gains(query))


@given(st.lists(st.lists(st.integers(1, 99), max_size=6, unique=True), max_size=20), st.integers(1, 4))
def test_words(passages: list[list[int]], states: int) -> None:
    rows, vocabulary = rows_of([(0, 0, 0, i, terms) for i, terms in enumerate(passages)])
    bounds = np.unique(np.linspace(0, len(passages), states + 1).astype(np.int64))
    halves = DICE.standard_normal((len(bounds) - 1, keys.WORDS)).astype(np.float32)
    for kind in (np.uint32, np.intp):
        words = Words(rows.replaced(terms=rows.terms.astype(kind)), vocabulary, bounds)
        for _ in range(2):
            fast = words.read(halves)
            assert fast.dtype == np.float32
            assert np.abs(fast - words.plain(halves, bounds)).max(initial=0) < 1e-5
