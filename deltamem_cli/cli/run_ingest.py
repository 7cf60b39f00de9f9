"""`deltamem ingest` once its options are parsed: into one memory, one a project, following, or dry."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltamem_cli.cli.ingest_options import IngestOptions
from deltamem_cli.cli.progress import print_change, print_note, print_summary, progress_bar
from deltamem_cli.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.ingest.draft import Draft


@dataclass(frozen=True)
class _Tools:
    """What every memory needs, loaded once. `device` is where the matrix learns."""

    options: IngestOptions
    device: str
    encoder: Encoder

    def draft(self, output: str) -> Draft:
        """Return the memory as it is, or a new one."""
        from deltamem_cli.ingest.pipeline import open_draft

        options = self.options
        return open_draft(output, self.encoder, text=options.text, learning=options.learning, budget=options.budget)


@contextmanager
def _tools(options: IngestOptions) -> Iterator[_Tools]:
    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.encoders.pool import places, spread
    from deltamem_cli.memory.learning import Learning

    Learning(**options.learning)  # raises what is wrong with it before anything is loaded
    where = places(options.device, options.jobs)
    with spread(load_encoder(options.model, device=where[0]), where) as encoder:
        yield _Tools(options, where[0], encoder)


def once(options: IngestOptions, output: str) -> ExitStatus:
    """Read all logs into one memory."""
    with _tools(options) as tools:
        return _into(tools, options.paths, output)


def per_project(options: IngestOptions, folder: str) -> ExitStatus:
    """Read each project's logs into a memory of its own below the folder."""
    from deltamem_cli.ingest.projects import by_project

    groups = by_project(options.paths, options.read.format)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error
    worst = ExitStatus.OK
    with _tools(options) as tools:
        for name, paths in groups.items():
            status = _into(tools, paths, os.path.join(folder, f"{name}.safetensors"))
            if status == ExitStatus.INTERRUPTED:
                return status
            worst = max(worst, status)
    return worst


def dry_run(options: IngestOptions) -> ExitStatus:
    """Read everything, keep nothing."""
    from deltamem_cli.ingest.dry_run import dry_run as verb

    with progress_bar(options) as progress:
        summary = verb(options.paths, options.read, progress=progress)
    return print_summary(summary, "", options)


def follow(options: IngestOptions, output: str) -> ExitStatus:
    """Keep one memory up to date until an interrupt, which is how it is meant to end."""
    from deltamem_cli.ingest.follow import follow as verb
    from deltamem_cli.readers.io.paths import STDIN

    if STDIN in options.paths:
        raise UsageError("--follow needs files or folders: standard input cannot be read again")
    with _tools(options) as tools, _interrupts_end_it():
        summaries = verb(options.paths, lambda: tools.draft(output), tools.encoder, options.read, device=tools.device)
        for number, summary in enumerate(summaries):
            if number == 0:
                print_summary(summary, output, options)
                print_note("following; Ctrl-C ends it", options)
            else:
                print_change(summary, output, options)
    print_note("ended", options)
    return ExitStatus.OK


def _into(tools: _Tools, paths: list[str], output: str) -> ExitStatus:
    from deltamem_cli.ingest.pipeline import ingest

    options = tools.options
    with progress_bar(options) as progress:
        summary = ingest(
            paths, tools.draft(output), tools.encoder, options.read, device=tools.device, progress=progress
        )
    return print_summary(summary, output, options)


@contextmanager
def _interrupts_end_it() -> Iterator[None]:
    """Make Ctrl-C and SIGTERM (a service manager's way to say it) leave the block, and no more."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
