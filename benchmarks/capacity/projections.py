"""The δ-Mem paper's projections: from an input x to what one write of the delta rule needs (equations 4-7).

Notation
    x        input, a row of (..., n, width)
    h, r, g  states; size of a state; gates of a state, 1 or r
    W_q, W_k, W_v   (h·r, width);   W_β, W_λ (h·g, width) with biases (h·g,)

    q = L2norm(tanh(W_q x)),  k = L2norm(tanh(W_k x)),  v = W_v x,  β = σ(W_β x + b_β),  λ = σ(W_λ x + b_λ) or 1 − β

Each of q and k is a unit vector in every state by itself. Untrained, W_q must equal W_k, or a question does not find
what it is about.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import linear, normalize

EPS = 1e-6


class Projections(NamedTuple):
    """The weights, shapes at the top of this file; without `lam`, λ is 1 − β."""

    q: Tensor
    k: Tensor
    v: Tensor
    beta: Tensor
    beta_bias: Tensor
    lam: Tensor | None = None
    lam_bias: Tensor | None = None


class Projected(NamedTuple):
    """queries, keys, values (..., h, n, r), beta and lam (..., h, n, g): the arguments of `rules.delta`."""

    queries: Tensor
    keys: Tensor
    values: Tensor
    beta: Tensor
    lam: Tensor


def project(x: Tensor, weights: Projections, states: int) -> Projected:
    """Project x (..., n, width) for `states` states."""

    def split(flat: Tensor) -> Tensor:
        return flat.view(*flat.shape[:-1], states, -1).transpose(-2, -3)

    def unit(matrix: Tensor) -> Tensor:
        return normalize(split(linear(x, matrix).tanh()), dim=-1, eps=EPS)

    beta = split(linear(x, weights.beta, weights.beta_bias)).sigmoid()
    lam = 1 - beta if weights.lam is None else split(linear(x, weights.lam, weights.lam_bias)).sigmoid()
    return Projected(unit(weights.q), unit(weights.k), split(linear(x, weights.v)), beta, lam)
