"""`deltamem query`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from deltamem_cli.cli.options import InSource, Json, MemoryPath, OfKind, Role, Session, Speaker, filters_of
from deltamem_cli.cli.output import answers, terminal
from deltamem_cli.cli.output.answer_formats import ANSWER_FORMATS, Page, answer_format
from deltamem_cli.errors import ExitStatus, UsageError
from deltamem_cli.records import Answer

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import Memory
    from deltamem_cli.recall.filters import Filters


def query(
    memory: MemoryPath,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What to look for, or - for one question a line.")
    ],
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="How many passages (default: 5, for a prompt what fits).")
    ] = None,
    context: Annotated[int, typer.Option("-C", "--context", min=0, help="Passages around each, of its session.")] = 0,
    latest: Annotated[
        bool, typer.Option("--latest", help="What was said again, differently, later comes first, and says so.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="As --latest, with what each passage superseded under it, oldest first.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Print no passages where nothing fits well, not even the nearest.")
    ] = False,
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
    format: Annotated[str, typer.Option(metavar="|".join(ANSWER_FORMATS), help="How to print the answer.")] = "text",
    max_tokens: Annotated[int, typer.Option(min=50, help="With --format prompt: how long it may be.")] = 2000,
) -> None:
    """Answer a question from a memory: the passages that fit it best, with file and line.

    Where nothing fits well it says so, shows the nearest and ends with exit code 1.

    Example: deltamem query notes.safetensors "which port did we settle on?" -k 3 --since 30d

    Example: deltamem query notes.safetensors "where does Jonna live?" --history

    Example: deltamem query notes.safetensors "the port" --format prompt | llm "Which port did we settle on?"
    """
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.memory.file import open_memory
    from deltamem_cli.recall.filters import EVERYTHING
    from deltamem_cli.recall.searcher import Searcher

    printed_as = answer_format(format, json=json, segments=where)
    k = k or printed_as.passages
    filters = filters_of(session, speaker, role, kind, source, since, until)
    opened = open_memory(memory)
    encoder = load_encoder(model or "default", query_only=True)
    searcher = Searcher(opened, encoder)
    answered = fitted = False
    style = terminal.Style(sys.stdout)
    for asked in _questions(question):
        if where:
            answer = searcher.where(asked, k, filters)
        else:
            answer = searcher.ask(asked, k, context, filters, latest=latest, history=history)
        fitted = fitted or answer.fits
        if not (answer.hits or answer.segments) or (strict and not answer.fits):
            terminal.err(f"deltamem: {_why_nothing(answer, opened, filters)}")
            continue
        if not answer.fits and not printed_as.says_fits:
            terminal.err(f"deltamem: {answers.nothing_fits(answer, filtered=filters != EVERYTHING)}; these are nearest")
        page = Page(style, question == "-", not answered, max_tokens, encoder.count_tokens)
        for shown in printed_as.render(answer, page):
            terminal.out(shown)
        sys.stdout.flush()
        answered = True
    if not fitted:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)


def _why_nothing(answer: Answer, memory: Memory, filters: Filters) -> str:
    from deltamem_cli.recall.filters import EVERYTHING, let_through

    if filters != EVERYTHING and not let_through(memory, filters).any():
        return "no passage passes these filters; `deltamem info` shows who speaks in the memory, and when"
    return answers.nothing_fits(answer, filtered=filters != EVERYTHING)


def _questions(question: str) -> Iterator[str]:
    if question != "-":
        if not question.strip():
            raise UsageError("the question is empty: say what to look for, or - to read questions from stdin")
        yield question
        return
    for line in sys.stdin.buffer:
        if asked := line.decode("utf-8", "replace").strip():
            yield asked
