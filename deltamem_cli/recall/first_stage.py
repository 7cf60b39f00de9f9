"""Question → scores of all passages of a memory: the matrix, the dense codes, BM25, neighbours and sessions together.

    score = Σ FIRST[part] · part, with the weights of weights.py and these parts of each passage:

    share           how much of the question's words it holds, each weighed by its rarity
    dense           its vector with the question's
    beside          share and dense of the two passages beside it, in its session
    matrix          what the matrix reads there                    matrix session   the best of that in its session
    bm25 session    BM25 of its whole session
    when            1 where it was said at the time that the question names (when.py)
    tool            1 for the calls and results of tools

All but the last two are z scores: less their mean, over their standard deviation, across the memory (`matrix session`:
across sessions). Only the question is encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import keys, matrix
from deltamem_cli.memory.learning import weights
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.matrix import joined, with_neighbours
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.bm25 import Bm25
from deltamem_cli.recall.matrix_scorer import Reads, Words
from deltamem_cli.recall.weights import FAMILIAR, FIRST
from deltamem_cli.records import KINDS
from deltamem_cli.text.time_expressions import spans

Floats = NDArray[np.float32]

_KEPT = 200_000  # passages whose decoded vectors are kept between questions (1.5 KB each); more are decoded anew
_CHUNK = 1 << 15
_FAINT = 0.02  # reads under this are noise


@dataclass(frozen=True, slots=True)
class Scores:
    """What a memory makes of a question: each array has one number a passage (N,), but `segments` one a segment (G,).

    fused: the score. parts: what it is the weighed sum of, by the names of weights.FIRST.
    share: how much of the question's words, weighed by rarity, the passage holds (0 to 1).
    familiarity: 0 to 1, how well the matrix knows what is asked about.
    """

    fused: Floats
    parts: dict[str, Floats]
    matrix: Floats
    dense: Floats
    share: Floats
    segments: Floats
    familiarity: float


class Ranker:
    """Scores questions against one memory; what does not depend on the question is computed once."""

    def __init__(self, memory: StoredMemory) -> None:
        self.memory = memory
        self.rows, self._matrix, self._rule = memory.rows, memory.matrix, memory.header.rule
        self._alpha = np.where(self._matrix.alpha > 0, self._matrix.alpha, np.float32(1))
        self._left = weights(memory.header.half_life, self.rows.time, self.rows.summed)
        self._reads = Reads(self._matrix, self._rule)
        small = len(self.rows) <= _KEPT
        wide = self.rows.replaced(terms=self.rows.terms.astype(np.intp)) if small else self.rows  # numpy's own indices
        self._words = Words(wide, memory.vocabulary, self._matrix.states)
        self._bm25 = Bm25(wide, memory.vocabulary, memory.header.sessions)
        self._same_session = joined(self.rows.session)
        self._is_tool = np.isin(self.rows.kind, [KINDS.index("tool_call"), KINDS.index("tool_result")]).astype(
            np.float32
        )

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
        gain, explained = self._reads.gains(key)
        lean = len(self._matrix.S) == 0
        segments = np.zeros(0, np.float32) if lean else self._reads.segments(key) * self._compared(gain)
        dense, read = self._read(key, gain, segments)
        segments = self._best_of_segment(read) if lean else segments
        best = self._best(read)  # before anything fades: what is old is no stranger
        read, segments = read * self._left, segments * self._left[self._matrix.segments[1:] - 1]
        session, share = self._bm25.scores(self.memory.asked(text))
        parts = {
            "share": _z(share),
            "dense": _z(dense),
            "matrix": _z(read),
            "matrix session": self._best_of_session(read),
            "bm25 session": _z(session[self.rows.session]),
            "when": self._said_when(text, now or datetime.now().astimezone()),
            "tool": self._is_tool,
        }
        near = parts["share"] + parts["dense"]
        parts["beside"] = with_neighbours(near, self._same_session, 1.0) - near
        fused = np.zeros(len(self.rows), np.float32)
        for part, weight in FIRST.items():
            fused += np.float32(weight) * parts[part]
        ratio = matrix.familiarity_ratio(self._matrix, explained)
        by_ratio, by_read, offset = FAMILIAR[self._rule]
        odds = by_ratio * ratio + by_read * np.log(max(best, _FAINT)) + offset
        familiarity = float(1 / (1 + np.exp(-odds)))
        return Scores(fused, parts, read, dense, share, segments, familiarity)

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

    def _read(self, key: Floats, gain: Floats, segments: Floats) -> tuple[Floats, Floats]:
        """Flat inner products with the dense part (N,), and the matrix read at the grain of passages (N,).

        A rule without a P reads a passage as its segment.
        """
        n, d = len(self.rows), self.memory.header.dimension
        flat, read = np.empty(n, np.float32), np.empty(n, np.float32)
        words = self._words.read(gain[:, d:])
        for state, (first, end) in enumerate(pairwise(self._matrix.states.tolist())):
            query = np.stack([key[:d], gain[state, :d]], axis=1)
            both = np.concatenate([codes @ query for codes in self._decoded(first, end)])
            flat[first:end] = both[:, 0]
            beside = self._same_session[first : end - 1]
            raw = with_neighbours((both[:, 1] + words[first:end]) / np.float32(np.sqrt(2)), beside, matrix.NEIGHBOUR)
            read[first:end] = raw / max(float(np.linalg.norm(gain[state])) * float(self._alpha[state]), 1e-12)
        if self._rule != "rls":
            return flat, np.repeat(segments, np.diff(self._matrix.segments))
        read /= np.maximum(self._matrix.norms.astype(np.float32), np.float32(1e-6))
        return flat, read

    def _compared(self, gain: Floats) -> Floats:
        """What makes cosines of segments compare (G,): ‖P q‖ α of the state that knows most, over that of their own."""
        left = np.maximum(np.linalg.norm(gain, axis=1) * self._alpha, np.float32(1e-12))
        of = np.searchsorted(self._matrix.states, self._matrix.segments[:-1], side="right") - 1
        factor = np.min(left, initial=np.inf) / left
        return np.asarray(factor[of], np.float32)

    def _best(self, read: Floats) -> float:
        """The best read, times α of its state, 3 at most: to such reads the numbers of FAMILIAR were fitted."""
        if not len(read):
            return 0.0
        row = int(read.argmax())
        state = int(np.searchsorted(self._matrix.states, row, side="right")) - 1
        return float(read[row]) * min(float(self._alpha[state]), 3.0)

    def _best_of_segment(self, read: Floats) -> Floats:
        """For every segment the best read of its passages (G,): what stands for S q where S is not kept."""
        return np.maximum.reduceat(read, self._matrix.segments[:-1]) if len(read) else read

    def _best_of_session(self, read: Floats) -> Floats:
        """For every passage the best read of its session, as a z score across sessions (N,)."""
        best = np.full(self.memory.header.sessions, -np.inf, np.float32)
        np.maximum.at(best, self.rows.session, read)
        spoken = np.isfinite(best)  # a session may have lost its last passage
        return np.asarray(_z(best[spoken])[np.cumsum(spoken)[self.rows.session] - 1], np.float32)

    def _decoded(self, first: int, end: int) -> Iterator[Floats]:
        if len(self.rows) <= _KEPT:
            yield self._dense[first:end]
            return
        for at in range(first, end, _CHUNK):
            yield keys.decode(self.rows.code[at : min(at + _CHUNK, end)], self.memory.header.dimension)

    @cached_property
    def _dense(self) -> Floats:
        return keys.decode(self.rows.code, self.memory.header.dimension)


def _z(scores: Floats) -> Floats:
    spread = float(scores.std()) if len(scores) else 0.0
    return np.asarray((scores - scores.mean()) / spread, np.float32) if spread > 1e-12 else np.zeros_like(scores)
