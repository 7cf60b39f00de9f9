"""What a question reads of a matrix, prepared once, so that it costs as few passes as it can.

`matrix.gains` and `matrix.read_segments` say what is computed; here it is the same but for rounding.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import matrix
from deltamem_cli.memory.learning import weights
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.rules import rule_named

Floats = NDArray[np.float32]


class Reads:
    """Reads of a memory's matrix whose S and F are kept as float32: 4 d bytes for each row of theirs."""

    def __init__(self, memory: StoredMemory) -> None:
        self._memory, self._matrix = memory, memory.matrix
        self._rule = rule_named(memory.header.rule)
        self._alpha = np.where(self._matrix.alpha > 0, self._matrix.alpha, np.float32(1))

    def segments(self, query: Floats) -> tuple[Floats, Floats]:
        """The cosine of a unit query key (d,) with each segment (G,), and ‖F q‖² of every state (T,).

        The state that knows most reads as it is, another by ‖P q‖ α of that one over its own: so cosines of different
        states compare.
        """
        gain, explained = self.gains(query)
        if not self._rule.has_gain:
            return matrix.read_segments(self._matrix, self._rule, query), explained
        left = np.maximum(np.linalg.norm(gain, axis=1) * self._alpha, np.float32(1e-12))
        of = np.searchsorted(self._matrix.states, self._matrix.segments[:-1], side="right") - 1
        read = self._S @ query / max(float(np.linalg.norm(query)), 1e-12)
        return np.asarray(read * (np.min(left, initial=np.inf) / left)[of], np.float32), explained

    def gains(self, query: Floats) -> tuple[Floats, Floats]:
        """As `matrix.gains`."""
        products, share = np.zeros((len(self._F), len(query)), np.float32), np.zeros(len(self._F), np.float32)
        for state, (F, alpha) in enumerate(zip(self._F, self._matrix.alpha, strict=True)):
            if alpha > 0:
                told = F @ query
                products[state] = (query - told @ F) / alpha
                share[state] = told @ told
        return products, share

    @cached_property
    def _F(self) -> list[Floats]:
        known, learned = self._matrix.known.tolist(), self._matrix
        return [learned.F[first:end] * learned.F_scale[first:end, None] for first, end in pairwise(known)]

    @cached_property
    def _S(self) -> Floats:
        S = self._matrix.S.astype(np.float32) if len(self._matrix.S) else self._recovered()
        S /= np.maximum(np.linalg.norm(S, axis=1, keepdims=True), np.float32(1e-12))
        return S

    def _recovered(self) -> Floats:
        """The rows of an S that is not kept, but for α: the sum of the keys of each segment, times I − FᵀF."""
        rows, header, learned = self._memory.rows, self._memory.header, self._matrix
        parts = [np.zeros((0, learned.F.shape[1]), np.float32)]
        for F, (first, end) in zip(self._F, pairwise(learned.states.tolist()), strict=True):
            keys = matrix.row_keys(rows, self._memory.vocabulary, header.dimension, first, end)
            keys *= weights(header.half_life, rows.time[first:end], rows.summed[first:end])[:, None]
            a, b = np.searchsorted(learned.segments, (first, end))
            C = np.add.reduceat(keys, learned.segments[a:b] - first)
            parts.append(C - C @ F.T @ F)
        return np.concatenate(parts)
