"""Memories → their union. Order and grouping play no part: the same passages are the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deltamem_cli.assemble import Part, assemble, part_of
from deltamem_cli.errors import MemoryFileError
from deltamem_cli.ledger import Longs
from deltamem_cli.memory import Memory
from deltamem_cli.records import Session, Source


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: passages of all memories together, and of the result."""

    memories: int
    passages_in: int
    passages: int


def merge(memories: Sequence[Memory], path: str | Path, device: str = "cpu") -> Merged:
    """Write the union of the memories to `path`. A passage that several hold counts once.

    With the rule `rls` the matrix of the union is the matrix of all passages at once. Text that one of the memories
    kept is kept. Raises MemoryFileError when they were made with different encoders.
    """
    first = memories[0]
    for other in memories[1:]:
        if other.header.fingerprint != first.header.fingerprint or not np.array_equal(other.mean, first.mean):
            raise MemoryFileError(
                f"{other.name}: made with the encoder {other.header.encoder}, {first.name} "
                f"with {first.header.encoder}; "
                "ingest one of them again with the other's --model: only memories of one encoder can be merged"
            )
    parts = [part_of(memory) for memory in memories]
    chosen = _one_of_each(parts)
    sources = _richest(source for memory in memories for source in memory.sources)
    sessions = _fullest(session for memory in memories for session in memory.sessions)
    header = first.header.with_text(any(memory.header.text for memory in memories))
    assemble(path, header, first.mean, parts, sources, sessions, chosen=chosen, device=device)
    return Merged(len(memories), sum(len(part.rows) for part in parts), len(chosen))


def _one_of_each(parts: Sequence[Part]) -> Longs:
    """Places (among all rows, part after part) of one row for every uid: the one with text, then the first place."""
    uids = np.concatenate([part.rows.uid for part in parts]).view("V16").ravel()
    paths = sorted({path for part in parts for path in part.sources})
    number = {path: i for i, path in enumerate(paths)}
    source = np.concatenate([np.array([number[p] for p in part.sources], np.int64)[part.rows.source] for part in parts])
    seq = np.concatenate([part.rows.seq for part in parts])
    bare = np.concatenate([np.full(len(part.rows), part.text is None) for part in parts])
    order = np.lexsort((seq, source, bare, uids))
    first = np.ones(len(order), bool)
    first[1:] = uids[order][1:] != uids[order][:-1]
    return np.sort(order[first])


def _richest(sources: Iterable[Source]) -> list[Source]:
    """One record of every log: the one that read most of it (of two that read as much, a fixed one)."""
    best: dict[str, Source] = {}
    for source in sources:
        known = best.get(source.path, source)
        best[source.path] = max(known, source, key=lambda s: (s.bytes, s.digest, s.settings, s.format))
    return list(best.values())


def _fullest(sessions: Iterable[Session]) -> list[Session]:
    """One record of every session: a title or project beats none, and of two a fixed one."""
    best: dict[str, Session] = {}
    for session in sessions:
        known = best.get(session.id, session)
        best[session.id] = Session(session.id, max(known.title, session.title), max(known.project, session.project))
    return list(best.values())
