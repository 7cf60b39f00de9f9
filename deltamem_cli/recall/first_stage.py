"""Question → scores of all passages of a memory: the matrix, the dense codes, words, place and time together.

    score = Σ FIRST[part] · part, with the weights of weights.py and these parts of each passage:

    share           how much of the question's words it holds, each weighed by its rarity
    dense           its vector with the question's
    matrix          what the matrix reads of its exchange
    bm25 session    BM25 of its whole session
    tool            1 for the calls and results of tools
    edge            1 for the first and the last prose of an exchange: what was asked, and how it ended
    mine            1 for a person's own words, where the question is of the one who asks (`what did I …`)
    when            1 where it was said at the time that the question names (time_expressions.py)

The first four are z scores: less their mean, over their standard deviation, across the memory. Only the question is
encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import exchanges, keys
from deltamem_cli.memory.learning import weights
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.bm25 import Bm25
from deltamem_cli.recall.matrix_scorer import Reads
from deltamem_cli.recall.weights import FIRST
from deltamem_cli.text.questions import asks_of_oneself
from deltamem_cli.text.time_expressions import spans

Floats = NDArray[np.float32]

_KEPT = 200_000  # passages whose decoded vectors are kept between questions (1.5 KB each); more are decoded anew
_CHUNK = 1 << 15


@dataclass(frozen=True, slots=True)
class Scores:
    """What a memory makes of a question: each array has one number a passage (N,), but `segments` one a segment (G,).

    fused: the score. parts: what it is the weighed sum of, by the names of weights.FIRST.
    dense: the inner product of the passage's vector and the question's. share: how much of the question's words,
    weighed by rarity, the passage holds (0 to 1). segments: what the matrix reads.
    explained: how much of the question the matrix knows, 0 to 1 (‖F q‖² of the state that knows most).
    """

    fused: Floats
    parts: dict[str, Floats]
    dense: Floats
    share: Floats
    segments: Floats
    explained: float


class Ranker:
    """Scores questions against one memory; what does not depend on the question is computed once."""

    def __init__(self, memory: StoredMemory) -> None:
        self.memory, self.rows = memory, memory.rows
        self._left = weights(memory.header.half_life, self.rows.time, self.rows.summed)
        self._reads = Reads(memory)
        small = len(self.rows) <= _KEPT
        wide = self.rows.replaced(terms=self.rows.terms.astype(np.intp)) if small else self.rows  # numpy's own indices
        self._bm25 = Bm25(wide, memory.vocabulary, memory.header.sessions)
        self._tool = exchanges.tools(self.rows).astype(np.float32)
        self._edge = exchanges.edges(self.rows).astype(np.float32)

    def key(self, vector: Floats, text: str) -> Floats:
        """The key (d,) of a question: its centred, rotated vector and its words, as a passage's but not quantised."""
        dense = keys.centre(vector[None], self.memory.mean)
        found = np.array(sorted(self.memory.asked(text)), np.uint64)
        words = keys.words(np.array([len(found)]), np.arange(len(found), dtype=np.uint32), found)
        key = keys.join(dense, words)[0]
        return np.asarray(key / max(float(np.linalg.norm(key)), 1e-12), np.float32)

    def scores(self, text: str, vector: Floats, now: datetime | None = None) -> Scores:
        """Scores of a question: its text, and the encoder's unit vector of it (dimension,).

        What it says of time counts from `now`, with a zone: the clock's where none is given.
        """
        key = self.key(vector, text)
        dense = self._products(key[: self.memory.header.dimension])
        segments, explained = self._reads.segments(key)
        bounds = self.memory.matrix.segments
        segments *= self._left[bounds[1:] - 1]
        session, share = self._bm25.scores(self.memory.asked(text))
        parts = {
            "share": _z(share),
            "dense": _z(dense),
            "matrix": _z(np.repeat(segments, np.diff(bounds))),
            "bm25 session": _z(session[self.rows.session]),
            "tool": self._tool,
            "edge": self._edge,
            "mine": self._mine if asks_of_oneself(text) else np.zeros_like(self._edge),
            "when": self._said_when(text, now or datetime.now().astimezone()),
        }
        fused = np.zeros(len(self.rows), np.float32)
        for part, weight in FIRST.items():
            fused += np.float32(weight) * parts[part]
        return Scores(fused, parts, dense, share, segments, float(explained.max(initial=0)))

    def rarity(self, text: str) -> dict[int, float]:
        """The idf of each term of a text."""
        return self._bm25.rarity(self.memory.asked(text))

    @property
    def idf(self) -> Floats:
        """The idf of each term of the memory's vocabulary (W,)."""
        return self._bm25.idf

    def words_of(self, row: int) -> bytes:
        """The terms of a passage and how often each occurs: the same bytes for the same text."""
        of = slice(*self.rows.offsets[row : row + 2].tolist())
        return self.rows.terms[of].tobytes() + self.rows.counts[of].tobytes()

    def _said_when(self, question: str, now: datetime) -> Floats:
        """1 for passages said at a time that the question names, else 0 (N,).

        Where nothing was said then (`last week`, asked of an old log), the newest passage is taken for now.
        """
        time, said = self.rows.time, np.zeros(len(self.rows), np.float32)
        if not self._moments:
            return said
        first, last = self._moments
        years = range(max(first.year, last.year - 100), last.year + 1)
        for clock in (now, last.astimezone(now.tzinfo)):
            for start, end in spans(question, clock, years):
                said[(time >= start) & (time < end)] = 1
            if said.any():
                break
        return said

    @cached_property
    def _moments(self) -> tuple[datetime, datetime] | None:
        """When the first and the last passage were said, as far as the logs tell, and a calendar can."""
        time = self.rows.time[self.rows.time != NO_TIME]
        if not len(time):
            return None
        day = 86_400
        first, last = (
            datetime.fromtimestamp(min(max(int(at) / 1000, -62135596800 + day), 253402300799 - day), UTC)
            for at in (time.min(), time.max())
        )
        return first, last

    @cached_property
    def _mine(self) -> Floats:
        """1 for what a person said to an assistant (N,)."""
        return np.asarray(exchanges.prompts(self.rows) & exchanges.assisted(self.rows), np.float32)

    def _products(self, query: Floats) -> Floats:
        """Inner products of every passage's vector with the dense half of a key, made a unit vector (N,)."""
        query = query / max(float(np.linalg.norm(query)), 1e-12)
        return np.concatenate([np.zeros(0, np.float32), *(vectors @ query for vectors in self._decoded())])

    def _decoded(self) -> Iterator[Floats]:
        n = len(self.rows)
        if n <= _KEPT:
            yield self._dense
            return
        for at in range(0, n, _CHUNK):
            yield keys.decode(self.rows.code[at : at + _CHUNK], self.memory.header.dimension)

    @cached_property
    def _dense(self) -> Floats:
        return keys.decode(self.rows.code, self.memory.header.dimension)


def _z(scores: Floats) -> Floats:
    spread = float(scores.std()) if len(scores) else 0.0
    return np.asarray((scores - scores.mean()) / spread, np.float32) if spread > 1e-12 else np.zeros_like(scores)
