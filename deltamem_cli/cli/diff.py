"""`deltamem diff`: what changed between two memories."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deltamem_cli.cli.options import Json
from deltamem_cli.cli.output import memories, terminal
from deltamem_cli.errors import ExitStatus


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
    from deltamem_cli.algebra.diff import diff as verb
    from deltamem_cli.algebra.diff import save_patch
    from deltamem_cli.memory.file import open_memory

    a, b = open_memory(old), open_memory(new)
    told = verb(a, b, k, numbers=stat or json)
    if json:
        terminal.out(memories.difference_json(told))
    else:
        for line in memories.difference_text(told, terminal.Style(sys.stdout), stat=stat):
            terminal.out(line)
    if output:
        save_patch(a, b, output)
    if exit_code and (told.added or told.removed):
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
