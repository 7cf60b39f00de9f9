"""The gated delta rule of the δ-Mem paper (arXiv 2605.12357, equations 4-12): three modes, a gate a write or a row.

Notation (leading dimensions `...` are independent memories: a batch, or the several states of the paper's MSW)
    k, q   key and query, rows of `keys`, `queries`     (..., n, d)
    v      value, a row of `values`                     (..., n, m)
    S      the memory, rows = value dimension, columns = key dimension: S k ≈ v          (..., m, d)
    gates  keep, erase, write                           (..., n, g); g = 1: one a write, g = m: one for each row of S
    C_t    keep_1 … keep_t, what is left of the state that a chunk began with

One write is `S_t = keep·S_{t−1} − erase·(S_{t−1} k) kᵀ + write·v kᵀ`, one read `r_t = S_{t−1} q`, before the write.
The modes differ only in the three gates; in `standard` the erase acts on the state before it decays.

Chunks. Within a chunk the state is `S_t = C_t S_0 + Σ_{j≤t} (C_t/C_j) u_j k_jᵀ`: one vector u a write (the WY form of
the product of the writes' transitions), and the recursion says of it

    u_t + erase_t Σ_{j<t} (C_{t−1}/C_j) (k_t·k_j) u_j  =  write_t v_t − erase_t C_{t−1} S_0 k_t

a unit triangular system (the UT transform). Every mode has this form: that of Gated DeltaNet has erase = keep·write, in
`standard` the ratio ends at t−1 and no gate is hidden in it. With one gate a write it is one system with m right-hand
sides; with a gate a row the ratios differ from row to row and it is m systems with one right-hand side each, which
costs m·chunk² numbers in place of chunk²: two to three times faster than one write at a time, not ten.
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

Mode = Literal["standard", "lambda_outside", "no_lambda"]
MODES: tuple[Mode, ...] = get_args(Mode)
BETA = 0.005  # gate of a memory's writes: the best of those measured (benchmarks/LOG.md)
CHUNK, ROW_CHUNK = 64, 16  # writes a chunk with one gate a write, with a gate a row: the fastest on one core


class Gates(NamedTuple):
    """How much each write keeps, erases and adds, (..., n, 1) for one gate a write or (..., n, m) for one a row."""

    keep: Tensor
    erase: Tensor
    write: Tensor


class Written(NamedTuple):
    """The state after all writes (..., m, d) and what each query read just before its own write (..., n, m)."""

    state: Tensor
    reads: Tensor


def empty(rows: int, dimension: int, *, dtype: torch.dtype | None = None, device: str = "cpu") -> Tensor:
    """The state before the first write: zeros (rows, dimension)."""
    import torch

    return torch.zeros(rows, dimension, dtype=dtype, device=device)


def gates(mode: Mode, beta: Tensor, lam: Tensor | None = None) -> Gates:
    """The gates of a mode from the write strength β (..., n, g) and the retention λ, alike; λ is 1 − β if left out.

    `standard` keeps λ, erases β; `lambda_outside` keeps λ, erases λβ; `no_lambda` keeps all and erases β.
    Raises UsageError for another mode.
    """
    import torch

    lam = 1 - beta if lam is None else lam
    if mode == "standard":
        return Gates(lam, beta, beta)
    if mode == "lambda_outside":
        return Gates(lam, lam * beta, beta)
    if mode == "no_lambda":
        return Gates(torch.ones_like(beta[..., :1]), beta, beta)
    raise UsageError(f"the delta rule has no mode {mode!r}: choose one of {', '.join(MODES)}")


def write_reference(
    state: Tensor, keys: Tensor, values: Tensor, gates: Gates, queries: Tensor | None = None
) -> Written:
    """Write (keys (..., n, d), values (..., n, m)) one at a time, as the paper prints it. For tests.

    `queries` (..., n, d) are read before each write; without them the keys are: what the memory foretells of a write.
    """
    import torch

    queries = keys if queries is None else queries
    _check(state, keys, values, gates, queries)
    S, reads = state.clone(), [values[..., :0, :]]
    for t in range(keys.shape[-2]):
        k, q, v = keys[..., t, :, None], queries[..., t, :, None], values[..., t, :, None]
        keep, erase, add = (gate[..., t, :, None] for gate in gates)
        reads.append((S @ q).mT)
        S = keep * S - erase * (S @ k) * k.mT + add * v * k.mT
    return Written(S, torch.cat(reads, -2))


def write(
    state: Tensor,
    keys: Tensor,
    values: Tensor,
    gates: Gates,
    queries: Tensor | None = None,
    *,
    chunk: int | None = None,
) -> Written:
    """`write_reference` by chunks of `chunk` writes. Same result, to rounding, for every mode, gate and chunk."""
    import torch

    queries = keys if queries is None else queries
    _check(state, keys, values, gates, queries)
    chunk = chunk or (CHUNK if gates.erase.shape[-1] == 1 else ROW_CHUNK)
    S, reads = state.clone(), [values[..., :0, :]]
    for first in range(0, keys.shape[-2], chunk):
        stream = (part[..., first : first + chunk, :] for part in (keys, values, queries, *gates))
        S, read = _write_chunk(S, *stream)
        reads.append(read)
    return Written(S, torch.cat(reads, -2))


def _write_chunk(
    S: Tensor, keys: Tensor, values: Tensor, queries: Tensor, keep: Tensor, erase: Tensor, add: Tensor
) -> tuple[Tensor, Tensor]:
    """One chunk, with names and shapes as at the top of this file; n is its length, j comes before t."""
    import torch

    decay = _decay(keep.mT)
    from_start, between = decay[..., 0, :-1], decay[..., 1:, :-1]
    system = between * (keys @ keys.mT)[..., None, :, :] * erase.mT[..., None, :]
    target = _grouped(add.mT * values.mT - erase.mT * from_start * (S @ keys.mT), erase.shape[-1])
    U = torch.linalg.solve_triangular(system, target, upper=True, left=False, unitriangular=True).flatten(-3, -2)
    seen = between * (keys @ queries.mT)[..., None, :, :]
    reads = from_start * (S @ queries.mT) + (_grouped(U, keep.shape[-1]) @ seen).flatten(-3, -2)
    return decay[..., 0, -1:] * S + (decay[..., 1:, -1] * U) @ keys, reads.mT


def _decay(keep: Tensor) -> Tensor:
    """D[j, t] = keep_{j+1} … keep_t for j ≤ t, 0 below: (..., g, n) → (..., g, n + 1, n + 1).

    Products, not differences of logarithms: a gate may be exactly 0.
    """
    import torch

    n = keep.shape[-1]
    later = torch.ones(n + 1, n, dtype=torch.bool, device=keep.device).triu()
    products = torch.where(later, keep[..., None, :], 1).cumprod(-1)
    return torch.nn.functional.pad(products, (1, 0), value=1).triu()


def _grouped(rows: Tensor, groups: int) -> Tensor:
    """(..., m, x) → (..., g, m / g, x)."""
    return rows.reshape(*rows.shape[:-2], groups, rows.shape[-2] // groups, rows.shape[-1])


def _check(state: Tensor, keys: Tensor, values: Tensor, gates: Gates, queries: Tensor) -> None:
    """Refuse shapes that would broadcast to something nobody meant."""
    m, d = state.shape[-2:]
    n = keys.shape[-2]
    expected = {"keys": (keys, (n, d)), "queries": (queries, (n, d)), "values": (values, (n, m))}
    for name, (tensor, shape) in expected.items():
        if tensor.shape[-2:] != shape:
            raise ValueError(f"{name} must end in {shape}, they are {tuple(tensor.shape)}")
    for name, gate in gates._asdict().items():
        if gate.shape[-2:] not in ((n, 1), (n, m)):
            raise ValueError(f"gate {name!r} must end in {(n, 1)} or {(n, m)}, it is {tuple(gate.shape)}")


class Delta:
    """The rule `delta` (rule.py says what each name is): mode `no_lambda` with one gate β, one write a passage."""

    name, has_gain, has_half_life, directions_are = "delta", False, False, "directions known"

    def learn(self, writes: Writes, rank_cap: int) -> State:
        """Return S after one write a passage, in time order; no F."""
        K, V = writes.keys, writes.values
        start = empty(V.shape[1], K.shape[1], device=str(K.device))
        S = write(start, K, V, gates("no_lambda", K.new_full((len(K), 1), BETA))).state
        return stored(S, K[:0], K[:0, 0], (0.0, 0.0, effective_rank(K)))

    def row_width(self, width: int) -> int:
        """Return `width`: S is compared with keys."""
        return width

    def most_directions(self, writes: int, width: int) -> int:
        """Return 0: there is no F."""
        return 0

    def counts_fit(self, directions: NDArray[np.int64]) -> bool:
        """Return whether no state has any."""
        return not directions.any()

    def asked(self, F: Floats, queries: Floats) -> Floats:
        """Return the queries themselves."""
        return queries

    def known(self, S: Floats, F: Floats) -> Floats:
        """Return S."""
        return S


rule = Delta()
