"""`deltamem show` and `deltamem open`: from an answer to what was said around it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from deltamem_cli.cli import settings
from deltamem_cli.cli.options import Color, Json, MemoryOption, Pager
from deltamem_cli.cli.output import exchanges, terminal
from deltamem_cli.cli.output.pager import paged
from deltamem_cli.cli.pointing import pointed_at
from deltamem_cli.errors import LogError, UsageError

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import StoredMemory
    from deltamem_cli.recall.exchange import Texts

What = Annotated[
    str,
    typer.Argument(metavar="ANSWER", help="A number of the last answer, a place (project/session:12, path:12), a uid."),
]


def show(
    what: What,
    memory: MemoryOption = None,
    around: Annotated[
        int | None, typer.Option("-C", "--context", metavar="N", min=0, help="So many messages on either side.")
    ] = None,
    session: Annotated[bool, typer.Option("--session", help="The whole session.")] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The encoder of a memory without text, if not the built-in one.")
    ] = None,
    json: Json = False,
    color: Color = None,
    pager: Pager = None,
) -> None:
    """Show what was said around an answer: from the person's words before it to their next ones.

    It comes from the memory, so it also works when the log is gone. For sessions of agents the command that goes on
    with them is shown.

    Example: deltamem show 2

    Example: deltamem show notes/0d3a8e6f:120 --session
    """
    from deltamem_cli.recall.exchange import exchange

    if session and around is not None:
        raise UsageError("-C and --session contradict each other; leave one out")
    opened, row = pointed_at(what, memory)
    texts = _from_logs(opened, model) if opened.text is None else None
    told = exchange(opened, row, around=around, whole=session, texts=texts)
    style = terminal.Style(sys.stdout, settings.value("color", color))
    with paged(settings.value("pager"), wanted=pager is not False and not json):
        for line in exchanges.exchange_json(told) if json else exchanges.exchange_text(told, style):
            terminal.out(line)
        sys.stdout.flush()


def _from_logs(memory: StoredMemory, model: str | None) -> Texts:
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.recall.source_text import read_sources

    encoder = load_encoder(settings.value("model", model), query_only=True)
    return lambda rows: read_sources(memory, rows, encoder)


def open_log(what: What, memory: MemoryOption = None) -> None:
    """Open the log of an answer in your editor, at its line.

    The editor is the setting `editor`: $VISUAL, $EDITOR, or vi, where nothing else is set.

    Example: deltamem open 1
    """
    opened, row = pointed_at(what, memory)
    path, line = opened.sources[opened.rows.source[row]].path, int(opened.rows.line[row])
    if not os.path.isabs(path) or path.startswith(("\\\\", "//")) or not os.path.isfile(path):
        raise LogError(path, "not a file that an editor could open; show the passage with: deltamem show", line)
    words = shlex.split(settings.value("editor"))
    if not words:
        raise UsageError("no editor is set; set one with: deltamem config editor vi")
    try:
        status = subprocess.run([*words, *_at_line(os.path.basename(words[0]), path, line)], check=False).returncode
    except OSError as error:
        raise UsageError(
            f"the editor {words[0]!r} cannot be started ({error.strerror}); set one with: deltamem config editor vi"
        ) from error
    if status:
        raise typer.Exit(status)


def _at_line(editor: str, path: str, line: int) -> list[str]:
    """How an editor is told the line."""
    if editor in ("code", "codium", "cursor", "windsurf"):
        return ["--goto", f"{path}:{line}"]
    if editor in ("hx", "helix", "subl", "zed"):
        return [f"{path}:{line}"]
    return [f"+{line}", path]
