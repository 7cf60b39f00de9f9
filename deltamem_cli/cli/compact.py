"""`deltamem compact`: make a memory fit into a number of bytes."""

from __future__ import annotations

from typing import Annotated

import typer

from deltamem_cli.cli.memory_path import memory_path, open_named
from deltamem_cli.cli.options import Budget, MemoryOption, MemoryPath, budget_of
from deltamem_cli.cli.output import memories, terminal
from deltamem_cli.errors import UsageError


def compact(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    budget: Budget = "",
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="MEMORY", help="Where to write it (default: in its place).")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be left, and stop.")] = False,
    device: Annotated[str, typer.Option(help="Where to learn the matrix: auto, cpu, cuda, mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No summary.")] = False,
) -> None:
    """Make a memory fit into a number of bytes, and keep it there: what is worth least goes first.

    Most of the matrix goes before anything else, which costs little; then the text of passages, and passages
    themselves, summed into one for their session. What was dropped cannot come back, but from the logs.

    Example: deltamem compact notes.safetensors --budget 8MiB
    """
    from deltamem_cli.algebra.compact import compact as verb
    from deltamem_cli.encoders import pick_device

    most = budget_of(budget)
    if most is None:
        raise UsageError("say how large the memory may be: --budget 8MiB")
    path = memory_path(memory, named)
    into = output or path
    told = verb(open_named(path), most, into, pick_device(device), dry_run=dry_run)
    if not quiet:
        terminal.out(memories.compacted_text(told, into, done=not dry_run))
