"""Logs read as `ingest` reads them, and nothing kept: what `--dry-run` counts."""

from __future__ import annotations

import time
from collections.abc import Callable

from deltamem_cli.ingest.read_logs import check_for_logs, read_logs
from deltamem_cli.ingest.read_options import ReadOptions
from deltamem_cli.ingest.summary import Progress, Summary
from deltamem_cli.readers.io.paths import find_logs


def dry_run(paths: list[str], options: ReadOptions, *, progress: Callable[[Progress], object] | None = None) -> Summary:
    """Read as `pipeline.ingest` does, without an encoder and without a memory."""
    summary = Summary()
    started = time.monotonic()
    for _ in read_logs(find_logs(paths, summary.problems), options, summary, progress=progress):
        pass
    check_for_logs(paths, options, summary)
    summary.seconds = time.monotonic() - started
    return summary
