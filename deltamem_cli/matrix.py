"""The δ-Mem matrix of a memory: built from the ledger with torch, read with numpy.

The rows of a memory are cut into states of at most STATE_WRITES writes (whole sessions where they fit), each a matrix
learned by the rule `rls`. A state keeps

    S  one row for every segment (at most SEGMENT passages of one session), S k ≈ the code of k's segment
    F  the directions it knows, the gain matrix in factors: P = (Σ k kᵀ + αI)⁻¹ = (I − FᵀF) / α

`S q` ranks segments. Any finer grain comes from F: the row of a passage is c P, where c is the passage's key plus half
of each neighbour's, so one product `P q` and inner products with stored codes rank the passages. Reads of different
states compare because each is divided by the norms of its row and of P q: a cosine in the state's own metric.

How familiar a question is: ‖F q‖², the share of it that the written keys explain, against the share that they explain
of one another (each left out in turn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import keys, ledger
from deltamem_cli.ledger import Rows

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

STATE_WRITES = 8192
SEGMENT = 16
LEAST_FIT = 0.2  # a memory of a few passages explains nothing of them by the others; it must not find all familiar
LEAST_KNOWN = 0.05  # share of a direction under which it is dropped from F: benchmarks/LOG.md has what that costs
NEIGHBOUR = 0.5


@dataclass(frozen=True)
class Matrix:
    """All states of a memory; d = dimension of the keys, T states, G segments, R directions, N passages.

    A lean one has few directions and no S: `S q` of a segment then is the best read of its passages.

    states   (T + 1,) int64  first row of each state;  segments (G + 1,) int64  first row of each segment
    S, S_scale (G, d) int8, (G,) float32: a row of S is its int8 row times its scale;  F, F_scale (R, d), (R,) alike
    known    (T + 1,) int64  first row in F of each state
    norms    (N,) float16    ‖c P‖ of each passage
    alpha, fit, rank (T,) float32: the ridge, the mean leave-one-out fit of a state's own keys, its effective rank
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


def build(
    rows: Rows,
    vocabulary: NDArray[np.uint64],
    dimension: int,
    device: str = "cpu",
    old: Sequence[tuple[NDArray[np.uint8], Matrix]] = (),
    lean: Lean | None = None,
) -> Matrix:
    """Learn the matrix of all rows, which stand in canonical order. `dimension` is the encoder's.

    `old` are uids (n, 16) of rows and the matrix learned from them. States that hold exactly the same rows are taken
    over, so that a memory that grows costs only its end. `lean` leaves S out and bounds the directions.
    """
    width = dimension + keys.WORDS
    segments = ledger.stretches(rows.session, SEGMENT)
    states = ledger.gather(ledger.stretches(rows.session, STATE_WRITES), STATE_WRITES)
    starts = np.concatenate([[0], np.cumsum(rows.sizes, dtype=np.int64)])
    count, most = len(states) - 1, len(states) * width
    rooms = [lean.directions(size) if lean else width for size in np.diff(states).tolist()]
    # Room for all before the first state is learned: small arrays kept between large ones that come and go would leave
    # the memory in pieces. What is never written here takes none.
    kept = 0 if lean else len(segments) - 1
    S, S_scale = np.empty((kept, width), np.int8), np.empty(kept, np.float32)
    F, F_scale = np.empty((most, width), np.int8), np.empty(most, np.float32)
    norms, numbers = np.empty(len(rows), np.float16), np.empty((count, 3), np.float32)
    known = [0]
    for state, (first, end) in enumerate(pairwise(states.tolist())):
        a, b = np.searchsorted(segments, (first, end))
        again = (_known(rows, first, end, segments[a:b], *one) for one in old)
        part = next((same for same in again if same and _fits(same, rooms[state], lean)), None)
        if part is None:
            key = row_keys(rows, vocabulary, dimension, starts, first, end)
            part = _learn(key, joined(rows.session[first:end]), segments[a:b] - first, device, rooms[state])
        f = slice(known[-1], known[-1] + len(part.F))
        known.append(f.stop)
        if not lean:
            S[a:b], S_scale[a:b] = part.S, part.S_scale
        F[f], F_scale[f] = part.F, part.F_scale
        norms[first:end], numbers[state] = part.norms, part.numbers
    alpha, fit, rank = np.ascontiguousarray(numbers.T)
    F, F_scale = F[: known[-1]], F_scale[: known[-1]]
    return Matrix(states, segments, S, S_scale, np.array(known, np.int64), F, F_scale, norms, alpha, fit, rank)


