"""The verbs as methods of one class, for programs: `from deltamem_cli import Memory`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deltamem_cli.errors import UsageError
from deltamem_cli.filters import EVERYTHING, Filters, let_through
from deltamem_cli.records import DEFAULT_KINDS, Answer, Kind, Message, Source
from deltamem_cli.store import open_memory

if TYPE_CHECKING:
    from deltamem_cli.diff import Difference
    from deltamem_cli.draft import Draft
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.forget import Forgotten
    from deltamem_cli.info import Info
    from deltamem_cli.learning import Learning
    from deltamem_cli.query import Searcher
    from deltamem_cli.reading import Summary


class Memory:
    """A memory file. Methods that write change the file as a whole, or not at all.

    Every method raises a DeltaMemError (UsageError, LogError, MemoryFileError) with one sentence for what a person can
    mend: a file that is missing or damaged, another encoder, contradicting arguments.
    """

    def __init__(
        self, path: str | Path, *, model: str = "default", device: str = "auto", learning: Learning | None = None
    ) -> None:
        """The memory at `path`, which need not be there yet. `model` and `device` as `deltamem ingest` takes them.

        learning: how the matrix learns, if it is not there yet; if it is, it must have been made so.
        """
        self.path, self._model, self._device, self._learning = Path(path), model, device, learning

    @classmethod
    def open(cls, path: str | Path, *, model: str = "default", device: str = "auto") -> Memory:
        """A memory that is there. Raises MemoryFileError when it is not, or is none."""
        open_memory(path)
        return cls(path, model=model, device=device)

    def ingest(
        self, *paths: str | Path, kinds: tuple[Kind, ...] = DEFAULT_KINDS, text: bool = True, redact: bool = True
    ) -> Summary:
        """Read logs and folders into the memory; what it knows already is left alone."""
        from deltamem_cli.ingest import ingest
        from deltamem_cli.redact import Redactor

        steps = ingest(
            [os.fspath(path) for path in paths],
            self._draft(text),
            self._writer,
            kinds=kinds,
            device=self._where,
            redactor=Redactor() if redact else None,
        )
        while True:
            try:
                next(steps)
            except StopIteration as stopped:
                self._forget_what_was_open()
                return stopped.value  # type: ignore[no-any-return]

    def add(self, messages: Iterable[Message], name: str, *, text: bool = True) -> Summary:
        """Put messages that a program has at hand into the memory, as the log `name`."""
        from deltamem_cli.ingest import ingest_messages

        source = Source(name, "messages")
        summary = ingest_messages(messages, source, self._draft(text), self._writer, device=self._where)
        self._forget_what_was_open()
        return summary

    def query(
        self, question: str, k: int = 5, *, context: int = 0, filters: Filters = EVERYTHING, history: bool = False
    ) -> Answer:
        """The k passages that answer best, with `history` what each supersedes; `hits` is empty when nothing fits."""
        return self._searcher.ask(question, k, context, filters, history=history)

    def where(self, question: str, k: int = 5, *, filters: Filters = EVERYTHING) -> Answer:
        """The k stretches of sessions (`segments`) that the matrix points to."""
        return self._searcher.where(question, k, filters)

    def info(self) -> Info:
        """What is inside."""
        from deltamem_cli.info import describe

        return describe(open_memory(self.path))

    def diff(self, other: Memory, k: int = 20, *, numbers: bool = False) -> Difference:
        """What changed from this memory to the other."""
        from deltamem_cli.diff import diff

        return diff(open_memory(self.path), open_memory(other.path), k, numbers=numbers)

    def patch(self, other: Memory, path: str | Path) -> Memory:
        """Save the difference to the other as a memory of its own: `self.merge(patch)` is the other."""
        from deltamem_cli.diff import save_patch

        save_patch(open_memory(self.path), open_memory(other.path), path, self._where)
        return Memory(path, model=self._model, device=self._device)

    def merge(self, *others: Memory, into: str | Path) -> Memory:
        """The union of this memory and the others, as a memory at `into`."""
        from deltamem_cli.merge import merge

        merge([open_memory(memory.path) for memory in (self, *others)], into, self._where)
        return Memory(into, model=self._model, device=self._device)

    def forget(self, filters: Filters) -> Forgotten:
        """Take out every passage that the filters let through. Raises UsageError for filters that are empty."""
        from deltamem_cli.forget import forget

        if filters == EVERYTHING:
            raise UsageError(f"{self.path}: no filter given; delete the file to forget everything")
        memory = open_memory(self.path)
        told = forget(memory, let_through(memory, filters), self.path, self._where)
        self._forget_what_was_open()
        return told

    @cached_property
    def _where(self) -> str:
        from deltamem_cli.encoders import pick_device

        return pick_device(self._device)

    @cached_property
    def _writer(self) -> Encoder:
        from deltamem_cli.encoders import load_encoder

        return load_encoder(self._model, device=self._where)

    @cached_property
    def _searcher(self) -> Searcher:
        from deltamem_cli.encoders import load_encoder
        from deltamem_cli.query import Searcher

        return Searcher(open_memory(self.path), load_encoder(self._model, query_only=True))

    def _draft(self, text: bool) -> Draft:
        from deltamem_cli.draft import Draft
        from deltamem_cli.ingest import new_header

        draft = Draft(self.path, new_header(self._writer, text, self._learning), self._writer.mean)
        wanted = asdict(self._learning) if self._learning else None
        draft.check(self._writer.name, self._writer.fingerprint, text=None if text else False, learning=wanted)
        return draft

    def _forget_what_was_open(self) -> None:
        self.__dict__.pop("_searcher", None)
