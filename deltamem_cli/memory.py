"""A memory as a value: a header, and tensors that are fetched when they are first asked for. It knows no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from deltamem_cli import keys
from deltamem_cli.blocks import BlockReader, Bounds
from deltamem_cli.errors import MemoryFileError
from deltamem_cli.ledger import COLUMNS, Rows
from deltamem_cli.matrix import Matrix
from deltamem_cli.records import KINDS, ROLES, Session, Source

STRINGS = ("text", "pointers", "sources", "sessions", "speakers")  # the ledger's columns of strings


@dataclass(frozen=True)
class Header:
    """What a memory is made with and how much it holds: all that `info` must know before it reads a tensor.

    encoder, fingerprint, dimension, window: the sentence encoder, a hash of its weights, its vectors' size, its tokens.
    text: whether the passages' text is kept. first, last: milliseconds since 1970 UTC, None where no log says.
    """

    encoder: str
    fingerprint: str
    dimension: int
    window: int
    text: bool
    passages: int = 0
    sessions: int = 0
    sources: int = 0
    first: int | None = None
    last: int | None = None
    rule: str = "rls"

    @classmethod
    def parse(cls, values: Mapping[str, Any], name: str) -> Header:
        """From the JSON of a file. Raises MemoryFileError when a field is missing or of another type."""
        known: dict[str, Any] = {field.name: values.get(field.name) for field in fields(cls)}
        texts = all(isinstance(known[name], str) for name in ("encoder", "fingerprint", "rule"))
        counts = all(
            type(known[name]) is int and known[name] >= 0
            for name in ("dimension", "window", "passages", "sessions", "sources")
        )
        times = all(known[name] is None or type(known[name]) is int for name in ("first", "last"))
        if not (texts and counts and times and isinstance(known["text"], bool)):
            raise MemoryFileError(f"{name}: its header is damaged; restore the file or ingest again")
        return cls(**known)

    def with_text(self, text: bool) -> Header:
        """The same, keeping text or not."""
        return replace(self, text=text)

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


class Tensors(Mapping[str, NDArray[Any]]):
    """Named arrays, fetched one by one; `piece(name, a, b)` is a part of one without the rest of it."""

    def piece(self, name: str, first: int, end: int) -> NDArray[Any]:
        """array[first:end] of that name."""
        return self[name][first:end]


class Memory:
    """A memory that can be read. `name` is what error messages call it."""

    def __init__(self, header: Header, tensors: Tensors, name: str) -> None:
        self.header, self.tensors, self.name = header, tensors, name

    @cached_property
    def rows(self) -> Rows:
        """The columns of the ledger, checked: every number in them leads somewhere."""
        rows = Rows(**{name: self.tensors[f"ledger.{name}"] for name in (*COLUMNS, "terms", "counts")})
        n, header = len(rows), self.header
        self._expect(n == header.passages, "the number of passages")
        self._expect(all(len(getattr(rows, name)) == n for name in COLUMNS), "the length of a column")
        self._expect(rows.code.shape == (n, -(-header.dimension // 4)), "the size of a code")
        self._expect(int(rows.sizes.sum(dtype=np.int64)) == len(rows.terms) == len(rows.counts), "the number of terms")
        tables = (
            (rows.source, len(self.sources)),
            (rows.session, len(self.sessions)),
            (rows.speaker, len(self.speakers)),
        )
        limits = *tables, (rows.role, len(ROLES)), (rows.kind, len(KINDS)), (rows.terms, len(self.vocabulary))
        self._expect(all(not len(column) or column.max() < limit for column, limit in limits), "a number in a column")
        return rows

    @cached_property
    def vocabulary(self) -> NDArray[np.uint64]:
        """The terms of all passages as sorted hashes."""
        return self.tensors["ledger.vocabulary"]

    @cached_property
    def matrix(self) -> Matrix:
        """The δ-Mem matrix."""
        matrix = Matrix(**{field.name: self.tensors[f"state.{field.name}"] for field in fields(Matrix)})
        n, d = self.header.passages, self.header.dimension + keys.WORDS
        states, segments = len(matrix.states) - 1, len(matrix.segments) - 1
        self._expect(matrix.S.shape == (segments, d) and matrix.S_scale.shape == (segments,), "the size of S")
        self._expect(matrix.F.shape[1:] == (d,) and matrix.F_scale.shape == matrix.F.shape[:1], "the size of F")
        self._expect(matrix.norms.shape == (n,), "the number of norms")
        self._expect(all(len(column) == states for column in (matrix.alpha, matrix.fit, matrix.rank)), "the states")
        self._expect(len(matrix.known) == states + 1 and matrix.known[0] == 0 and matrix.known[-1] == len(matrix.F)
                     and bool(np.all(np.diff(matrix.known) >= 0)), "the bounds of F")  # fmt: skip
        for bounds in (matrix.states, matrix.segments):
            self._expect(bounds[0] == 0 and bounds[-1] == n and bool(np.all(np.diff(bounds) > 0)), "the bounds")
        return matrix

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """The mean (dimension,) that is taken off the encoder's vectors."""
        mean = self.tensors["ledger.mean"]
        self._expect(mean.shape == (self.header.dimension,), "the size of the mean")
        return mean

    @cached_property
    def text(self) -> BlockReader | None:
        """The passages' text, or None when it was not kept."""
        return self._strings("text", self.header.passages) if self.header.text else None

    @cached_property
    def pointers(self) -> BlockReader:
        """JSON pointers to the passages' messages, "" where the line is enough."""
        return self._strings("pointers", self.header.passages)

    @cached_property
    def sources(self) -> list[Source]:
        """The logs it was made from."""
        return self._table("sources", Source)

    @cached_property
    def sessions(self) -> list[Session]:
        """The conversations in it."""
        return self._table("sessions", Session)

    @cached_property
    def speakers(self) -> list[str]:
        """The names of those who speak in it."""
        return list(self._strings("speakers"))

    def _table(self, name: str, record: type) -> list[Any]:
        try:
            return [record(**orjson.loads(line)) for line in self._strings(name)]
        except (TypeError, ValueError) as error:
            raise MemoryFileError(
                f"{self.name}: its table of {name} is damaged; restore the file or ingest again"
            ) from error

    def _strings(self, name: str, length: int | None = None) -> BlockReader:
        bounds = Bounds(self.tensors[f"ledger.{name}.rows"], self.tensors[f"ledger.{name}.bytes"])
        rows, ends = bounds.rows, bounds.bytes
        sound = len(rows) == len(ends) > 0 and rows[0] == ends[0] == 0
        sound = sound and bool(np.all(np.diff(rows) > 0) and np.all(np.diff(ends) > 0))
        self._expect(sound and length in (None, rows[-1]), f"the blocks of {name}")

        def frames(first: int, end: int) -> bytes:
            return self.tensors.piece(f"ledger.{name}.frames", first, end).tobytes()

        return BlockReader(bounds, frames, self.name)

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
    dump: Callable[[Any], bytes] = orjson.dumps
    return [dump(asdict(record)).decode() for record in records]
