"""What a ranker prepares once reads as the plain functions do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from deltamem_cli.memory import matrix
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.matrix_scorer import Reads
from deltamem_cli.rules import RULES, rule_named

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


def reads(learned: Matrix, rule: str) -> Reads:
    return Reads(cast(StoredMemory, SimpleNamespace(matrix=learned, header=SimpleNamespace(rule=rule))))


@pytest.mark.parametrize(("states", "segments", "known"), [(1, 1, 1), (3, 5, 7), (2, 9, 0)])
def test_gains_and_segments(states: int, segments: int, known: int) -> None:
    made, query = learned(states, segments, known, 40), DICE.standard_normal(40).astype(np.float32)
    made.S[:1] = 0
    ready = reads(made, "rls")
    for _ in range(2):
        for fast, plain in zip(ready.gains(query), matrix.gains(made, query), strict=True):
            assert fast.shape == plain.shape and np.abs(fast - plain).max(initial=0) < 1e-5
        left = np.linalg.norm(matrix.gains(made, query)[0], axis=1) * made.alpha
        of_state = np.repeat(left.min(initial=9) / np.maximum(left, 1e-12), segments)
        found, plain = ready.segments(query)[0], matrix.read_segments(made, rule_named("rls"), query) * of_state
        assert found.shape == plain.shape and np.abs(found - plain).max(initial=0) < 1e-5


def test_every_rule_reads_its_segments() -> None:
    made = learned(2, 3, 0, 40)
    query = DICE.standard_normal(40).astype(np.float32)
    for rule in sorted({*RULES} - {"slots", "rls"}):
        assert np.allclose(
            reads(made, rule).segments(query)[0], matrix.read_segments(made, rule_named(rule), query), atol=1e-5
        )
    without = replace(made, alpha=np.zeros(2, np.float32))
    assert not any(part.any() for part in reads(without, "delta").gains(query))
