"""The δ-Mem matrix of a memory: built from the ledger with torch, read with numpy.

The rows of a memory are cut into states of at most STATE_WRITES writes (whole sessions where they fit), each a matrix
learned by the memory's rule (state.py). By the rule `rls` a state keeps

    S  one row for every segment (at most SEGMENT passages of one session), S k ≈ the code of k's segment
    F  the directions it knows, the gain matrix in factors: P = (Σ k kᵀ + αI)⁻¹ = (I − FᵀF) / α

`S q` ranks segments. Any finer grain comes from F: the row of a passage is c P, where c is the passage's key plus half
of each neighbour's, so one product `P q` and inner products with stored codes rank the passages. Reads of different
states compare because each is divided by α and by the norms of its row and of P q: a cosine in the state's own metric.

`delta` and `slots` have no P: a passage is read as its segment, and `slots` turns a question into the address of its
slots, whose keys are F, before S reads it.

How familiar a question is: ‖F q‖², the share of it that the written keys explain, against the share that they explain
of one another (each left out in turn); by the other rules the best read alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import keys, ledger
from deltamem_cli.learning import Learning, weights
from deltamem_cli.ledger import Rows
from deltamem_cli.state import LEAST_FIT, SLOTS, Lean, State, address, learn

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

STATE_WRITES = 8192
SEGMENT = 16
NEIGHBOUR = 0.5


@dataclass(frozen=True)
class Matrix:
    """All states of a memory; d = dimension of the keys, T states, G segments, R directions, N passages.

    With the rule `slots` a row of S is as long as there are slots, and F holds their keys; `delta` has no F (R = 0).
    A lean one (`rls` only) has few directions and no S: `S q` of a segment then is the best read of its passages.

    states   (T + 1,) int64  first row of each state;  segments (G + 1,) int64  first row of each segment
    S, S_scale (G, d) int8, (G,) float32: a row of S is its int8 row times its scale;  F, F_scale (R, d), (R,) alike
    known    (T + 1,) int64  first row in F of each state
    norms    (N,) float16    ‖c P‖ of each passage; (0,) without a P
    alpha, fit, rank (T,) float32: the ridge, the mean leave-one-out fit of a state's own keys (0, 0 without a P), its
    effective rank
    """

    states: Longs
    segments: Longs
    S: NDArray[np.int8]
    S_scale: Floats
    known: Longs
    F: NDArray[np.int8]
    F_scale: Floats
    norms: NDArray[np.float16]
    alpha: Floats
    fit: Floats
    rank: Floats


DTYPES: dict[str, type[np.generic]] = {
    **dict.fromkeys(("states", "segments", "known"), np.int64),
    **dict.fromkeys(("S", "F"), np.int8),
    **dict.fromkeys(("S_scale", "F_scale", "alpha", "fit", "rank"), np.float32),
    "norms": np.float16,
}


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
    lean: Lean | None = None,
    empty: Callable[..., NDArray[Any]] = np.empty,
) -> Matrix:
    """Learn the matrix of all rows, which stand in canonical order, as `learning` says. `dimension` is the encoder's.

    States of `old` matrices, learned in the same way, that hold exactly the same rows are taken over, so that a memory
    that grows costs only its end. `lean` leaves S out and bounds the directions. `empty` makes the large arrays.
    """
    learning = learning or Learning()
    width = dimension + keys.WORDS
    segments = ledger.stretches(rows.session, SEGMENT)
    states = ledger.cut(rows.session, learning.states, STATE_WRITES)
    starts = np.concatenate([[0], np.cumsum(rows.sizes, dtype=np.int64)])
    count, most = len(states) - 1, len(states) * width
    rooms = [lean.directions(size) if lean else width for size in np.diff(states).tolist()]
    # Room for all before the first state is learned: small arrays kept between large ones that come and go would leave
    # the memory in pieces. What is never written here takes none.
    kept = 0 if lean else len(segments) - 1
    S, S_scale = empty((kept, row_width(learning.rule, width)), np.int8), np.empty(kept, np.float32)
    F, F_scale = empty((most, width), np.int8), np.empty(most, np.float32)
    norms, numbers = np.empty(len(rows), np.float16), np.empty((count, 3), np.float32)
    known, normed = [0], 0
    for state, (first, end) in enumerate(pairwise(states.tolist())):
        a, b = np.searchsorted(segments, (first, end))
        again = (_taken_over(rows, first, end, segments[a:b], one) for one in old)
        part = next((same for same in again if same and _fits(same, rooms[state], lean)), None)
        if part is None:
            key = row_keys(rows, vocabulary, dimension, starts, first, end)
            beside = with_neighbours(key, joined(rows.session[first:end]), NEIGHBOUR)
            left = weights(learning.half_life, rows.time[first:end], rows.summed[first:end])
            part = learn(learning.rule, key, beside, left, segments[a:b] - first, device, rooms[state])
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


def row_width(rule: str, width: int) -> int:
    """How long a row of S is, for keys of that width."""
    return SLOTS if rule == "slots" else width


def shape(name: str, rule: str, passages: int, width: int) -> tuple[int | None, ...]:
    """The shape of an array of Matrix, None where any length will do; `width` is that of the keys."""
    if name == "norms":
        return (passages if rule == "rls" else 0,)
    widths = {"F": width, "S": row_width(rule, width)}
    return (None, widths[name]) if name in widths else (None,)


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


def _fits(state: State, room: int, lean: Lean | None) -> bool:
    """Whether a state that was learned before is what would be learned now."""
    return len(state.F) == room if lean else len(state.S) > 0


def row_keys(rows: Rows, vocabulary: NDArray[np.uint64], dimension: int, starts: Longs, first: int, end: int) -> Floats:
    """Keys (end − first, d) of rows first:end, from their codes and terms; `starts` are the rows' places in `terms`."""
    sizes = rows.sizes[first:end].astype(np.int64)
    used, ids = np.unique(rows.terms[starts[first] : starts[end]], return_inverse=True)
    word_part = keys.words(sizes, ids.astype(np.uint32), vocabulary[used])
    return keys.join(keys.decode(rows.code[first:end], dimension), word_part)


