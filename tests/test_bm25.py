"""BM25: equal to the textbook, and its ranking to bm25s."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ledger import rows_of

from deltamem_cli.memory import ledger
from deltamem_cli.recall.bm25 import K1, B, Bm25

Passage = tuple[int, dict[int, int]]  # session, term → how often
PASSAGES = st.lists(
    st.tuples(st.integers(0, 3), st.dictionaries(st.integers(1, 9), st.integers(1, 4), max_size=5)),
    min_size=1,
    max_size=12,
)


def index(passages: list[Passage], sessions: int = 4) -> Bm25:
    rows, vocabulary = rows_of([(session, 0, 0, i, [*terms]) for i, (session, terms) in enumerate(passages)])
    counts = np.array([n for _, terms in passages for n in terms.values()], np.uint8)
    length = np.array([sum(terms.values()) for _, terms in passages], np.uint16)
    return Bm25(rows.replaced(counts=counts, length=length), vocabulary, sessions)


def textbook(documents: list[Counter[int]], question: dict[int, int]) -> list[float]:
    """Robertson & Zaragoza 2009, eq. 3.15, term by term."""
    n = len(documents)
    average = max(sum(document.total() for document in documents) / n, 1)

    def weight(document: Counter[int], term: int) -> float:
        holding = sum(term in other for other in documents)
        idf = math.log(1 + (n - holding + 0.5) / (holding + 0.5))
        frequency = document[term]
        return idf * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * document.total() / average))

    return [sum(times * weight(document, term) for term, times in question.items()) for document in documents]


@given(PASSAGES, st.dictionaries(st.integers(1, 12), st.integers(1, 3), max_size=6))
def test_scores_are_the_textbooks(passages: list[Passage], question: dict[int, int]) -> None:
    sessions, share = index(passages).scores(question)
    whole = [Counter[int]() for _ in range(4)]
    for session, terms in passages:
        whole[session].update(terms)
    assert sessions == pytest.approx(textbook(whole, question), abs=1e-4)
    for (_, terms), part in zip(passages, share, strict=True):
        assert 0 <= part <= 1 + 1e-6
        assert (part > 1 - 1e-6) == (bool(question) and question.keys() <= terms.keys())
        assert (part == 0) == (not question.keys() & terms.keys())


def test_a_question_of_many_words_is_answered() -> None:
    passages: list[Passage] = [(0, {term: 1 for term in range(1, 9)}), (1, {5: 1})]
    found, share = index(passages).scores({term: 1 for term in range(1, 5000)})
    assert np.isfinite(found).all()
    assert found[0] > found[1] > 0
    assert share[0] < 0.01


def test_the_ranking_is_that_of_bm25s() -> None:
    bm25s = pytest.importorskip("bm25s", reason="the other implementation is not installed (extra: bench)")
    dice = np.random.RandomState(0)
    passages: list[Passage] = [
        (i, dict(Counter(dice.zipf(1.3, dice.randint(3, 40)).clip(max=40).tolist()))) for i in range(300)
    ]
    ids = {term: term - 1 for term in range(1, 41)}
    other = bm25s.BM25(method="lucene", k1=K1, b=B)
    corpus = [[ids[term] for term, often in terms.items() for _ in range(often)] for _, terms in passages]
    other.index(bm25s.tokenization.Tokenized(corpus, {str(term): i for term, i in ids.items()}), show_progress=False)
    mine = index(passages, 300)
    for _ in range(20):
        asked = sorted({int(term) for term in dice.randint(1, 41, 4)})
        expected = other.get_scores([str(term) for term in asked]) * (K1 + 1)  # Lucene leaves the factor out
        assert mine.scores(dict.fromkeys(asked, 1))[0] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_nothing_asked_and_nothing_held() -> None:
    held: list[list[Passage]] = [[(0, {})], [(0, {}), (1, {3: 1})]]
    for passages in held:
        for question in ({}, {7: 1}):
            assert not any(scores.any() for scores in index(passages).scores(question))
    assert ledger.idf(np.array([10.0]), 10)[0] > 0
