"""What several commands ask for in the same way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from deltamem_cli.errors import UsageError
from deltamem_cli.records import KINDS, ROLES

if TYPE_CHECKING:
    from deltamem_cli.recall.filters import Filters

MemoryPath = Annotated[str, typer.Argument(metavar="MEMORY", help="A memory file that `deltamem ingest` wrote.")]
Session = Annotated[str, typer.Option(help="Only sessions whose id begins so, or whose title has this in it.")]
Speaker = Annotated[str, typer.Option(help="Only what this speaker said.")]
Role = Annotated[str, typer.Option(help=f"Only this role: {', '.join(ROLES)}.")]
OfKind = Annotated[str, typer.Option(help=f"Only this kind: {', '.join(KINDS)}.")]
InSource = Annotated[str, typer.Option(help="Only logs with this in their path (or a pattern with *).")]
Budget = Annotated[str, typer.Option(metavar="SIZE", help="What the file never exceeds, from now on: 8MiB, 500KB.")]
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


def filters_of(
    session: str, speaker: str, role: str, kind: str, source: str, since: str, until: str = "", before: str = ""
) -> Filters:
    """The filters that the options name. Raises UsageError for a role, kind or date that is none."""
    from datetime import datetime

    from deltamem_cli.recall.filters import Filters
    from deltamem_cli.text.dates import parse_date

    for name, value, allowed in (("role", role, ROLES), ("kind", kind, KINDS)):
        if value and value not in allowed:
            raise UsageError(f"no {name} is called {value!r}: choose of {', '.join(allowed)}")
    now = datetime.now().astimezone()
    first = parse_date(since, now) if since else None
    last = parse_date(until, now, end=True) if until else None
    if before:
        last = parse_date(before, now) - 1
    return Filters(session, speaker, role, kind, source, first, last)
