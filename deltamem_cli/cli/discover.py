"""`deltamem discover`: the logs that tools keep on this machine."""

from __future__ import annotations

import sys

import typer

from deltamem_cli.cli.options import Json
from deltamem_cli.cli.output import logs, terminal
from deltamem_cli.errors import ExitStatus


def discover(json: Json = False) -> None:
    """List the logs that tools keep on this machine: how many, how large, when they were last written.

    Ends with exit code 1 when there are none.

    Example: deltamem discover
    """
    from deltamem_cli.readers.discover import discover

    found = discover()
    if not found:
        terminal.err(
            "deltamem: no tool that deltamem knows keeps logs here; name yours: deltamem ingest PATHS -o MEMORY"
        )
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
    style = terminal.Style(sys.stdout)
    for line in map(logs.discover_json, found) if json else logs.discover_text(found, style):
        terminal.out(line)
