"""Now, not then: which answers to a question were said again, differently, later.

    odds = MEANING · cos(a, b) + WORDS · cos(words of a, words of b) − CROWD · (crowd(a) + crowd(b))
         + FITS · dense(b) + HOLDS · share(b) − BEHIND · behind(a) − TRAILS · behind(b) − DOUBT

of b taking the place of a, both among the best candidates of the question, b later and in another session; words weigh
by their rarity.

crowd    the mean likeness (meaning and half of words) of a passage to what the third to eighth of the sessions next to
         it say: where much is said of one matter, two like passages are no news of each other. Local scaling, as in
         Conneau et al., "Word Translation Without Parallel Data", 2018, eq. 4
dense    the inner product of question and b that first_stage.py has; share: how much of the question's words b holds
behind   how far a is behind the best: 0 for the best, 1 for the last candidate

The two must share a word, and the later one must share one with the question. A question of the past (`did`, `was` …;
English) asks for no present state, and a passage that only asks states nothing.
Both must be the prose of one person (the same speaker, or the one who talks to an assistant) in one project: what an
assistant tells is advice or narration, and a call or a result of a tool states nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import keys
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.weights import BEHIND, CROWD, DOUBT, FITS, HOLDS, MEANING, TRAILS, WORDS
from deltamem_cli.records import KINDS, ROLES

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

COMPARED = 20  # of the best, which may take each other's place
POOL = 100  # passages next to the question, among which a crowd is told
_FAR_BEHIND = 0.3  # for the older one to matter
_USUAL = 0.3  # a crowd where there are too few sessions to tell: the median of haystacks
_SAME = 1.9  # of 2: meaning and words together; more is no change, but the same once more

_PAST = re.compile(r"\b(did|was|were|had)\b", re.I)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ASKING = re.compile(
    r"\W{0,20}((and|but|so|also|hey|ok|okay|well|oh)\W{1,20})?(who|whom|whose|what|when|where|which|why|how|is|are|am|was|were"
    r"|do|does|did|can|could|will|would|shall|should|may|might|have|has|had|any|remind|tell)\b",
    re.I,
)


@dataclass(frozen=True)
class Pairs:
    """What tells whether candidate b (second axis) takes the place of a (first axis), each (n, n)."""

    meaning: Floats
    words: Floats
    crowd: Floats
    fits: Floats
    holds: Floats
    behind: Floats
    trails: Floats
    allowed: NDArray[np.bool_]


def superseded(
    question: str, best: Longs, score: Floats, dense: Floats, share: Floats, idf: Floats, memory: StoredMemory
) -> dict[int, tuple[int, ...]]:
    """Each newest row → the older rows (oldest first) that it takes the place of.

    best: rows, best first; score, dense, share: of every row (N,): what it is ranked by, its inner product with the
    question, its share of the question's words; idf: of every term of the vocabulary (W,). Nothing where the memory
    keeps no text: it tells what only asks.
    """
    if _PAST.search(question) or len(best) < 2:
        return {}
    found = pairs(best[:POOL], score, dense, share, idf, memory)
    if found is None:
        return {}
    odds = (
        MEANING * found.meaning + WORDS * found.words - CROWD * found.crowd
        + FITS * found.fits + HOLDS * found.holds - BEHIND * found.behind - TRAILS * found.trails - DOUBT
    )  # fmt: skip
    odds = np.where(found.allowed, odds, -np.inf)
    later = odds.argmax(axis=1)
    links = {a: int(later[a]) for a in range(len(odds)) if odds[a, later[a]] > 0}
    chains: dict[int, list[int]] = {}
    for a in links:
        newest = a
        while newest in links:  # ends: each link leads to a later time
            newest = links[newest]
        chains.setdefault(int(best[newest]), []).append(int(best[a]))
    time = memory.rows.time
    return {row: tuple(sorted(older, key=lambda other: (time[other], other))) for row, older in chains.items()}


def pairs(pool: Longs, score: Floats, dense: Floats, share: Floats, idf: Floats, memory: StoredMemory) -> Pairs | None:
    """The measures of all pairs of the best candidates; `pool` is those and the passages that follow them."""
    rows, n = memory.rows, min(len(pool), COMPARED)
    if memory.text is None:
        return None
    texts = [memory.text[row] for row in pool[:n].tolist()]
    states = np.array([bool(text) and not only_asks(text) for text in texts])
    if states.sum() < 2:
        return None
    meaning, words = _meanings(memory, pool), _words(memory, pool, idf)
    session, role, speaker, time = (column[pool] for column in (rows.session, rows.role, rows.speaker, rows.time))
    like = np.asarray(meaning + words / 2, np.float32)
    crowded = _crowd(like, session, np.concatenate([states, np.ones(len(pool) - n, bool)]))[:n]
    told = score[pool[:n]]
    behind = (told[states].max() - told) / max(float(told[states].max() - told.min()), 1e-9)
    person = (role[:n] == ROLES.index("user")) & (rows.kind[pool[:n]] == KINDS.index("text"))
    _, project = np.unique([memory.sessions[one].project for one in session[:n]], return_inverse=True)
    time, session, speaker = time[:n], session[:n], speaker[:n]
    allowed = states[:, None] & states & (session[:, None] != session) & (time[:, None] < time)
    allowed &= (time != NO_TIME)[:, None] & person[:, None] & person & (speaker[:, None] == speaker)
    allowed &= (project[:, None] == project) & (behind <= _FAR_BEHIND)[:, None]
    allowed &= meaning[:n, :n] + words[:n, :n] < _SAME
    allowed &= (words[:n, :n] > 0) & (share[pool[:n]] > 0)
    one = np.ones((n, n), np.float32)
    return Pairs(
        meaning[:n, :n], words[:n, :n], crowded[:, None] + crowded,
        one * dense[pool[:n]], one * share[pool[:n]], one * behind[:, None], one * behind, allowed,
    )  # fmt: skip


def only_asks(text: str) -> bool:
    """Whether a passage is nothing but questions (English words open them)."""
    sentences = [part for part in _SENTENCE.split(text.strip()) if part]
    return all(part.endswith(("?", "？")) for part in sentences) and all(map(_ASKING.match, sentences[:1]))


def _crowd(like: Floats, session: NDArray[np.integer], counts: NDArray[np.bool_]) -> Floats:
    """For each passage its mean likeness to the third to eighth of the other sessions next to it (n,).

    Likeness below 0 counts as 0, sessions that are missing as _USUAL.
    """
    names, number = np.unique(session, return_inverse=True)
    best = np.zeros((len(like), len(names)), np.float32)
    np.maximum.at(best.T, number[counts], like[:, counts].T)
    best[np.arange(len(like)), number] = np.inf
    nearest = -np.sort(-best, axis=1)[:, 3:9]
    return np.asarray((nearest.sum(axis=1) + (6 - nearest.shape[1]) * _USUAL) / 6, np.float32)


def _meanings(memory: StoredMemory, pool: Longs) -> Floats:
    """Cosines (n, n) of the passages' meanings."""
    vectors = keys.decode(memory.rows.code[pool], memory.header.dimension)
    return vectors @ vectors.T


def _words(memory: StoredMemory, pool: Longs, idf: Floats) -> Floats:
    """Cosines (n, n) of the passages' words, each weighed by its rarity in the memory."""
    rows = memory.rows.take(pool)
    ids, at = np.unique(rows.terms, return_inverse=True)
    held = np.zeros((len(pool), len(ids)), np.float32)
    held[np.repeat(np.arange(len(pool)), rows.sizes.astype(np.int64)), at] = 1
    held *= np.sqrt(idf[ids])
    held /= np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1e-9)
    return held @ held.T
