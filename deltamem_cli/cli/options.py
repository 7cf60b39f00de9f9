"""What several commands ask for in the same way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from deltamem_cli.cli import completion
from deltamem_cli.errors import UsageError, meant
from deltamem_cli.records import KINDS, ROLES

if TYPE_CHECKING:
    from deltamem_cli.recall.filters import Filters

MemoryPath = Annotated[
    str | None,
    typer.Argument(
        metavar="[MEMORY]", help="A memory file (default: see `deltamem config`).", autocompletion=completion.memories
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--memory",
        metavar="MEMORY",
        help="The memory (default: see `deltamem config`).",
        autocompletion=completion.memories,
    ),
]
Session = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        help="Only sessions whose id begins so, or whose title has this in it.",
        autocompletion=completion.sessions,
    ),
]
Speaker = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only what this speaker said (or: user, assistant, tool).",
        autocompletion=completion.speakers,
    ),
]
Role = Annotated[list[str] | None, typer.Option(metavar="ROLE", help=f"Only this role: {', '.join(ROLES)}.")]
OfKind = Annotated[list[str] | None, typer.Option(metavar="KIND", help=f"Only this kind: {', '.join(KINDS)}.")]
InSource = Annotated[
    list[str] | None,
    typer.Option(metavar="PATH", help="Only logs with this in their path (or a pattern with *)."),
]
InProject = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Only sessions of projects with this in their name.", autocompletion=completion.projects
    ),
]
Since = Annotated[str, typer.Option(metavar="DATE", help="From this date on: 2026-05-01, 'last week', 7d.")]
Until = Annotated[str, typer.Option(metavar="DATE", help="Up to and with this date.")]
Budget = Annotated[str, typer.Option(metavar="SIZE", help="What the file never exceeds, from now on: 8MiB, 500KB.")]
Full = Annotated[bool, typer.Option("--full", help="Whole paths and texts, nothing cut.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="The numbers too: familiarity, scores.")]
Color = Annotated[str | None, typer.Option(metavar="WHEN", help="Colours: auto, always or never.")]
Pager = Annotated[bool | None, typer.Option("--pager/--no-pager", help="Show what is long in a pager, or not.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def budget_of(text: str) -> int | None:
    """Bytes that a size names (8MiB, 500KB, 1.5 GiB, 4096), None for "". Raises UsageError for what is no size."""
    if not text:
        return None
    found = _SIZE.fullmatch(text.strip())
    if not found or (found[3] and not found[2]):
        raise UsageError(f"{text!r} is no size: say for example 8MiB, 500KB, 1GiB, or plain bytes")
    number = int(float(found[1]) * (1024 if found[3] else 1000) ** " kmgt".index(found[2].lower() or " "))
    if number < 1:
        raise UsageError(f"{text!r} leaves no room for anything: say for example 8MiB")
    return number


Names = list[str] | None
Span = tuple[int | None, int | None]


def span_of(since: str = "", until: str = "", before: str = "") -> Span:
    """The first and the last millisecond that dates name, None where they do not. Raises UsageError for no date."""
    from datetime import datetime

    from deltamem_cli.text.dates import parse_date

    now = datetime.now().astimezone()
    first = parse_date(since, now) if since else None
    last = parse_date(until, now, end=True) if until else None
    if before:
        last = parse_date(before, now) - 1
    return first, last


def filters_of(
    *,
    session: Names = None,
    project: Names = None,
    speaker: Names = None,
    role: Names = None,
    kind: Names = None,
    source: Names = None,
    span: Span = (None, None),
) -> Filters:
    """The filters that the options name; what one option names several times adds up.

    Raises UsageError for a role or kind that is none.
    """
    from deltamem_cli.recall.filters import Filters

    for name, values, allowed in (("role", role, ROLES), ("kind", kind, KINDS)):
        for value in values or ():
            if value not in allowed:
                raise UsageError(
                    f"no {name} is called {value!r}: choose of {', '.join(allowed)}{meant(value, allowed)}"
                )
    return Filters(
        session=tuple(session or ()),
        speaker=tuple(speaker or ()),
        role=tuple(role or ()),
        kind=tuple(kind or ()),
        source=tuple(source or ()),
        since=span[0],
        until=span[1],
        project=tuple(project or ()),
    )
