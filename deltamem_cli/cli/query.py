"""`deltamem query`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from deltamem_cli.cli.options import InSource, Json, MemoryPath, OfKind, Role, Session, Speaker, filters_of
from deltamem_cli.cli.output import answers, excerpts, terminal
from deltamem_cli.errors import ExitStatus, UsageError
from deltamem_cli.records import Answer

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import Memory
    from deltamem_cli.recall.filters import Filters

Format = Literal["text", "json", "prompt", "md", "csv"]
_RENDER: dict[str, Callable[[Answer, terminal.Style, bool], Iterator[str]]] = {
    "text": lambda answer, style, many: answers.answer_text(answer, style, named=many),
    "json": lambda answer, style, many: answers.answer_json(answer),
    "md": lambda answer, style, many: excerpts.markdown(answer),
}
_PROMPT_HITS = 50  # passages that a prompt chooses from


def query(
    memory: MemoryPath,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="What to look for, or - for one question a line.")
    ],
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="How many passages (default: 5, for a prompt what fits).")
    ] = None,
    context: Annotated[int, typer.Option("-C", "--context", min=0, help="Passages around each, of its session.")] = 0,
    history: Annotated[
        bool, typer.Option("--history", help="Under each passage what it superseded, oldest first.")
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
    format: Annotated[Format, typer.Option(help="How to print the answer.")] = "text",
    max_tokens: Annotated[int, typer.Option(min=50, help="With --format prompt: how long it may be.")] = 2000,
) -> None:
    """Answer a question from a memory: the passages that fit it best, with file and line.

    Ends with exit code 1 when nothing in the memory fits.

    Example: deltamem query notes.safetensors "which port did we settle on?" -k 3 --since 30d

    Example: deltamem query notes.safetensors "where does Jonna live?" --history

    Example: deltamem query notes.safetensors "the port" --format prompt | llm "Which port did we settle on?"
    """
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.memory.file import open_memory
    from deltamem_cli.recall.searcher import Searcher

    format = _format(format, json=json, where=where)
    k = k or (_PROMPT_HITS if format == "prompt" else 5)
    filters = filters_of(session, speaker, role, kind, source, since, until)
    opened = open_memory(memory)
    encoder = load_encoder(model or "default", query_only=True)
    searcher = Searcher(opened, encoder)
    answered = False
    style = terminal.Style(sys.stdout)
    for asked in _questions(question):
        answer = (
            searcher.where(asked, k, filters) if where else searcher.ask(asked, k, context, filters, history=history)
        )
        if not (answer.hits or answer.segments):
            terminal.err(f"deltamem: {_why_nothing(answer, opened, filters)}")
            continue
        if format == "prompt":
            told = excerpts.prompt(answer, max_tokens, encoder.count_tokens)
        elif format == "csv":
            told = excerpts.table(answer, heading=not answered)
        else:
            told = _RENDER[format](answer, style, question == "-")
        for shown in told:
            terminal.out(shown)
        sys.stdout.flush()
        answered = True
    if not answered:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)


def _why_nothing(answer: Answer, memory: Memory, filters: Filters) -> str:
    from deltamem_cli.recall.filters import EVERYTHING, let_through

    if filters != EVERYTHING and not let_through(memory, filters).any():
        return "no passage passes these filters; `deltamem info` shows who speaks in the memory, and when"
    return answers.nothing_fits(answer, filtered=filters != EVERYTHING)


def _format(format: Format, *, json: bool, where: bool) -> Format:
    if json and format not in ("text", "json"):
        raise UsageError(f"--json and --format {format} contradict each other; leave one out")
    if where and format not in ("text", "json"):
        raise UsageError("--where points to sessions, not to passages: print it as text or --json")
    return "json" if json else format


def _questions(question: str) -> Iterator[str]:
    if question != "-":
        if not question.strip():
            raise UsageError("the question is empty: say what to look for, or - to read questions from stdin")
        yield question
        return
    for line in sys.stdin.buffer:
        if asked := line.decode("utf-8", "replace").strip():
            yield asked
