"""Logs → messages, file by file: the half of an ingest that needs no encoder and no memory.

A generator of values: a log begins, its messages follow, it ends. Who takes them is no business of this file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, islice
from typing import BinaryIO

from deltamem_cli.errors import LogError, NotALog
from deltamem_cli.ingest.read_options import ReadOptions
from deltamem_cli.ingest.summary import Progress, Summary
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.io.opening import open_input
from deltamem_cli.readers.io.paths import STDIN, LogFile
from deltamem_cli.records import Message, ReadReport, Source
from deltamem_cli.text.redact import Redactor


@dataclass(frozen=True, slots=True)
class LogBegun:
    """A log whose first message follows. One that holds none never begins."""

    path: str
    format: str


@dataclass(frozen=True, slots=True)
class LogEnded:
    """A log that was read to its end; one that breaks off never ends. Its digest is "" where it was not hashed."""

    source: Source


Event = LogBegun | Message | LogEnded


def read_logs(
    files: list[LogFile],
    options: ReadOptions,
    summary: Summary,
    *,
    known: Mapping[str, Source] | None = None,
    stdin: BinaryIO | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Generator[Event, None, None]:
    """Yield each log's begin, messages of any kind (redacted), and end; count them in the summary.

    known: what has been read before, by path: a log that is as it was is passed over. None: nothing is hashed.
    What goes wrong with a log is reported in the summary, or raised if the options are strict.
    """
    if options.strict and summary.problems:
        raise summary.problems[0]
    redactor = options.redactor()
    if redactor:
        summary.redacted = redactor.found
    reading = _Reading(options, summary, known=known, redactor=redactor, stdin=stdin)
    meter = _Meter(progress, sum(file.size for file in files))
    for file in files:
        meter.at(file, 0)
        try:
            yield from reading.events(file, meter)
        except LogError as error:
            if isinstance(error, NotALog) and not file.named:
                summary.not_logs += 1
            else:
                summary.report(error, strict=options.strict)
        meter.past(file)


def check_for_logs(paths: list[str], options: ReadOptions, summary: Summary) -> None:
    """Report it when not one log was found below the paths."""
    if not (summary.logs or summary.unchanged or summary.problems or summary.interrupted):
        what = "holds no log" if len(paths) == 1 else "hold no logs"
        error = LogError(", ".join(paths), f"{what} in a format that deltamem knows")
        summary.report(error, strict=options.strict)


def prepared(
    messages: Iterable[Message], options: ReadOptions, summary: Summary, redactor: Redactor | None = None
) -> Iterator[Message]:
    """Yield the messages, redacted, and count them: those of kinds that are not asked for as skipped."""
    for message in messages:
        if message.kind in options.kinds:
            summary.messages += 1
        else:
            summary.skipped[f"{message.kind} (not in --kinds)"] += 1
        yield redactor.message(message) if redactor else message


class _Meter:
    """Tells `progress` how far the reading is, in bytes of all files."""

    def __init__(self, progress: Callable[[Progress], object] | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def at(self, file: LogFile, read: int) -> None:
        if self._progress:
            reached = self._done + (min(read, file.size) if file.size else read)
            self._progress(Progress(reached, self._total, file.path))

    def past(self, file: LogFile) -> None:
        self._done += file.size
        self.at(file, 0)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What stays the same from file to file."""

    options: ReadOptions
    summary: Summary
    known: Mapping[str, Source] | None
    redactor: Redactor | None
    stdin: BinaryIO | None

    def events(self, file: LogFile, meter: _Meter) -> Iterator[Event]:
        """Yield one log's begin, messages and end; nothing for one that is unchanged."""
        options, summary = self.options, self.summary
        if self._is_unchanged(file):
            summary.unchanged += 1
            summary.bytes_in += file.size
            return
        hashed = self.known is not None
        with closing(_Tracked(open_input(file, self.stdin), hashed)) as tracked:
            format, log = open_log(tracked, file.path, options.format)
            report = ReadReport()
            every = read_log(format, log, report)
            messages = (message for message in every if options.all_branches or not message.off_path)
            opening = self._first(file, messages)
            if opening:
                yield LogBegun(file.path, format)
            metered = 0
            for message in prepared(chain(opening, messages), options, summary, self.redactor):
                yield message
                if metered != tracked.read_bytes:
                    metered = tracked.read_bytes
                    meter.at(file, metered)
            digest = tracked.hash.hexdigest() if hashed and not report.broken else ""
            size = tracked.read_bytes if digest else 0
            yield LogEnded(Source(file.path, format, bytes=size, digest=digest, settings=options.settings))
        summary.logs[format] += 1
        summary.bytes_in += tracked.read_bytes
        summary.skipped.update(report.left_out(options.all_branches))
        if report.pending:
            summary.pending.append(file.path)
        for line, why in report.broken:
            error = LogError(file.path, f"{why}; this record was left out, the others were read", line)
            summary.report(error, strict=options.strict)

    def _first(self, file: LogFile, messages: Iterator[Message]) -> list[Message]:
        """Return the first message, or none. Raises NotALog where the file is no log in the format that was named."""
        format = self.options.format
        try:
            opening = list(islice(messages, 1))
        except LogError as error:
            raise error if format is None else NotALog(file.path, error.why, error.line) from error
        if format and not opening:
            why = f"holds no messages in the format {format}; leave out --format to have it detected"
            raise NotALog(file.path, why)
        return opening

    def _is_unchanged(self, file: LogFile) -> bool:
        """Whether the file was read whole, in this way, and still is what it was."""
        before = self.known.get(file.path) if self.known is not None else None
        if not before or not before.digest or before.settings != self.options.settings:
            return False
        return self.options.format in (None, before.format) and _same(file, before)


class _Tracked:
    """A stream that counts and hashes what is read of it."""

    def __init__(self, stream: BinaryIO, hashed: bool = True) -> None:
        self._stream, self._hashed = stream, hashed
        self.read_bytes = 0
        self.hash = blake2b(digest_size=16)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.read_bytes += len(data)
        if self._hashed:
            self.hash.update(data)
        return data

    def close(self) -> None:
        if self._stream is not sys.stdin.buffer:
            self._stream.close()


def _same(file: LogFile, before: Source) -> bool:
    if file.path == STDIN or file.size != before.bytes or os.path.exists(f"{file.path}-wal"):
        return False  # a database with a log beside it may have grown although its file has not
    with closing(_Tracked(open_input(file))) as tracked:
        while tracked.read(1 << 20):
            pass
    return tracked.hash.hexdigest() == before.digest
