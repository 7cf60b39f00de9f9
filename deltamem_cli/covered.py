"""Sums of passages that a budget has made, and a merge has made needless: the passages themselves are there again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.ledger import Longs
from deltamem_cli.memory import Memory


def covered(memories: Sequence[Memory], chosen: Longs) -> NDArray[np.bool_]:
    """Which of the chosen rows (places among all, memory after memory) are sums whose passages are chosen, too.

    A sum holds passages of one session and log, from its own place on and before that of the memory's next sum. They
    are there when other memories hold as many in that stretch that its own does not, the first of them included.
    """
    gone = np.zeros(len(chosen), bool)
    if not any(memory.rows.summed.any() for memory in memories):
        return gone
    starts = np.cumsum([0, *(len(memory.rows) for memory in memories)])
    owner = np.searchsorted(starts, chosen, side="right") - 1
    places, uid, summed = _columns(memories, [chosen[owner == m] - starts[m] for m in range(len(memories))])
    for number, memory in enumerate(memories):
        mine = np.flatnonzero((owner == number) & (summed > 0))
        mine = mine[np.argsort(places[mine])]
        others = np.sort(places[(summed == 0) & ~np.isin(uid, memory.rows.uid.view("V16").ravel())])
        ends = np.minimum(np.append(places[mine][1:], np.iinfo(np.int64).max), (places[mine] >> 32) + 1 << 32)
        first = np.searchsorted(others, places[mine])
        there = np.searchsorted(others, places[mine], side="right") > first
        gone[mine] = there & (np.searchsorted(others, ends) - first >= summed[mine])
    return gone


def _columns(memories: Sequence[Memory], rows: Sequence[Longs]) -> tuple[Longs, NDArray[np.void], NDArray[np.uint32]]:
    """Of those rows of each memory: log, session and place in it as one number; uid; of how many they are the sum."""
    paths = {path: i for i, path in enumerate(sorted({source.path for m in memories for source in m.sources}))}
    ids = {name: i for i, name in enumerate(sorted({session.id for m in memories for session in m.sessions}))}
    places, uids, summed = [], [], []
    for memory, some in zip(memories, rows, strict=True):
        path = np.array([paths[source.path] for source in memory.sources], np.int64)[memory.rows.source[some]]
        session = np.array([ids[one.id] for one in memory.sessions], np.int64)[memory.rows.session[some]]
        places.append((path * len(ids) + session) << 32 | memory.rows.seq[some])
        uids.append(memory.rows.uid[some])
        summed.append(memory.rows.summed[some])
    return np.concatenate(places), np.concatenate(uids).view("V16").ravel(), np.concatenate(summed)
