"""Logs → messages, file by file: the half of an ingest that needs no encoder and no memory.

What is done with each message is a Reading's business. The plain one does nothing: that is a dry run.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice
from typing import BinaryIO

from deltamem_cli.errors import LogError, NotALog
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.io.opening import open_input
from deltamem_cli.readers.io.paths import STDIN, LogFile
from deltamem_cli.records import Kind, Message, ReadReport, Session, Source
from deltamem_cli.text.redact import Redactor

OFF_PATH = 1 << 31  # the first number of passages off the path


@dataclass(slots=True)
class Summary:
    """What an ingest did.

    logs: format → files read; not_logs: files of folders that are none; unchanged: logs that are as they were.
    messages, passages: read from the logs, of the kinds asked for; new + duplicates = passages.
    skipped: record type → records that hold no message or are left out by rule. problems: what went wrong, and where.
    redacted: rule → secrets that were replaced in the messages read. pending: logs whose last line was half written.
    encoder: the name of what encoded. letters: language → letters of new messages in it, tools' left out.
    bytes_in: of the logs of this run; bytes_held: of all logs that the memory has read whole; bytes_out: the memory's.
    """

    logs: Counter[str] = field(default_factory=Counter)
    not_logs: int = 0
    unchanged: int = 0
    messages: int = 0
    passages: int = 0
    new: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    problems: list[LogError] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    letters: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_held: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    encoder: str = ""
    saved: bool = False
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is: bytes done of all bytes, the file it is at."""

    done: int
    total: int
    path: str


class Reading:
    """What goes from file to file while logs are read, and what is done with each message: here nothing.

    hashed: whether `end` is to be told the digest of what was read ("" otherwise).
    """

    hashed = False

    def __init__(
        self,
        summary: Summary,
        kinds: tuple[Kind, ...],
        strict: bool,
        redactor: Redactor | None = None,
        all_branches: bool = False,
    ) -> None:
        self.summary, self.kinds, self.strict, self.redactor = summary, kinds, strict, redactor
        self.all_branches = all_branches
        if redactor:
            summary.redacted = redactor.found
        told = ",".join(kinds), str(redactor or ""), "all-branches" if all_branches else ""
        self.settings = ";".join(filter(None, told))

    def known(self, path: str) -> Source | None:
        """What has been read of a log before."""
        return None

    def begin(self, path: str, format: str) -> None:
        """A log has a message, and more may come."""

    def end(self, source: Source) -> None:
        """A log has been read to its end."""

    def session(self, session: Session) -> None:
        """A session of the log, and what the log has told of it."""

    def message(self, source: str, number: int, message: Message) -> int:
        """A message of any kind; `number` passages of its log came before. Returns how many there are after it."""
        return number


def read_files(
    files: list[LogFile], work: Reading, *, format: str | None = None, stdin: BinaryIO | None = None
) -> Iterator[Progress]:
    """Give every message of the files to `work`; what goes wrong is told in its summary, or raised if it is strict."""
    summary = work.summary
    if work.strict and summary.problems:
        raise summary.problems[0]
    total = sum(file.size for file in files)
    done = 0
    for file in files:
        yield Progress(done, total, file.path)
        try:
            for read in _read(file, work, format, stdin):
                yield Progress(min(done + read, done + file.size) if file.size else done + read, total, file.path)
        except NotALog as error:
            if not file.named:
                summary.not_logs += 1
            else:
                _report(error, summary, work.strict)
        except LogError as error:
            _report(error, summary, work.strict)
        done += file.size
        yield Progress(done, total, file.path)


def check_for_logs(paths: list[str], work: Reading) -> None:
    """Report it when not one log was found below the paths."""
    summary = work.summary
    if not (summary.logs or summary.unchanged or summary.problems or summary.interrupted):
        what = "holds no log" if len(paths) == 1 else "hold no logs"
        _report(LogError(", ".join(paths), f"{what} in a format that deltamem knows"), summary, work.strict)


def _read(file: LogFile, work: Reading, format: str | None, stdin: BinaryIO | None) -> Iterator[int]:
    """Take every message of one log; yields the bytes read so far."""
    summary, known = work.summary, work.known(file.path)
    if (
        known
        and known.digest
        and known.settings == work.settings
        and format in (None, known.format)
        and _same(file, known)
    ):
        summary.unchanged += 1
        summary.bytes_in += file.size
        return
    with closing(_Tracked(open_input(file, stdin), work.hashed)) as tracked:
        found, log = open_log(tracked, file.path, format)
        report = ReadReport()
        every = read_log(found, log, report)
        messages = (message for message in every if work.all_branches or not message.off_path)
        try:
            opening = list(islice(messages, 1))
        except LogError as error:
            raise error if format is None else NotALog(file.path, error.why, error.line) from error
        if format and not opening:
            raise NotALog(
                file.path, f"holds no messages in the format {format}; leave out --format to have it detected"
            )
        if opening:
            work.begin(file.path, found)
        told = 0
        for _ in take_all(chain(opening, messages), file.path, work):
            if told != tracked.read_bytes:
                yield (told := tracked.read_bytes)
        digest = tracked.hash.hexdigest() if work.hashed and not report.broken else ""
        if file.path != STDIN:
            work.end(Source(file.path, found, tracked.read_bytes if digest else 0, digest, work.settings))
    summary.logs[found] += 1
    summary.bytes_in += tracked.read_bytes
    summary.skipped.update(report.left_out(work.all_branches))
    if report.pending:
        summary.pending.append(file.path)
    for line, why in report.broken:
        _report(
            LogError(file.path, f"{why}; this record was left out, the others were read", line), summary, work.strict
        )


def take_all(messages: Iterable[Message], source: str, work: Reading) -> Iterator[None]:
    """Take every message of one log; yields after each.

    What is off the path has numbers of its own, above all others: it stands behind the path of its session, and the
    numbers on the path are the same whether it is taken or not.
    """
    number, beside = 0, OFF_PATH
    redact = work.redactor.message if work.redactor else None
    for message in messages:
        if redact:
            message = redact(message)
        work.session(Session(message.session, message.title, message.project))
        if message.kind in work.kinds:
            work.summary.messages += 1
        else:
            work.summary.skipped[f"{message.kind} (not in --kinds)"] += 1
        if message.off_path:
            beside = work.message(source, beside, message)
        else:
            number = work.message(source, number, message)
        yield


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


def _same(file: LogFile, known: Source) -> bool:
    """Whether the file still is what was read of it."""
    if file.path == STDIN or file.size != known.bytes or os.path.exists(f"{file.path}-wal"):
        return False  # a database with a log beside it may have grown although its file has not
    with closing(_Tracked(open_input(file))) as tracked:
        while tracked.read(1 << 20):
            pass
    return tracked.hash.hexdigest() == known.digest


def _report(error: LogError, summary: Summary, strict: bool) -> None:
    if strict:
        raise error
    summary.problems.append(error)
