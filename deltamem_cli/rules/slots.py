"""Slots addressed by softmax: a memory of rows that move toward what is written, after the Neural Turing Machine.

Notation
    M      the memory, a row a slot, its columns the key part and the value part: M = [K V]   (s, d + m)
    k, v   key and value, rows of `keys` (n, d) and `values` (n, m);  x = [k v]               (d + m,)
    a      address, `softmax(sharpness · K k)`: how much each slot takes part in a write      (s,)
    η      strength of a write, 0 to 1                                                        (n,)
    e, w   erase and add vectors                                                              (d + m,)

The general form is Graves et al. 2014 (arXiv 1410.5401), equations 3 and 4: `M ← M ∘ (1 − a eᵀ)`, `M ← M + a wᵀ`.
Two choices of e and w are rules of this file:

    residual     e = 0,   w = η (x − Mᵀ a)     M += η a (x − Mᵀ a)ᵀ: the error of reading, shared out by address
    overwrite    e = η,   w = η x              every slot moves toward x by its own address

With m = 0 the memory is auto-associative: what is written is the key. Equal slots stay equal, so the first ones are
random (`empty`); and unit keys differ by at most 2 in `K k`, so without a sharpness of ten or more every slot takes
part in every write.

What batches. The address of a write depends, through the softmax, on all writes before it, so the order is the rule:
no rearrangement of a stream gives the same memory, and two memories do not add. But a write is the same linear map
on every column of M, and the addresses need only `M K_cᵀ` for the keys of the chunk. So a chunk runs one at a time on
(s, chunk) numbers instead of (s, d + m), and M then takes all its writes in one product. That is exact for both rules;
it is not for an erase vector that treats columns differently (`erase_add` alone does that).

Rounding. A sharp address decides between slots that are nearly alike, and a decision turned by the last bit changes
every one after it: at sharpness 20 two exact orders of the same sums, 1e-15 apart at first, are 1e-4 apart after
1,000 writes in fp64, and in fp32 have nothing in common. At sharpness 1 they stay together. A memory of this rule is
reproducible bit for bit only with the same code on the same machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.errors import UsageError
from deltamem_cli.rules.rule import Floats, State, Writes, effective_rank, stored

if TYPE_CHECKING:
    import torch
    from torch import Tensor


Mode = Literal["residual", "overwrite"]
MODES: tuple[Mode, ...] = get_args(Mode)
CHUNK = 32
SLOTS, SHARPNESS, STRENGTH = 512, 10.0, 0.1  # of a memory: the best of those measured (benchmarks/LOG.md)


class Slots(NamedTuple):
    """The slots M (s, d + m), the number of key columns d, and the sharpness of an address."""

    M: Tensor
    dimension: int
    sharpness: float


def empty(
    slots: int,
    dimension: int,
    values: int = 0,
    *,
    sharpness: float = 1.0,
    seed: int = 0,
    dtype: torch.dtype | None = None,
    device: str = "cpu",
) -> Slots:
    """The slots before the first write: random unit keys (the same for a seed on every device), values 0."""
    import torch
    from torch.nn.functional import normalize

    generator = torch.Generator().manual_seed(seed)
    keys = normalize(torch.randn(slots, dimension, generator=generator, dtype=torch.float64), dim=1)
    M = torch.cat([keys, keys.new_zeros(slots, values)], 1)
    return Slots(M.to(dtype=dtype or torch.float32, device=device), dimension, sharpness)


def erase_add(M: Tensor, address: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Equations 3 and 4: what stands in each slot fades by address and erase (d + m,), then add (d + m,) comes in."""
    import torch

    return M * (1 - torch.outer(address, erase)) + torch.outer(address, add)


def write_reference(state: Slots, keys: Tensor, values: Tensor, strength: Tensor, mode: Mode = "residual") -> Slots:
    """Write (keys (n, d), values (n, m)) one at a time with strength (n,). For tests."""
    import torch

    _check(state, keys, values, strength, mode)
    M, d, sharpness = state
    M = M.clone()
    for k, v, eta in zip(keys, values, strength, strict=True):
        x = torch.cat([k, v])
        address = (sharpness * M[:, :d] @ k).softmax(0)
        if mode == "residual":
            M = erase_add(M, address, torch.zeros_like(x), eta * (x - M.T @ address))
        else:
            M = erase_add(M, address, eta.expand_as(x), eta * x)
    return Slots(M, d, sharpness)


