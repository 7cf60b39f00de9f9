"""BM25 of whole sessions over the terms of a ledger, and how much of a question each passage holds.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), eq. 3.15, with the idf that
never falls below zero (Lucene's). The ledger keeps its terms row by row, so a question scans them once: no index that
could go stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import ledger
from deltamem_cli.memory.ledger import Rows

Floats = NDArray[np.float32]

K1, B = 1.5, 0.75


class Bm25:
    """Scores questions against all sessions and passages of a ledger."""

    def __init__(self, rows: Rows, vocabulary: NDArray[np.uint64], sessions: int) -> None:
        self._rows, self._vocabulary, self._sessions = rows, vocabulary, sessions
        self._lengths = np.bincount(rows.session, rows.length, sessions).astype(np.float32)

    def scores(self, question: Mapping[int, int]) -> tuple[Floats, Floats]:
        """Scores of every session (sessions,), and the share of the question in each passage (N,).

        `question` counts its terms. The share is 1 where a passage holds every term of the question, and weighs each
        term by its idf; terms that the memory does not know count with the highest idf there is.
        """
        known, slots, weights = self._look_up(question)
        rows = self._rows
        slot_of = np.full(len(self._vocabulary) + 1, -1, np.int16)
        slot_of[known] = slots
        at = np.flatnonzero(slot_of[rows.terms] >= 0)
        row, slot, often = np.searchsorted(rows.offsets[1:], at, side="right"), slot_of[rows.terms[at]], rows.counts[at]
        pair = rows.session[row].astype(np.int64) * max(len(weights), 1) + slot
        pairs, inverse = np.unique(pair, return_inverse=True)
        total = np.bincount(inverse, often, len(pairs))
        session, of_session = np.divmod(pairs, max(len(weights), 1))
        scores = np.bincount(session, self._weight(session, of_session, total) * weights[of_session], self._sessions)
        n = len(rows)
        idf = ledger.idf(np.bincount(slot, minlength=len(weights)).astype(np.float64), n)
        unknown = (sum(question.values()) - weights.sum()) * ledger.idf(np.zeros(1), n)[0]
        whole = float(idf @ weights + unknown)
        share = np.bincount(row, idf[slot] * weights[slot], n) / max(whole, 1e-9)
        return scores.astype(np.float32), share.astype(np.float32)

    def _weight(self, session: NDArray[np.int64], slot: NDArray[np.int64], often: NDArray[np.int64]) -> Floats:
        """The BM25 weight of each (session, term) pair."""
        idf = ledger.idf(np.bincount(slot).astype(np.float64), self._sessions)
        average = max(float(self._lengths.mean()), 1.0) if self._sessions else 1.0
        frequency = often.astype(np.float32)
        norm = K1 * (1 - B + B * self._lengths[session] / average)
        return np.asarray(idf[slot] * frequency * (K1 + 1) / (frequency + norm), np.float32)

    def rarity(self, asked: Iterable[int]) -> dict[int, float]:
        """The idf of each of those terms; the highest there is for one that the memory does not know."""
        n, found = len(self._rows), {}
        for term in asked:
            place = int(np.searchsorted(self._vocabulary, np.uint64(term)))
            known = place < len(self._vocabulary) and int(self._vocabulary[place]) == term
            found[term] = float(self.idf[place] if known else ledger.idf(np.zeros(1), n)[0])
        return found

    @cached_property
    def idf(self) -> Floats:
        """The idf of each term of the vocabulary (W,)."""
        return np.asarray(ledger.idf(self._holding.astype(np.float64), len(self._rows)), np.float32)

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
