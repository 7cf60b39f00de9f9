"""The matrix: read as the plain formula says, split into states, and taken over where nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import WordEncoder, said
from numpy.typing import NDArray

from deltamem_cli.build import learn_matrix
from deltamem_cli.memory import ledger, matrix
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.matrix_scorer import Reads
from deltamem_cli.records import Message
from deltamem_cli.rules import rls

pytestmark = pytest.mark.usefixtures("poisoned")
Remember = Callable[..., StoredMemory]
WORDS = [
    "port",
    "cache",
    "launch",
    "tile",
    "marsh",
    "queue",
    "sync",
    "paint",
    "drill",
    "lathe",
    "glaze",
    "kiln",
    "loom",
    "frost",
    "cedar",
]


def chatter(sessions: int, each: int, first: int = 0) -> list[Message]:
    """Sessions of `each` messages of a few words."""
    dice = np.random.RandomState(first)
    return [
        said(
            " ".join(dice.choice(WORDS, 5)) + f" {s}",
            line=s * each + i + 1,
            session=f"s{s:03}",
            id=f"{s}-{i}",
            time=1e9 + s * 1000 + i,
        )
        for s in range(first, first + sessions)
        for i in range(each)
    ]


def dense_keys(memory: StoredMemory) -> NDArray[np.float64]:
    rows = memory.rows
    return matrix.row_keys(rows, memory.vocabulary, memory.header.dimension, 0, len(rows)).astype(np.float64)


def arrays(learned: Matrix) -> dict[str, NDArray[Any]]:
    return {field.name: getattr(learned, field.name) for field in fields(Matrix)}


@pytest.fixture
def small_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "STATE_WRITES", 24)


def test_segments_of_states_that_do_not_know_the_question_stand_back(
    remember: Remember, encoder: WordEncoder, small_states: None
) -> None:
    """The state that knows most reads as it is; another by ‖P q‖ α of that one over its own."""
    memory, question = remember(chatter(7, 9)), "which port for the cache in the marsh"
    ranker, learned = Ranker(memory), memory.matrix
    key = ranker.key(encoder.encode_query(question), question)
    gain, share = matrix.gains(learned, key)
    left = np.linalg.norm(gain, axis=1) * learned.alpha
    of = np.searchsorted(learned.states, learned.segments[:-1], side="right") - 1
    expected = matrix.read_segments(learned, rls.rule, key) * (left.min() / left)[of]
    assert np.abs(ranker.scores(question, encoder.encode_query(question)).segments - expected).max() < 1e-5
    assert len(share) > 1 and left.argmin() == share.argmax()


def test_segments_are_read_with_the_solved_matrix(remember: Remember, encoder: WordEncoder, small_states: None) -> None:
    memory = remember(chatter(6, 9))
    K, learned = dense_keys(memory), memory.matrix
    q = K[13] / np.linalg.norm(K[13])
    expected = np.zeros(len(learned.segments) - 1)
    for number, (first, end) in enumerate(pairwise(learned.states.tolist())):
        k = K[first:end]
        inverse = np.linalg.inv(k.T @ k + float(learned.alpha[number]) * np.eye(k.shape[1]))
        for segment, (a, b) in enumerate(pairwise(learned.segments.tolist())):
            if first <= a < end:
                row = K[a:b].sum(0) @ inverse
                expected[segment] = row @ q / np.linalg.norm(row)
    found = matrix.read_segments(learned, rls.rule, q.astype(np.float32))
    assert np.abs(found - expected).max() < 0.01
    assert learned.segments[int(found.argmax())] <= 13 < learned.segments[int(found.argmax()) + 1]


def test_states_hold_whole_sessions_and_segments_one_session_each(remember: Remember, small_states: None) -> None:
    memory = remember(chatter(7, 9))
    session, learned = memory.rows.session, memory.matrix
    assert np.diff(learned.states).max() <= 24
    assert all(session[bound - 1] != session[bound] for bound in learned.states[1:-1])
    assert all(len({*session[a:b].tolist()}) == 1 for a, b in pairwise(learned.segments.tolist()))
    assert {*learned.states.tolist()} <= {*learned.segments.tolist()}


def test_a_session_larger_than_a_state_is_cut(remember: Remember, small_states: None) -> None:
    learned = remember(chatter(1, 60)).matrix
    assert learned.states.tolist() == [0, 24, 48, 60]
    assert np.diff(learned.segments).max() == 4


def test_what_is_taken_over_equals_what_is_learned_anew(
    remember: Remember, small_states: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned_at: list[int] = []
    learn = learn_matrix.learn

    def counting(rule: Any, writes: Any, *rest: Any, **how: Any) -> Any:
        learned_at.append(len(writes[0]))
        return learn(rule, writes, *rest, **how)

    monkeypatch.setattr(learn_matrix, "learn", counting)
    remember(chatter(6, 9))
    learned_at.clear()
    memory = remember(chatter(3, 9, first=6))
    assert learned_at == [18, 9]  # the three states of before stay
    fresh = learn_matrix.build(memory.rows, memory.vocabulary, memory.header.dimension)
    for name, array in arrays(memory.matrix).items():
        assert np.array_equal(array, arrays(fresh)[name]), name
        assert array.dtype == matrix.DTYPES[name]


def test_a_question_about_what_was_written_is_better_explained(remember: Remember, encoder: WordEncoder) -> None:
    memory = remember(chatter(20, 9))
    ranker = Ranker(memory)

    def explained(question: str) -> float:
        return float(matrix.gains(memory.matrix, ranker.key(encoder.encode_query(question), question))[1].max())

    assert explained("port cache launch") > 2 * explained("violin sonata rehearsal")


def test_an_empty_matrix_has_no_states() -> None:
    learned = learn_matrix.build(*_nothing(), 30)
    assert {name: len(array) for name, array in arrays(learned).items()} == {
        name: 1 if name in ("states", "segments", "known") else 0 for name in matrix.DTYPES
    }
    q = np.zeros(30 + 640, np.float32)
    assert matrix.gains(learned, q)[0].shape == (0, 670)
    assert matrix.read_segments(learned, rls.rule, q).shape == (0,)


def _nothing() -> tuple[Any, NDArray[np.uint64]]:
    return ledger.blank(0, 30), np.zeros(0, np.uint64)


def test_what_a_lean_matrix_does_not_keep_is_recovered(
    remember: Remember, encoder: WordEncoder, small_states: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rls, "LEAST_KNOWN", 0.0)
    memory, question = remember(chatter(7, 9)), "which port for the cache in the marsh"
    key = Ranker(memory).key(encoder.encode_query(question), question)
    whole = Reads(memory).segments(key)[0]
    memory.__dict__["matrix"] = replace(memory.matrix, S=memory.matrix.S[:0], S_scale=memory.matrix.S_scale[:0])
    assert np.abs(Reads(memory).segments(key)[0] - whole).max() < 0.02
