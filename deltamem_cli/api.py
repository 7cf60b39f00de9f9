"""The verbs as methods of one class, for programs: `from deltamem_cli import Memory`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deltamem_cli.errors import UsageError
from deltamem_cli.ingest.read_options import DEFAULTS, ReadOptions
from deltamem_cli.memory.file import open_memory
from deltamem_cli.recall.filters import EVERYTHING, Filters, let_through
from deltamem_cli.records import Answer, Message, Source

if TYPE_CHECKING:
    from deltamem_cli.algebra.compact import Compacted
    from deltamem_cli.algebra.diff import Difference
    from deltamem_cli.algebra.forget import Forgotten
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.ingest.draft import Draft
    from deltamem_cli.ingest.summary import Progress, Summary
    from deltamem_cli.memory.info import Info
    from deltamem_cli.memory.learning import Learning
    from deltamem_cli.recall.searcher import Searcher


class Memory:
    """A memory file. Methods that write change the file as a whole, or not at all.

    Every method raises a DeltaMemError (UsageError, LogError, MemoryFileError) with one sentence for what a person can
    mend: a file that is missing or damaged, another encoder, contradicting arguments.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        model: str | None = None,
        device: str = "auto",
        learning: Learning | None = None,
    ) -> None:
        """The memory at `path`, which need not be there yet. model, device: as `deltamem ingest` takes them.

        learning: how the matrix learns, if it is not there yet; if it is, it must have been made so.
        """
        self.path, self._learning = Path(path), learning
        self._model, self._device = model, device

    @classmethod
    def open(cls, path: str | Path, *, model: str | None = None, device: str = "auto") -> Memory:
        """Return a memory that is there. Raises MemoryFileError when it is not, or is none."""
        open_memory(path)
        return cls(path, model=model, device=device)

    def ingest(
        self,
        *paths: str | Path,
        read: ReadOptions = DEFAULTS,
        text: bool = True,
        budget: int | None = None,
        jobs: int = 1,
        progress: Callable[[Progress], object] | None = None,
    ) -> Summary:
        """Read logs and folders into the memory; what it knows already is left alone.

        read: what is taken of the logs. text: keep the passages' text. budget: bytes that the file never exceeds from
        now on. jobs: encode in so many processes. progress: called with how far it is; what it raises ends the ingest,
        a KeyboardInterrupt with what is encoded so far saved.
        """
        from deltamem_cli.encoders.pool import places, spread
        from deltamem_cli.ingest.pipeline import ingest

        with spread(self._writer, places(self._device, jobs)) as encoder:
            draft = self._draft(encoder, text, budget)
            names = [os.fspath(path) for path in paths]
            summary = ingest(names, draft, encoder, read, device=self._where, progress=progress)
        self._forget_what_was_open()
        return summary

    def add(self, messages: Iterable[Message], name: str, *, text: bool = True, budget: int | None = None) -> Summary:
        """Put messages that a program has at hand into the memory, as the log `name`."""
        from deltamem_cli.ingest.pipeline import ingest_messages

        source, draft = Source(name, "messages"), self._draft(self._writer, text, budget)
        summary = ingest_messages(messages, source, draft, self._writer, device=self._where)
        self._forget_what_was_open()
        return summary

    def query(
        self,
        question: str,
        k: int = 5,
        *,
        context: int = 0,
        filters: Filters = EVERYTHING,
        latest: bool = False,
        history: bool = False,
    ) -> Answer:
        """The k passages that answer best, or are nearest where the answer says that nothing `fits`.

        latest: what was said again, differently, later comes first; history: with what it supersedes.
        """
        return self._searcher.ask(question, k, context, filters, latest=latest, history=history)

    def where(self, question: str, k: int = 5, *, filters: Filters = EVERYTHING) -> Answer:
        """Return the k stretches of sessions (`segments`) that the matrix points to."""
        return self._searcher.where(question, k, filters)

    def info(self) -> Info:
        """Return what is inside."""
        from deltamem_cli.memory.info import describe

        return describe(open_memory(self.path))

    def diff(self, other: Memory, k: int = 20, *, numbers: bool = False) -> Difference:
        """Return what changed from this memory to the other."""
        from deltamem_cli.algebra.diff import diff

        return diff(open_memory(self.path), open_memory(other.path), k, numbers=numbers)

    def patch(self, other: Memory, path: str | Path) -> Memory:
        """Save the difference to the other as a memory of its own: `self.merge(patch)` is the other."""
        from deltamem_cli.algebra.diff import save_patch

        save_patch(open_memory(self.path), open_memory(other.path), path, self._where)
        return Memory(path, model=self._model, device=self._device)

    def compact(self, budget: int, into: str | Path | None = None, *, dry_run: bool = False) -> Compacted:
        """Make the memory fit into so many bytes and keep it there, or write one that does to `into`."""
        from deltamem_cli.algebra.compact import compact

        told = compact(open_memory(self.path), budget, into or self.path, self._where, dry_run=dry_run)
        self._forget_what_was_open()
        return told

    def merge(self, *others: Memory, into: str | Path, budget: int | None = None, re_encode: bool = False) -> Memory:
        """Return the union of this memory and the others, as a memory at `into` of at most `budget` bytes.

        re_encode: what another encoder has made is encoded anew by the `model` of this one.
        """
        from deltamem_cli.algebra.merge import merge
        from deltamem_cli.algebra.re_encode import encoder_for, merge_anew

        opened = [open_memory(memory.path) for memory in (self, *others)]
        if re_encode:
            merge_anew(opened, into, encoder_for(opened[0], self._model, self._where), self._where, budget)
        else:
            merge(opened, into, self._where, budget)
        return Memory(into, model=self._model, device=self._device)

    def forget(self, filters: Filters, *, dry_run: bool = False) -> Forgotten:
        """Take out every passage that the filters let through. Raises UsageError for filters that are empty.

        dry_run: only say what would go.
        """
        from deltamem_cli.algebra.forget import forget, measure

        if filters == EVERYTHING:
            raise UsageError(f"{self.path}: no filter given; delete the file to forget everything")
        memory = open_memory(self.path)
        gone = let_through(memory, filters, cautious=True)
        if dry_run or not gone.any():
            return measure(memory, gone)
        told = forget(memory, gone, self.path, self._where)
        self._forget_what_was_open()
        return told

    @cached_property
    def _where(self) -> str:
        from deltamem_cli.encoders.pool import places

        return places(self._device)[0]

    @cached_property
    def _writer(self) -> Encoder:
        from deltamem_cli.encoders import load_encoder

        return load_encoder(self._model or "default", device=self._where)

    @cached_property
    def _searcher(self) -> Searcher:
        from deltamem_cli.encoders import load_encoder
        from deltamem_cli.recall.searcher import Searcher

        return Searcher(open_memory(self.path), load_encoder(self._model or "default", query_only=True))

    def _draft(self, encoder: Encoder, text: bool, budget: int | None) -> Draft:
        from deltamem_cli.ingest.pipeline import open_draft

        learning = asdict(self._learning) if self._learning else None
        return open_draft(self.path, encoder, text=text, learning=learning, budget=budget)

    def _forget_what_was_open(self) -> None:
        self.__dict__.pop("_searcher", None)
