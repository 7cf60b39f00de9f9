"""Recursive least squares: the delta rule with the exact gain.

Notation
    k  key, a row of `keys`     (n, d)
    v  value, a row of `values` (n, m); here a code that says which segment the key belongs to
    S  the memory               (m, d), S k ≈ v
    P  the gain matrix          (d, d), (Σ k kᵀ + αI)⁻¹, symmetric

One write is the delta rule `S ← S + (v − S k) gᵀ` with the gain `g = P k / (1 + kᵀ P k)` in place of a step size
(Haykin, Adaptive Filter Theory, ch. 10, table 10.1 with forgetting factor 1; P starts at I/α). After any number of
writes S is the ridge solution `S = (Σ v kᵀ)(Σ k kᵀ + αI)⁻¹`, whatever the order they came in.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class State(NamedTuple):
    """What a write changes: the memory S (m, d) and the gain matrix P (d, d), one dtype, one device."""

    S: Tensor
    P: Tensor


def empty(
    slots: int, dimension: int, alpha: float, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> State:
    """The state before the first write: S = 0 (slots, dimension), P = I/α (dimension, dimension)."""
    eye = torch.eye(dimension, dtype=dtype, device=device)
    return State(torch.zeros(slots, dimension, dtype=dtype, device=device), eye / alpha)


def write_reference(state: State, keys: Tensor, values: Tensor) -> State:
    """Write (keys (n, d), values (n, m)) one at a time, as the textbook prints it. O(n·d²), for tests."""
    S, P = state.S.clone(), state.P.clone()
    for k, v in zip(keys, values, strict=True):
        Pk = P @ k
        g = Pk / (1 + k @ Pk)
        S += torch.outer(v - S @ k, g)
        P -= torch.outer(g, Pk)
    return State(S, P)


def write(state: State, keys: Tensor, values: Tensor) -> State:
    """Write (keys (n, d), values (n, m)) at once: the sums of the batch and one solve. Same result, to rounding.

    `P' = (P⁻¹ + KᵀK)⁻¹` and `S' = S + (V − K Sᵀ)ᵀ K P'`: the error of the old state on the batch, times the new gain.
    """
    S, P = state
    if len(keys) == 0:
        return State(S.clone(), P.clone())
    precision = _inverse(P) + keys.T @ keys
    P = _inverse(precision)
    return State(S + (values - keys @ S.T).T @ keys @ P, P)


def solve(keys: Tensor, values: Tensor, alpha: float) -> State:
    """The state after writing everything into an empty memory: `write(empty(m, d, alpha), keys, values)`."""
    precision = keys.T @ keys + alpha * torch.eye(keys.shape[1], dtype=keys.dtype, device=keys.device)
    P = _inverse(precision)
    return State(values.T @ keys @ P, P)


def known(P: Tensor, alpha: float, least: float) -> Tensor:
    """The directions that the memory knows, F (r, d): `I − αP ≈ FᵀF`, so `P q = (q − Fᵀ F q) / α`.

    A row is an eigenvector of Σ k kᵀ times the root of its share λ / (λ + α), from 0 (never written) to 1. Rows
    with a share under `least` are left out: few directions carry nearly all that a memory has learned.
    """
    share, basis = _eigh(torch.eye(len(P), dtype=P.dtype, device=P.device) - alpha * P)
    kept = share >= least
    found: Tensor = share[kept].sqrt()[:, None] * basis.T[kept]
    return found


def leave_one_out(state: State, keys: Tensor, alpha: float) -> Tensor:
    """How well each written key fits the memory of all the *others* (n,), 0 = nothing like it, 1 = fully predicted.

    The fit of a key k is the share of it that the written keys explain, `1 − α kᵀPk` for a unit key. With k itself
    taken out of the sums, `kᵀP₋k = p / (1 − p)` for `p = kᵀPk` (Sherman-Morrison), so no state is solved again.
    """
    p = ((keys @ state.P) * keys).sum(1).clamp(max=1 - 1e-6)
    return 1 - alpha * p / (1 - p) / (keys * keys).sum(1).clamp(min=1e-12)


def choose_alpha(keys: Tensor, values: Tensor, grid: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)) -> float:
    """The ridge α of the grid with the least leave-one-out error of predicting `values` (n, m) from `keys` (n, d).

    Closed form: the residual of a write left out is its residual divided by `1 − kᵀPk`. One eigendecomposition
    of Σ k kᵀ serves every α.
    """
    scale, basis = _eigh(keys.T @ keys)
    scale = scale.clamp(min=0)
    K = keys @ basis
    A = K.T @ values
    errors = []
    for alpha in grid:
        shrunk = K / (scale + alpha)
        leverage = (shrunk * K).sum(1).clamp(max=1 - 1e-6)
        residual = (values - shrunk @ A).square().sum(1)
        errors.append(float((residual / (1 - leverage).square()).mean()))
    return grid[errors.index(min(errors))]


def _eigh(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (d,) and eigenvectors (d, d), found in double precision.

    In single precision LAPACK does not converge for a matrix of low rank, such as that of a few writes.
    """
    place = "cpu" if symmetric.device.type == "mps" else symmetric.device  # MPS has no doubles
    values, vectors = torch.linalg.eigh(symmetric.to(place, torch.float64))
    return values.to(symmetric), vectors.to(symmetric)


def _inverse(positive: Tensor) -> Tensor:
    """The inverse of a symmetric positive definite matrix, symmetric to the last bit.

    One Newton step after Cholesky takes the fp32 error from about cond·ε back to a few ε.
    """
    first = torch.cholesky_inverse(torch.linalg.cholesky(positive))
    refined = first @ (2 * torch.eye(len(positive), dtype=positive.dtype, device=positive.device) - positive @ first)
    return (refined + refined.T) / 2
