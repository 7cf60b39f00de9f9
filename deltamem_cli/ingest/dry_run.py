"""Logs read as `ingest` reads them, and nothing kept: what `--dry-run` tells."""

from __future__ import annotations

import time
from collections.abc import Generator

from deltamem_cli.ingest.read_logs import Progress, Reading, Summary, check_for_logs, read_files
from deltamem_cli.readers.io.paths import find_logs
from deltamem_cli.records import DEFAULT_KINDS, Kind
from deltamem_cli.text.redact import Redactor


def dry_run(
    paths: list[str],
    *,
    format: str | None = None,
    kinds: tuple[Kind, ...] = DEFAULT_KINDS,
    strict: bool = False,
    redactor: Redactor | None = None,
    all_branches: bool = False,
) -> Generator[Progress, None, Summary]:
    """As `ingest.ingest`, without an encoder and without a memory."""
    summary = Summary()
    started = time.monotonic()
    files = find_logs(paths, summary.problems)
    reading = Reading(summary, kinds, strict, redactor, all_branches)
    yield from read_files(files, reading, format=format)
    check_for_logs(paths, reading)
    summary.seconds = time.monotonic() - started
    return summary
