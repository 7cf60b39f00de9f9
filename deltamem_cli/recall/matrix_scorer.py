"""The matrix and the word halves of all keys, prepared once, so that a question costs as few passes as it can.

`matrix.gains`, `matrix.read_segments` and `Words.plain` say what is computed; here it is the same but for rounding.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import keys, matrix
from deltamem_cli.memory.ledger import Rows
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.rules import rule_named

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]


class Reads:
    """Reads of a matrix whose S and F are kept as float32: 4 d bytes for each row of theirs."""

    def __init__(self, learned: Matrix, rule: str) -> None:
        self._matrix, self._rule = learned, rule

    def gains(self, query: Floats) -> tuple[Floats, Floats]:
        """As `matrix.gains`."""
        products, share = np.zeros((len(self._F), len(query)), np.float32), np.zeros(len(self._F), np.float32)
        for state, (F, alpha) in enumerate(zip(self._F, self._matrix.alpha, strict=True)):
            if alpha > 0:
                told = F @ query
                products[state] = (query - told @ F) / alpha
                share[state] = told @ told
        return products, share

    def segments(self, query: Floats) -> Floats:
        """As `matrix.read_segments`."""
        if not rule_named(self._rule).has_gain:
            return matrix.read_segments(self._matrix, rule_named(self._rule), query)
        return np.asarray(self._S @ query / max(float(np.linalg.norm(query)), 1e-12), np.float32)

    @cached_property
    def _F(self) -> list[Floats]:
        known, learned = self._matrix.known.tolist(), self._matrix
        return [learned.F[first:end] * learned.F_scale[first:end, None] for first, end in pairwise(known)]

    @cached_property
    def _S(self) -> Floats:
        S = self._matrix.S.astype(np.float32)
        S /= np.maximum(np.linalg.norm(S, axis=1, keepdims=True), np.float32(1e-12))
        return S


class Words:
    """The word part's share of the inner products of all passages with vectors: a gather and a sum a state."""

    def __init__(self, rows: Rows, vocabulary: NDArray[np.uint64], states: Longs) -> None:
        self._rows, self._vocabulary = rows, vocabulary
        self._states = [self._prepare(first, end) for first, end in pairwise(states.tolist())]
        self._scale = 1 / np.sqrt(np.maximum(rows.sizes, 1) * np.float32(keys.SPREAD))

    def read(self, halves: Floats) -> Floats:
        """Inner products (N,) of each state's rows with a vector whose word half is that of the state (T, WORDS)."""
        found, worth = np.zeros(len(self._rows), np.float32), np.zeros(len(self._vocabulary), np.float32)
        for half, (used, places, terms, filled, starts) in zip(halves, self._states, strict=True):
            worth[used] = np.concatenate([half, -half])[places].sum(axis=1)
            if len(filled):
                found[filled] = np.add.reduceat(worth[terms], starts)
        return np.asarray(found * self._scale, np.float32)

    def plain(self, halves: Floats, states: Longs) -> Floats:
        """The same, passage by passage: the reference."""
        found = np.zeros(len(self._rows), np.float32)
        for half, (first, end) in zip(halves, pairwise(states.tolist()), strict=True):
            for row in range(first, end):
                terms = self._vocabulary[self._rows.terms[slice(*self._rows.offsets[row : row + 2])]]
                found[row] = keys.project(half, terms).sum() / np.sqrt(max(len(terms), 1))
        return found

    def _prepare(self, first: int, end: int) -> tuple[Longs, NDArray[np.int16], NDArray[np.integer], Longs, Longs]:
        """Of a state: its terms; where each lands in a word half and its negative (U, SPREAD); the terms row by row;
        which rows have any, and where these begin.
        """
        start = self._rows.offsets[first:end]
        terms = self._rows.terms[start[0] : self._rows.offsets[end]]
        asked = np.zeros(len(self._vocabulary), bool)
        asked[terms] = True
        used = np.flatnonzero(asked)
        columns, signs = keys.places(self._vocabulary[used])
        places = (columns + np.where(signs < 0, keys.WORDS, 0)).astype(np.int16)
        filled = np.flatnonzero(self._rows.sizes[first:end])
        return used, places, terms, filled + first, start[filled] - start[0]
