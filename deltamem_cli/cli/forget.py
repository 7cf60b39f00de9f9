"""`deltamem forget`: take passages out of a memory."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from deltamem_cli.cli.memory_path import memory_path, open_named
from deltamem_cli.cli.options import (
    InProject,
    InSource,
    MemoryOption,
    MemoryPath,
    OfKind,
    Role,
    Session,
    Speaker,
    Until,
    filters_of,
    span_of,
)
from deltamem_cli.cli.output import memories, terminal
from deltamem_cli.errors import ExitStatus, UsageError


def forget(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    session: Session = None,
    project: InProject = None,
    speaker: Speaker = None,
    role: Role = None,
    kind: OfKind = None,
    source: InSource = None,
    since: Annotated[
        str, typer.Option("--since", "--after", metavar="DATE", help="Only what was said from this date on.")
    ] = "",
    until: Until = "",
    before: Annotated[str, typer.Option(metavar="DATE", help="Only what was said before this date.")] = "",
    match: Annotated[str, typer.Option(metavar="TEXT", help="Only passages with this in their text.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and stop.")] = False,
) -> None:
    """Take out of a memory all passages that every given option fits, as if they had never been read.

    Example: deltamem forget notes.safetensors --source old-project --before 2025-01-01
    """
    from deltamem_cli.algebra.forget import forget as verb
    from deltamem_cli.algebra.forget import measure
    from deltamem_cli.recall.filters import EVERYTHING, let_through

    if until and before:
        raise UsageError("--until and --before both say where to end; leave one out")
    chosen = filters_of(
        session=session, project=project, speaker=speaker, role=role, kind=kind, source=source,
        span=span_of(since, until, before),
    )  # fmt: skip
    filters = replace(chosen, match=match)
    if filters == EVERYTHING:
        raise UsageError(
            "say what to forget: --match, --session, --project, --speaker, --role, --kind, --source, --since, --until,"
            " --before"
        )
    path = memory_path(memory, named)
    opened = open_named(path)
    gone = let_through(opened, filters, cautious=True)
    told = measure(opened, gone)
    if dry_run or not told.passages:
        terminal.out(memories.forgotten_text(told, path, done=False))
        raise typer.Exit(ExitStatus.OK if told.passages else ExitStatus.NOTHING_FOUND)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody here to ask: add --yes to forget these passages, or --dry-run to look only")
        terminal.out(memories.forgotten_text(told, path, done=False))
        typer.confirm("Forget them?", abort=True, err=True)
    verb(opened, gone, path)
    terminal.out(memories.forgotten_text(told, path, done=True))
