"""Logs → memory: read, split, leave out what is known, encode the rest, save whole.

A generator: it yields how far it is after every step, so a caller may draw a bar, and returns a Summary at its end.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import keys
from deltamem_cli.archives import open_file
from deltamem_cli.draft import Draft
from deltamem_cli.encoders import Encoder
from deltamem_cli.errors import LogError, NotALog
from deltamem_cli.inputs import STDIN, LogFile, find_logs
from deltamem_cli.memory import Header
from deltamem_cli.readers import open_log, reader
from deltamem_cli.readers.derived import with_ids
from deltamem_cli.records import DEFAULT_KINDS, KINDS, Kind, Message, Passage, ReadReport, Session, Source
from deltamem_cli.split import passages, spoken

WINDOW = 4096  # passages encoded in one go: enough to sort by length, little enough to hold
_SAVE_AFTER = 120.0  # seconds of work that a crash may cost, at least
_SAVE_SHARE = 20  # and at most 1/20 of the time goes into saving


@dataclass(slots=True)
class Summary:
    """What an ingest did.

    logs: format → files read; not_logs: files of folders that are none; unchanged: logs that are as they were.
    messages, passages: read from the logs, of the kinds asked for; new + duplicates = passages.
    skipped: record type → records that hold no message or are left out by rule. problems: what went wrong, and where.
    """

    logs: Counter[str] = field(default_factory=Counter)
    not_logs: int = 0
    unchanged: int = 0
    messages: int = 0
    passages: int = 0
    new: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problems: list[LogError] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    saved: bool = False
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is: bytes done of all bytes, the file it is at."""

    done: int
    total: int
    path: str


def new_header(encoder: Encoder, text: bool) -> Header:
    """The header of a memory to be made with that encoder."""
    return Header(encoder.name, encoder.fingerprint, encoder.dimension, encoder.max_tokens, text)


def ingest(
    paths: list[str],
    draft: Draft,
    encoder: Encoder,
    *,
    format: str | None = None,
    kinds: tuple[Kind, ...] = DEFAULT_KINDS,
    strict: bool = False,
    device: str = "cpu",
    stdin: BinaryIO | None = None,
) -> Generator[Progress, None, Summary]:
    """Read every log below the paths into the draft and save it; the return value says what was done.

    A log that cannot be read goes to `Summary.problems` and the others are ingested; `strict` raises it instead.
    An interrupt (Ctrl-C) saves what is encoded so far and sets `Summary.interrupted`.
    """
    summary = Summary()
    started = time.monotonic()
    files = find_logs(paths, summary.problems)
    if strict and summary.problems:
        raise summary.problems[0]
    total = sum(file.size for file in files)
    work = _Work(draft, encoder, summary, device, kinds, strict)
    done = 0
    try:
        for file in files:
            yield Progress(done, total, file.path)
            try:
                for read in _read(file, work, format, stdin):
                    yield Progress(min(done + read, done + file.size) if file.size else done + read, total, file.path)
            except NotALog as error:
                if not file.named:
                    summary.not_logs += 1
                else:
                    _report(error, summary, strict)
            except LogError as error:
                _report(error, summary, strict)
            done += file.size
            yield Progress(done, total, file.path)
        work.encode()
        if not (summary.logs or summary.unchanged or summary.problems):
            what = "holds no log" if len(paths) == 1 else "hold no logs"
            _report(LogError(", ".join(paths), f"{what} in a format that deltamem knows"), summary, strict)
    except KeyboardInterrupt:
        summary.interrupted = True
        work.abandon()
    if draft.changed and len(draft):
        work.save()
    summary.bytes_out = os.path.getsize(draft.path) if draft.path.exists() else 0
    summary.seconds = time.monotonic() - started
    return summary


def ingest_messages(
    messages: Iterable[Message], source: Source, draft: Draft, encoder: Encoder, *, device: str = "cpu"
) -> Summary:
    """Put messages that are at hand into the draft as the log `source`, and save it. Missing ids are derived."""
    summary = Summary()
    started = time.monotonic()
    work = _Work(draft, encoder, summary, device, KINDS, strict=True)
    draft.place_source(source)
    for _ in _take_all(with_ids(messages), source.path, work):
        pass
    work.encode()
    if draft.changed:
        work.save()
    summary.seconds = time.monotonic() - started
    return summary


def _report(error: LogError, summary: Summary, strict: bool) -> None:
    if strict:
        raise error
    summary.problems.append(error)


