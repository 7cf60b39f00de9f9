"""One state of the matrix, learned from its keys by one of the rules. The only place where a memory meets torch.

    rls     S, the ridge solution; F, the directions it knows (matrix.py)
    delta   S after one write a passage in time order, mode `no_lambda` with one gate β; no F
    slots   S, what each slot holds of each segment, less its mean over the slots; F, the keys of the slots

The value of a passage is the unit vector of its segment. The numbers of `delta` and `slots` are the best of those
measured: benchmarks/LOG.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

LEAST_KNOWN = 0.05  # share of a direction under which it is dropped from F: benchmarks/LOG.md has what that costs
LEAST_FIT = 0.2  # a memory of a few passages explains nothing of them by the others; it must not find all familiar
BETA = 0.005  # gate of `delta`
SLOTS, SHARPNESS, STRENGTH = 512, 10.0, 0.1  # of `slots`


class Lean(NamedTuple):
    """How few directions a state keeps: one for `share` writes, at most `most`."""

    share: int
    most: int

    def directions(self, writes: int) -> int:
        """Of a state of so many writes."""
        return min(self.most, writes // self.share)


class State(NamedTuple):
    """One state's share of the arrays of a Matrix; numbers are its α (0 without a ridge), fit (0) and rank."""

    S: NDArray[np.int8]
    S_scale: Floats
    F: NDArray[np.int8]
    F_scale: Floats
    norms: NDArray[np.float16]
    numbers: tuple[float, float, float]


def learn(
    rule: str,
    keys: Floats,
    beside: Floats,
    weights: Floats,
    segments: NDArray[np.int64],
    device: str,
    room: int,
) -> State:
    """The state of keys (n, d) in time order, which begin their segments at the rows `segments`.

    beside: the keys with half of each neighbour's (n, d), whose rows of the matrix have the norms; weights (n,): what a
    half-life leaves of each; room: how many directions F may have, the best known. All three are for `rls` alone.
    """
    import torch

    K = torch.from_numpy(keys).to(device)
    labels = np.searchsorted(segments, np.arange(len(keys)), side="right") - 1
    V = torch.nn.functional.one_hot(torch.from_numpy(labels).to(device), len(segments)).float()
    if rule == "rls":
        return _rls(K, V, torch.from_numpy(beside).to(device), torch.from_numpy(weights).to(device), room)
    S, F = _delta(K, V) if rule == "delta" else _slots(K, V)
    C = K.T @ K
    rank = float(C.trace() ** 2 / C.square().sum())
    return _stored(_rounded(S), _rounded(F), K[:0, 0], (0.0, 0.0, rank))


def _rls(K: torch.Tensor, V: torch.Tensor, beside: torch.Tensor, weights: torch.Tensor, room: int) -> State:
    """With fewer directions a state explains less of any question, and its fit is less by as much.

    The ridge that predicts segments best is too small to rank the passages of a state that is full: it grows with the
    writes, from as many as there are dimensions on (benchmarks/states.py).
    """
    from deltamem_cli.rules import rls

    root = weights.sqrt()[:, None]
    K, V = K * root, V * root
    found = rls.spectrum(K)
    alpha = rls.choose_alpha(found, K, V) * max(1.0, float(weights.sum()) / K.shape[1])
    state = rls.solve(K, V, alpha)
    fit = float((weights * rls.leave_one_out(state, K, alpha)).sum() / weights.sum())
    rank = float(found.scale.sum() ** 2 / found.scale.square().sum())
    known = rls.known(found, alpha, LEAST_KNOWN)  # the best known last
    few = known[max(len(known) - room, 0) :]
    if len(few) < len(known):
        fit = max(fit, LEAST_FIT) * float((K @ few.T).square().sum() / (K @ known.T).square().sum())
    F, F_scale = _rounded(few)
    kept = (F.float() * F_scale[:, None]).to(K.device)
    norms = (beside - beside @ kept.T @ kept).norm(dim=1) / alpha
    return _stored(_rounded(state.S), (F, F_scale), norms, (alpha, fit, rank))


def _delta(K: torch.Tensor, V: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    from deltamem_cli.rules import delta

    empty = delta.empty(V.shape[1], K.shape[1], device=str(K.device))
    gates = delta.gates("no_lambda", K.new_full((len(K), 1), BETA))
    return delta.write(empty, K, V, gates).state, K[:0]


def _slots(K: torch.Tensor, V: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    from deltamem_cli.rules import slots

    d = K.shape[1]
    empty = slots.empty(SLOTS, d, V.shape[1], sharpness=SHARPNESS, device=str(K.device))
    M = slots.write(empty, K, V, K.new_full((len(K),), STRENGTH)).M
    values = M[:, d:].T
    return values - values.mean(1, keepdim=True), M[:, :d]


def _stored(
    S: tuple[torch.Tensor, torch.Tensor],
    F: tuple[torch.Tensor, torch.Tensor],
    norms: torch.Tensor,
    numbers: tuple[float, float, float],
) -> State:
    return State(_host(S[0]), _host(S[1]), _host(F[0]), _host(F[1]), _host(norms.half()), numbers)


def _host(tensor: torch.Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()


def _rounded(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (n, d) as int8 and a scale (n,) each."""
    scale = rows.abs().amax(dim=1).clamp(min=1e-12) / 127
    return (rows / scale[:, None]).round().char(), scale


def address(keys: Floats, queries: Floats) -> Floats:
    """How much each slot takes part in a read, less the mean (n, s): slots' keys (s, d), queries (n, d).

    Less the mean, because every slot takes part in every read a little, and reads are compared as cosines.
    """
    scores = SHARPNESS * queries @ keys.T
    parts = np.exp(scores - scores.max(axis=1, keepdims=True))
    parts /= parts.sum(axis=1, keepdims=True)
    return np.asarray(parts - parts.mean(axis=1, keepdims=True), np.float32)
