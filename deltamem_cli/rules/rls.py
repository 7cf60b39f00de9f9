"""Recursive least squares: the delta rule with the exact gain.

Notation
    k  key, a row of `keys`     (n, d)
    v  value, a row of `values` (n, m); here a code that says which segment the key belongs to
    S  the memory               (m, d), S k ≈ v
    P  the gain matrix          (d, d), (Σ k kᵀ + αI)⁻¹, symmetric

One write is the delta rule `S ← S + (v − S k) gᵀ` with the gain `g = P k / (1 + kᵀ P k)` in place of a step size
(Haykin, Adaptive Filter Theory, ch. 10, table 10.1; P starts at I/α). After any number of writes S is the ridge
solution `S = (Σ v kᵀ)(Σ k kᵀ + αI)⁻¹`, whatever the order they came in.

Forgetting. Before a write all sums fade by its factor `keep`, so a write weighs the product of the factors after it:
`faded(age, half_life)`, ages in writes or in seconds. In the textbook the ridge fades with the sums: after a hundred
half-lives P overflows in every direction that is no longer written. For a log that is at hand, `solve(…, weights)`
forgets without a stream and holds the ridge.

S and P are for reading and for short streams. In fp32 P loses, in its small entries, what is known best: keys of rank
16 in 64 dimensions break it after 16,000 to 600,000 writes. Long streams carry the two sums instead: `rls_sums`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.rules.rule import Floats, State, Writes, rounded, stored

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LEAST_KNOWN = 0.05  # share of a direction under which it is dropped from F: benchmarks/LOG.md has what that costs
LEAST_FIT = 0.2  # a memory of a few passages explains nothing of them by the others
PROBES = 1024  # writes that the choice of α looks at


class Solution(NamedTuple):
    """What a write changes: the memory S (m, d) and the gain matrix P (d, d), one dtype, one device."""

    S: Tensor
    P: Tensor


def faded(age: Tensor, half_life: float) -> Tensor:
    """What is left after `age`, 2^(−age / half_life): the weight of a write, or its `keep` for the gap before it."""
    import torch

    return torch.exp2(-age / half_life)


def empty(
    slots: int, dimension: int, alpha: float, *, dtype: torch.dtype | None = None, device: str = "cpu"
) -> Solution:
    """The state before the first write: S = 0 (slots, dimension), P = I/α (dimension, dimension)."""
    import torch

    eye = torch.eye(dimension, dtype=dtype, device=device)
    return Solution(torch.zeros(slots, dimension, dtype=dtype, device=device), eye / alpha)


def write_reference(state: Solution, keys: Tensor, values: Tensor, keep: Tensor | None = None) -> Solution:
    """Write (keys (n, d), values (n, m)) one at a time, as the textbook prints it. O(n·d²), for tests.

    `keep` (n,), 0 < keep ≤ 1, is what each write leaves of all before it, the ridge included; without it, everything.
    """
    import torch

    S, P = state.S.clone(), state.P.clone()
    keep = keys.new_ones(len(keys)) if keep is None else keep
    for k, v, left in zip(keys, values, keep, strict=True):
        Pk = P @ k
        g = Pk / (left + k @ Pk)
        S += torch.outer(v - S @ k, g)
        P = (P - torch.outer(g, Pk)) / left
    return Solution(S, P)


def write(state: Solution, keys: Tensor, values: Tensor, keep: Tensor | None = None) -> Solution:
    """Write (keys (n, d), values (n, m)) at once: the sums of the batch and one solve. Same result, to rounding.

    `P' = (P⁻¹ + KᵀK)⁻¹` and `S' = S + (V − K Sᵀ)ᵀ K P'`: the error of the old state on the batch, times the new gain.
    """
    S, P = state
    if len(keys) == 0:
        return Solution(S.clone(), P.clone())
    old, weights = after(keys.new_ones(len(keys)) if keep is None else keep)
    weighted = keys * weights[:, None]
    precision = old * _inverse(P) + keys.T @ weighted
    return Solution(S + over((values - keys @ S.T).T @ weighted, precision), _inverse(precision))


def after(keep: Tensor) -> tuple[Tensor, Tensor]:
    """What writes with factors `keep` (n,) leave of the state before them (), and of each of themselves (n,)."""
    import torch

    left = torch.cat([keep, keep.new_ones(1)]).flip(0).cumprod(0).flip(0)
    return left[0], left[1:]


def solve(keys: Tensor, values: Tensor, alpha: float, weights: Tensor | None = None) -> Solution:
    """The state after writing everything into an empty memory: `write(empty(m, d, alpha), keys, values)`.

    `weights` (n,), as `faded` gives them, say how much each write counts; the ridge α is held.
    """
    import torch

    weighted = keys if weights is None else keys * weights[:, None]
    precision = keys.T @ weighted + alpha * torch.eye(keys.shape[1], dtype=keys.dtype, device=keys.device)
    return Solution(over(values.T @ weighted, precision), _inverse(precision))


class Spectrum(NamedTuple):
    """Eigenvalues λ (r,) of Σ k kᵀ, none below zero, and its eigenvectors (d, r) as columns; the rest are zero."""

    scale: Tensor
    basis: Tensor


def spectrum(keys: Tensor) -> Spectrum:
    """The spectrum of Σ k kᵀ for keys (n, d), from KᵀK or, where that is smaller, from KKᵀ; in double precision."""
    import torch

    n, d = keys.shape
    K = keys.to("cpu" if keys.device.type == "mps" else keys.device, torch.float64)  # MPS has no doubles
    if n >= d:
        scale, basis = _eigh(K.T @ K)
        return Spectrum(scale.clamp(min=0).to(keys), basis.to(keys))
    scale, left = _eigh(K @ K.T)
    written = scale > 1e-12 * scale.sum()
    scale = scale[written]
    return Spectrum(scale.to(keys), (K.T @ left[:, written] / scale.sqrt()).to(keys))


def _eigh(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors; on the CPU by numpy, whose LAPACK converges where torch's gives up at low rank."""
    import torch

    if symmetric.device.type != "cpu":
        scale, basis = torch.linalg.eigh(symmetric)
        return scale, basis
    values, vectors = np.linalg.eigh(symmetric.numpy())
    return torch.from_numpy(values), torch.from_numpy(vectors)


