"""Sums of passages that a budget has made and that are needless now: the passages themselves are there again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.row_union import Part
from deltamem_cli.memory.ledger import Longs


def covered(parts: Sequence[Part], chosen: Longs) -> NDArray[np.bool_]:
    """Which of the chosen rows (places among all, part after part) are sums whose passages are chosen, too.

    A sum holds passages of one session and log, from its own place on and before that of the part's next sum. They
    are there when other parts hold as many in that stretch that its own does not, the first of them included.
    """
    gone = np.zeros(len(chosen), bool)
    if not any(part.rows.summed.any() for part in parts):
        return gone
    starts = np.cumsum([0, *(len(part.rows) for part in parts)])
    owner = np.searchsorted(starts, chosen, side="right") - 1
    places, uid, summed = _columns(parts, [chosen[owner == m] - starts[m] for m in range(len(parts))])
    for number, part in enumerate(parts):
        mine = np.flatnonzero((owner == number) & (summed > 0))
        mine = mine[np.argsort(places[mine])]
        others = np.sort(places[(summed == 0) & ~np.isin(uid, part.rows.uid.view("V16").ravel())])
        ends = np.minimum(np.append(places[mine][1:], np.iinfo(np.int64).max), (places[mine] >> 32) + 1 << 32)
        first = np.searchsorted(others, places[mine])
        there = np.searchsorted(others, places[mine], side="right") > first
        gone[mine] = there & (np.searchsorted(others, ends) - first >= summed[mine])
    return gone


def _columns(parts: Sequence[Part], rows: Sequence[Longs]) -> tuple[Longs, NDArray[np.void], NDArray[np.uint32]]:
    """Of those rows of each part: log, session and place in it as one number; uid; of how many they are the sum."""
    paths = {path: i for i, path in enumerate(sorted({path for one in parts for path in one.sources}))}
    ids = {name: i for i, name in enumerate(sorted({name for one in parts for name in one.sessions}))}
    places, uids, summed = [], [], []
    for part, some in zip(parts, rows, strict=True):
        path = np.array([paths[path] for path in part.sources], np.int64)[part.rows.source[some]]
        session = np.array([ids[name] for name in part.sessions], np.int64)[part.rows.session[some]]
        places.append((path * len(ids) + session) << 32 | part.rows.seq[some])
        uids.append(part.rows.uid[some])
        summed.append(part.rows.summed[some])
    return np.concatenate(places), np.concatenate(uids).view("V16").ravel(), np.concatenate(summed)
