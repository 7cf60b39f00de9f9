"""Passage → key, from what the ledger stores: the code of its dense vector and its terms.

    key = [ dense ; words ] / √2        d = dimension of the encoder + WORDS

dense   the encoder's unit vector, centred and normalised, rotated at random, kept at 2 bits a dimension (the code)
words   a sparse random projection of the passage's set of terms: each term adds ±1 at SPREAD places that its own
        hash chooses (Kane & Nelson, "Sparser Johnson-Lindenstrauss transforms", 2014), over √(terms · SPREAD)

Both parts have norm 1 (the second to within a few percent). Keys are always computed from the code, never from the
float vector that is thrown away, so a matrix can be rebuilt from the ledger exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WORDS = 640
SPREAD = 8
_STRIPE = WORDS // SPREAD

# The levels of the best 4-level quantiser of a standard normal, and the bounds between them (Max 1960, table I).
_LEVELS = np.array([-1.510, -0.4528, 0.4528, 1.510], np.float32)
_BOUNDS = np.array([-0.9816, 0.0, 0.9816], np.float32)


@lru_cache(maxsize=4)
def rotation(dimension: int) -> Floats:
    """A fixed random orthogonal matrix (d, d): it spreads the variance evenly over the dimensions.

    RandomState is numpy's frozen generator: its numbers never change between versions. QR runs in float64, so two
    machines differ by about 1e-15.
    """
    q, r = np.linalg.qr(np.random.RandomState(dimension).standard_normal((dimension, dimension)))
    return (q * np.sign(np.diag(r))).astype(np.float32)


def centre(vectors: Floats, mean: Floats) -> Floats:
    """Unit vectors (n, d) minus the encoder's mean, unit again, rotated: the space that codes live in."""
    centred = vectors - mean
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(norms, 1e-12) @ rotation(vectors.shape[1]), np.float32)


def encode(rotated: Floats) -> NDArray[np.uint8]:
    """Codes (n, ⌈d/4⌉) of rotated unit vectors (n, d): 2 bits a dimension, four to a byte, the first lowest."""
    n, d = rotated.shape
    levels = np.digitize(rotated * np.sqrt(d, dtype=np.float32), _BOUNDS).astype(np.uint8)
    levels = np.pad(levels, ((0, 0), (0, -d % 4))).reshape(n, -1, 4)
    return np.asarray(levels[..., 0] | levels[..., 1] << 2 | levels[..., 2] << 4 | levels[..., 3] << 6, np.uint8)


@lru_cache(maxsize=1)
def _table() -> Floats:
    """The four levels that each byte of a code stands for (256, 4)."""
    byte = np.arange(256)[:, None]
    return np.asarray(_LEVELS[byte >> np.array([0, 2, 4, 6]) & 3], np.float32)


def decode(codes: NDArray[np.uint8], dimension: int) -> Floats:
    """Rotated unit vectors (n, d) back from their codes."""
    vectors = _table()[codes].reshape(len(codes), 4 * codes.shape[1])[:, :dimension]
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.maximum(norms, 1e-12)[:, None], np.float32)


def places(terms: NDArray[np.uint64]) -> tuple[NDArray[np.int64], Floats]:
    """Where each term (n,) lands in the word part of a key (n, SPREAD) and with which sign (n, SPREAD), unscaled."""
    with np.errstate(over="ignore"):
        mixed = terms[:, None] + np.arange(1, SPREAD + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64 (Steele et al. 2014)
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    columns = (mixed >> np.uint64(1)) % np.uint64(_STRIPE)
    signs = (mixed & np.uint64(1)).astype(np.float32) * 2 - 1
    return columns.astype(np.int64) + np.arange(SPREAD) * _STRIPE, signs


def words(sizes: NDArray[np.int64], ids: NDArray[np.uint32], vocabulary: NDArray[np.uint64]) -> Floats:
    """The word part (n, WORDS) of n passages; passage i has the next sizes[i] of `ids`, which index `vocabulary`."""
    columns, signs = places(vocabulary)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    flat = (rows[:, None] * WORDS + columns[ids]).ravel()
    sums = np.bincount(flat, signs[ids].ravel(), len(sizes) * WORDS).reshape(len(sizes), WORDS)
    return np.asarray(sums / np.sqrt(np.maximum(sizes, 1) * SPREAD)[:, None], np.float32)


def join(dense: Floats, word_part: Floats) -> Floats:
    """Keys (n, d + WORDS) of the two parts."""
    return np.asarray(np.concatenate([dense, word_part], axis=1) / np.sqrt(2), np.float32)


def project(word_half: Floats, terms: NDArray[np.uint64]) -> Floats:
    """What each term (n,) adds to an inner product with `word_half` (WORDS,), before the passage's 1/√terms."""
    columns, signs = places(terms)
    return np.asarray((word_half[columns] * signs).sum(1) / np.sqrt(SPREAD), np.float32)
