"""A memory being written: what was there, and what came new, until it is saved as one whole file.

New rows are held as columns; their text goes to a temporary file, compressed, so that memory use does not grow with it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.assemble import Part, assemble, part_of
from deltamem_cli.build.redundant_summaries import covered
from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.memory import file as store
from deltamem_cli.memory import ledger
from deltamem_cli.memory.columns import NewRow, of_passages, of_terms
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.ledger import Rows
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.memory.text_blocks import BlockReader, BlockWriter
from deltamem_cli.records import Passage, Session, Source
from deltamem_cli.text import terms
from deltamem_cli.text.split import spoken

_LONGEST_NAME = 200  # characters of a session's title or a speaker's name: longer ones are not names


class Draft:
    """Open `path` if it is there, take passages, and save. `header` says how a new memory is made.

    rows: how many passages it would save.
    """

    def __init__(self, path: str | Path, header: Header, mean: NDArray[np.float32]) -> None:
        self.path = Path(path)
        store.check_place(path)
        base = store.open_memory(path) if os.path.exists(path) else None
        self.header, self.mean = (base.header, base.mean) if base else (header, mean)
        self.sources: dict[str, Source] = {}
        self.sessions: dict[str, Session] = {}
        self._begin(base)

    def _begin(self, base: StoredMemory | None) -> None:
        """Start from the memory as it is on disk, with nothing new. Of its rows only the uids stay in memory."""
        self._stamp = base.stamp if base else None
        self._budget = base.header.budget if base else None
        if base:
            self.header = base.header
            self.sources |= {source.path: source for source in base.sources}
            self.sessions |= {session.id: session for session in base.sessions}
        self._sources = {path: i for i, path in enumerate(self.sources)}
        self._sessions = {name: i for i, name in enumerate(self.sessions)}
        self._speakers = {name: i for i, name in enumerate(base.speakers if base else [])}
        self._uids = {uid.tobytes() for uid in base.column("uid")} if base else set()
        self.rows = self._saved = len(self._uids)
        self._new: list[tuple[Rows, NDArray[np.uint64]]] = []
        self._tables = (list(self.sources.values()), list(self.sessions.values()))
        beside = os.path.dirname(os.path.realpath(self.path))  # the system's own temporary folder is often in memory
        self._text, self._pointers = _Spool(beside), _Spool(beside)

    def check(
        self, encoder: str, fingerprint: str, *, text: bool | None = None, learning: Mapping[str, Any] | None = None
    ) -> None:
        """Raise when a memory that is there was made otherwise: with another encoder, or with its text (text=False).

        `learning` are those fields of Learning that must be as given.
        """
        if self.header.fingerprint != fingerprint:
            raise MemoryFileError(
                f"{self.path}: made with the encoder {self.header.encoder}, not with {encoder}; "
                f"use --model {self.header.encoder}, or another file with -o"
            )
        if self.header.patch:
            raise UsageError(f"{self.path}: is a patch; merge it with its memory first (deltamem merge)")
        if text is False and self.header.text:
            raise UsageError(f"{self.path}: keeps its text; leave out --no-text, or make another memory with -o")
        if replace(self.header.learning, **(learning or {})) != self.header.learning:
            raise UsageError(
                f"{self.path}: learned by {self.header.learning}; leave out --rule and --half-life, "
                "or make another memory with -o"
            )

    def keep_to(self, budget: int | None) -> None:
        """Let the file never exceed so many bytes from the next save on; None leaves it as it is."""
        if budget is not None:
            self.header = replace(self.header, budget=budget)

    def knows(self, uid: bytes) -> bool:
        """Return whether a passage is in the memory already, or among the new ones."""
        return uid in self._uids

    def expect(self, uid: bytes) -> None:
        """Count a passage that will be added as known from now on."""
        self._uids.add(uid)

    def place_source(self, source: Source) -> None:
        """Add a log to the memory's sources, or replace what is known of it."""
        self.sources[source.path] = source
        self._sources.setdefault(source.path, len(self._sources))

    def place_session(self, session: Session) -> None:
        """Add a session, or learn its title and project; what is known already stays unless the new one says more."""
        old = self.sessions.get(session.id, session)
        title, project = session.title[:_LONGEST_NAME], session.project[:_LONGEST_NAME]
        self.sessions[session.id] = Session(session.id, title or old.title, project or old.project)
        self._sessions.setdefault(session.id, len(self._sessions))

    def add(self, source: str, numbered: list[tuple[int, Passage]], codes: NDArray[np.uint8]) -> None:
        """Take passages of one log with their running numbers in it, and their codes (n, ⌈d/4⌉)."""
        if not numbered:
            return
        new = [
            NewRow(
                passage,
                number,
                source=self._sources[source],
                session=self._sessions[passage.message.session],
                speaker=self._number(passage.message.speaker[:_LONGEST_NAME]),
                code=code,
                terms=terms.count(spoken(passage.message, passage.text), self.header.terms),
            )
            for (number, passage), code in zip(numbered, codes, strict=True)
        ]
        hashes = [term for row in new for term in row.terms]
        vocabulary, places = np.unique(np.array(hashes, np.uint64), return_inverse=True)
        columns = {column.name: np.array([column.fill(row) for row in new], column.dtype) for column in of_passages()}
        for column in of_terms():
            values = places if column.table == "vocabulary" else [value for row in new for value in column.fill(row)]
            columns[column.name] = np.asarray(values, column.dtype)
        rows = Rows(columns)
        for _, passage in numbered:
            self._text.add(passage.text if self.header.text else "")
            self._pointers.add(passage.message.pointer)
        self.rows += len(rows)
        self._new.append((rows, vocabulary))  # last: strings of an interrupted call stay without rows and do no harm

    def _number(self, speaker: str) -> int:
        return self._speakers.setdefault(speaker, len(self._speakers))

    @property
    def unsaved(self) -> int:
        """How many passages are new since the file was opened or saved: their columns are in memory."""
        return self.rows - self._saved

    @property
    def changed(self) -> bool:
        """Whether saving would change the file."""
        tables = list(self.sources.values()), list(self.sessions.values())
        return bool(self._new) or self._tables != tables or self._budget != self.header.budget

    @property
    def stale(self) -> bool:
        """Whether another program has changed the file since this draft opened or saved it."""
        return store.stamp(self.path) != self._stamp

    def save(self, device: str = "cpu") -> None:
        """Write the memory with all that is new. Afterwards the draft goes on from there."""
        if self.stale:
            raise UsageError(f"{self.path}: another program changed it meanwhile; run the same command again")
        parts = [part_of(store.open_memory(self.path))] if self._stamp else []
        parts.append(self._new_part())
        needless = covered(parts, np.arange(sum(len(part.rows) for part in parts)))
        chosen = np.flatnonzero(~needless) if needless.any() else None
        assemble(
            self.path,
            self.header,
            self.mean,
            parts,
            sources=self.sources.values(),
            sessions=self.sessions.values(),
            chosen=chosen,
            device=device,
            expected=self._stamp,
        )
        self._begin(store.open_memory(self.path))

    def _new_part(self) -> Part:
        """All that is new. The draft keeps it until the file holds it: a save that is interrupted is done again."""
        rows, vocabulary = ledger.unify(self._new or [(ledger.blank(0, self.header.dimension), np.zeros(0, np.uint64))])
        self._new = [(rows, vocabulary)]
        return Part(
            rows=rows,
            vocabulary=vocabulary,
            sources=list(self._sources),
            sessions=list(self._sessions),
            speakers=list(self._speakers),
            text=self._text.finish() if self.header.text else None,
            pointers=self._pointers.finish(),
        )


class _Spool:
    """Strings on their way to disk, in the order they came."""

    def __init__(self, folder: str) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, prefix=".deltamem-")  # noqa: SIM115  # deleted with this object
        self._writer = BlockWriter(self._file.write)
        self.add = self._writer.add

    def finish(self) -> BlockReader:
        """Return all of them, to be read back."""

        def frames(first: int, end: int) -> bytes:
            self._file.seek(first)
            return self._file.read(end - first)

        return BlockReader(self._writer.finish(), frames, "a temporary file")
