"""What a person sees of `deltamem ingest`: a bar while it runs, then what was done."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deltamem_cli.cli.ingest_options import IngestOptions
from deltamem_cli.cli.output import logs, terminal
from deltamem_cli.errors import ExitStatus

if TYPE_CHECKING:
    from deltamem_cli.ingest.summary import Progress, Summary


@contextmanager
def progress_bar(options: IngestOptions) -> Iterator[Callable[[Progress], None] | None]:
    """Give what draws a bar as an ingest goes on, or None where there is no terminal to draw it on."""
    if options.quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=None, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stderr, leave=False) as bar:

        def draw(progress: Progress) -> None:
            bar.total = progress.total or None
            bar.set_description_str(terminal.line(os.path.basename(progress.path))[:30], refresh=False)
            bar.update(progress.done - bar.n)

        yield draw


def print_summary(summary: Summary, output: str, options: IngestOptions) -> ExitStatus:
    """Print what was done and return the exit status that it deserves."""
    _print_problems(summary)
    if options.json:
        terminal.out(logs.summary_json(summary, output))
    elif not options.quiet and (summary.logs or summary.unchanged):
        for line in logs.summary_text(summary, output, terminal.Style(sys.stdout)):
            terminal.out(line)
    sys.stdout.flush()
    if summary.interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.BAD_DATA if summary.problems else ExitStatus.OK


def print_change(summary: Summary, output: str, options: IngestOptions) -> None:
    """Print what one pass of following brought, if anything."""
    _print_problems(summary)
    if options.json and summary.saved:
        terminal.out(logs.summary_json(summary, output))
    elif summary.new and not options.quiet:
        terminal.out(logs.change_text(summary))
    sys.stdout.flush()


def print_note(note: str, options: IngestOptions) -> None:
    """Print a word on how it goes."""
    if not options.quiet:
        terminal.err(f"deltamem: {note}")


def _print_problems(summary: Summary) -> None:
    for problem in summary.problems:
        terminal.err(f"deltamem: {terminal.line(str(problem))}")
