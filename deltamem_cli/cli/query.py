"""`deltamem query`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from deltamem_cli.cli import last, settings
from deltamem_cli.cli.memory_path import memory_and_words, open_named
from deltamem_cli.cli.options import (
    Color,
    Full,
    InProject,
    InSource,
    Json,
    MemoryOption,
    OfKind,
    Pager,
    Role,
    Session,
    Since,
    Speaker,
    Until,
    Verbose,
    filters_of,
    span_of,
)
from deltamem_cli.cli.output import answers, terminal
from deltamem_cli.cli.output.answer_formats import ANSWER_FORMATS, AnswerFormat, Page, answer_format
from deltamem_cli.cli.output.answer_text import Detail
from deltamem_cli.cli.output.pager import paged
from deltamem_cli.errors import ExitStatus, UsageError
from deltamem_cli.records import Answer

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import StoredMemory
    from deltamem_cli.recall.filters import Filters


_PHRASE = re.compile(r'"([^"\n]+)"')


def query(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MEMORY] QUESTION…", help="What to look for, in as many words; - for one a line."),
    ] = None,
    memory: MemoryOption = None,
    k: Annotated[
        int | None, typer.Option("-k", "-n", min=1, help="How many passages (default: 5, for a prompt what fits).")
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
    session: Session = None,
    project: InProject = None,
    speaker: Speaker = None,
    role: Role = None,
    kind: OfKind = None,
    source: InSource = None,
    since: Since = "",
    until: Until = "",
    exact: Annotated[
        list[str] | None,
        typer.Option("--exact", metavar="TEXT", help='This must stand in it; so must "quoted words".'),
    ] = None,
    regex: Annotated[str, typer.Option("--regex", metavar="PATTERN", help="This pattern must be found in it.")] = "",
    where: Annotated[
        bool, typer.Option("--where", help="Only where: stretches of sessions, from the matrix alone.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The encoder the memory was made with, if not the built-in one.")
    ] = None,
    json: Json = False,
    format: Annotated[
        str, typer.Option(metavar="FORMAT", help=f"How to print the answer: {', '.join(ANSWER_FORMATS)}.")
    ] = "text",
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", min=50, help="With --format prompt: how long it may be (default: 2000).")
    ] = None,
    full: Full = False,
    verbose: Verbose = False,
    color: Color = None,
    pager: Pager = None,
) -> None:
    """Answer a question from a memory: the passages that fit it best, with file and line.

    Where nothing fits well it says so, shows the nearest and ends with exit code 1.

    Example: deltamem query how did we fix the login

    Example: deltamem query notes.safetensors "which port did we settle on?" -k 3 --since 30d

    Example: deltamem query "the port" --format prompt | llm "Which port did we settle on?"
    """
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.recall.searcher import Searcher

    path, asked_in = memory_and_words(words or [], memory)
    printed_as = answer_format(format, json=json, segments=where)
    if max_tokens is not None and format != "prompt":
        raise UsageError("--max-tokens bounds a prompt: add --format prompt, or leave it out")
    k = k or (int(settings.value("k")) if printed_as.passages == 5 else printed_as.passages)
    detail, style = Detail(full, verbose), terminal.Style(sys.stdout, settings.value("color", color))
    filters = filters_of(
        session=session, project=project, speaker=speaker, role=role, kind=kind, source=source,
        span=span_of(since, until),
    )  # fmt: skip
    many = asked_in == ["-"]
    if not many:
        asked_in = [*asked_in, *(f'"{phrase}"' for phrase in exact or ())] or ([regex] if regex else [])
    phrases = tuple(exact or ()) if many else tuple(_PHRASE.findall(" ".join(asked_in)))
    questions = _questions(asked_in)
    opened = open_named(path)
    filters = replace(filters, exact=phrases if exact or opened.text is not None else (), regex=regex)
    encoder = load_encoder(settings.value("model", model), query_only=True)
    searcher = Searcher(opened, encoder)
    chosen = partial(searcher.ask, context=context, latest=latest, history=history)
    ask = partial(searcher.where if where else chosen, k=k, filters=filters)
    answered = fitted = False
    with paged(settings.value("pager"), wanted=pager is not False and not many):
        for asked in questions:
            answer = _with_what_had_to_stand(ask(asked), filters)
            fitted = fitted or answer.fits
            if not (answer.hits or answer.segments) or (strict and not answer.fits):
                terminal.err(f"deltamem: {_why_nothing(answer, opened, filters)}")
                _hint(opened, answer)
                if many and printed_as is ANSWER_FORMATS["json"]:
                    terminal.out(answers.no_answer_json(answer))
                continue
            _say_if_only_near(answer, printed_as, filters)
            if printed_as is ANSWER_FORMATS["text"]:
                answer = _for_a_person(opened, answer)
            last.keep(path, asked, [hit.uid for hit in answer.hits])
            page = Page(
                style=style,
                many=many,
                first=not answered,
                max_tokens=max_tokens or 2000,
                count_tokens=encoder.count_tokens,
                detail=detail,
            )
            for shown in printed_as.render(answer, page):
                terminal.out(shown)
            sys.stdout.flush()
            answered = True
            if not many:
                _hint(opened, answer)
    if not fitted:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)


def _with_what_had_to_stand(answer: Answer, filters: Filters) -> Answer:
    """The answer; it fits where what had to stand in a passage does."""
    return replace(answer, fits=answer.fits or bool(answer.hits and (filters.exact or filters.regex)))


def _hint(memory: StoredMemory, answer: Answer) -> None:
    """Say what a word that the memory does not know was probably meant to be."""
    from deltamem_cli.recall.spelling import nearest_words

    for word, near in nearest_words(memory, answer.question).items():
        terminal.err(f"deltamem: no passage has the word {terminal.line(word)}; did you mean {terminal.line(near)}?")


def _for_a_person(memory: StoredMemory, answer: Answer) -> Answer:
    from deltamem_cli.recall.locate import one_a_message

    return one_a_message(memory, answer)


def _say_if_only_near(answer: Answer, printed_as: AnswerFormat, filters: Filters) -> None:
    from deltamem_cli.recall.filters import EVERYTHING

    if not answer.fits and not printed_as.says_fits:
        about = answers.nothing_fits(answer, filtered=filters != EVERYTHING)
        terminal.err(f"deltamem: {about}; these are nearest")


def _why_nothing(answer: Answer, memory: StoredMemory, filters: Filters) -> str:
    from deltamem_cli.recall.filters import EVERYTHING, let_through

    if (filters.exact or filters.regex) and not let_through(memory, filters).any():
        wanted = [f'"{terminal.line(phrase)}"' for phrase in filters.exact] + [terminal.line(filters.regex)]
        return f"no passage that the filters let through has {' and '.join(one for one in wanted if one)}"
    if filters != EVERYTHING and not let_through(memory, filters).any():
        return "no passage passes these filters; `deltamem info` shows who speaks in the memory, and when"
    return answers.nothing_fits(answer, filtered=filters != EVERYTHING)


def _questions(words: list[str]) -> Iterator[str]:
    if words == ["-"]:
        return _asked_by_line()
    question = " ".join(words).strip()
    if not question:
        raise UsageError("the question is empty: say what to look for, or - to read questions from stdin")
    return iter([question])


def _asked_by_line() -> Iterator[str]:
    for line in sys.stdin.buffer:
        if asked := line.decode("utf-8", "replace").strip():
            yield asked
