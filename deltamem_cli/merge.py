"""Memories → their union. Order and grouping play no part: the same passages are the same bytes.

A patch among them (what `deltamem diff -o` writes) also takes away the passages that it names, and its word on logs,
sessions and places counts before the others': `merge(a, diff(a, b))` is b.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.assemble import assemble, part_of
from deltamem_cli.compare import same_encoder
from deltamem_cli.errors import UsageError
from deltamem_cli.ledger import Longs
from deltamem_cli.memory import Memory
from deltamem_cli.records import Session, Source


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: memories, passages of all together, of the result, and those that a patch took away."""

    memories: int
    passages_in: int
    passages: int
    removed: int


def merge(memories: Sequence[Memory], path: str | Path, device: str = "cpu", budget: int | None = None) -> Merged:
    """Write the union of the memories to `path`, at most `budget` bytes. A passage that several hold counts once.

    With the rule `rls` the matrix of the union is the matrix of all passages at once. Text that one of the memories
    kept is kept. Raises MemoryFileError when they were made with different encoders, UsageError for patches alone.
    """
    for other in memories[1:]:
        same_encoder(memories[0], other)
    patches = [memory.header.patch for memory in memories]
    if all(patches):
        raise UsageError("every one of these is a patch: merge them with the memory that they belong to")
    chosen, removed = _chosen(memories)
    sources, sessions = _patched_tables(memories, chosen) if any(patches) else _joined_tables(memories)
    text = any(memory.header.text for memory in memories)
    header = replace(memories[0].header, text=text, patch=False, budget=budget)
    parts = [part_of(memory) for memory in memories]
    assemble(path, header, memories[0].mean, parts, sources, sessions, chosen=chosen, device=device)
    return Merged(len(memories), sum(len(memory.rows) for memory in memories), len(chosen), removed)


def _chosen(memories: Sequence[Memory]) -> tuple[Longs, int]:
    """Places (among all rows, memory after memory) of one row for every uid, and how many a patch takes away.

    Of several a patch's goes first, then one with text, then the one at the first place.
    """
    uids = np.concatenate([memory.rows.uid for memory in memories]).view("V16").ravel()
    paths = sorted({source.path for memory in memories for source in memory.sources})
    number = {path: i for i, path in enumerate(paths)}
    source = np.concatenate([np.array([number[s.path] for s in m.sources], np.int64)[m.rows.source] for m in memories])
    seq = np.concatenate([memory.rows.seq for memory in memories])
    bare = np.concatenate([_bare(memory) for memory in memories])
    plain = _each([not memory.header.patch for memory in memories], memories)
    order = np.lexsort((seq, source, bare, plain, uids))
    first = np.ones(len(order), bool)
    first[1:] = uids[order][1:] != uids[order][:-1]
    chosen = np.sort(order[first])
    removed = np.concatenate([memory.removed for memory in memories]).view("V16").ravel()
    gone = plain[chosen] & np.isin(uids[chosen], removed)
    return chosen[~gone], int(gone.sum())


def _bare(memory: Memory) -> NDArray[np.bool_]:
    """Which rows have no text; it is looked at only where a budget may have taken some away."""
    if memory.text is None or memory.header.budget is None:
        return np.full(len(memory.rows), memory.text is None)
    return np.array([not text for text in memory.text], bool)


def _each(flags: Sequence[bool], memories: Sequence[Memory]) -> NDArray[np.bool_]:
    """A flag of each memory, for each of its rows."""
    return np.repeat(np.array(flags), [len(memory.rows) for memory in memories])


def _joined_tables(memories: Iterable[Memory]) -> tuple[list[Source], list[Session]]:
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


def _patched_tables(memories: Sequence[Memory], chosen: Longs) -> tuple[list[Source], list[Session]]:
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
