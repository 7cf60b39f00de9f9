"""Which formats there are, and which one a file is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from deltamem_cli.errors import LogError, NotALog
from deltamem_cli.readers import READERS, plugins, reader
from deltamem_cli.readers.io import compressed
from deltamem_cli.readers.io.opening import open_input
from deltamem_cli.readers.io.paths import LogFile, find_logs
from deltamem_cli.readers.io.streams import ByteStream
from deltamem_cli.readers.parse import sqlite
from deltamem_cli.readers.parse.head import Head, Log, rewound
from deltamem_cli.readers.parse.ids import with_ids
from deltamem_cli.records import Message, ReadReport


@dataclass(frozen=True, slots=True)
class Detected:
    """A file and its format; or None, and why it is no log (`why` is "" for a log)."""

    path: str
    format: str | None
    why: str = ""


def detect(head: Head) -> str | None:
    """Return the name of the format that the head is in, or None when it is no log we know."""
    built_in = next((name for name in READERS if reader(name).detect(head)), None)
    return built_in or next((name for name in plugins.names() if reader(name).detect(head)), None)


def open_log(stream: ByteStream, name: str, format: str | None = None) -> tuple[str, Log]:
    """Return the format of a log and the log, opened at its first byte (the stream need not be able to seek).

    `name` is where the stream comes from: a database of that name is opened in place, with what is written beside it.

    Raises UsageError for an unknown format, NotALog when the log is empty or in no known format.
    """
    if format is not None:
        reader(format)
    head, whole = rewound(stream)
    if compressed.is_packed(head.data):
        head, whole = rewound(compressed.unpacked(head.data, whole, name))
    if head.data.startswith(sqlite.MAGIC):
        whole = sqlite.as_file(whole, name)
        head.tables = sqlite.tables(whole, name)
    if not head.data.strip(b"\0 \t\r\n"):
        raise NotALog(name, "the file is empty; nothing to ingest")
    format = format or detect(head)
    if format is None:
        raise NotALog(name, head.complaint())
    return format, Log(name, head, whole)


def read_log(format: str, log: Log, report: ReadReport) -> Iterator[Message]:
    """Return the messages of a log, every one with a session and an id: the log's own, or derived ones."""
    return with_ids(reader(format).read(log, report))


def titles() -> dict[str, str]:
    """Return name → title of every format, those of other packages last."""
    return {name: reader(name).TITLE for name in (*READERS, *plugins.names())}


def detect_files(paths: list[str]) -> Iterator[Detected]:
    """Yield the format of every file below the paths, by its first bytes."""
    problems: list[LogError] = []
    files = find_logs(paths, problems)
    for problem in problems:
        yield Detected(problem.path, None, problem.why)
    for file in files:
        yield _detect(file)


def _detect(file: LogFile) -> Detected:
    try:
        with closing(open_input(file)) as stream:
            return Detected(file.path, open_log(stream, file.path)[0])
    except LogError as error:
        return Detected(file.path, None, error.why)
