"""How fast logs are read without encoding, beside `orjson.loads` on every line and nothing else.

    python benchmarks/read_speed.py ~/.claude/projects [--rounds 7]

Only Claude Code logs count. Both are measured in turn on the same files, in CPU seconds of this process, after a first
round that is thrown away (it fills the file cache); the figures are medians, the ratio is the median of the rounds'.
`read` is the reader alone, `dry run` what `deltamem ingest --dry-run` does: find, hash, detect, read, redact, count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import orjson

from deltamem_cli.ingest.read_logs import read_logs
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.ingest.summary import Summary
from deltamem_cli.readers.detect import detect_files, open_log, read_log
from deltamem_cli.readers.io.paths import LogFile
from deltamem_cli.records import ReadReport


def loads(files: list[LogFile]) -> None:
    """Every line → a value that is thrown away."""
    for file in files:
        with open(file.path, "rb") as stream:
            for line in stream:
                try:
                    orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue


def read(files: list[LogFile]) -> None:
    """Every message of the reader."""
    for file in files:
        with open(file.path, "rb") as stream:
            for _ in read_log(*open_log(stream, file.path, "claude-code"), ReadReport()):
                pass


def dry_run(files: list[LogFile]) -> None:
    """All that a dry run does."""
    for _ in read_logs(files, DEFAULTS, Summary()):
        pass


def seconds(work: Callable[[list[LogFile]], None], files: list[LogFile]) -> float:
    """CPU seconds of one run."""
    started = time.process_time()
    work(files)
    return time.process_time() - started


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    logs = [found.path for found in detect_files(arguments.paths) if found.format == "claude-code"]
    files = [LogFile(path, Path(path).stat().st_size, True) for path in logs]
    size = sum(file.size for file in files)
    print(f"{len(files)} Claude Code logs, {size / 1e6:.1f} MB, {arguments.rounds} rounds")
    works = (loads, read, dry_run)
    rounds = [[seconds(work, files) for work in works] for _ in range(arguments.rounds + 1)][1:]
    for column, name in enumerate(("orjson.loads", "read", "dry run")):
        speed = size / median(times[column] for times in rounds) / 1e6
        ratio = median(times[0] / times[column] for times in rounds)
        print(f"{name:>12}  {speed:6.0f} MB/s  {ratio:5.2f} × orjson.loads")


if __name__ == "__main__":
    main()
