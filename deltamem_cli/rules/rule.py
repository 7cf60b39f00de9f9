"""What a rule is to a memory: how a state is learned, which arrays it keeps, and how they are read.

A memory keeps of each state two matrices of int8 rows with a scale each, and three numbers (`State`). What stands in
them is the rule's own business: nobody else asks for a rule by its name. Reading is numpy alone; `learn` loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]


class RankCap(NamedTuple):
    """How few directions a state keeps: one for `share` writes, at most `most`."""

    share: int
    most: int

    def directions(self, writes: int) -> int:
        """Return how many directions a state of so many writes keeps."""
        return min(self.most, writes // self.share)


class State(NamedTuple):
    """One state's share of the arrays of a Matrix; numbers are its α (0 without a ridge), fit (0) and rank."""

    S: NDArray[np.int8]
    S_scale: Floats
    F: NDArray[np.int8]
    F_scale: Floats
    norms: NDArray[np.float16]
    numbers: tuple[float, float, float]


class Writes(NamedTuple):
    """The writes of one state, in time order.

    keys (n, d); values (n, segments), each the unit vector of its key's segment; beside (n, d), the keys with half of
    each neighbour's; weights (n,), what a half-life leaves of each.
    """

    keys: torch.Tensor
    values: torch.Tensor
    beside: torch.Tensor
    weights: torch.Tensor


class Rule(Protocol):
    """A write rule. `name` is what the header of a memory calls it.

    has_gain: it keeps its gain matrix P in factors: F holds the directions it knows, P = (I − FᵀF) / α, every passage
    has a norm, S follows from F and the keys, and a budget may cap the rank. has_half_life: older writes can weigh
    less. directions_are: what a row of F is called.
    """

    name: str
    has_gain: bool
    has_half_life: bool
    directions_are: str

    def learn(self, writes: Writes, rank_cap: int) -> State:
        """Return the state after all writes; F of a rule with a gain has at most `rank_cap` rows, the best known."""
        ...

    def row_width(self, width: int) -> int:
        """Return how long a row of S is, for keys of that width."""
        ...

    def most_directions(self, writes: int, width: int) -> int:
        """Return how many rows F has at most, after so many writes of keys of that width."""
        ...

    def counts_fit(self, directions: NDArray[np.int64]) -> bool:
        """Return whether states may have so many rows of F each: a file from a stranger may say anything."""
        ...

    def asked(self, F: Floats, queries: Floats) -> Floats:
        """Return what the rows of S are compared with for queries (n, w): (n, row_width), or (n, w) for w < d."""
        ...

    def known(self, S: Floats, F: Floats) -> Floats | None:
        """Return rows that span what a memory knows, of all its S and F; None where no two memories compare."""
        ...


def stored(S: torch.Tensor, F: torch.Tensor, norms: torch.Tensor, numbers: tuple[float, float, float]) -> State:
    """Return a state as a memory keeps it: rows as int8 with a scale each, norms as float16."""
    return State(*rounded(S), *rounded(F), _host(norms.half()), numbers)


def rounded(rows: torch.Tensor) -> tuple[NDArray[np.int8], Floats]:
    """Return rows (n, d) as int8 and a scale (n,) each."""
    scale = rows.abs().amax(dim=1).clamp(min=1e-12) / 127
    return _host((rows / scale[:, None]).round().char()), _host(scale)


def effective_rank(keys: torch.Tensor) -> float:
    """Return tr(C)² / tr(C²) of C = Σ k kᵀ."""
    C = keys.T @ keys
    return float(C.trace() ** 2 / C.square().sum())


def _host(tensor: torch.Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy()
