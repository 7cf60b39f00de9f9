"""Logs → memory: read, split, leave out what is known, encode the rest, save whole.

A generator: it yields how far it is after every step, so a caller may draw a bar, and returns a Summary at its end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from deltamem_cli.encoders import Encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.encode import Batches
from deltamem_cli.ingest.read_logs import Progress, Reading, Summary, check_for_logs, read_files, take_all
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.learning import Learning
from deltamem_cli.readers.io.paths import LogFile, find_logs
from deltamem_cli.readers.parse.ids import with_ids
from deltamem_cli.records import DEFAULT_KINDS, KINDS, Kind, Message, Passage, Session, Source
from deltamem_cli.text import terms
from deltamem_cli.text.redact import Redactor
from deltamem_cli.text.split import passages

__all__ = ["Progress", "Summary", "Work", "ingest", "ingest_files", "ingest_messages", "new_header", "open_draft"]

WINDOW = 2048  # passages that are sorted by length before they are encoded
_SAVE_AFTER = 120.0  # seconds of work that a crash may cost, at least
_SAVE_ROWS = 1 << 17  # new passages that are held before they are saved: bounds the memory they take
_SAVE_SHARE = 20  # and at most 1/20 of the time goes into saving


def new_header(encoder: Encoder, text: bool, learning: Learning | None = None) -> Header:
    """The header of a memory to be made with that encoder, whose matrix learns as `learning` says (default: `rls`)."""
    made = Header(encoder.name, encoder.fingerprint, encoder.dimension, encoder.max_tokens, text)
    return replace(made, terms=terms.VERSION, **asdict(learning or Learning()))


def open_draft(
    path: str | Path,
    encoder: Encoder,
    *,
    text: bool = True,
    learning: Mapping[str, Any] | None = None,
    budget: int | None = None,
) -> Draft:
    """The memory at `path` as it is, or a new one. `learning` are those fields of Learning that it must have.

    From the next save on the file never exceeds `budget` bytes, if that is given. Raises UsageError or MemoryFileError
    when the memory is there and was made otherwise: with another encoder, another rule, or with its text (text=False).
    """
    draft = Draft(path, new_header(encoder, text, Learning(**(learning or {}))), encoder.mean)
    draft.check(encoder.name, encoder.fingerprint, text=None if text else False, learning=learning)
    draft.keep_to(budget)
    return draft


def ingest(
    paths: list[str],
    draft: Draft,
    encoder: Encoder,
    *,
    format: str | None = None,
    kinds: tuple[Kind, ...] = DEFAULT_KINDS,
    strict: bool = False,
    device: str = "cpu",
    redactor: Redactor | None = None,
    all_branches: bool = False,
    stdin: BinaryIO | None = None,
) -> Generator[Progress, None, Summary]:
    """Read every log below the paths into the draft and save it; the return value says what was done.

    A log that cannot be read goes to `Summary.problems` and the others are ingested; `strict` raises it instead.
    An interrupt (Ctrl-C) saves what is encoded so far and sets `Summary.interrupted`. `redactor` takes out secrets
    before anything is split, encoded or stored. `all_branches` takes messages off the path, too.
    """
    summary = Summary()
    files = find_logs(paths, summary.problems)
    work = Work(draft, encoder, summary, device, kinds, strict, redactor, all_branches)
    yield from ingest_files(files, work, format=format, stdin=stdin)
    check_for_logs(paths, work)
    return summary


def ingest_files(
    files: list[LogFile], work: Work, *, format: str | None = None, stdin: BinaryIO | None = None
) -> Generator[Progress, None, Summary]:
    """As `ingest`, for files that are found already."""
    summary, draft = work.summary, work.draft
    started = time.monotonic()
    try:
        yield from read_files(files, work, format=format, stdin=stdin)
        work.encode()
    except KeyboardInterrupt:
        summary.interrupted = True
        work.abandon()
    if draft.changed and draft.rows:
        work.save()
    summary.bytes_held = sum(source.bytes for source in draft.sources.values())
    summary.bytes_out = os.path.getsize(draft.path) if draft.path.exists() else 0
    summary.seconds = time.monotonic() - started
    return summary


def ingest_messages(
    messages: Iterable[Message], source: Source, draft: Draft, encoder: Encoder, *, device: str = "cpu"
) -> Summary:
    """Put messages that are at hand into the draft as the log `source`, and save it. Missing ids are derived."""
    summary = Summary()
    started = time.monotonic()
    work = Work(draft, encoder, summary, device, KINDS, strict=True)
    draft.place_source(source)
    for _ in take_all(with_ids(messages), source.path, work):
        pass
    work.encode()
    if draft.changed:
        work.save()
    summary.seconds = time.monotonic() - started
    return summary


class Work(Reading):
    """What one ingest carries from file to file: the draft, and the passages that wait to be encoded."""

    hashed = True

    def __init__(
        self,
        draft: Draft,
        encoder: Encoder,
        summary: Summary,
        device: str,
        kinds: tuple[Kind, ...],
        strict: bool,
        redactor: Redactor | None = None,
        all_branches: bool = False,
    ) -> None:
        super().__init__(summary, kinds, strict, redactor, all_branches)
        self.draft, self.encoder, self.device = draft, encoder, device
        self._batches = Batches(draft, encoder, summary, WINDOW)
        self._waiting: list[tuple[str, int, Passage]] = []
        self._saved_at, self._save_took = time.monotonic(), 0.0

    def known(self, path: str) -> Source | None:
        """What the memory has read of a log."""
        return self.draft.sources.get(path)

    def begin(self, path: str, format: str) -> None:
        """Note the log: its passages refer to it. (One that cannot be read at all leaves no trace.)"""
        if path not in self.draft.sources:
            self.draft.place_source(Source(path, format))

    def end(self, source: Source) -> None:
        """Note how far the log was read."""
        self.draft.place_source(source)

    def session(self, session: Session) -> None:
        """Note the session."""
        self.draft.place_session(session)

    def message(self, source: str, number: int, message: Message) -> int:
        """Split the message and take its passages.

        Passages of every kind are counted: what is added later under other --kinds falls into its place.
        """
        for passage in passages(message, self.encoder.max_tokens - 2, self.encoder.offsets):
            if message.kind in self.kinds:
                self.take(source, number, passage)
            number += 1
        return number

    def take(self, source: str, number: int, passage: Passage) -> None:
        """A passage of a log: encoded later with many others, unless the memory knows it."""
        self.summary.passages += 1
        if self.draft.knows(passage.uid):
            self.summary.duplicates += 1
            return
        self.draft.expect(passage.uid)
        self._waiting.append((source, number, passage))
        if len(self._waiting) >= WINDOW:
            self.encode(self._batches.ahead)
            waited = time.monotonic() - self._saved_at
            if waited > max(_SAVE_AFTER, _SAVE_SHARE * self._save_took) or self.draft.unsaved >= _SAVE_ROWS:
                self.encode()  # a log counts as read once it is saved: nothing of it may be on its way
                self.save()

    def encode(self, ahead: int = 0) -> None:
        """Encode all that waits and put it into the draft; `ahead` batches may stay with the workers, if there are any.

        On an interrupt, what is done of it is in the draft.
        """
        if self._waiting:
            self._batches.send(self._waiting)
            self._waiting = []
        self._batches.land(ahead)

    def abandon(self) -> None:
        """Leave out what waits to be encoded; its logs do not count as read, so a later run takes it."""
        for path in {source for source, _, _ in [*self._waiting, *self._batches.left()]}:
            self.draft.place_source(self.draft.sources[path].unread())

    def save(self) -> None:
        """Put the draft on disk."""
        started = time.monotonic()
        self.draft.save(self.device)
        self.summary.saved = True
        self._saved_at = time.monotonic()
        self._save_took = self._saved_at - started
