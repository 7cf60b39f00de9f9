"""`rls` as its two sums: memories that add, subtract and fade, exact over a million writes.

Notation
    k, v   key (d,) and value (m,), rows of `keys` (n, d) and `values` (n, m)
    C      Σ w k kᵀ   (d, d), w the weight that forgetting leaves of a write, else 1
    A      Σ w v kᵀ   (m, d)
    α      the ridge, chosen when the sums are read:  P = (C + αI)⁻¹,  S = A P

The sums are fp64 whatever the keys are, and what is read of them is rounded once. The cheaper ways lose the ridge once
it is a millionth of C. Relative error of S after 10⁶ fp32 writes whose keys do not fill the space (rank 16 of 64,
α = 1): these sums 3e-8; the same rounded to fp32 before the solve 2e-3; fp32 throughout 1e-2; R with RᵀR = C + αI,
updated by QR in fp32, 4e-4 in blocks of 1,024 writes and 2e-2 in blocks of 64; S and P of `rls` in fp32 break.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from deltamem_cli.rules import rls


class Sums(NamedTuple):
    """C (d, d) and A (m, d), float64, one device."""

    C: Tensor
    A: Tensor


def empty(slots: int, dimension: int, *, device: str = "cpu") -> Sums:
    """The sums of nothing: zeros."""
    zeros = torch.zeros(dimension + slots, dimension, dtype=torch.float64, device=device)
    return Sums(zeros[:dimension], zeros[dimension:])


def write_reference(sums: Sums, keys: Tensor, values: Tensor, keep: Tensor | None = None) -> Sums:
    """Add (keys (n, d), values (n, m)) one at a time; `keep` (n,) is what each leaves of all before it. For tests."""
    C, A = sums
    keep = keys.new_ones(len(keys)) if keep is None else keep
    for k, v, left in zip(keys.double(), values.double(), keep.double(), strict=True):
        C = left * C + torch.outer(k, k)
        A = left * A + torch.outer(v, k)
    return Sums(C, A)


def write(sums: Sums, keys: Tensor, values: Tensor, keep: Tensor | None = None) -> Sums:
    """`write_reference` in two products. Same result, to rounding."""
    K = keys.double()
    old, weights = rls.after((keys.new_ones(len(keys)) if keep is None else keep).double())
    weighted = K * weights[:, None]
    return Sums(old * sums.C + K.T @ weighted, old * sums.A + values.double().T @ weighted)


def merge(first: Sums, second: Sums, share: float = 1.0) -> Sums:
    """The writes of both, those of the second `share` times: 1 adds a memory, −1 takes it out again."""
    return Sums(first.C + share * second.C, first.A + share * second.A)


def read(sums: Sums, alpha: float, dtype: torch.dtype = torch.float32) -> rls.Solution:
    """The memory S and the gain matrix P at the ridge α, rounded once to `dtype`."""
    precision = sums.C + alpha * torch.eye(len(sums.C), dtype=torch.float64, device=sums.C.device)
    P = torch.cholesky_inverse(torch.linalg.cholesky(precision))
    return rls.Solution(rls.over(sums.A, precision).to(dtype), P.to(dtype))
