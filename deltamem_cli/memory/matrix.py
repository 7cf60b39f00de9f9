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

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import keys
from deltamem_cli.memory.ledger import Rows
from deltamem_cli.rules.rls import LEAST_FIT
from deltamem_cli.rules.rule import Rule

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

STATE_WRITES = 8192
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


def shape(name: str, rule: Rule, passages: int, width: int) -> tuple[int | None, ...]:
    """The shape of an array of Matrix, None where any length will do; `width` is that of the keys."""
    if name == "norms":
        return (passages if rule.has_gain else 0,)
    widths = {"F": width, "S": rule.row_width(width)}
    return (None, widths[name]) if name in widths else (None,)


def row_keys(rows: Rows, vocabulary: NDArray[np.uint64], dimension: int, first: int, end: int) -> Floats:
    """Keys (end − first, d) of rows first:end, from their codes and terms."""
    sizes = rows.sizes[first:end].astype(np.int64)
    used, ids = np.unique(rows.terms[rows.offsets[first] : rows.offsets[end]], return_inverse=True)
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


def read_segments(matrix: Matrix, rule: Rule, query: Floats) -> Floats:
    """S q of every segment (G,) as a cosine: divided by the norms of the row and of the query."""
    return np.concatenate([np.zeros(0, np.float32), *(read[0] for read in _reads(matrix, rule, query[None]))])


def explained(matrix: Matrix, rule: Rule, queries: Floats) -> Floats:
    """How much of each key (n, w) the matrix knows (n,), 0 to 1: ‖F k‖² of the state that knows most, or the best read.

    w may be less than d: the rest of the keys is then zero.
    """
    best = np.zeros(len(queries), np.float32)
    if not rule.has_gain:
        for read in _reads(matrix, rule, queries):
            np.maximum(best, read.max(axis=1), out=best)
    for first, end in pairwise(matrix.known.tolist() if rule.has_gain else ()):
        told = queries @ (matrix.F[first:end, : queries.shape[1]] * matrix.F_scale[first:end, None]).T
        np.maximum(best, np.einsum("ij,ij->i", told, told), out=best)
    return np.minimum(best, 1)


def _reads(matrix: Matrix, rule: Rule, queries: Floats) -> Iterator[Floats]:
    """State by state the cosines of queries (n, w) with the rows of its segments (n, segments of the state)."""
    bounds = np.searchsorted(matrix.segments, matrix.states).tolist()
    for (a, b), (first, end) in zip(pairwise(bounds), pairwise(matrix.known.tolist()), strict=True):
        S, F = matrix.S[a:b].astype(np.float32), matrix.F[first:end, : queries.shape[1]]
        asked = rule.asked(F * matrix.F_scale[first:end, None], queries)
        norms = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(S, axis=1)
        yield np.asarray(asked @ S[:, : asked.shape[1]].T / np.maximum(norms, 1e-12), np.float32)


def familiarity_ratio(matrix: Matrix, share: Floats) -> float:
    """‖F q‖² of the state that explains a query best (share: (T,)), over how well a state explains its own passages."""
    least = np.float32(LEAST_FIT if len(matrix.S) else 1e-6)  # a lean matrix has it in its fit
    return float(np.max(share / np.maximum(matrix.fit, least), initial=0.0))
