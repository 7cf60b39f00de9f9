"""`deltamem query`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from deltamem_cli import render, terminal
from deltamem_cli.cli.options import InSource, Json, MemoryPath, OfKind, Role, Session, Speaker, filters_of
from deltamem_cli.errors import ExitStatus, UsageError


def query(
    memory: MemoryPath,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What to look for, or - for one question a line.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages.")] = 5,
    context: Annotated[int, typer.Option("-C", "--context", min=0, help="Passages around each, of its session.")] = 0,
    session: Session = "",
    speaker: Speaker = "",
    role: Role = "",
    kind: OfKind = "",
    source: InSource = "",
    since: Annotated[str, typer.Option(help="From this date on: 2026-05-01, 'last week', 7d.")] = "",
    until: Annotated[str, typer.Option(help="Up to and with this date.")] = "",
    where: Annotated[
        bool, typer.Option("--where", help="Only where: stretches of sessions, from the matrix alone.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="The encoder the memory was made with, if not the built-in one.")
    ] = None,
    json: Json = False,
) -> None:
    """Answer a question from a memory: the passages that fit it best, with file and line.

    Ends with exit code 1 when nothing in the memory fits.

    Example: deltamem query notes.safetensors "which port did we settle on?" -k 3 --since 30d
    """
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.filters import EVERYTHING
    from deltamem_cli.query import Searcher
    from deltamem_cli.store import open_memory

    filters = filters_of(session, speaker, role, kind, source, since, until)
    opened = open_memory(memory)
    encoder = load_encoder(model or "default", query_only=True)
    searcher = Searcher(opened, encoder)
    answered = False
    style = terminal.Style(sys.stdout)
    for asked in _questions(question):
        answer = searcher.where(asked, k, filters) if where else searcher.ask(asked, k, context, filters)
        if not (answer.hits or answer.segments):
            terminal.err(f"deltamem: {render.nothing_fits(answer, filtered=filters != EVERYTHING)}")
            continue
        for told in render.answer_json(answer) if json else render.answer_text(answer, style, named=question == "-"):
            terminal.out(told)
        sys.stdout.flush()
        answered = True
    if not answered:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)


def _questions(question: str) -> Iterator[str]:
    if question != "-":
        if not question.strip():
            raise UsageError("the question is empty: say what to look for, or - to read questions from stdin")
        yield question
        return
    for line in sys.stdin.buffer:
        if asked := line.decode("utf-8", "replace").strip():
            yield asked
