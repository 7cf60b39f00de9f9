"""A question to a memory → the passages, or the stretches of sessions, that answer it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory.hit import hit
from deltamem_cli.memory.ledger import NO_TIME, seconds
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.familiarity import familiarity, signs
from deltamem_cli.recall.filters import EVERYTHING, Filters, let_through
from deltamem_cli.recall.first_stage import Ranker, Scores
from deltamem_cli.recall.rerank import Rereader, rerank
from deltamem_cli.recall.source_text import read_sources
from deltamem_cli.recall.supersede import superseded
from deltamem_cli.recall.weights import UNFAMILIAR
from deltamem_cli.records import Answer, Hit, Segment
from deltamem_cli.text import terms
from deltamem_cli.text.questions import names_matter

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]


class Searcher:
    """Answers questions from one memory; asking many costs the preparations once."""

    def __init__(self, memory: StoredMemory, encoder: Encoder) -> None:
        if (memory.header.fingerprint, memory.header.dimension) != (encoder.fingerprint, encoder.dimension):
            raise MemoryFileError(
                f"{memory.name}: made with the encoder {memory.header.encoder}, not with {encoder.name};"
                f" query it with --model {memory.header.encoder}"
            )
        self.memory, self._encoder = memory, encoder

    @cached_property
    def _ranker(self) -> Ranker:
        return Ranker(self.memory)

    @cached_property
    def _rereader(self) -> Rereader:
        return Rereader(self.memory, self._encoder)

    def ask(
        self,
        question: str,
        k: int = 5,
        context: int = 0,
        filters: Filters = EVERYTHING,
        *,
        latest: bool = False,
        history: bool = False,
    ) -> Answer:
        """The k best passages, each with `context` neighbours on either side; none only when none passes the filters.

        latest: what was said again, differently, later goes before what it supersedes, which says so.
        history: the same, and the later one has the older ones beside it.
        """
        found = self._scores(question)
        if found is None:
            return Answer(question, 0.0)
        allowed = np.flatnonzero(let_through(self.memory, filters))
        level, fits = self._familiarity(found, allowed)
        chains: dict[int, tuple[int, ...]] = {}
        if self._only_lists(question, found, filters):
            best, score, fits = self._said_then(found, allowed), found.fused, len(allowed) > 0
        else:
            best, score = self._order(question, found, allowed)
            if latest or history:
                best, score, chains = self._newest_first(question, found, best, score)
        rows = self._first_of_each_text(best, k)
        newest = {older: row for row, chain in chains.items() for older in chain}
        wanted = {near for row in rows for near in self._near(row, context)}
        texts = self._texts(sorted(wanted))

        def told(row: int) -> Hit:
            return hit(self.memory, row, float(score[row]), texts.get(row))

        hits = []
        for row in rows:
            near = self._near(row, context)
            before, after = (tuple(told(i) for i in near if (i < row) is first and i != row) for first in (True, False))
            older = tuple(told(i) for i in chains.get(row, ())) if history else ()
            later = told(newest[row]) if row in newest else None
            hits.append(replace(told(row), before=before, after=after, superseded_by=later, older=older))
        return Answer(question, level, tuple(hits), fits=fits)

    def where(self, question: str, k: int = 5, filters: Filters = EVERYTHING) -> Answer:
        """The k best segments, from the matrix alone; a segment counts when any of its passages may answer."""
        found = self._scores(question)
        if found is None:
            return Answer(question, 0.0)
        rows = np.flatnonzero(let_through(self.memory, filters))
        level, fits = self._familiarity(found, rows)
        allowed = self._segments_of(rows)
        best = allowed[np.argsort(-found.segments[allowed], kind="stable")][:k]
        return Answer(question, level, (), tuple(self._segment(int(i), found) for i in best), fits)

    def _scores(self, question: str) -> Scores | None:
        if not question.strip() or self.memory.header.passages == 0:
            return None
        return self._ranker.scores(question, self._encoder.encode_query(question))

    def scores(self, question: str) -> Floats:
        """What `ask` ranks by: a score of every passage (N,), the best candidates read again."""
        found = self._scores(question)
        if found is None:
            return np.zeros(len(self.memory.rows), np.float32)
        return self._order(question, found, np.arange(len(self.memory.rows)))[1]

    def _familiarity(self, found: Scores, rows: Longs) -> tuple[float, bool]:
        """How familiar the question is to these rows, and whether anything of them fits well."""
        level = familiarity(signs(found, rows, self._segments_of(rows)))
        return level, len(rows) > 0 and level >= UNFAMILIAR

    def _segments_of(self, rows: Longs) -> Longs:
        """The segments that hold one of these rows."""
        return np.unique(np.searchsorted(self.memory.matrix.segments, rows, side="right") - 1)

    def _only_lists(self, question: str, found: Scores, filters: Filters) -> bool:
        """Whether the question has no matter of its own: only a time that was spoken at, or only filters."""
        then = bool(found.parts["when"].any())
        return (then or filters != EVERYTHING) and not names_matter(question)

    def _said_then(self, found: Scores, rows: Longs) -> Longs:
        """Of these rows those of the time that is named, if it names one; prose first, in the order of the ledger."""
        then, tool = found.parts["when"][rows] > 0, found.parts["tool"][rows]
        return (rows[then] if then.any() else rows)[np.argsort((tool[then] if then.any() else tool), kind="stable")]

    def _order(self, question: str, found: Scores, allowed: Longs) -> tuple[Longs, Floats]:
        """The allowed rows, best first, and the scores (N,) that say so: the best were looked at again."""
        first = allowed[np.argsort(-found.fused[allowed], kind="stable")]
        score = found.fused.copy()
        score[first] = rerank(score[first], self._rereader.parts(question, first, self._ranker.rarity(question)))
        return first[np.argsort(-score[first], kind="stable")], score

    def _newest_first(
        self, question: str, found: Scores, best: Longs, score: Floats
    ) -> tuple[Longs, Floats, dict[int, tuple[int, ...]]]:
        """What supersedes others goes before them: rows and scores (N,) as of `_order`, and what it found.

        Not where the question names a time that passages were said at: it asks of then, not of now.
        """
        if found.parts["when"].any():
            return best, score, {}
        chains = superseded(question, best, score, found.dense, found.share, self._ranker.idf, self.memory)
        score = score.copy()
        for row, older in chains.items():
            score[row] = max(score[row], np.nextafter(score[list(older)].max(), np.float32(np.inf)))
        return best[np.argsort(-score[best], kind="stable")], score, chains

    def _first_of_each_text(self, best: NDArray[np.int64], k: int) -> list[int]:
        """The k best rows; of passages with the same vector and words (said again word for word) only the best."""
        rows, seen, kept = self.memory.rows, set(), []
        for row in map(int, best):
            said = rows.code[row].tobytes() + rows.length[row].tobytes() + self._ranker.words_of(row)
            if said not in seen:
                seen.add(said)
                kept.append(row)
            if len(kept) == k:
                break
        return kept

    def _near(self, row: int, context: int) -> list[int]:
        """The row and `context` rows on either side, of the same session."""
        session = self.memory.rows.session
        near = range(max(row - context, 0), min(row + context + 1, len(session)))
        return [i for i in near if session[i] == session[row]]

    def _texts(self, rows: list[int]) -> dict[int, str]:
        """The text of those rows that have one: from the memory, or from the logs it was made from."""
        kept = self.memory.text
        texts = {row: text for row in rows if kept is not None and (text := kept[row])}
        missing = [row for row in rows if row not in texts and not self.memory.rows.summed[row]]
        return texts | (read_sources(self.memory, missing, self._encoder) if missing else {})

    def _segment(self, segment: int, found: Scores) -> Segment:
        memory, rows = self.memory, self.memory.rows
        first, end = memory.matrix.segments[segment : segment + 2].tolist()
        times = rows.time[first:end][rows.time[first:end] != NO_TIME]
        session = memory.sessions[rows.session[first]]
        return Segment(
            score=float(found.segments[segment]),
            session=session.id,
            title=memory.title(int(rows.session[first])),
            project=session.project,
            source=memory.sources[rows.source[first]].path,
            line=int(rows.line[first]),
            passages=end - first,
            start=seconds(int(times.min())) if len(times) else None,
            end=seconds(int(times.max())) if len(times) else None,
        )


def marks(question: str, text: str) -> list[tuple[int, int]]:
    """Where words of the question stand in the text: (start, end), in order, not overlapping."""
    said = list(terms.spans(text))
    asked = terms.asked(question, {term for _, _, term in said}.__contains__)
    found: list[tuple[int, int]] = []
    for start, end, term in said:
        if term in asked and (not found or start >= found[-1][1]):
            found.append((start, end))
    return found
