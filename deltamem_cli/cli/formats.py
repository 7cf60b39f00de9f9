"""`deltamem formats`: the log formats that can be read, and which one a file is in."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deltamem_cli.cli.options import Json
from deltamem_cli.cli.output import logs, terminal
from deltamem_cli.errors import UsageError


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
    from deltamem_cli.readers import detect as formats

    if detect != bool(paths):
        raise UsageError("--detect and PATHS go together: deltamem formats --detect PATHS…")
    style = terminal.Style(sys.stdout)
    if not paths:
        titles = formats.titles()
        for line in logs.formats_json(titles) if json else logs.formats_text(titles, style):
            terminal.out(line)
    for found in formats.detect_files(paths or []):
        terminal.out(logs.detected_json(found) if json else logs.detected_text(found, style))
