"""The matrix of a memory, learned from its ledger: state by state, those that are as they were taken over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import exchanges, keys, ledger, matrix
from deltamem_cli.memory.learning import Learning, weights
from deltamem_cli.memory.ledger import Rows
from deltamem_cli.memory.matrix import Matrix, joined, with_neighbours
from deltamem_cli.rules import rule_named
from deltamem_cli.rules.rule import RankCap, Rule, State, Writes

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Before:
    """A matrix that was learned, and of each of its rows the uid (n, 16) and the time (n,)."""

    uid: NDArray[np.uint8]
    time: Longs
    matrix: Matrix


def build(
    rows: Rows,
    vocabulary: NDArray[np.uint64],
    dimension: int,
    device: str = "cpu",
    old: Sequence[Before] = (),
    learning: Learning | None = None,
    lean: RankCap | None = None,
    empty: Callable[..., NDArray[Any]] = np.empty,
) -> Matrix:
    """Learn the matrix of all rows, which stand in canonical order, as `learning` says. `dimension` is the encoder's.

    States of `old` matrices, learned in the same way, that hold exactly the same rows are taken over, so that a memory
    that grows costs only its end. `lean` leaves S out and bounds the directions. `empty` makes the large arrays.
    """
    learning = learning or Learning()
    rule = rule_named(learning.rule)
    width = dimension + keys.WORDS
    states = ledger.cut(rows.session, learning.states, matrix.STATE_WRITES)
    segments = exchanges.segments(rows, states)
    count, most = len(states) - 1, len(states) * width
    rooms = [lean.directions(size) if lean else width for size in np.diff(states).tolist()]
    # Room for all before the first state is learned: small arrays kept between large ones that come and go would leave
    # the memory in pieces. What is never written here takes none.
    kept = 0 if lean else len(segments) - 1
    S, S_scale = empty((kept, rule.row_width(width)), np.int8), np.empty(kept, np.float32)
    F, F_scale = empty((most, width), np.int8), np.empty(most, np.float32)
    norms, numbers = np.empty(len(rows), np.float16), np.empty((count, 3), np.float32)
    known, normed = [0], 0
    for state, (first, end) in enumerate(pairwise(states.tolist())):
        a, b = np.searchsorted(segments, (first, end))
        again = (_taken_over(rows, first, end, segments[a:b], one) for one in old)
        part = next((same for same in again if same and _fits(same, rooms[state], lean)), None)
        if part is None:
            key = matrix.row_keys(rows, vocabulary, dimension, first, end)
            beside = with_neighbours(key, joined(rows.session[first:end]), matrix.NEIGHBOUR)
            left = weights(learning.half_life, rows.time[first:end], rows.summed[first:end])
            part = learn(rule, (key, beside, left), segments[a:b] - first, rank_cap=rooms[state], device=device)
        f = slice(known[-1], known[-1] + len(part.F))
        known.append(f.stop)
        if not lean:
            S[a:b], S_scale[a:b] = part.S, part.S_scale
        F[f], F_scale[f], numbers[state] = part.F, part.F_scale, part.numbers
        norms[normed : normed + len(part.norms)] = part.norms
        normed += len(part.norms)
    alpha, fit, rank = np.ascontiguousarray(numbers.T)
    F, F_scale, norms = F[: known[-1]], F_scale[: known[-1]], norms[:normed]
    return Matrix(states, segments, S, S_scale, np.array(known, np.int64), F, F_scale, norms, alpha, fit, rank)


def _taken_over(rows: Rows, first: int, end: int, segments: Longs, before: Before) -> State | None:
    """The state of the old matrix with the same rows and segments, if there is one."""
    old = before.matrix
    state = int(np.searchsorted(old.states, first))
    if state + 1 >= len(old.states) or old.states[state] != first or old.states[state + 1] != end:
        return None
    a, b = np.searchsorted(old.segments, (first, end))
    same = np.array_equal(old.segments[a:b], segments) and np.array_equal(before.uid[first:end], rows.uid[first:end])
    if not same or not np.array_equal(before.time[first:end], rows.time[first:end]):
        return None
    f = slice(int(old.known[state]), int(old.known[state + 1]))
    numbers = float(old.alpha[state]), float(old.fit[state]), float(old.rank[state])
    part = slice(a, b) if len(old.S) else slice(0)
    return State(old.S[part], old.S_scale[part], old.F[f], old.F_scale[f], old.norms[first:end], numbers)


def _fits(state: State, room: int, lean: RankCap | None) -> bool:
    """Whether a state that was learned before is what would be learned now."""
    return len(state.F) == room if lean else len(state.S) > 0


def learn(
    rule: Rule, writes: tuple[Floats, Floats, Floats], segments: Longs, *, rank_cap: int, device: str = "cpu"
) -> State:
    """Return the state that a rule learns. The only place where a memory meets torch.

    writes: keys (n, d) in time order, the keys with half of each neighbour's (n, d), what a half-life leaves of each
    (n,). segments: the rows that begin a segment.
    """
    import torch

    K, beside, weights = (torch.from_numpy(part).to(device) for part in writes)
    labels = np.searchsorted(segments, np.arange(len(K)), side="right") - 1
    V = torch.nn.functional.one_hot(torch.from_numpy(labels).to(device), len(segments)).float()
    return rule.learn(Writes(K, V, beside, weights), rank_cap)
