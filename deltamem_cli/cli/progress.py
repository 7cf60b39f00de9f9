"""What a person sees of `deltamem ingest`: a bar while it runs, then what was done."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from deltamem_cli.cli.ingest_options import Job
from deltamem_cli.cli.output import logs, terminal
from deltamem_cli.errors import ExitStatus

if TYPE_CHECKING:
    from tqdm import tqdm

    from deltamem_cli.ingest.read_logs import Progress, Summary


def to_the_end(steps: Generator[Progress, None, Summary], job: Job) -> Summary:
    """Run an ingest to its end, with a bar on a terminal."""
    from tqdm import tqdm

    show = sys.stderr.isatty() and not job.quiet
    with tqdm(
        total=None, unit="B", unit_scale=True, unit_divisor=1024, disable=not show, file=sys.stderr, leave=False
    ) as bar:
        advance: Callable[[], Progress] = steps.__next__
        while True:
            try:
                step = advance()
            except StopIteration as stopped:
                return stopped.value  # type: ignore[no-any-return]
            advance = steps.__next__
            if show:
                try:
                    _draw(bar, step)
                except KeyboardInterrupt as interrupt:  # the verb has to know, to keep what it has done
                    advance = partial(steps.throw, interrupt)


def _draw(bar: tqdm[NoReturn], step: Progress) -> None:
    bar.total = step.total or None
    bar.set_description_str(terminal.line(os.path.basename(step.path))[:30], refresh=False)
    bar.update(step.done - bar.n)


def tell(summary: Summary, output: str, job: Job) -> ExitStatus:
    """Print what was done; the exit status that it deserves."""
    _problems(summary)
    if job.json:
        terminal.out(logs.summary_json(summary, output))
    elif not job.quiet and (summary.logs or summary.unchanged):
        for line in logs.summary_text(summary, output, terminal.Style(sys.stdout)):
            terminal.out(line)
    sys.stdout.flush()
    if summary.interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.BAD_DATA if summary.problems else ExitStatus.OK


def tell_change(summary: Summary, output: str, job: Job) -> None:
    """Print what one round of following brought, if anything."""
    _problems(summary)
    if job.json and summary.saved:
        terminal.out(logs.summary_json(summary, output))
    elif summary.new and not job.quiet:
        terminal.out(logs.change_text(summary))
    sys.stdout.flush()


def _problems(summary: Summary) -> None:
    for problem in summary.problems:
        terminal.err(f"deltamem: {terminal.line(str(problem))}")


def say(job: Job, what: str) -> None:
    """A word on how it goes."""
    if not job.quiet:
        terminal.err(f"deltamem: {what}")
