"""Memories whose texts became terms in different ways → memories of one way, made anew from their texts (terms.py)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from deltamem_cli.build.assemble import Part, assemble, part_of
from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.text import terms


@contextmanager
def of_one_version(
    memories: Sequence[StoredMemory], path: str | Path, device: str = "cpu"
) -> Iterator[list[StoredMemory]]:
    """The memories, those of older terms than the newest brought to it in files beside `path` that go afterwards.

    Raises MemoryFileError for one that lacks text of its passages.
    """
    newest = max(memory.header.terms for memory in memories)
    old = [memory for memory in memories if memory.header.terms != newest]
    for memory in old:
        check_text(memory, f"its terms are of version {memory.header.terms}, the others' of version {newest}")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.realpath(path)), prefix=".deltamem-") as folder:
        yield [
            _anew(memory, newest, Path(folder) / str(number), device) if memory in old else memory
            for number, memory in enumerate(memories)
        ]


def check_text(memory: StoredMemory, why: str) -> None:
    """Raise MemoryFileError where a passage has no text to make its terms from."""
    missing = memory.header.passages if memory.text is None else sum(not text for text in memory.text)
    if missing:
        raise MemoryFileError(
            f"{memory.name}: {why}, and {missing:,} of its {memory.header.passages:,} passages have no text to make "
            "them anew; ingest its logs again into a new file"
        )


def part_with_terms(memory: StoredMemory, version: int) -> Part:
    """All of a memory with the terms of that version, from its texts, and nothing learned."""
    rows, text, part = memory.rows, memory.text, part_of(memory)
    if memory.header.terms == version or text is None:
        return replace(part, learned=None)
    counts = [terms.count(memory.spoken(row, text[row]), version) for row in range(len(rows))]
    flat = np.array([term for count in counts for term in count], np.uint64)
    vocabulary, ids = np.unique(flat, return_inverse=True)
    rows = rows.replaced(
        length=np.array([min(count.total(), 65535) for count in counts], np.uint16),
        sizes=np.array([len(count) for count in counts], np.uint16),
        terms=ids.astype(np.uint32),
        counts=np.array([min(n, 255) for count in counts for n in count.values()], np.uint8),
    )
    return replace(part, rows=rows, vocabulary=vocabulary, learned=None)


def _anew(memory: StoredMemory, version: int, path: Path, device: str) -> StoredMemory:
    header = replace(memory.header, terms=version, budget=None)
    removed = memory.removed if memory.header.patch else None
    part = part_with_terms(memory, version)
    tables = memory.sources, memory.sessions
    assemble(path, header, memory.mean, [part], *tables, removed=removed, device=device)
    return open_memory(path)
