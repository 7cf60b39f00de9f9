"""Memories → their union. Order and grouping play no part: the same passages are the same bytes.

A patch among them (what `deltamem diff -o` writes) also takes away the passages that it names, and its word on logs,
sessions and places counts before the others': `merge(a, diff(a, b))` is b.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.algebra.compare import same_encoder, same_learning
from deltamem_cli.algebra.re_term import of_one_version
from deltamem_cli.build.assemble import assemble, part_of, state_before
from deltamem_cli.build.redundant_summaries import covered
from deltamem_cli.errors import UsageError
from deltamem_cli.memory.ledger import Longs
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Session, Source

_AT_ONCE = 1 << 18  # passages whose uids are sorted at once


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: memories, passages of all together, of the result, and those that a patch took away.

    encoded: passages that were encoded anew (reencode.py).
    """

    memories: int
    passages_in: int
    passages: int
    removed: int
    encoded: int = 0


def merge(memories: Sequence[StoredMemory], path: str | Path, device: str = "cpu", budget: int | None = None) -> Merged:
    """Write the union of the memories to `path`, at most `budget` bytes. A passage that several hold counts once, and
    sums of passages give way to the passages themselves (covered.py).

    The matrix of the union is the matrix of all passages at once, in time order. Text that one of the memories kept is
    kept. Raises MemoryFileError when they were made with different encoders or learn differently, or when their terms
    are of different versions and one lacks text; UsageError for patches alone.
    """
    for other in memories[1:]:
        same_encoder(memories[0], other)
        same_learning(memories[0], other)
    if len({memory.header.terms for memory in memories}) > 1:
        with of_one_version(memories, path, device) as alike:
            return merge(alike, path, device, budget)
    patches = [memory.header.patch for memory in memories]
    if all(patches):
        raise UsageError("every one of these is a patch: merge them with the memory that they belong to")
    chosen, removed = _chosen(memories)
    parts = [part_of(memory) for memory in memories]
    chosen = chosen[~covered(parts, chosen)]
    sources, sessions = _patched_tables(memories, chosen) if any(patches) else _joined_tables(memories)
    text = any(memory.header.text for memory in memories)
    header = replace(memories[0].header, text=text, patch=False, budget=budget)
    expected = state_before(path, memories)
    assemble(path, header, memories[0].mean, parts, sources, sessions, chosen=chosen, device=device, expected=expected)
    return Merged(len(memories), sum(len(memory.rows) for memory in memories), len(chosen), removed)


def _chosen(memories: Sequence[StoredMemory]) -> tuple[Longs, int]:
    """Places (among all rows, memory after memory) of one row for every uid, and how many a patch takes away.

    Of several a patch's goes first, then one with text, then the one at the first place.
    """
    total = sum(len(memory.rows) for memory in memories)
    paths = sorted({source.path for memory in memories for source in memory.sources})
    number = {path: i for i, path in enumerate(paths)}
    sources = [np.array([number[source.path] for source in memory.sources], np.int64) for memory in memories]
    taken = np.concatenate([memory.removed for memory in memories]).view("V16").ravel()
    shares = min(256, total // _AT_ONCE + 1)
    found: list[Longs] = []
    removed = 0
    for share in range(shares):  # of all uids: what is sorted at once is bounded
        chosen, gone = _chosen_of(
            memories, sources, taken, [memory.rows.uid[:, 0] % shares == share for memory in memories]
        )
        found.append(chosen)
        removed += gone
    return np.sort(np.concatenate(found)), removed


def _chosen_of(
    memories: Sequence[StoredMemory],
    sources: Sequence[Longs],
    taken: NDArray[np.void],
    mine: Sequence[NDArray[np.bool_]],
) -> tuple[Longs, int]:
    """As `_chosen`, for the rows `mine` of each memory. `sources` numbers their logs, `taken` are patched away."""
    rows = [np.flatnonzero(flags) for flags in mine]
    starts = np.cumsum([0, *(len(memory.rows) for memory in memories)])
    places = np.concatenate([start + some for start, some in zip(starts, rows, strict=False)])
    each = list(zip(memories, sources, rows, strict=True))
    uids = np.concatenate([memory.rows.uid[some] for memory, _, some in each]).view("V16").ravel()
    source = np.concatenate([numbers[memory.rows.source[some]] for memory, numbers, some in each])
    seq = np.concatenate([memory.rows.seq[some] for memory, _, some in each])
    bare = np.concatenate([*_bare(memories, rows, uids)])
    plain = np.concatenate([np.full(len(some), not memory.header.patch) for memory, _, some in each])
    order = np.lexsort((seq, source, bare, plain, uids))
    first = np.ones(len(order), bool)
    first[1:] = uids[order][1:] != uids[order][:-1]
    chosen = order[first]
    gone = plain[chosen] & np.isin(uids[chosen], taken)
    return places[chosen[~gone]], int(gone.sum())


def _bare(
    memories: Sequence[StoredMemory], rows: Sequence[Longs], uids: NDArray[np.void]
) -> Iterator[NDArray[np.bool_]]:
    """Which of those rows of each memory have no text; it is looked at only for uids (n,) that several rows have."""
    _, number, times = np.unique(uids, return_inverse=True, return_counts=True)
    several = np.split(times[number] > 1, np.cumsum([len(some) for some in rows])[:-1])
    for memory, some, again in zip(memories, rows, several, strict=True):
        bare = np.zeros(len(some), bool)
        bare[again] = [memory.text is None or not memory.text[row] for row in some[again].tolist()]
        yield bare


def _joined_tables(memories: Iterable[StoredMemory]) -> tuple[list[Source], list[Session]]:
    """One record of every log and session, which does not depend on the order of the memories.

    Of a log the record that read most of it; of a session a title or project rather than none.
    """
    sources: dict[str, Source] = {}
    sessions: dict[str, Session] = {}
    for memory in memories:
        for source in memory.sources:
            known = sources.get(source.path, source)
            sources[source.path] = max(known, source, key=lambda s: (s.bytes, s.digest, s.settings, s.format))
        for new in memory.sessions:
            old = sessions.get(new.id, new)
            sessions[new.id] = Session(new.id, max(old.title, new.title), max(old.project, new.project))
    return list(sources.values()), list(sessions.values())


def _patched_tables(memories: Sequence[StoredMemory], chosen: Longs) -> tuple[list[Source], list[Session]]:
    """The patches' records, and of the other memories those of what rows are left."""
    at = 0
    sources: dict[str, Source] = {}
    sessions: dict[str, Session] = {}
    for memory in memories:
        rows = chosen[(chosen >= at) & (chosen < at + len(memory.rows))] - at
        at += len(memory.rows)
        if not memory.header.patch:
            left_sources = [memory.sources[i] for i in np.unique(memory.rows.source[rows])]
            left_sessions = [memory.sessions[i] for i in np.unique(memory.rows.session[rows])]
            sources |= {source.path: source for source in left_sources}
            sessions |= {session.id: session for session in left_sessions}
    for memory in memories:
        if memory.header.patch:
            sources |= {source.path: source for source in memory.sources}
            sessions |= {session.id: session for session in memory.sessions}
    return list(sources.values()), list(sessions.values())
