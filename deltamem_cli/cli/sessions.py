"""`deltamem sessions`, `deltamem digest` and `deltamem timeline`: what is in a memory, by conversation and by time."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from deltamem_cli.cli import settings
from deltamem_cli.cli.memory_path import memory_path, open_named
from deltamem_cli.cli.options import (
    Color,
    InProject,
    InSource,
    Json,
    MemoryOption,
    MemoryPath,
    Pager,
    Session,
    Since,
    Speaker,
    Until,
    filters_of,
    span_of,
)
from deltamem_cli.cli.output import overviews, terminal
from deltamem_cli.cli.output.pager import paged
from deltamem_cli.errors import ExitStatus, UsageError, meant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deltamem_cli.memory.memory import StoredMemory
    from deltamem_cli.recall.filters import Filters

Most = Annotated[int, typer.Option("-n", "-k", metavar="N", min=1, help="At most so many.")]
_ORDERS = ("newest", "oldest", "longest")
_PERIODS = ("day", "week", "month")


def sessions(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    session: Session = None,
    project: InProject = None,
    speaker: Speaker = None,
    source: InSource = None,
    since: Since = "",
    until: Until = "",
    sort: Annotated[str, typer.Option(metavar="ORDER", help=f"{', '.join(_ORDERS)} first.")] = "newest",
    most: Most = 20,
    json: Json = False,
    color: Color = None,
    pager: Pager = None,
) -> None:
    """List the conversations of a memory: when, how long, where, and what they are called.

    Example: deltamem sessions --project website --since 30d
    """
    from deltamem_cli.recall.sessions import conversations

    if sort not in _ORDERS:
        raise UsageError(f"there is no order {sort!r}: choose one of {', '.join(_ORDERS)}{meant(sort, _ORDERS)}")
    chosen = filters_of(
        session=session, project=project, speaker=speaker, source=source, span=span_of(since, until)
    )  # fmt: skip
    opened, passing = _passing(memory_path(memory, named), chosen)
    told = conversations(opened, passing, order=sort, most=most)
    style = terminal.Style(sys.stdout, settings.value("color", color))
    _print(overviews.sessions_json(told) if json else overviews.sessions_text(told, style), pager, json=json)


def digest(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    since: Since = "7d",
    until: Until = "",
    session: Session = None,
    project: InProject = None,
    source: InSource = None,
    most: Most = 10,
    json: Json = False,
    color: Color = None,
    pager: Pager = None,
) -> None:
    """Tell what was done since a date: of each session what the person asked and what came out, word for word.

    Nothing is summarised: it shows the first and the last thing that was asked, and the last answer, with their places.

    Example: deltamem digest --since monday
    """
    from deltamem_cli.recall.sessions import digest as verb

    chosen = filters_of(session=session, project=project, source=source, span=span_of(since, until))
    opened, passing = _passing(memory_path(memory, named), chosen)
    told = verb(opened, passing, most)
    style = terminal.Style(sys.stdout, settings.value("color", color))
    _print(overviews.digest_json(told) if json else overviews.digest_text(told, style), pager, json=json)


def timeline(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    by: Annotated[str, typer.Option("--by", metavar="PERIOD", help=f"{', '.join(_PERIODS)}.")] = "week",
    session: Session = None,
    project: InProject = None,
    speaker: Speaker = None,
    source: InSource = None,
    since: Since = "",
    until: Until = "",
    json: Json = False,
    color: Color = None,
    pager: Pager = None,
) -> None:
    """Tell what was talked about by day, week or month: the busiest sessions, and the passage that was most new.

    Example: deltamem timeline --by month --since 2026
    """
    from deltamem_cli.recall.timeline import timeline as verb

    if by not in _PERIODS:
        raise UsageError(f"there is no period {by!r}: choose one of {', '.join(_PERIODS)}{meant(by, _PERIODS)}")
    chosen = filters_of(
        session=session, project=project, speaker=speaker, source=source, span=span_of(since, until)
    )  # fmt: skip
    opened, passing = _passing(memory_path(memory, named), chosen)
    told = verb(opened, passing, period=by)
    style = terminal.Style(sys.stdout, settings.value("color", color))
    _print(overviews.timeline_json(told) if json else overviews.timeline_text(told, style, by), pager, json=json)


def _passing(path: str, filters: Filters) -> tuple[StoredMemory, NDArray[np.bool_]]:
    """The memory and which of its passages pass; where none does, that is said and the command ends."""
    from deltamem_cli.recall.filters import let_through

    opened = open_named(path)
    passing = let_through(opened, filters)
    if not passing.any():
        terminal.err(f"deltamem: {terminal.line(opened.name)}: nothing in it passes these filters")
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
    return opened, passing


def _print(lines: Iterable[str], pager: bool | None, *, json: bool) -> None:
    with paged(settings.value("pager"), wanted=pager is not False and not json):
        for line in lines:
            terminal.out(line)
        sys.stdout.flush()
