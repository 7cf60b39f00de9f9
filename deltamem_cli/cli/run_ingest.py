"""`deltamem ingest` once its options are parsed: into one memory, one a project, following, or dry."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltamem_cli.cli.ingest_options import Job
from deltamem_cli.cli.progress import say, tell, tell_change, to_the_end
from deltamem_cli.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.ingest.draft import Draft


@dataclass(frozen=True)
class _Tools:
    """What a job needs for every memory: loaded once. `device` is where the matrix is learned."""

    job: Job
    device: str
    encoder: Encoder

    def draft(self, output: str) -> Draft:
        """The memory as it is, or a new one."""
        from deltamem_cli.ingest.pipeline import open_draft

        job = self.job
        return open_draft(output, self.encoder, text=not job.no_text, learning=job.learning, budget=job.budget)


@contextmanager
def _tools(job: Job) -> Iterator[_Tools]:
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.encoders.pool import places, spread
    from deltamem_cli.memory.learning import Learning

    Learning(**job.learning)  # says what is wrong with it before anything is loaded
    where = places(job.device, job.devices, job.jobs)
    how: dict[str, Any] = {"dtype": job.dtype, "batch_size": job.batch_size}
    with spread(load_encoder(job.model or "default", device=where[0], **how), where, **how) as encoder:
        yield _Tools(job, where[0], encoder)


def once(job: Job, output: str) -> ExitStatus:
    """All logs into one memory."""
    with _tools(job) as tools:
        return _into(tools, job.paths, output)


def per_project(job: Job, folder: str) -> ExitStatus:
    """Each project's logs into a memory of its own below the folder."""
    from deltamem_cli.ingest.projects import by_project

    groups = by_project(job.paths, job.format)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error
    worst = ExitStatus.OK
    with _tools(job) as tools:
        for name, paths in groups.items():
            status = _into(tools, paths, os.path.join(folder, f"{name}.safetensors"))
            if status == ExitStatus.INTERRUPTED:
                return status
            worst = max(worst, status)
    return worst


def dry_run(job: Job) -> ExitStatus:
    """Read everything, keep nothing."""
    from deltamem_cli.ingest.dry_run import dry_run as verb

    steps = verb(
        job.paths,
        format=job.format,
        kinds=job.kinds,
        strict=job.strict,
        redactor=job.redactor(),
        all_branches=job.all_branches,
    )
    return tell(to_the_end(steps, job), "", job)


def follow(job: Job, output: str) -> ExitStatus:
    """Keep one memory up to date until an interrupt, which is how it is meant to end."""
    from deltamem_cli.ingest.follow import rounds
    from deltamem_cli.readers.io.paths import STDIN

    if STDIN in job.paths:
        raise UsageError("--follow needs files or folders: standard input cannot be read again")
    with _tools(job) as tools, _interrupts_end_it():
        steps = rounds(
            job.paths,
            lambda: tools.draft(output),
            tools.encoder,
            format=job.format,
            kinds=job.kinds,
            strict=job.strict,
            device=tools.device,
            redactor=job.redactor,
            all_branches=job.all_branches,
        )
        for number, step in enumerate(steps):
            summary = to_the_end(step, job)
            if number == 0:
                tell(summary, output, job)
                say(job, "following; Ctrl-C ends it")
            else:
                tell_change(summary, output, job)
            if summary.interrupted:
                break
    say(job, "ended")
    return ExitStatus.OK


def _into(tools: _Tools, paths: list[str], output: str) -> ExitStatus:
    from deltamem_cli.ingest.pipeline import ingest

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
        all_branches=job.all_branches,
    )
    return tell(to_the_end(steps, job), output, job)


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