class _Work:
    """What one ingest carries from file to file: the draft, and the passages that wait to be encoded."""

    def __init__(
        self, draft: Draft, encoder: Encoder, summary: Summary, device: str, kinds: tuple[Kind, ...], strict: bool
    ) -> None:
        self.draft, self.encoder, self.summary, self.device = draft, encoder, summary, device
        self.kinds, self.strict = kinds, strict
        self._waiting: list[tuple[str, int, Passage]] = []
        self._codes: dict[str, NDArray[np.uint8]] = {}  # text → code, of this run
        self._saved_at, self._save_took = time.monotonic(), 0.0

    def take(self, source: str, number: int, passage: Passage) -> None:
        """A passage of a log: encoded later with many others, unless the memory knows it."""
        self.summary.passages += 1
        if self.draft.knows(passage.uid):
            self.summary.duplicates += 1
            return
        self.draft.expect(passage.uid)
        self._waiting.append((source, number, passage))
        if len(self._waiting) >= WINDOW:
            self.encode()
            if time.monotonic() - self._saved_at > max(_SAVE_AFTER, _SAVE_SHARE * self._save_took):
                self.save()

    def encode(self) -> None:
        """Encode all that waits, each text once, and put it into the draft."""
        texts = [spoken(passage.message, passage.text) for _, _, passage in self._waiting]
        if len(self._codes) > 16 * WINDOW:
            self._codes.clear()
        fresh = [text for text in dict.fromkeys(texts) if text not in self._codes]
        if fresh:
            rotated = keys.centre(self.encoder.encode(fresh), self.draft.mean)
            self._codes.update(zip(fresh, keys.encode(rotated), strict=True))
        for source in dict.fromkeys(source for source, _, _ in self._waiting):
            mine = [i for i, waiting in enumerate(self._waiting) if waiting[0] == source]
            numbered = [(self._waiting[i][1], self._waiting[i][2]) for i in mine]
            self.draft.add(source, numbered, np.stack([self._codes[texts[i]] for i in mine]))
        self.summary.new += len(texts)
        self._waiting.clear()

    def abandon(self) -> None:
        """Leave out what waits to be encoded; its logs do not count as read, so a later run takes it."""
        for path in {source for source, _, _ in self._waiting}:
            self.draft.place_source(self.draft.sources[path].unread())

    def save(self) -> None:
        """Put the draft on disk."""
        started = time.monotonic()
        self.draft.save(self.device)
        self.summary.saved = True
        self._saved_at = time.monotonic()
        self._save_took = self._saved_at - started


def _read(file: LogFile, work: _Work, format: str | None, stdin: BinaryIO | None) -> Iterator[int]:
    """Take every passage of one log; yields the bytes read so far."""
    settings = ",".join(work.kinds)
    known = work.draft.sources.get(file.path)
    if known and known.digest and known.settings == settings and format in (None, known.format) and _same(file, known):
        work.summary.unchanged += 1
        work.summary.bytes_in += file.size
        return
    with closing(_Tracked(_open(file, stdin))) as tracked:
        found, stream = open_log(tracked, file.path, format)
        report = ReadReport()
        messages = reader(found).read(cast(BinaryIO, stream), file.path, report)
        opening = list(islice(messages, 1))  # a log that cannot be read at all leaves no trace in the memory
        if format and not opening:
            raise LogError(
                file.path, f"holds no messages in the format {format}; leave out --format to have it detected"
            )
        if opening and known is None:
            work.draft.place_source(Source(file.path, found))
        for _ in _take_all(chain(opening, messages), file.path, work):
            yield tracked.read_bytes
        digest = "" if report.broken else tracked.hash.hexdigest()
        if file.path != STDIN:
            work.draft.place_source(Source(file.path, found, tracked.read_bytes if digest else 0, digest, settings))
    summary = work.summary
    summary.logs[found] += 1
    summary.bytes_in += tracked.read_bytes
    summary.skipped.update(report.skipped)
    if report.pending:
        summary.pending.append(file.path)
    for line, why in report.broken:
        _report(LogError(file.path, why, line), summary, work.strict)


def _take_all(messages: Iterable[Message], source: str, work: _Work) -> Iterator[None]:
    """Take every passage of the messages of one log; yields after each message."""
    number = 0  # counts passages of every kind: what is added later under other --kinds falls into its place
    for message in messages:
        work.draft.place_session(Session(message.session, message.title, message.project))
        wanted = message.kind in work.kinds
        if wanted:
            work.summary.messages += 1
        else:
            work.summary.skipped[f"{message.kind} (not in --kinds)"] += 1
        for passage in passages(message, work.encoder.max_tokens - 2, work.encoder.offsets):
            if wanted:
                work.take(source, number, passage)
            number += 1
        yield


class _Tracked:
    """A stream that counts and hashes what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read_bytes = 0
        self.hash = blake2b(digest_size=16)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.read_bytes += len(data)
        self.hash.update(data)
        return data

    def close(self) -> None:
        if self._stream is not sys.stdin.buffer:
            self._stream.close()


def _open(file: LogFile, stdin: BinaryIO | None) -> BinaryIO:
    if file.path == STDIN:
        return stdin or sys.stdin.buffer
    try:
        return open_file(file.path)
    except OSError as error:
        raise LogError(file.path, f"cannot be opened ({error.strerror}); check its permissions") from error


def _same(file: LogFile, known: Source) -> bool:
    """Whether the file still is what was read of it."""
    if file.path == STDIN or file.size != known.bytes or os.path.exists(f"{file.path}-wal"):
        return False  # a database with a log beside it may have grown although its file has not
    with closing(_Tracked(_open(file, None))) as tracked:
        while tracked.read(1 << 20):
            pass
    return tracked.hash.hexdigest() == known.digest
