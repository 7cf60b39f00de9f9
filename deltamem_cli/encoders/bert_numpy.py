"""The forward of a BERT sentence encoder in numpy: plain, one text at a time, and loaded in no time.

It is what a question is encoded with, and the reference that bert_torch is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from deltamem_cli.encoders.folder import WEIGHTS, WORDS, BertFolder

Floats = NDArray[np.float32]

_IN_CACHE = 64  # rows of the wide layer that are gated at once

ERF_TOP = [
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
]
ERF_BOTTOM = [
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
]


class NumpyBert:
    """Reads a weight from the file when it first needs it; the words' table only row by row."""

    def __init__(self, bert: BertFolder) -> None:
        self.bert = bert
        self._file: Any = safe_open(bert.path / WEIGHTS, "np")  # a memory map, which the library leaves untyped
        self._kept: dict[str, Floats] = {}

    def __call__(self, ids: Sequence[Sequence[int]]) -> Floats:
        """Unit vectors, (len(ids), dimension), of texts given as token ids."""
        rows = np.zeros((len(ids), self.bert.dimension), np.float32)
        for row, tokens in zip(rows, ids, strict=True):
            (hidden,) = self.states([tokens], self.bert.layers)
            row[:] = hidden.mean(axis=0) if self.bert.pooling == "mean" else hidden[0]
            row /= max(float(np.linalg.norm(row)), 1e-12)
        return rows

    def states(self, ids: Sequence[Sequence[int]], layers: int) -> list[Floats]:
        """States of each text after so many layers, (len(tokens), dimension); the texts lie end to end on the way."""
        words, places = self._file.get_slice(WORDS), self._weight("embeddings.position_embeddings.weight")
        known, token = np.unique(np.concatenate([np.array(tokens, np.int64) for tokens in ids]), return_inverse=True)
        x = np.concatenate([words[row : row + 1] for row in known.tolist()]).astype(np.float32)[token]
        x += self._weight("embeddings.token_type_embeddings.weight")[0]
        x += np.concatenate([places[: len(tokens)] for tokens in ids])
        cuts = np.cumsum([len(tokens) for tokens in ids])[:-1]
        x = self._normed(x, "embeddings.LayerNorm")
        for layer in range(layers):
            at = f"encoder.layer.{layer}."
            x = self._normed(
                x + self._linear(self._attended(x, at, cuts), at + "attention.output.dense"),
                at + "attention.output.LayerNorm",
            )
            wide = self._linear(x, at + "intermediate.dense")
            for first in range(0, len(wide), _IN_CACHE):
                wide[first : first + _IN_CACHE] = gelu(wide[first : first + _IN_CACHE])
            x = self._normed(x + self._linear(wide, at + "output.dense"), at + "output.LayerNorm")
        return np.split(x, cuts)

    def _attended(self, x: Floats, at: str, cuts: NDArray[np.int64]) -> Floats:
        parts = [self._linear(x, f"{at}attention.self.{part}") for part in ("query", "key", "value")]
        texts = zip(*(np.split(part, cuts) for part in parts), strict=True)
        return np.concatenate([self._attended_in(*text) for text in texts])

    def _attended_in(self, query: Floats, key: Floats, value: Floats) -> Floats:
        """Attention within one text, (length, dimension)."""

        def split(rows: Floats) -> Floats:  # (heads, length, dimension of a head)
            return rows.reshape(len(rows), self.bert.heads, -1).transpose(1, 0, 2)

        query, key, value = split(query), split(key), split(value)
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        attended: Floats = (scores @ value).transpose(1, 0, 2).reshape(query.shape[1], -1)
        return attended

    def _linear(self, x: Floats, name: str) -> Floats:
        y: Floats = x @ self._weight(name + ".weight").T
        y += self._weight(name + ".bias")
        return y

    def _normed(self, x: Floats, name: str) -> Floats:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(self.bert.epsilon))
        x *= self._weight(name + ".weight")
        x += self._weight(name + ".bias")
        return x

    def _weight(self, name: str) -> Floats:
        if name not in self._kept:
            self._kept[name] = self._file.get_tensor(name).astype(np.float32, copy=False)
        return self._kept[name]


def gelu(x: Floats) -> Floats:
    """The gate x Φ(x), with the exact Φ, not the tanh in its place."""
    gate = erf(x * np.float32(np.sqrt(0.5)))
    gate += 1
    gate *= np.float32(0.5)
    gate *= x
    return gate


def erf(x: Floats) -> Floats:
    """The error function to float32 precision (numpy has none, and scipy's takes 0.3 s to import).

    A quotient of polynomials on [-4, 4], beyond which erf is ±1 in float32; the coefficients are Eigen's.
    """
    x = np.clip(x, -4, 4)
    square = x * x
    value = _polynomial(ERF_TOP, square)
    value *= x
    value /= _polynomial(ERF_BOTTOM, square)
    return value


def _polynomial(coefficients: Sequence[float], x: Floats) -> Floats:
    """By Horner's rule, the highest power first."""
    value = x * np.float32(coefficients[0])
    value += np.float32(coefficients[1])
    for coefficient in coefficients[2:]:
        value *= x
        value += np.float32(coefficient)
    return value
