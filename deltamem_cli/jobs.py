"""`deltamem ingest` once its options are parsed: into one memory, one a project, following, or dry."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from deltamem_cli import render, render_logs, terminal
from deltamem_cli.errors import ExitStatus, UsageError
from deltamem_cli.records import Kind
from deltamem_cli.redact import Redactor

if TYPE_CHECKING:
    from tqdm import tqdm

    from deltamem_cli.draft import Draft
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.reading import Progress, Summary


@dataclass(frozen=True)
class Job:
    """What the command line asks for; each field is an option."""

    paths: list[str]
    format: str | None
    kinds: tuple[Kind, ...]
    no_text: bool
    redact: bool
    emails: bool
    model: str | None
    device: str
    dtype: str
    batch_size: int | None
    strict: bool
    quiet: bool
    json: bool

    def redactor(self) -> Redactor | None:
        """A redactor with nothing counted, or None."""
        if self.emails and not self.redact:
            raise UsageError("--no-redact and --redact-emails contradict each other; leave one out")
        return Redactor(self.emails) if self.redact else None


class _Tools:
    """What a job needs for every memory: loaded once."""

    def __init__(self, job: Job) -> None:
        from deltamem_cli.encoders import load_encoder, pick_device

        self.job = job
        self.device = pick_device(job.device)
        self.encoder: Encoder = load_encoder(
            job.model or "default", device=self.device, dtype=job.dtype, batch_size=job.batch_size
        )

    def draft(self, output: str) -> Draft:
        """The memory as it is, or a new one."""
        from deltamem_cli.draft import Draft
        from deltamem_cli.ingest import new_header

        draft = Draft(output, new_header(self.encoder, not self.job.no_text), self.encoder.mean)
        draft.check(self.encoder.name, self.encoder.fingerprint, text=False if self.job.no_text else None)
        return draft


def once(job: Job, output: str) -> ExitStatus:
    """All logs into one memory."""
    return _into(_Tools(job), job.paths, output)


def per_project(job: Job, folder: str) -> ExitStatus:
    """Each project's logs into a memory of its own below the folder."""
    from deltamem_cli.projects import by_project

    groups = by_project(job.paths, job.format)
    tools = _Tools(job)
    os.makedirs(folder, exist_ok=True)
    worst = ExitStatus.OK
    for name, paths in groups.items():
        status = _into(tools, paths, os.path.join(folder, f"{name}.safetensors"))
        if status == ExitStatus.INTERRUPTED:
            return status
        worst = max(worst, status)
    return worst


def dry_run(job: Job) -> ExitStatus:
    """Read everything, keep nothing."""
    import time

    from deltamem_cli.inputs import find_logs
    from deltamem_cli.reading import Reading, Summary, check_for_logs, read_files

    summary = Summary()
    started = time.monotonic()

    def steps() -> Generator[Progress, None, Summary]:
        files = find_logs(job.paths, summary.problems)
        reading = Reading(summary, job.kinds, job.strict, job.redactor())
        yield from read_files(files, reading, format=job.format)
        check_for_logs(job.paths, reading)
        return summary

    _to_the_end(steps(), job)
    summary.seconds = time.monotonic() - started
    return _tell(summary, "", job)


def follow(job: Job, output: str) -> ExitStatus:
    """Keep one memory up to date until an interrupt, which is how it is meant to end."""
    from deltamem_cli.follow import Memo, Round, due
    from deltamem_cli.ingest import ingest_files
    from deltamem_cli.inputs import STDIN
    from deltamem_cli.reading import Summary

    if STDIN in job.paths:
        raise UsageError("--follow needs files or folders: standard input cannot be read again")
    tools = _Tools(job)
    first = Summary()
    with _interrupts_end_it():
        draft = tools.draft(output)
        memo: Memo = {}
        for number, files in enumerate(due(job.paths, first.problems), 1):
            if draft.stale:
                draft, memo = tools.draft(output), {}
            summary = first if number == 1 else Summary()
            work = Round(memo, draft, tools.encoder, summary, tools.device, job.kinds, job.strict, job.redactor())
            summary = _to_the_end(ingest_files(files, work, format=job.format), job)
            if number == 1:
                _tell(summary, output, job)
                _say(job, "following; Ctrl-C ends it")
            else:
                _tell_change(summary, output, job)
            if summary.interrupted:
                break
    _say(job, "ended")
    return ExitStatus.OK


def _into(tools: _Tools, paths: list[str], output: str) -> ExitStatus:
    from deltamem_cli.ingest import ingest

    job = tools.job
    steps = ingest(
        paths,
        tools.draft(output),
        tools.encoder,
        format=job.format,
        kinds=job.kinds,
        strict=job.strict,
        device=tools.device,
        redactor=job.redactor(),
    )
    return _tell(_to_the_end(steps, job), output, job)


def _to_the_end(steps: Generator[Progress, None, Summary], job: Job) -> Summary:
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


def _tell(summary: Summary, output: str, job: Job) -> ExitStatus:
    """Print what was done; the exit status that it deserves."""
    _tell_problems(summary)
    if job.json:
        terminal.out(render.summary_json(summary, output))
    elif not job.quiet and (summary.logs or summary.unchanged):
        for line in render.summary_text(summary, output, terminal.Style(sys.stdout)):
            terminal.out(line)
    sys.stdout.flush()
    if summary.interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.BAD_DATA if summary.problems else ExitStatus.OK


def _tell_change(summary: Summary, output: str, job: Job) -> None:
    """Print what one round of following brought, if anything."""
    _tell_problems(summary)
    if job.json and summary.saved:
        terminal.out(render.summary_json(summary, output))
    elif summary.new and not job.quiet:
        terminal.out(render_logs.change_text(summary))
    sys.stdout.flush()


def _tell_problems(summary: Summary) -> None:
    for problem in summary.problems:
        terminal.err(f"deltamem: {terminal.line(str(problem))}")


def _say(job: Job, what: str) -> None:
    if not job.quiet:
        terminal.err(f"deltamem: {what}")


@contextmanager
def _interrupts_end_it() -> Iterator[None]:
    """Ctrl-C and SIGTERM (a service manager's way to say it) leave the block, and no more."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
