"""`deltamem ingest`."""

from __future__ import annotations

from typing import Annotated

import typer

from deltamem_cli.cli import settings
from deltamem_cli.cli.options import Budget, Json, budget_of
from deltamem_cli.errors import UsageError
from deltamem_cli.readers import reader
from deltamem_cli.readers.io.paths import STDIN
from deltamem_cli.records import DEFAULT_KINDS, KINDS, Kind
from deltamem_cli.rules import RULES


def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS…", help="Logs, folders of logs, patterns, or - for stdin.")
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            "-m",
            "--memory",
            metavar="MEMORY",
            help="The memory file (default: see `deltamem config`).",
        ),
    ] = "",
    discover: Annotated[bool, typer.Option("--discover", help="Take the logs that `deltamem discover` lists.")] = False,
    per_project: Annotated[
        str, typer.Option(metavar="FOLDER", help="Instead of -o: a memory for each project, in this folder.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on while tools write their logs, until Ctrl-C.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and tell; write nothing.")] = False,
    redact: Annotated[bool, typer.Option(help="Replace API keys, tokens, private keys and passwords in URLs.")] = True,
    redact_emails: Annotated[bool, typer.Option("--redact-emails", help="Replace e-mail addresses too.")] = False,
    format: Annotated[str | None, typer.Option(help="Take the logs for this format (see `deltamem formats`).")] = None,
    kinds: Annotated[str, typer.Option(help=f"What to keep, of: {', '.join(KINDS)}.")] = ",".join(DEFAULT_KINDS),
    all_branches: Annotated[
        bool, typer.Option("--all-branches", help="Keep regenerated answers and edited prompts, too.")
    ] = False,
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Keep pointers to the logs instead of their text.")
    ] = False,
    rule: Annotated[
        str | None, typer.Option(help=f"How the matrix learns: {', '.join(RULES)} (default: {next(iter(RULES))}).")
    ] = None,
    half_life: Annotated[
        str | None,
        typer.Option(metavar="N", help="Writes (5000) or time (12h, 90d) after which a passage counts half."),
    ] = None,
    budget: Budget = "",
    model: Annotated[
        str | None, typer.Option(help="A sentence-transformers model or folder (default: the built-in one).")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="Where to encode and learn: auto, cpu, cuda, mps; cuda:0,cuda:1 is a process for each.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("-j", "--jobs", min=1, max=64, metavar="N", help="Processes that encode, each with an encoder."),
    ] = 1,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first log that cannot be read.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary.")] = False,
    json: Json = False,
) -> None:
    """Read logs into a memory file. What it knows already is not read twice.

    Example: deltamem ingest ~/.claude/projects

    Example: deltamem ingest --discover -o everything.safetensors --follow

    Example: deltamem ingest exports/ -o notes.safetensors --device cuda:0,cuda:1
    """
    from deltamem_cli.cli import run_ingest as verbs
    from deltamem_cli.cli.ingest_options import IngestOptions
    from deltamem_cli.ingest.read_options import ReadOptions

    chosen = [*(paths or []), *(_discovered() if discover else [])]
    if not chosen:
        raise UsageError("nothing to ingest: name logs or folders, or add --discover")
    if per_project and (output or follow):
        raise UsageError("--per-project writes a memory for each project: leave out -o and --follow")
    if not output and not per_project and not dry_run:
        output = _default_memory()
    if no_text and STDIN in chosen:
        raise UsageError(
            "--no-text points back to the log, and standard input is gone afterwards: give the log as a file"
        )
    if format is not None:
        reader(format)
    learning = {"rule": rule, "half_life": half_life}
    options = IngestOptions(
        paths=chosen,
        read=ReadOptions(
            format=format,
            kinds=_kinds(kinds),
            all_branches=all_branches,
            strict=strict,
            redact=redact,
            redact_emails=redact_emails,
        ),
        text=not no_text,
        budget=budget_of(budget),
        learning={name: value for name, value in learning.items() if value is not None},
        model=settings.value("model", model),
        device=settings.value("device", device),
        jobs=jobs,
        quiet=quiet,
        json=json,
    )
    if dry_run:
        status = verbs.dry_run(options)
    elif per_project:
        status = verbs.per_project(options, per_project)
    else:
        status = (verbs.follow if follow else verbs.once)(options, output)
    if status:
        raise typer.Exit(status)


def _default_memory() -> str:
    """The memory that is meant where none is named; its folder is made, which is this user's own."""
    from pathlib import Path

    path = Path(settings.value("memory"))
    if str(path) == settings.SETTINGS["memory"].default():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{path.parent}: cannot be made ({error.strerror}); say where to with -o") from error
    return str(path)


def _discovered() -> list[str]:
    from deltamem_cli.readers.discover import discover

    return [root for entry in discover() if entry.format for root in entry.roots]


def _kinds(names: str) -> tuple[Kind, ...]:
    chosen = {name.strip() for name in names.split(",")}
    if unknown := chosen - {*KINDS}:
        raise UsageError(f"no kind is called {', '.join(sorted(unknown))!r}: choose of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in chosen)
