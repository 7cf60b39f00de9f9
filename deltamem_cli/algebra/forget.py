"""Take passages out of a memory, exactly: what is left is the memory that never saw them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.assemble import assemble, part_of, state_before
from deltamem_cli.errors import UsageError
from deltamem_cli.memory.memory import StoredMemory


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a forget takes out, or would: how many passages, of which sessions and sources, and what is left."""

    passages: int
    sessions: int
    sources: int
    left: int


def measure(memory: StoredMemory, gone: NDArray[np.bool_]) -> Forgotten:
    """What taking out the rows `gone` (N,) means."""
    rows = memory.rows
    sessions, sources = len(np.unique(rows.session[gone])), len(np.unique(rows.source[gone]))
    return Forgotten(int(gone.sum()), sessions, sources, int((~gone).sum()))


def forget(memory: StoredMemory, gone: NDArray[np.bool_], path: str | Path, device: str = "cpu") -> Forgotten:
    """Write the memory without the rows `gone` (N,) to `path` (which may be its own file).

    Sessions and logs that nothing is left of go too, and so do terms that only the forgotten passages had. A log that
    lost passages counts as not yet read, so that ingesting it again brings them back. (A passage that several logs hold
    stands under one of them: it goes with that log, and the others do not count as touched.)
    """
    if memory.header.patch:
        raise UsageError(f"{memory.name}: is a patch; merge it with its memory first (deltamem merge)")
    rows, kept = memory.rows, np.flatnonzero(~gone)
    touched = set(np.unique(rows.source[gone]).tolist())
    sources = [
        source if i not in touched else source.unread()
        for i, source in enumerate(memory.sources)
        if i not in touched or bool(np.any(rows.source[kept] == i))
    ]
    sessions = [memory.sessions[i] for i in np.unique(rows.session[kept]).tolist()]
    told = measure(memory, gone)
    to, parts = (path, memory.header, memory.mean), [part_of(memory)]
    assemble(*to, parts, sources, sessions, chosen=kept, device=device, expected=state_before(path, [memory]))
    return told
