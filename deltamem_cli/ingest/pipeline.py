"""Logs → memory: read, split, leave out what is known, encode the rest, save whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from deltamem_cli.encoders import Encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.encode import Batches
from deltamem_cli.ingest.read_logs import Event, LogBegun, LogEnded, check_for_logs, prepared, read_logs
from deltamem_cli.ingest.read_options import ReadOptions
from deltamem_cli.ingest.summary import Progress, Summary
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.learning import Learning
from deltamem_cli.readers.io.paths import STDIN, LogFile, find_logs
from deltamem_cli.readers.parse.ids import with_ids
from deltamem_cli.records import KINDS, Message, Passage, Session, Source
from deltamem_cli.text import terms
from deltamem_cli.text.languages import language_of
from deltamem_cli.text.split import passages

WINDOW = 2048  # passages that are sorted by length before they are encoded
OFF_PATH = 1 << 31  # the first number of passages off the path
_SAVE_AFTER = 120.0  # seconds of work that a crash may cost, at least
_SAVE_ROWS = 1 << 17  # new passages that are held before they are saved: bounds the memory they take
_SAVE_SHARE = 20  # and at most 1/20 of the time goes into saving

Memo = dict[tuple[str, str, int], int]  # (id, kind, hash of the text) of a message → its passages


def new_header(encoder: Encoder, text: bool, learning: Learning | None = None) -> Header:
    """Return the header of a memory to be made with that encoder, whose matrix learns so (default: `rls`)."""
    made = Header(
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        window=encoder.max_tokens,
        text=text,
        terms=terms.VERSION,
    )
    return replace(made, **asdict(learning or Learning()))


def open_draft(
    path: str | Path,
    encoder: Encoder,
    *,
    text: bool = True,
    learning: Mapping[str, Any] | None = None,
    budget: int | None = None,
) -> Draft:
    """Return the memory at `path` as it is, or a new one. `learning` are those fields of Learning that it must have.

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
    options: ReadOptions,
    *,
    device: str = "cpu",
    stdin: BinaryIO | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Summary:
    """Read every log below the paths into the draft, save it, and return what was done.

    A log that cannot be read goes to `Summary.problems` and the others are ingested; strict options raise it instead.
    An interrupt (Ctrl-C) saves what is encoded so far and sets `Summary.interrupted`. `device` is where the matrix
    learns; `progress` is called as the reading goes on.
    """
    summary = Summary()
    files = find_logs(paths, summary.problems)
    run = IngestRun(draft, encoder, options, summary, device=device)
    run.read(files, stdin=stdin, progress=progress)
    check_for_logs(paths, options, summary)
    return summary


def ingest_messages(
    messages: Iterable[Message], source: Source, draft: Draft, encoder: Encoder, *, device: str = "cpu"
) -> Summary:
    """Put messages that are at hand into the draft as the log `source`, and save it. Missing ids are derived."""
    summary = Summary()
    started = time.monotonic()
    options = ReadOptions(kinds=KINDS, strict=True, redact=False)
    run = IngestRun(draft, encoder, options, summary, device=device)
    draft.place_source(source)
    run.take(LogBegun(source.path, source.format))
    for message in prepared(with_ids(messages), options, summary):
        run.take(message)
    run.encode()
    if draft.changed:
        run.save()
    summary.seconds = time.monotonic() - started
    return summary


class IngestRun:
    """One ingest from its first log to its last save: the draft, and the passages that wait to be encoded.

    memo: messages that this process has read before, all of them in the draft: they are counted, not split again.
    """

    def __init__(
        self,
        draft: Draft,
        encoder: Encoder,
        options: ReadOptions,
        summary: Summary,
        *,
        device: str,
        memo: Memo | None = None,
    ) -> None:
        self.draft, self.encoder, self.options, self.summary = draft, encoder, options, summary
        self._device, self._memo = device, memo
        self._log, self._number, self._number_off_path = "", 0, OFF_PATH
        self._batches = Batches(draft, encoder, summary, WINDOW)
        self._waiting: list[tuple[str, int, Passage]] = []
        self._saved_at, self._save_took = time.monotonic(), 0.0

    def read(
        self,
        files: list[LogFile],
        *,
        stdin: BinaryIO | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> None:
        """Read the files, encode what is new in them and save it; on an interrupt, what is encoded so far."""
        draft, summary = self.draft, self.summary
        summary.encoder = self.encoder.name
        started = time.monotonic()
        events = read_logs(files, self.options, summary, known=draft.sources, stdin=stdin, progress=progress)
        try:
            with closing(events):
                for event in events:
                    self.take(event)
            self.encode()
        except KeyboardInterrupt:
            summary.interrupted = True
            self._abandon()
        if draft.changed and draft.rows:
            self.save()
        summary.bytes_held = sum(source.bytes for source in draft.sources.values())
        summary.bytes_out = os.path.getsize(draft.path) if draft.path.exists() else 0
        summary.seconds = time.monotonic() - started

    def take(self, event: Event) -> None:
        """Take the begin of a log, a message of it, or its end."""
        if isinstance(event, LogBegun):
            self._log, self._number, self._number_off_path = event.path, 0, OFF_PATH
            if event.path not in self.draft.sources:  # passages refer to it; one that cannot be read leaves no trace
                self.draft.place_source(Source(event.path, event.format))
        elif isinstance(event, LogEnded):
            if event.source.path != STDIN:  # which cannot be read again
                self.draft.place_source(event.source)
        else:
            self._message(event)

    def _message(self, message: Message) -> None:
        """Split a message and take its passages.

        What is off the path has numbers of its own, above all others: it stands behind the path of its session, and
        the numbers on the path are the same whether it is taken or not. Passages of every kind are counted: what is
        added later under other --kinds falls into its place.
        """
        self.draft.place_session(Session(message.session, message.title, message.project))
        number = self._number_off_path if message.off_path else self._number
        key = message.id, message.kind, hash(message.text)
        if self._memo is None or key not in self._memo:
            count = self._split(message, number)
            if self._memo is not None:
                self._memo[key] = count
        else:
            count = self._memo[key]
            if message.kind in self.options.kinds:
                self.summary.passages += count
                self.summary.duplicates += count
        if message.off_path:
            self._number_off_path = number + count
        else:
            self._number = number + count

    def _split(self, message: Message, number: int) -> int:
        """Take the passages of a message, the first of them with that number; return how many there are."""
        count = 0
        for passage in passages(message, self.encoder.max_tokens - 2, self.encoder.offsets):
            if message.kind in self.options.kinds:
                self._passage(number + count, passage)
            count += 1
        return count

    def _passage(self, number: int, passage: Passage) -> None:
        """Take a passage of the log: encoded later with many others, unless the memory knows it."""
        self.summary.passages += 1
        if self.draft.knows(passage.uid):
            self.summary.duplicates += 1
            return
        self.draft.expect(passage.uid)
        if passage.message.kind == "text":
            self.summary.letters[language_of(passage.text)] += len(passage.text)
        self._waiting.append((self._log, number, passage))
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

    def _abandon(self) -> None:
        """Leave out what waits to be encoded; its logs do not count as read, so a later run takes it."""
        for path in {source for source, _, _ in [*self._waiting, *self._batches.left()]}:
            self.draft.place_source(self.draft.sources[path].unread())

    def save(self) -> None:
        """Put the draft on disk."""
        started = time.monotonic()
        self.draft.save(self._device)
        self.summary.saved = True
        self._saved_at = time.monotonic()
        self._save_took = self._saved_at - started
