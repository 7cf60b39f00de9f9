"""What can be known of logs without reading them: `deltamem formats` and `deltamem discover`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deltamem_cli import render_logs, terminal
from deltamem_cli.cli.options import Json
from deltamem_cli.errors import ExitStatus, UsageError


def formats(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS…", help="Files and folders, for --detect.")
    ] = None,
    detect: Annotated[bool, typer.Option("--detect", help="Tell which format each file is in, or why none.")] = False,
    json: Json = False,
) -> None:
    """List the log formats that can be read, or tell which one files are in.

    Example: deltamem formats --detect export/ notes.md
    """
    from deltamem_cli import formats

    if detect != bool(paths):
        raise UsageError("--detect and PATHS go together: deltamem formats --detect PATHS…")
    style = terminal.Style(sys.stdout)
    if not paths:
        titles = formats.titles()
        for line in render_logs.formats_json(titles) if json else render_logs.formats_text(titles, style):
            terminal.out(line)
    for found in formats.detect(paths or []):
        terminal.out(render_logs.detected_json(found) if json else render_logs.detected_text(found, style))


def discover(json: Json = False) -> None:
    """List the logs that tools keep on this machine: how many, how large, when they were last written.

    Ends with exit code 1 when there are none.

    Example: deltamem discover
    """
    from deltamem_cli.discover import discover

    found = discover()
    if not found:
        terminal.err(
            "deltamem: no tool that deltamem knows keeps logs here; name yours: deltamem ingest PATHS -o MEMORY"
        )
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
    style = terminal.Style(sys.stdout)
    for line in map(render_logs.discover_json, found) if json else render_logs.discover_text(found, style):
        terminal.out(line)
