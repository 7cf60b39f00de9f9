"""Passages → fewer rows: those of one session (and log) are summed into a row that still leads to the session.

The code of a sum is the code of the sum of the vectors, its terms the TERMS most telling ones, its place and time those
of the first passage. It counts how many passages it stands for, and can be summed again.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.importance import Floats, rarity
from deltamem_cli.memory import keys, ledger
from deltamem_cli.memory.columns import COLUMNS, total
from deltamem_cli.memory.ledger import Longs, Rows
from deltamem_cli.records import KINDS

RUN = 64  # rows of a session that at most become one
TERMS = 64
_CHUNK = 1 << 14


def together(rows: Rows, kept: NDArray[np.bool_], run: int) -> tuple[Longs, Longs]:
    """Which rows are summed, in order, and the number of the sum (from 0) that each goes to; `kept` (N,) are not.

    A row that would be alone in its sum is left as it is.
    """
    bounds = ledger.stretches(rows.session.astype(np.int64) << 32 | rows.source, run)
    gone = np.flatnonzero(~kept)
    stretch = np.searchsorted(bounds, gone, side="right") - 1
    several = np.bincount(stretch, minlength=len(bounds))[stretch] > 1
    return gone[several], np.unique(stretch[several], return_inverse=True)[1].astype(np.int64)


def sum_rows(rows: Rows, terms: int, dimension: int, unnamed: int, gone: Longs, into: Longs) -> tuple[Rows, Longs]:
    """The rows with `gone` (n,) summed into the sums `into` (n,), and the old place of each new row (of the first).

    `terms` is the length of the vocabulary, `unnamed` the number of the speaker that stands for several.
    """
    if len(gone) == 0:
        return rows, np.arange(len(rows))
    mine = rows.take(gone)
    starts = np.flatnonzero(np.concatenate([[True], into[1:] != into[:-1]]))
    weight = np.maximum(mine.summed, 1)
    lowest, highest = (reduce.reduceat(mine.speaker, starts) for reduce in (np.minimum, np.maximum))
    ends = np.append(starts[1:], len(gone))
    summed = {name: column.sum(mine.column(name), starts) for name, column in COLUMNS.items() if column.sum}
    summed["uid"] = np.stack([_name(mine.uid[a:b]) for a, b in zip(starts, ends, strict=True)])
    summed["speaker"] = np.where(lowest == highest, lowest, unnamed).astype(np.uint32)
    summed["kind"] = np.full(len(starts), KINDS.index("summary"), np.uint8)
    summed["code"] = _codes(mine, weight, into, len(starts), dimension)
    summed["summed"] = total(weight, starts)
    summed["sizes"], summed["terms"], summed["counts"] = _telling(mine, rarity(rows, terms), into, len(starts))
    left = np.delete(np.arange(len(rows)), gone)
    places = np.concatenate([left, gone[starts]])
    order = np.argsort(places)
    return ledger.concatenate([rows.take(left), Rows(summed)]).take(order), places[order]


def _name(uids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.frombuffer(blake2b(uids.tobytes(), digest_size=16).digest(), np.uint8)


def _codes(mine: Rows, weight: NDArray[np.uint32], into: Longs, sums: int, dimension: int) -> NDArray[np.uint8]:
    """The codes (sums, ⌈d/4⌉) of the sums of the rows' vectors."""
    vectors = np.zeros((sums, dimension), np.float32)
    for at in range(0, len(mine), _CHUNK):
        part = slice(at, at + _CHUNK)
        here, starts = np.unique(into[part], return_index=True)
        vectors[here] += np.add.reduceat(keys.decode(mine.code[part], dimension) * weight[part, None], starts)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return keys.encode(np.asarray(vectors / np.maximum(norms, 1e-12), np.float32))


def _telling(
    mine: Rows, rarity: Floats, into: Longs, sums: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint32], NDArray[np.uint8]]:
    """The columns sizes, terms and counts of the sums: of each its TERMS terms of the highest idf · log(1 + count)."""
    of_sum = np.repeat(into, mine.sizes).astype(np.int64)
    pairs, inverse = np.unique(of_sum << 32 | mine.terms, return_inverse=True)
    count = np.bincount(inverse, mine.counts, len(pairs))
    owner, term = pairs >> 32, pairs & (2**32 - 1)
    best = np.lexsort((term, -rarity[term] * np.log1p(count), owner))
    start = np.searchsorted(owner, np.arange(sums))  # best keeps the owners in order, so places in it count from here
    taken = np.sort(best[np.arange(len(pairs)) - start[owner] < TERMS])
    sizes = np.bincount(owner[taken], minlength=sums).astype(np.uint16)
    return sizes, term[taken].astype(np.uint32), np.minimum(count[taken], 255).astype(np.uint8)


def used_only(rows: Rows, vocabulary: NDArray[np.uint64]) -> tuple[Rows, NDArray[np.uint64]]:
    """The rows with the part of the vocabulary that they use."""
    used, terms = np.unique(rows.terms, return_inverse=True)
    return rows.replaced(terms=terms.astype(np.uint32)), vocabulary[used]