class Lean(NamedTuple):
    """How few directions a state keeps: one for `share` writes, at most `most`."""

    share: int
    most: int

    def directions(self, writes: int) -> int:
        """Of a state of so many writes."""
        return min(self.most, writes // self.share)


class _Part(NamedTuple):
    """One state's share of the arrays of a Matrix; numbers are its α, fit and rank."""

    S: NDArray[np.int8]
    S_scale: Floats
    F: NDArray[np.int8]
    F_scale: Floats
    norms: NDArray[np.float16]
    numbers: tuple[float, float, float]


def _known(rows: Rows, first: int, end: int, segments: Longs, uids: NDArray[np.uint8], old: Matrix) -> _Part | None:
    """The state of the old matrix with the same rows and segments, if there is one."""
    state = int(np.searchsorted(old.states, first))
    if state + 1 >= len(old.states) or old.states[state] != first or old.states[state + 1] != end:
        return None
    a, b = np.searchsorted(old.segments, (first, end))
    if not np.array_equal(old.segments[a:b], segments) or not np.array_equal(uids[first:end], rows.uid[first:end]):
        return None
    f = slice(int(old.known[state]), int(old.known[state + 1]))
    numbers = float(old.alpha[state]), float(old.fit[state]), float(old.rank[state])
    part = slice(a, b) if len(old.S) else slice(0)
    return _Part(old.S[part], old.S_scale[part], old.F[f], old.F_scale[f], old.norms[first:end], numbers)


def _fits(part: _Part, room: int, lean: Lean | None) -> bool:
    """Whether a state that was learned before is what would be learned now."""
    return len(part.F) == room if lean else len(part.S) > 0


def row_keys(rows: Rows, vocabulary: NDArray[np.uint64], dimension: int, starts: Longs, first: int, end: int) -> Floats:
    """Keys (end − first, d) of rows first:end, from their codes and terms; `starts` are the rows' places in `terms`."""
    sizes = rows.sizes[first:end].astype(np.int64)
    used, ids = np.unique(rows.terms[starts[first] : starts[end]], return_inverse=True)
    word_part = keys.words(sizes, ids.astype(np.uint32), vocabulary[used])
    return keys.join(keys.decode(rows.code[first:end], dimension), word_part)


def _learn(key: Floats, together: NDArray[np.bool_], segments: Longs, device: str, room: int) -> _Part:
    """The state of keys (n, d) that begin their segments at the rows `segments`, with its `room` best known directions.

    With fewer directions a state explains less of any question, and its `fit` is less by as much.
    """
    import torch

    from deltamem_cli.rules import rls

    K = torch.from_numpy(key).to(device)
    labels = np.searchsorted(segments, np.arange(len(key)), side="right") - 1
    V = torch.nn.functional.one_hot(torch.from_numpy(labels).to(device), len(segments)).float()
    found = rls.spectrum(K)
    alpha = rls.choose_alpha(found, K, V)
    state = rls.solve(K, V, alpha)
    fit = float(rls.leave_one_out(state, K, alpha).mean())
    rank = float(found.scale.sum() ** 2 / found.scale.square().sum())
    S, S_scale = _rounded(state.S)
    known = rls.known(found, alpha, LEAST_KNOWN)  # the best known last
    few = known[max(len(known) - room, 0) :]
    if len(few) < len(known):
        fit *= float((K @ few.T).square().sum() / (K @ known.T).square().sum())
    F, F_scale = _rounded(few)
    kept = (F.float() * F_scale[:, None]).to(device)
    C = torch.from_numpy(with_neighbours(key, together, NEIGHBOUR)).to(device)
    norms = (C - C @ kept.T @ kept).norm(dim=1) / alpha
    numbers = alpha, fit, rank
    return _Part(_host(S), _host(S_scale), _host(F), _host(F_scale), _host(norms.half()), numbers)


def _host(tensor: torch.Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()


def _rounded(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (n, d) as int8 and a scale (n,) each."""
    scale = rows.abs().amax(dim=1).clamp(min=1e-12) / 127
    return (rows / scale[:, None]).round().char(), scale


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
    """P q of every state (T, d) for a unit query key (d,), and ‖F q‖² of every state (T,)."""
    states = len(matrix.alpha)
    products, share = np.empty((states, len(query)), np.float32), np.empty(states, np.float32)
    for state, (first, end) in enumerate(pairwise(matrix.known.tolist())):
        F = matrix.F[first:end].astype(np.float32) * matrix.F_scale[first:end, None]
        told = F @ query
        products[state] = (query - told @ F) / matrix.alpha[state]
        share[state] = told @ told
    return products, share


def read_segments(matrix: Matrix, query: Floats) -> Floats:
    """S q of every segment (G,) as a cosine: divided by the norms of the row and of the query."""
    S = matrix.S.astype(np.float32)
    norms = np.linalg.norm(S, axis=1) * np.linalg.norm(query)
    return np.asarray(S @ query / np.maximum(norms, 1e-12), np.float32)


def familiarity_ratio(matrix: Matrix, share: Floats) -> float:
    """‖F q‖² of the state that explains a query best (share: (T,)), over how well a state explains its own passages."""
    return float(np.max(share / np.maximum(matrix.fit, LEAST_FIT), initial=0.0))
