"""What is done with whole memories: `deltamem merge`, `diff`, `forget` and `info`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Annotated

import typer

from deltamem_cli import render_memories, terminal
from deltamem_cli.cli.options import (
    Budget,
    InSource,
    Json,
    MemoryPath,
    OfKind,
    Role,
    Session,
    Speaker,
    budget_of,
    filters_of,
)
from deltamem_cli.errors import ExitStatus, UsageError


def merge(
    memories: Annotated[list[str], typer.Argument(metavar="MEMORIES…", help="Memory files to join.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="MEMORY", help="Where the union goes.")],
    budget: Budget = "",
    re_encode: Annotated[
        bool, typer.Option("--re-encode", help="Encode anew, from its text, what another encoder has made.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="With --re-encode: the encoder for all (default: that of the first memory).")
    ] = None,
    device: Annotated[str, typer.Option(help="Where to learn and encode: auto, cpu, cuda, mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No summary.")] = False,
) -> None:
    """Join memories into one; what several of them hold counts once.

    Example: deltamem merge laptop.safetensors desktop.safetensors -o all.safetensors

    Example: deltamem merge old.safetensors -o new.safetensors --re-encode --model BAAI/bge-small-en-v1.5
    """
    from deltamem_cli.encoders import pick_device
    from deltamem_cli.merge import merge as verb
    from deltamem_cli.reencode import encoder_for, merge_anew
    from deltamem_cli.store import open_memory

    if model is not None and not re_encode:
        raise UsageError("--model says what --re-encode encodes with: give both, or neither")
    opened, where, most = [open_memory(memory) for memory in memories], pick_device(device), budget_of(budget)
    if re_encode:
        merged = merge_anew(opened, output, encoder_for(opened[0], model, where), where, most)
    else:
        merged = verb(opened, output, where, most)
    if not quiet:
        terminal.out(render_memories.merged_text(merged, output))


def compact(
    memory: MemoryPath,
    budget: Budget,
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
    from deltamem_cli.budget import compact as verb
    from deltamem_cli.encoders import pick_device
    from deltamem_cli.store import open_memory

    most = budget_of(budget)
    if most is None:
        raise UsageError("say how large the memory may be: --budget 8MiB")
    told = verb(open_memory(memory), most, output or memory, pick_device(device), dry_run=dry_run)
    if not quiet:
        terminal.out(render_memories.compacted_text(told, output or memory, done=not dry_run))


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The memory to start from.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The memory to compare with it.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many changes.")] = 20,
    stat: Annotated[bool, typer.Option("--stat", help="Numbers only: counts, distance, angles, rank.")] = False,
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="PATCH", help="Save the difference.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 when they differ, as git diff.")] = False,
    json: Json = False,
) -> None:
    """Tell what changed from memory A to memory B: what is new in meaning first.

    + is news, ~ says again differently what A holds, - is gone; each with its novelty, from 0 to 1. A saved
    difference is a memory itself: query it, or merge it with A to get B.

    Example: deltamem diff monday.safetensors friday.safetensors -k 10
    """
    from deltamem_cli.diff import diff as verb
    from deltamem_cli.diff import save_patch
    from deltamem_cli.store import open_memory

    a, b = open_memory(old), open_memory(new)
    told = verb(a, b, k, numbers=stat or json)
    if json:
        terminal.out(render_memories.difference_json(told))
    else:
        for line in render_memories.difference_text(told, terminal.Style(sys.stdout), stat=stat):
            terminal.out(line)
    if output:
        save_patch(a, b, output)
    if exit_code and (told.added or told.removed):
        raise typer.Exit(ExitStatus.NOTHING_FOUND)


def forget(
    memory: MemoryPath,
    session: Session = "",
    speaker: Speaker = "",
    role: Role = "",
    kind: OfKind = "",
    source: InSource = "",
    before: Annotated[str, typer.Option(help="Only what was said before this date.")] = "",
    after: Annotated[str, typer.Option(help="Only what was said from this date on.")] = "",
    match: Annotated[str, typer.Option(help="Only passages with this in their text.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and stop.")] = False,
) -> None:
    """Take out of a memory all passages that every given option fits, as if they had never been read.

    Example: deltamem forget notes.safetensors --source old-project --before 2025-01-01
    """
    from deltamem_cli.filters import EVERYTHING, let_through
    from deltamem_cli.forget import forget as verb
    from deltamem_cli.forget import measure
    from deltamem_cli.store import open_memory

    filters = replace(filters_of(session, speaker, role, kind, source, since=after, before=before), match=match)
    if filters == EVERYTHING:
        raise UsageError(
            "say what to forget: --match, --session, --speaker, --role, --kind, --source, --before, --after"
        )
    opened = open_memory(memory)
    gone = let_through(opened, filters, cautious=True)
    told = measure(opened, gone)
    if dry_run or not told.passages:
        terminal.out(render_memories.forgotten_text(told, memory, done=False))
        raise typer.Exit(ExitStatus.OK if told.passages else ExitStatus.NOTHING_FOUND)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody here to ask: add --yes to forget these passages, or --dry-run to look only")
        terminal.out(render_memories.forgotten_text(told, memory, done=False))
        typer.confirm("Forget them?", abort=True, err=True)
    verb(opened, gone, memory)
    terminal.out(render_memories.forgotten_text(told, memory, done=True))


def info(memory: MemoryPath, json: Json = False) -> None:
    """Tell what is inside a memory.

    Example: deltamem info notes.safetensors
    """
    from deltamem_cli.info import describe
    from deltamem_cli.store import open_memory

    told = describe(open_memory(memory))
    path = os.path.abspath(memory)
    if json:
        terminal.out(render_memories.info_json(told, path))
    else:
        for line in render_memories.info_text(told, path, terminal.Style(sys.stdout)):
            terminal.out(line)
