"""Make a memory fit into a number of bytes, and keep it there."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from deltamem_cli.build.assemble import assemble, part_of
from deltamem_cli.errors import UsageError
from deltamem_cli.memory import file as store
from deltamem_cli.memory.info import held
from deltamem_cli.memory.memory import StoredMemory


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compact did, or would: bytes before and after, and what is left.

    passages: rows that are passages themselves; texts: those whose text is kept; sums: rows that stand for several
    passages; summed: how many they stand for.
    """

    before: int
    after: int
    passages: int
    texts: int
    sums: int
    summed: int


def compact(
    memory: StoredMemory, budget: int, path: str | Path, device: str = "cpu", *, dry_run: bool = False
) -> Compacted:
    """Write the memory to `path` (which may be its own file) with at most `budget` bytes; what comes later keeps to it.

    A memory that keeps to this budget already stays as it is. Raises UsageError for a patch, and when even one row for
    each session takes more than the budget.
    """
    if memory.header.patch:
        raise UsageError(f"{memory.name}: is a patch; merge it with its memory first (deltamem merge)")
    store.check_place(path)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.realpath(path)), prefix=".deltamem-") as folder:
        target = os.path.join(folder, "dry-run") if dry_run else os.fspath(path)
        before = os.path.getsize(memory.name)
        own = os.path.realpath(target) == os.path.realpath(memory.name)
        if memory.header.budget == budget and before <= budget:
            if not own:
                shutil.copyfile(memory.name, target)
        else:
            expected = memory.stamp if own else ...
            header, parts = replace(memory.header, budget=budget), [part_of(memory)]
            assemble(
                target, header, memory.mean, parts, memory.sources, memory.sessions, device=device, expected=expected
            )
        return _described(store.open_memory(target), before)


def _described(memory: StoredMemory, before: int) -> Compacted:
    texts, sums, summed = held(memory)
    return Compacted(before, os.path.getsize(memory.name), memory.header.passages - sums, texts, sums, summed)