def known(found: Spectrum, alpha: float, least: float) -> Tensor:
    """The directions that the memory knows, F (r, d): `P = (Σ k kᵀ + αI)⁻¹ ≈ (I − FᵀF) / α`.

    A row is an eigenvector of Σ k kᵀ times the root of its share λ / (λ + α), from 0 (never written) to 1. Rows
    with a share under `least` are left out: few directions carry nearly all that a memory has learned.
    """
    share = found.scale / (found.scale + alpha)
    kept = share >= least
    directions: Tensor = share[kept].sqrt()[:, None] * found.basis.T[kept]
    return directions


def leave_one_out(state: Solution, keys: Tensor, alpha: float) -> Tensor:
    """How well each written key fits the memory of all the *others* (n,), 0 = nothing like it, 1 = fully predicted.

    The fit of a key k is the share of it that the written keys explain, `1 − α kᵀPk` for a unit key. With k itself
    taken out of the sums, `kᵀP₋k = p / (1 − p)` for `p = kᵀPk` (Sherman-Morrison), so no state is solved again.
    """
    p = ((keys @ state.P) * keys).sum(1).clamp(max=1 - 1e-6)
    return 1 - alpha * p / (1 - p) / (keys * keys).sum(1).clamp(min=1e-12)


def choose_alpha(
    found: Spectrum, keys: Tensor, values: Tensor, grid: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)
) -> float:
    """The ridge α of the grid with the least leave-one-out error of predicting `values` (n, m) from `keys` (n, d).

    Closed form: the residual of a write left out is its residual divided by `1 − kᵀPk`. One spectrum serves every α.
    The error is the mean over at most PROBES writes, evenly spaced; all of them are written.
    """
    A = found.basis.T @ (keys.T @ values)
    every = max(1, -(-len(keys) // PROBES))
    K, V = keys[::every] @ found.basis, values[::every]
    errors = []
    for alpha in grid:
        shrunk = K / (found.scale + alpha)
        leverage = (shrunk * K).sum(1).clamp(max=1 - 1e-6)
        residual = (V - shrunk @ A).square().sum(1)
        errors.append(float((residual / (1 - leverage).square()).mean()))
    return grid[errors.index(min(errors))]


def over(rows: Tensor, positive: Tensor) -> Tensor:
    """Rows (m, d) times the inverse of a symmetric positive definite matrix (d, d), by its Cholesky factor.

    Not a product with the inverse: that squares the condition in the error.
    """
    import torch

    solved: Tensor = torch.cholesky_solve(rows.T, torch.linalg.cholesky(positive))
    return solved.T


def _inverse(positive: Tensor) -> Tensor:
    """The inverse of a symmetric positive definite matrix, symmetric to the last bit.

    One Newton step after Cholesky takes the fp32 error from about cond·ε back to a few ε.
    """
    import torch

    first = torch.cholesky_inverse(torch.linalg.cholesky(positive))
    refined = first @ (2 * torch.eye(len(positive), dtype=positive.dtype, device=positive.device) - positive @ first)
    return (refined + refined.T) / 2


class Rls:
    """The rule `rls` (rule.py says what each name is)."""

    name, has_gain, has_half_life, directions_are = "rls", True, True, "directions known"

    def learn(self, writes: Writes, rank_cap: int) -> State:
        """Return the ridge solution, and the directions it knows, the best known last.

        The ridge that predicts segments best is too small to rank the passages of a state that is full: it grows with
        the writes, from as many as there are dimensions on (benchmarks/states.py). With fewer directions a state
        explains less of any question, and its fit is less by as much.
        """
        weights = writes.weights
        root = weights.sqrt()[:, None]
        K, V = writes.keys * root, writes.values * root
        found = spectrum(K)
        alpha = choose_alpha(found, K, V) * max(1.0, float(weights.sum()) / K.shape[1])
        solution = solve(K, V, alpha)
        fit = float((weights * leave_one_out(solution, K, alpha)).sum() / weights.sum())
        rank = float(found.scale.sum() ** 2 / found.scale.square().sum())
        directions = known(found, alpha, LEAST_KNOWN)
        few = directions[max(len(directions) - rank_cap, 0) :]
        if len(few) < len(directions):
            fit = max(fit, LEAST_FIT) * float((K @ few.T).square().sum() / (K @ directions.T).square().sum())
        import torch

        F, F_scale = (torch.from_numpy(part).to(K.device) for part in rounded(few))
        kept = F.float() * F_scale[:, None]
        norms = (writes.beside - writes.beside @ kept.T @ kept).norm(dim=1) / alpha
        return stored(solution.S, few, norms, (alpha, fit, rank))

    def row_width(self, width: int) -> int:
        """Return `width`: S is compared with keys."""
        return width

    def most_directions(self, writes: int, width: int) -> int:
        """Return the rank that so many keys can have."""
        return min(writes, width)

    def counts_fit(self, directions: NDArray[np.int64]) -> bool:
        """Return True: a state may know any number of directions."""
        return True

    def asked(self, F: Floats, queries: Floats) -> Floats:
        """Return the queries themselves."""
        return queries

    def known(self, S: Floats, F: Floats) -> Floats:
        """Return F."""
        return F


rule = Rls()
