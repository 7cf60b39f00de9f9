"""`deltamem export`: everything back, as text."""

from __future__ import annotations

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
    Since,
    Speaker,
    Until,
    filters_of,
    span_of,
)
from deltamem_cli.cli.output import exchanges, terminal
from deltamem_cli.errors import ExitStatus, UsageError, meant

_FORMATS = ("jsonl", "md")


def export(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    format: Annotated[str, typer.Option(metavar="FORMAT", help=f"{', '.join(_FORMATS)}.")] = "jsonl",
    session: Session = None,
    project: InProject = None,
    speaker: Speaker = None,
    role: Role = None,
    kind: OfKind = None,
    source: InSource = None,
    since: Since = "",
    until: Until = "",
) -> None:
    """Print every message of a memory, or those that the filters let through: JSON Lines, or Markdown to read.

    Example: deltamem export notes.safetensors > notes.jsonl

    Example: deltamem export --format md --session 0d3a8e6f > session.md
    """
    from deltamem_cli.recall.exchange import messages
    from deltamem_cli.recall.filters import let_through

    if format not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise UsageError(f"there is no --format {format!r} of export: choose one of {known}{meant(format, _FORMATS)}")
    chosen = filters_of(
        session=session, project=project, speaker=speaker, role=role, kind=kind, source=source,
        span=span_of(since, until),
    )  # fmt: skip
    opened = open_named(memory_path(memory, named))
    passing = let_through(opened, chosen)
    told = messages(opened, passing)
    for line in exchanges.export_json(told) if format == "jsonl" else exchanges.export_markdown(told):
        terminal.out(line)
    if not passing.any():
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
