"""The δ-Mem matrix of a memory: built from the ledger with torch, read with numpy.

The rows of a memory are cut into states of at most STATE_WRITES writes (whole sessions where they fit), each a matrix
learned by the rule `rls`. A state keeps

    S  one row for every segment (at most SEGMENT passages of one session), S k ≈ the code of k's segment
    P  the gain matrix (Σ k kᵀ + αI)⁻¹

`S q` ranks segments. Any finer grain comes from P: the row of a passage is c P, where c is the passage's key plus
half of each neighbour's, so one product `P q` and inner products with stored codes rank the passages. Reads of
different states compare because each is divided by the norms of its row and of P q: a cosine in the state's own metric.

How familiar a question is: `1 − α qᵀPq`, the share of it that the written keys explain, against the share that they
explain of one another (each left out in turn).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import keys, ledger
from deltamem_cli.ledger import Rows

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

STATE_WRITES = 8192
SEGMENT = 16
NEIGHBOUR = 0.5


@dataclass(frozen=True)
class Matrix:
    """All states of a memory; d = dimension of the keys, T states, G segments, N passages.

    states   (T + 1,) int64  first row of each state;  segments (G + 1,) int64  first row of each segment
    S        (G, d) float16; P (T, d(d+1)/2) float16, the upper triangles row by row
    norms    (N,) float16    ‖c P‖ of each passage
    alpha, fit, rank (T,) float32: the ridge, the mean leave-one-out fit of a state's own keys, its effective rank
    """

    states: Longs
    segments: Longs
    S: NDArray[np.float16]
    P: NDArray[np.float16]
    norms: NDArray[np.float16]
    alpha: Floats
    fit: Floats
    rank: Floats


def build(
    rows: Rows,
    vocabulary: NDArray[np.uint64],
    dimension: int,
    device: str = "cpu",
    old: tuple[Rows, Matrix] | None = None,
) -> Matrix:
    """Learn the matrix of all rows, which stand in canonical order. `dimension` is the encoder's.

    States of `old` that hold exactly the same rows are taken over, so that a memory that grows costs only its end.
    """
    width = dimension + keys.WORDS
    segments = ledger.stretches(rows.session, SEGMENT)
    states = ledger.gather(ledger.stretches(rows.session, STATE_WRITES), STATE_WRITES)
    starts = np.concatenate([[0], np.cumsum(rows.sizes, dtype=np.int64)])
    parts = []
    for first, end in pairwise(states.tolist()):
        inside = segments[(segments >= first) & (segments < end)]
        part = _known(rows, first, end, inside, *old) if old else None
        if part is None:
            key = row_keys(rows, vocabulary, dimension, starts, first, end)
            part = _learn(key, joined(rows.session[first:end]), inside - first, device)
        parts.append(part)
    empty = _Part(*(np.zeros(shape, np.float16) for shape in ((0, width), (0, width * (width + 1) // 2), (0,))), np.zeros((0, 3)))
    S, P, norms, numbers = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    alpha, fit, rank = numbers.astype(np.float32).T
    return Matrix(states, segments, S, P, norms, alpha, fit, rank)


class _Part(NamedTuple):
    """One state's share of the arrays of a Matrix; numbers (1, 3) are its α, fit and rank."""

    S: NDArray[np.float16]
    P: NDArray[np.float16]
    norms: NDArray[np.float16]
    numbers: NDArray[np.float64]


def _known(rows: Rows, first: int, end: int, segments: Longs, old_rows: Rows, old: Matrix) -> _Part | None:
    """The state of the old matrix with the same rows and segments, if there is one."""
    state = int(np.searchsorted(old.states, first))
    if state + 1 >= len(old.states) or old.states[state] != first or old.states[state + 1] != end:
        return None
    a, b = np.searchsorted(old.segments, (first, end))
    if not np.array_equal(old.segments[a:b], segments) or not np.array_equal(old_rows.uid[first:end], rows.uid[first:end]):
        return None
    numbers = np.array([[old.alpha[state], old.fit[state], old.rank[state]]])
    return _Part(old.S[a:b], old.P[state : state + 1], old.norms[first:end], numbers)


def row_keys(
    rows: Rows, vocabulary: NDArray[np.uint64], dimension: int, starts: Longs, first: int, end: int
) -> Floats:
    """Keys (end − first, d) of rows first:end, from their codes and terms; `starts` are the rows' places in `terms`."""
    sizes = rows.sizes[first:end].astype(np.int64)
    word_part = keys.words(sizes, rows.terms[starts[first] : starts[end]], vocabulary)
    return keys.join(keys.decode(rows.code[first:end], dimension), word_part)


def _learn(key: Floats, together: NDArray[np.bool_], segments: Longs, device: str) -> _Part:
    import torch

    from deltamem_cli.rules import rls

    K = torch.from_numpy(key).to(device)
    labels = np.searchsorted(segments, np.arange(len(key)), side="right") - 1
    V = torch.nn.functional.one_hot(torch.from_numpy(labels).to(device), len(segments)).float()
    alpha = rls.choose_alpha(K, V)
    state = rls.solve(K, V, alpha)
    fit = float(rls.leave_one_out(state, K, alpha).mean())
    second = (K.T @ K).cpu().double()
    rank = float(second.trace() ** 2 / second.square().sum())
    C = torch.from_numpy(with_neighbours(key, together, NEIGHBOUR)).to(device)
    d = key.shape[1]
    triangle = state.P[tuple(torch.triu_indices(d, d, device=K.device))][None]
    S, P, norms = (t.half().cpu().numpy() for t in (state.S, triangle, (C @ state.P).norm(dim=1)))
    return _Part(S, P, norms, np.array([[alpha, fit, rank]]))


def joined(*labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether each row (but the last) and the next one carry the same labels (N − 1,)."""
    return np.logical_and.reduce([column[1:] == column[:-1] for column in labels])


def with_neighbours(values: Floats, together: NDArray[np.bool_], share: float) -> Floats:
    """Each row of values (N,) or (N, d) plus `share` of the two beside it, where `together` (N − 1,) joins them."""
    weight = (together * np.float32(share)).reshape(-1, *[1] * (values.ndim - 1))
    summed = values.copy()
    summed[1:] += values[:-1] * weight
    summed[:-1] += values[1:] * weight
    return summed


def gains(matrix: Matrix, query: Floats) -> Floats:
    """P q of every state (T, d) for a query key (d,)."""
    d = len(query)
    upper = np.triu_indices(d)
    products = np.empty((len(matrix.P), d), np.float32)
    square = np.empty((d, d), np.float32)
    for state, triangle in enumerate(matrix.P):
        square[upper] = triangle
        square.T[upper] = triangle
        products[state] = square @ query
    return products


def read_segments(matrix: Matrix, query: Floats) -> Floats:
    """S q of every segment (G,) as a cosine: divided by the norms of the row and of the query."""
    S = matrix.S.astype(np.float32)
    norms = np.linalg.norm(S, axis=1) * np.linalg.norm(query)
    return np.asarray(S @ query / np.maximum(norms, 1e-12), np.float32)


def familiarity_ratio(matrix: Matrix, gain: Floats, query: Floats) -> float:
    """How well the best state explains the query (d,), in units of how well it explains its own passages."""
    if len(matrix.alpha) == 0 or not np.any(query):
        return 0.0
    unexplained = matrix.alpha * (gain @ query) / (query @ query)
    return float(np.max((1 - unexplained) / np.maximum(matrix.fit, 1e-3)))