def joined(*labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether each row (but the last) and the next one carry the same labels (N − 1,)."""
    return np.asarray(np.logical_and.reduce([column[1:] == column[:-1] for column in labels]), bool)


def with_neighbours(values: Floats, together: NDArray[np.bool_], share: float) -> Floats:
    """Each row of values (N,) or (N, d) plus `share` of the two beside it, where `together` (N − 1,) joins them."""
    weight = (together * np.float32(share)).reshape(-1, *[1] * (values.ndim - 1))
    summed = values.copy()
    summed[1:] += values[:-1] * weight
    summed[:-1] += values[1:] * weight
    return summed


def gains(matrix: Matrix, query: Floats) -> tuple[Floats, Floats]:
    """P q of every state (T, d) for a unit query key (d,), and ‖F q‖² of every state (T,); zeros without a P."""
    states = len(matrix.alpha)
    products, share = np.zeros((states, len(query)), np.float32), np.zeros(states, np.float32)
    for state, (first, end) in enumerate(pairwise(matrix.known.tolist())):
        if matrix.alpha[state] > 0:
            F = matrix.F[first:end].astype(np.float32) * matrix.F_scale[first:end, None]
            told = F @ query
            products[state] = (query - told @ F) / matrix.alpha[state]
            share[state] = told @ told
    return products, share


def read_segments(matrix: Matrix, rule: str, query: Floats) -> Floats:
    """S q of every segment (G,) as a cosine: divided by the norms of the row and of the query."""
    return np.concatenate([np.zeros(0, np.float32), *(read[0] for read in _reads(matrix, rule, query[None]))])


def explained(matrix: Matrix, rule: str, queries: Floats) -> Floats:
    """How much of each key (n, w) the matrix knows (n,), 0 to 1: ‖F k‖² of the state that knows most, or the best read.

    w may be less than d: the rest of the keys is then zero.
    """
    best = np.zeros(len(queries), np.float32)
    if rule != "rls":
        for read in _reads(matrix, rule, queries):
            np.maximum(best, read.max(axis=1), out=best)
    for first, end in pairwise(matrix.known.tolist() if rule == "rls" else ()):
        told = queries @ (matrix.F[first:end, : queries.shape[1]] * matrix.F_scale[first:end, None]).T
        np.maximum(best, np.einsum("ij,ij->i", told, told), out=best)
    return np.minimum(best, 1)


def _reads(matrix: Matrix, rule: str, queries: Floats) -> Iterator[Floats]:
    """State by state the cosines of queries (n, w) with the rows of its segments (n, segments of the state)."""
    bounds = np.searchsorted(matrix.segments, matrix.states).tolist()
    for (a, b), (first, end) in zip(pairwise(bounds), pairwise(matrix.known.tolist()), strict=True):
        S, asked = matrix.S[a:b].astype(np.float32), queries
        if rule == "slots":
            F = matrix.F[first:end, : queries.shape[1]] * matrix.F_scale[first:end, None]
            asked = address(F, queries)
        norms = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(S, axis=1)
        yield np.asarray(asked @ S[:, : asked.shape[1]].T / np.maximum(norms, 1e-12), np.float32)


def familiarity_ratio(matrix: Matrix, share: Floats) -> float:
    """‖F q‖² of the state that explains a query best (share: (T,)), over how well a state explains its own passages."""
    least = np.float32(LEAST_FIT if len(matrix.S) else 1e-6)  # a lean matrix has it in its fit
    return float(np.max(share / np.maximum(matrix.fit, least), initial=0.0))
