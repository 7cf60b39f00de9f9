"""A memory as a value: a header, and tensors that are fetched when they are first asked for. It knows no files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory import keys
from deltamem_cli.memory import matrix as matrices
from deltamem_cli.memory.columns import COLUMNS
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.ledger import Rows
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.text_blocks import BlockReader, Bounds, plain
from deltamem_cli.records import KINDS, ROLES, Session, Source
from deltamem_cli.rules import rule_named
from deltamem_cli.text import terms

Stamp = tuple[int, int, int]  # inode, size, time of change

_OPENING = 8  # human texts among which one names a session: the first of three words or more
_TITLE = 60  # characters of a session's first text that stand for a title


class Tensors(Mapping[str, NDArray[Any]]):
    """Named arrays, fetched one by one; `piece(name, a, b)` is a part of one without the rest of it."""

    def piece(self, name: str, first: int, end: int) -> NDArray[Any]:
        """array[first:end] of that name."""
        return self[name][first:end]

    def let_go(self) -> None:
        """Take no memory for what was read of a file, until it is read again."""


class StoredMemory:
    """A memory that can be read. `name` is what error messages call it, `stamp` the state its file was in."""

    def __init__(self, header: Header, tensors: Tensors, name: str, stamp: Stamp | None = None) -> None:
        self.header, self.tensors, self.name, self.stamp = header, tensors, name, stamp

    @cached_property
    def rows(self) -> Rows:
        """The columns of the ledger, checked: every number in them leads somewhere."""
        rows = Rows({name: self.column(name) for name in COLUMNS})
        self._expect(int(rows.sizes.sum(dtype=np.int64)) == len(rows.terms) == len(rows.counts), "the number of terms")
        return rows

    def column(self, name: str) -> NDArray[Any]:
        """One column of the ledger, checked as in `rows`, without the others; its default where the file lacks it."""
        about = COLUMNS[name]
        shape = about.shape(self.header.dimension)
        if about.default is not None and f"ledger.{name}" not in self.tensors:
            return np.broadcast_to(np.asarray(about.default, about.dtype), (self.header.passages, *shape))
        column = self._array(f"ledger.{name}", about.dtype, None if about.of_terms else self.header.passages, *shape)
        limit = len(getattr(self, about.table)) if about.table else about.values
        self._expect(limit is None or not len(column) or column.max() < limit, f"a number in {name}")
        return column

    @cached_property
    def vocabulary(self) -> NDArray[np.uint64]:
        """The terms of all passages as sorted hashes."""
        return self._array("ledger.vocabulary", np.uint64, None)

    def knows(self, term: int) -> bool:
        """Whether any passage has that term."""
        place = int(np.searchsorted(self.vocabulary, np.uint64(term)))
        return place < len(self.vocabulary) and int(self.vocabulary[place]) == term

    def asked(self, question: str) -> Counter[int]:
        """How often each term occurs in a question, as this memory's passages became terms."""
        return terms.asked(question, self.knows, self.header.terms)

    @cached_property
    def matrix(self) -> Matrix:
        """The δ-Mem matrix, checked."""
        matrix = Matrix(**{name: self.state(name) for name in matrices.DTYPES})
        for bounds, total, step in (
            (matrix.states, self.header.passages, 1),
            (matrix.segments, self.header.passages, 1),
            (matrix.known, len(matrix.F), 0),
        ):
            sound = len(bounds) > 0 and bounds[0] == 0 and bounds[-1] == total and bool(np.all(np.diff(bounds) >= step))
            self._expect(sound, "the bounds of the matrix")
        states, segments, directions = len(matrix.states) - 1, len(matrix.segments) - 1, len(matrix.F)
        lengths = {"S_scale": len(matrix.S), "F_scale": directions, "known": states + 1}
        lengths |= dict.fromkeys(("alpha", "fit", "rank"), states)
        sound = len(matrix.S) in (0, segments) and all(len(getattr(matrix, name)) == n for name, n in lengths.items())
        rule = rule_named(self.header.rule)
        sound = sound and (rule.has_gain or len(matrix.S) == segments)
        self._expect(sound, "the size of the matrix")
        self._expect(
            rule.counts_fit(np.diff(matrix.known)) and bool(np.isin(matrix.states, matrix.segments).all()),
            "the bounds of the matrix",
        )
        numbers = (matrix.S_scale, matrix.F_scale, matrix.norms, matrix.alpha, matrix.fit)
        finite = all(bool(np.isfinite(column).all()) for column in numbers)
        ridge = (matrix.alpha > 0) == rule.has_gain
        self._expect(finite and bool(np.all(ridge)), "a number of the matrix")
        return matrix

    def state(self, name: str) -> NDArray[Any]:
        """One array of the matrix, of the right type and width, without the others."""
        header = self.header
        shape = matrices.shape(name, rule_named(header.rule), header.passages, header.dimension + keys.WORDS)
        return self._array(f"state.{name}", matrices.DTYPES[name], *shape)

    @cached_property
    def removed(self) -> NDArray[np.uint8]:
        """Of a patch: the uids (n, 16) of the passages that it takes away."""
        if not self.header.patch:
            return np.zeros((0, 16), np.uint8)
        removed = self.tensors["ledger.removed"]
        self._expect(
            removed.ndim == 2 and removed.shape[1] == 16 and removed.dtype == np.uint8, "what the patch removes"
        )
        return removed

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """The mean (dimension,) that is taken off the encoder's vectors."""
        return self._array("ledger.mean", np.float32, self.header.dimension)

    @cached_property
    def text(self) -> BlockReader | None:
        """The passages' text, or None when it was not kept."""
        return self._strings("text", self.header.passages) if self.header.text else None

    def spoken(self, row: int, text: str) -> str:
        """A passage as it is encoded: its text, after the name of the person who said it (split.spoken)."""
        name = self.speakers[self.rows.speaker[row]]
        return f"{name}: {text}" if name and self.rows.role[row] == ROLES.index("user") else text

    @cached_property
    def pointers(self) -> BlockReader:
        """JSON pointers to the passages' messages, "" where the line is enough."""
        return self._strings("pointers", self.header.passages)

    @cached_property
    def sources(self) -> list[Source]:
        """The logs it was made from."""
        return self._table("sources", Source, self.header.sources)

    @cached_property
    def sessions(self) -> list[Session]:
        """The conversations in it."""
        return self._table("sessions", Session, self.header.sessions)

    def title(self, session: int) -> str:
        """Return what a person calls a session: its log's title, else how its first telling human text begins."""
        if self.sessions[session].title:
            return self.sessions[session].title
        column, role, kind = (self.column(name) for name in ("session", "role", "kind"))
        first, end = np.searchsorted(column, (session, session + 1)).tolist()
        human = (role[first:end] == ROLES.index("user")) & (kind[first:end] == KINDS.index("text"))
        said = (np.flatnonzero(human) + first).tolist()[:_OPENING]
        if self.text is None or not said:
            return ""
        openings = [" ".join(self.text[row][:200].split()) for row in said]
        words = next((opening for opening in openings if opening.count(" ") >= 2), openings[0])  # "q" names nothing
        return words if len(words) <= _TITLE else words[:_TITLE].rsplit(" ", 1)[0] + " …"

    @cached_property
    def speakers(self) -> list[str]:
        """The names of those who speak in it."""
        return list(self._strings("speakers").bounded())

    def _table(self, name: str, record: type, length: int) -> list[Any]:
        try:
            entries = [record(**orjson.loads(line)) for line in self._strings(name, length).bounded()]
        except (TypeError, ValueError):
            entries = [None]
        types = {field.name: field.type for field in fields(record)}
        sound = all(
            type(getattr(entry, key, None)).__name__ == kind for entry in entries for key, kind in types.items()
        )
        self._expect(sound and len({getattr(entry, next(iter(types))) for entry in entries}) == length, f"its {name}")
        return entries

    def _strings(self, name: str, length: int | None = None) -> BlockReader:
        bounds = Bounds(*(self._array(f"ledger.{name}.{part}", np.int64, None) for part in ("rows", "bytes")))
        rows, ends = bounds.rows, bounds.bytes
        sound = len(rows) == len(ends) > 0 and rows[0] == ends[0] == 0
        sound = sound and bool(np.all(np.diff(rows) > 0) and np.all(np.diff(ends) > 0))
        length_of_all = len(self._array(f"ledger.{name}.frames", np.uint8, None))
        self._expect(sound and length in (None, rows[-1]) and ends[-1] == length_of_all, f"the blocks of {name}")

        tensors = self.tensors  # and not `self`: the strings may outlive the columns

        def frames(first: int, end: int) -> bytes:
            return tensors.piece(f"ledger.{name}.frames", first, end).tobytes()

        return BlockReader(bounds, frames, self.name)

    def _array(self, name: str, dtype: type[np.generic], *shape: int | None) -> NDArray[Any]:
        """A tensor of that type and shape (None: any length)."""
        array = self.tensors[name]
        sizes = len(array.shape) == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        self._expect(array.dtype == dtype and sizes, f"the tensor {name}")
        return array

    def _expect(self, true: bool, what: str) -> None:
        if not true:
            raise MemoryFileError(
                f"{self.name}: {what} does not fit the rest; the file is damaged: restore it or ingest again"
            )


def string_arrays(name: str, bounds: Bounds) -> dict[str, NDArray[Any]]:
    """The small tensors that go beside the frames of a column of strings."""
    return {f"ledger.{name}.rows": bounds.rows, f"ledger.{name}.bytes": bounds.bytes}


def table_lines(records: Iterable[Source] | Iterable[Session]) -> list[str]:
    """A table as the strings it is stored in."""

    def dump(record: Source | Session) -> str:
        values = {key: plain(value) if isinstance(value, str) else value for key, value in asdict(record).items()}
        return orjson.dumps(values).decode()

    return [dump(record) for record in records]
