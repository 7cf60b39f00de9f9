"""The command line. A command is: parse, one verb, render. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from deltamem_cli import __version__, render, terminal
from deltamem_cli.errors import DeltaMemError, ExitStatus, UsageError
from deltamem_cli.readers import READERS, reader
from deltamem_cli.records import DEFAULT_KINDS, KINDS, ROLES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deltamem_cli.filters import Filters


class Commands(TyperGroup):
    """The one place where an error becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # typer keeps a click of its own
        """Run a command; what a person can mend goes to stderr in one line."""
        if hasattr(signal, "SIGPIPE"):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends us as it ends grep
        try:
            return super().invoke(ctx)
        except DeltaMemError as error:
            terminal.err(f"deltamem: {terminal.line(str(error))}")
            ctx.exit(int(error.status))
        except KeyboardInterrupt:
            ctx.exit(int(ExitStatus.INTERRUPTED))


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

MemoryPath = Annotated[str, typer.Argument(metavar="MEMORY", help="A memory file that `deltamem ingest` wrote.")]
Session = Annotated[str, typer.Option(help="Only sessions whose id begins so, or whose title has this in it.")]
Speaker = Annotated[str, typer.Option(help="Only what this speaker said.")]
Role = Annotated[str, typer.Option(help=f"Only this role: {', '.join(ROLES)}.")]
OfKind = Annotated[str, typer.Option(help=f"Only this kind: {', '.join(KINDS)}.")]
InSource = Annotated[str, typer.Option(help="Only logs with this in their path (or a pattern with *).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def _version(asked: bool) -> None:
    if asked:
        terminal.out(f"deltamem {__version__}")
        raise typer.Exit


@app.callback()
def deltamem(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Conversation logs in, one memory file, answers with file and line.

    deltamem ingest ~/.claude/projects -o notes.safetensors

    deltamem query notes.safetensors "why did we drop the cache?"
    """


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS…", help="Logs, folders of logs, patterns, or - for stdin.")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="MEMORY", help="The memory file; updated if it is there.")
    ] = "",
    discover: Annotated[bool, typer.Option("--discover", help="Take the logs that `deltamem discover` lists.")] = False,
    per_project: Annotated[
        str, typer.Option(metavar="FOLDER", help="Instead of -o: a memory for each project, in this folder.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on while tools write their logs, until Ctrl-C.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and tell; write nothing.")] = False,
    redact: Annotated[bool, typer.Option(help="Replace API keys, tokens, private keys and passwords in URLs.")] = True,
    redact_emails: Annotated[bool, typer.Option("--redact-emails", help="Replace e-mail addresses too.")] = False,
    format: Annotated[str | None, typer.Option(help=f"Take the logs for this format: {', '.join(READERS)}.")] = None,
    kinds: Annotated[str, typer.Option(help=f"What to keep, of: {', '.join(KINDS)}.")] = ",".join(DEFAULT_KINDS),
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Keep pointers to the logs instead of their text.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="A sentence-transformers model or folder (default: the built-in one).")
    ] = None,
    device: Annotated[str, typer.Option(help="Where to encode and learn: auto, cpu, cuda, mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="Precision of the encoder: float32, bfloat16, float16.")] = "float32",
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Texts encoded at once (default: chosen by length).")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first log that cannot be read.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary.")] = False,
    json: Json = False,
) -> None:
    """Read logs into a memory file. What it knows already is not read twice.

    Example: deltamem ingest ~/.claude/projects -o notes.safetensors

    Example: deltamem ingest --discover -o everything.safetensors --follow
    """
    from deltamem_cli import jobs

    chosen = [*(paths or []), *(_discovered() if discover else [])]
    if not chosen:
        raise UsageError("nothing to ingest: name logs or folders, or add --discover")
    if sum((bool(output), bool(per_project), dry_run)) != 1 or (follow and not output):
        raise UsageError("say where to: -o MEMORY (with --follow or without), --per-project FOLDER, or --dry-run")
    if format is not None:
        reader(format)
    job = jobs.Job(
        chosen,
        format,
        _kinds(kinds),
        no_text,
        redact,
        redact_emails,
        model,
        device,
        dtype,
        batch_size,
        strict,
        quiet,
        json,
    )
    if dry_run:
        status = jobs.dry_run(job)
    elif per_project:
        status = jobs.per_project(job, per_project)
    else:
        status = (jobs.follow if follow else jobs.once)(job, output)
    if status:
        raise typer.Exit(status)


@app.command()
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

    filters = _filters(session, speaker, role, kind, source, since, until)
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


@app.command()
def merge(
    memories: Annotated[list[str], typer.Argument(metavar="MEMORIES…", help="Memory files made with one encoder.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="MEMORY", help="Where the union goes.")],
    device: Annotated[str, typer.Option(help="Where to learn the matrix: auto, cpu, cuda, mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No summary.")] = False,
) -> None:
    """Join memories into one; what several of them hold counts once.

    Example: deltamem merge laptop.safetensors desktop.safetensors -o all.safetensors
    """
    from deltamem_cli.encoders import pick_device
    from deltamem_cli.merge import merge as verb
    from deltamem_cli.store import open_memory

    merged = verb([open_memory(memory) for memory in memories], output, pick_device(device))
    if not quiet:
        terminal.out(render.merged_text(merged, output))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="The memory to start from.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The memory to compare with it.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many changes.")] = 20,
    stat: Annotated[bool, typer.Option("--stat", help="Numbers only: counts, distance, angles, rank.")] = False,
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="PATCH", help="Save the difference.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 when they differ, as git diff.")] = False,
    json: Json = False,
) -> None:
    """Tell what changed from memory A to memory B: what is new in meaning first.

    + is news, ~ says again differently what A holds, - is gone; each with its novelty, from 0 to 1. A saved
    difference is a memory itself: query it, or merge it with A to get B.

    Example: deltamem diff monday.safetensors friday.safetensors -k 10
    """
    from deltamem_cli.diff import diff as verb
    from deltamem_cli.diff import save_patch
    from deltamem_cli.store import open_memory

    a, b = open_memory(old), open_memory(new)
    told = verb(a, b, k, numbers=stat or json)
    for line in (
        [render.difference_json(told)] if json else render.difference_text(told, terminal.Style(sys.stdout), stat=stat)
    ):
        terminal.out(line)
    if output:
        save_patch(a, b, output)
    if exit_code and (told.added or told.removed):
        raise typer.Exit(ExitStatus.NOTHING_FOUND)


@app.command()
def forget(
    memory: MemoryPath,
    session: Session = "",
    speaker: Speaker = "",
    role: Role = "",
    kind: OfKind = "",
    source: InSource = "",
    before: Annotated[str, typer.Option(help="Only what was said before this date.")] = "",
    after: Annotated[str, typer.Option(help="Only what was said from this date on.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and stop.")] = False,
) -> None:
    """Take out of a memory all passages that every given option fits, as if they had never been read.

    Example: deltamem forget notes.safetensors --source old-project --before 2025-01-01
    """
    from deltamem_cli.filters import EVERYTHING, let_through
    from deltamem_cli.forget import forget as verb
    from deltamem_cli.forget import measure
    from deltamem_cli.store import open_memory

    filters = _filters(session, speaker, role, kind, source, since=after, before=before)
    if filters == EVERYTHING:
        raise UsageError("say what to forget: --session, --speaker, --role, --kind, --source, --before or --after")
    opened = open_memory(memory)
    gone = let_through(opened, filters)
    told = measure(opened, gone)
    terminal.out(render.forgotten_text(told, memory))
    if dry_run or not told.passages:
        raise typer.Exit(ExitStatus.OK if told.passages else ExitStatus.NOTHING_FOUND)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody here to ask: add --yes to forget these passages, or --dry-run to look only")
        typer.confirm("Forget them?", abort=True, err=True)
    verb(opened, gone, memory)


@app.command()
def info(memory: MemoryPath, json: Json = False) -> None:
    """Tell what is inside a memory.

    Example: deltamem info notes.safetensors
    """
    from deltamem_cli.info import describe
    from deltamem_cli.store import open_memory

    told = describe(open_memory(memory))
    path = os.path.abspath(memory)
    for line in [render.info_json(told, path)] if json else render.info_text(told, path, terminal.Style(sys.stdout)):
        terminal.out(line)


@app.command()
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
    from deltamem_cli import formats, render_logs

    if detect != bool(paths):
        raise UsageError("--detect and PATHS go together: deltamem formats --detect PATHS…")
    style = terminal.Style(sys.stdout)
    if not paths:
        titles = formats.titles()
        for line in render_logs.formats_json(titles) if json else render_logs.formats_text(titles, style):
            terminal.out(line)
    for found in formats.detect(paths or []):
        terminal.out(render_logs.detected_json(found) if json else render_logs.detected_text(found, style))


@app.command()
def discover(json: Json = False) -> None:
    """List the logs that tools keep on this machine: how many, how large, when they were last written.

    Ends with exit code 1 when there are none.

    Example: deltamem discover
    """
    from deltamem_cli import render_logs
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


def _discovered() -> list[str]:
    from deltamem_cli.discover import discover

    return [root for entry in discover() if entry.format for root in entry.roots]


def _kinds(names: str) -> tuple[Kind, ...]:
    chosen = {name.strip() for name in names.split(",")}
    if unknown := chosen - {*KINDS}:
        raise UsageError(f"no kind is called {', '.join(sorted(unknown))!r}: choose of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in chosen)


def _filters(
    session: str, speaker: str, role: str, kind: str, source: str, since: str, until: str = "", before: str = ""
) -> Filters:
    from datetime import datetime

    from deltamem_cli.dates import parse_date
    from deltamem_cli.filters import Filters

    for name, value, allowed in (("role", role, ROLES), ("kind", kind, KINDS)):
        if value and value not in allowed:
            raise UsageError(f"no {name} is called {value!r}: choose of {', '.join(allowed)}")
    now = datetime.now().astimezone()
    first = parse_date(since, now) if since else None
    last = parse_date(until, now, end=True) if until else None
    if before:
        last = parse_date(before, now) - 1
    return Filters(session, speaker, role, kind, source, first, last)


def _questions(question: str) -> Iterator[str]:
    if question != "-":
        if not question.strip():
            raise UsageError("the question is empty: say what to look for, or - to read questions from stdin")
        yield question
        return
    for line in sys.stdin.buffer:
        if asked := line.decode("utf-8", "replace").strip():
            yield asked