def write(
    state: Slots, keys: Tensor, values: Tensor, strength: Tensor, mode: Mode = "residual", *, chunk: int = CHUNK
) -> Slots:
    """`write_reference` with `chunk` writes sharing one pass over the slots. Same result, to rounding."""
    import torch

    _check(state, keys, values, strength, mode)
    M, d, sharpness = state
    M = M.clone()
    for first in range(0, len(keys), chunk):
        k, v, eta = (part[first : first + chunk] for part in (keys, values, strength))
        A = _addresses(sharpness * M[:, :d] @ k.T, sharpness * k @ k.T, eta, mode)
        M = (_residual if mode == "residual" else _overwrite)(M, A, torch.cat([k, v], 1), eta)
    return Slots(M, d, sharpness)


def read(state: Slots, queries: Tensor) -> Tensor:
    """What the slots say to queries (n, d): the addressed mean of their rows [key value] (n, d + m)."""
    return (state.sharpness * queries @ state.M[:, : state.dimension].T).softmax(1) @ state.M


def _addresses(scores: Tensor, gram: Tensor, strength: Tensor, mode: Mode) -> Tensor:
    """The address of each write of a chunk, (n, s).

    The rule itself, run on the slots as the chunk's keys see them: scores (s, n) in place of M, a row of the keys'
    inner products (n, n) in place of x.
    """
    import torch

    addresses = []
    for t, (seen, eta) in enumerate(zip(gram, strength, strict=True)):
        a = scores[:, t].softmax(0)
        error = seen - (a @ scores if mode == "residual" else scores)
        scores = scores + eta * a[:, None] * error
        addresses.append(a)
    return torch.stack(addresses)


def _residual(M: Tensor, A: Tensor, X: Tensor, strength: Tensor) -> Tensor:
    """All writes of a chunk with addresses A (n, s): w_t + η_t Σ_{j<t} (a_t·a_j) w_j = η_t (x_t − Mᵀa_t), M += Aᵀ W."""
    import torch

    eta = strength[:, None]
    W: Tensor = torch.linalg.solve_triangular(eta * (A @ A.T), eta * (X - A @ M), upper=False, unitriangular=True)
    return M + A.T @ W


def _overwrite(M: Tensor, A: Tensor, X: Tensor, strength: Tensor) -> Tensor:
    """All writes of a chunk: slot i keeps Π_t (1 − η_t a_ti) of itself, and of write t what the later ones leave."""
    import torch

    share = strength[:, None] * A
    left = (1 - share).flip(0).cumprod(0).flip(0)  # by the writes from t on
    after = torch.cat([left[1:], torch.ones_like(left[:1])])
    return left[0, :, None] * M + (share * after).T @ X


def _check(state: Slots, keys: Tensor, values: Tensor, strength: Tensor, mode: Mode) -> None:
    """Refuse a mode nobody knows and shapes that would broadcast to something nobody meant."""
    if mode not in MODES:
        raise UsageError(f"the slots rule has no mode {mode!r}: choose one of {', '.join(MODES)}")
    n, width = len(keys), state.M.shape[1]
    for name, tensor, shape in (
        ("keys", keys, (n, state.dimension)),
        ("values", values, (n, width - state.dimension)),
        ("strength", strength, (n,)),
    ):
        if tensor.shape != shape:
            raise ValueError(f"{name} must be {shape}, they are {tuple(tensor.shape)}")


class SlotRule:
    """The rule `slots` (rule.py says what each name is)."""

    name, has_gain, has_half_life, directions_are = "slots", False, False, "slots"

    def learn(self, writes: Writes, rank_cap: int) -> State:
        """Return what each slot holds of each segment, less its mean over the slots, and the keys of the slots."""
        K, V = writes.keys, writes.values
        d = K.shape[1]
        start = empty(SLOTS, d, V.shape[1], sharpness=SHARPNESS, device=str(K.device))
        M = write(start, K, V, K.new_full((len(K),), STRENGTH)).M
        values = M[:, d:].T
        S = values - values.mean(1, keepdim=True)
        return stored(S, M[:, :d], K[:0, 0], (0.0, 0.0, effective_rank(K)))

    def row_width(self, width: int) -> int:
        """Return the number of slots."""
        return SLOTS

    def most_directions(self, writes: int, width: int) -> int:
        """Return the number of slots."""
        return SLOTS

    def counts_fit(self, directions: NDArray[np.int64]) -> bool:
        """Return whether every state has all its slots."""
        return bool((directions == SLOTS).all())

    def asked(self, F: Floats, queries: Floats) -> Floats:
        """Return how much each slot takes part in a read, less the mean (n, SLOTS).

        Less the mean, because every slot takes part in every read a little, and reads are compared as cosines.
        """
        scores = SHARPNESS * queries @ F.T
        parts = np.exp(scores - scores.max(axis=1, keepdims=True))
        parts /= parts.sum(axis=1, keepdims=True)
        return np.asarray(parts - parts.mean(axis=1, keepdims=True), np.float32)

    def known(self, S: Floats, F: Floats) -> None:
        """Return None: slots of two memories have nothing in common."""


rule = SlotRule()
