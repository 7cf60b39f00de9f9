"""`deltamem forget`: take passages out of a memory."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from deltamem_cli.cli.options import InSource, MemoryPath, OfKind, Role, Session, Speaker, filters_of
from deltamem_cli.cli.output import memories, terminal
from deltamem_cli.errors import ExitStatus, UsageError


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
    from deltamem_cli.algebra.forget import forget as verb
    from deltamem_cli.algebra.forget import measure
    from deltamem_cli.memory.file import open_memory
    from deltamem_cli.recall.filters import EVERYTHING, let_through

    filters = replace(filters_of(session, speaker, role, kind, source, since=after, before=before), match=match)
    if filters == EVERYTHING:
        raise UsageError(
            "say what to forget: --match, --session, --speaker, --role, --kind, --source, --before, --after"
        )
    opened = open_memory(memory)
    gone = let_through(opened, filters, cautious=True)
    told = measure(opened, gone)
    if dry_run or not told.passages:
        terminal.out(memories.forgotten_text(told, memory, done=False))
        raise typer.Exit(ExitStatus.OK if told.passages else ExitStatus.NOTHING_FOUND)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody here to ask: add --yes to forget these passages, or --dry-run to look only")
        terminal.out(memories.forgotten_text(told, memory, done=False))
        typer.confirm("Forget them?", abort=True, err=True)
    verb(opened, gone, memory)
    terminal.out(memories.forgotten_text(told, memory, done=True))
