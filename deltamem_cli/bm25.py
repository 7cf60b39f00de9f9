"""BM25 over the terms of a ledger, at the grain of passages and of whole sessions.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), eq. 3.15, with the idf that
never falls below zero (Lucene's). The ledger keeps its terms row by row, so a question scans them once: no index that
could go stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.ledger import Rows

Floats = NDArray[np.float32]

K1, B = 1.5, 0.75


class Bm25:
    """Scores questions against all passages and all sessions of a ledger."""

    def __init__(self, rows: Rows, vocabulary: NDArray[np.uint64], sessions: int) -> None:
        self._rows, self._vocabulary, self._sessions = rows, vocabulary, sessions
        self._ends = np.cumsum(rows.sizes, dtype=np.int64)
        self._lengths = rows.length.astype(np.float32)
        self._session_lengths = np.bincount(rows.session, self._lengths, sessions).astype(np.float32)

    def scores(self, question: Mapping[int, int]) -> tuple[Floats, Floats, Floats]:
        """Scores of every passage (N,) and every session (sessions,), and the share of the question in each passage.

        `question` counts its terms. The share (N,) is 1 where a passage holds every term of the question, and weighs
        each term by its idf; terms that the memory does not know count with the highest idf there is.
        """
        known, slots, weights = self._look_up(question)
        rows = self._rows
        slot_of = np.full(len(self._vocabulary) + 1, -1, np.int16)
        slot_of[known] = slots
        at = np.flatnonzero(slot_of[rows.terms] >= 0)
        row, slot, often = np.searchsorted(self._ends, at, side="right"), slot_of[rows.terms[at]], rows.counts[at]
        passage, idf = _score(row, slot, often, self._lengths, len(weights))
        pair = rows.session[row].astype(np.int64) * max(len(weights), 1) + slot
        pairs, inverse = np.unique(pair, return_inverse=True)
        total = np.bincount(inverse, often, len(pairs))
        session_row, session_slot = np.divmod(pairs, max(len(weights), 1))
        session, _ = _score(session_row, session_slot, total, self._session_lengths, len(weights))
        n = len(rows)
        passage_scores = np.bincount(row, passage * weights[slot], n)
        session_scores = np.bincount(session_row, session * weights[session_slot], self._sessions)
        unknown = (sum(question.values()) - weights.sum()) * _idf(np.zeros(1), n)[0]
        whole = float(idf @ weights + unknown)
        share = np.bincount(row, idf[slot] * weights[slot], n) / max(whole, 1e-9)
        return passage_scores.astype(np.float32), session_scores.astype(np.float32), share.astype(np.float32)

    def rarity(self, asked: Iterable[int]) -> dict[int, float]:
        """The idf of each of those terms; the highest there is for one that the memory does not know."""
        n, found = len(self._rows), {}
        for term in asked:
            place = int(np.searchsorted(self._vocabulary, np.uint64(term)))
            known = place < len(self._vocabulary) and int(self._vocabulary[place]) == term
            found[term] = float(self.idf[place] if known else _idf(np.zeros(1), n)[0])
        return found

    @cached_property
    def idf(self) -> Floats:
        """The idf of each term of the vocabulary (W,)."""
        return np.asarray(_idf(self._holding.astype(np.float64), len(self._rows)), np.float32)

    @cached_property
    def _holding(self) -> NDArray[np.int64]:
        """How many passages hold each term of the vocabulary."""
        return np.bincount(self._rows.terms, minlength=len(self._vocabulary))

    def _look_up(self, question: Mapping[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int16], Floats]:
        """The question's known terms: places in the vocabulary, a number for each, how often it is asked."""
        asked = np.array(sorted(question)[:32_000], np.uint64)  # slots are int16
        places = np.searchsorted(self._vocabulary, asked)
        inside = places < len(self._vocabulary)
        inside[inside] = self._vocabulary[places[inside]] == asked[inside]
        weights = np.array([question[int(term)] for term in asked[inside]], np.float32)
        return places[inside], np.arange(len(weights), dtype=np.int16), weights


def _score(
    row: NDArray[np.int64], slot: NDArray[np.integer], often: NDArray[np.generic], lengths: Floats, slots: int
) -> tuple[Floats, Floats]:
    """The BM25 weight of each (document, term) pair, and the idf of each term."""
    n = len(lengths)
    idf = _idf(np.bincount(slot, minlength=slots).astype(np.float64), n)
    average = max(float(lengths.mean()), 1.0) if n else 1.0
    frequency = often.astype(np.float32)
    saturated = frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * lengths[row] / average))
    return np.asarray(idf[slot] * saturated, np.float32), np.asarray(idf, np.float32)


def _idf(documents: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return np.asarray(np.log1p((n - documents + 0.5) / (documents + 0.5)), np.float64)
