"""`deltamem merge`: join memories into one."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from deltamem_cli.cli.options import Budget, budget_of
from deltamem_cli.cli.output import terminal
from deltamem_cli.cli.output.memories import merged_text
from deltamem_cli.errors import UsageError


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
    force: Annotated[
        bool, typer.Option("--force", help="Replace a memory that is there and is no input, without asking.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No summary.")] = False,
) -> None:
    """Join memories into one; what several of them hold counts once.

    Example: deltamem merge laptop.safetensors desktop.safetensors -o all.safetensors

    Example: deltamem merge old.safetensors -o new.safetensors --re-encode --model BAAI/bge-small-en-v1.5
    """
    from deltamem_cli.algebra.merge import merge as verb
    from deltamem_cli.algebra.re_encode import encoder_for, merge_anew
    from deltamem_cli.encoders import pick_device
    from deltamem_cli.memory.file import open_memory

    if model is not None and not re_encode:
        raise UsageError("--model says what --re-encode encodes with: give both, or neither")
    if not force:
        _may_replace(output, memories)
    opened, where, most = [open_memory(memory) for memory in memories], pick_device(device), budget_of(budget)
    if re_encode:
        merged = merge_anew(opened, output, encoder_for(opened[0], model, where), where, most)
    else:
        merged = verb(opened, output, where, most)
    if not quiet:
        terminal.out(merged_text(merged, output))


def _may_replace(output: str, inputs: list[str]) -> None:
    """Ask before a memory that is no input is replaced. Raises UsageError where nobody is there to ask."""
    if not os.path.exists(output) or any(os.path.exists(one) and os.path.samefile(one, output) for one in inputs):
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{output}: is there, and is none of the inputs; add --force to replace it, or name it as one")
    typer.confirm(f"{terminal.line(output)} is there, and is none of the inputs. Replace it?", abort=True, err=True)
