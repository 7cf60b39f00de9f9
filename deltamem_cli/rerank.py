"""The best candidates of a question, read again: late interaction, and what a dialogue tells about its own passages.

    score = first score + MAXSIM · z(maxsim) − ASKS · asks + ANSWERS · answers + DATED · dated

maxsim   each word of the question meets the token of the passage that is most like it: Σ idf · max cos / Σ idf
         (Khattab & Zaharia, "ColBERT", 2020, eq. 3, with the memory's own encoder; nothing is stored for it)
asks     the passage ends with a question: it seldom holds the answer
answers  the passage before it, in its session, ends with a question
dated    the question is one of time (`when …`, `how long …`), and the passage names one

z is over the candidates; the last three are 0 or 1. Words and signs of time are English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import terms
from deltamem_cli.weights import ANSWERS, ASKS, CANDIDATES, DATED, MAXSIM, READ_TOKENS

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.memory import Memory

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

_OF_TIME = re.compile(r"\s*(when|how long|(in |on |at )?(what|which) (date|day|month|year|time))\b", re.I)
_TIME = re.compile(
    r"\b(yesterday|today|tonight|tomorrow|recently|ago|since|last|next|this (morning|week|weekend|month|year)"
    r"|weekend|week|month|year|(mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|january|february|march|april|may|june|july|august|september|october|november|december|\d{4})\b",
    re.I,
)


def rerank(
    question: str, candidates: Longs, scores: Floats, memory: Memory, encoder: Encoder, rarity: Mapping[int, float]
) -> Floats:
    """New scores (n,) of the candidates: rows of the memory, best first, with their first scores (n,).

    `rarity` is the idf of the question's terms. Only as many candidates are read as CANDIDATES and READ_TOKENS allow,
    and only passages whose text the memory keeps; the others keep their score, but none that comes after all that were
    read passes one of them.
    """
    kept = {} if memory.text is None else {row: memory.text[row] for row in candidates[:CANDIDATES].tolist()}
    kept = {row: text for row, text in kept.items() if text}
    if len(kept) < 2:
        return scores
    read = _maxsim(question, [memory.spoken(row, text) for row, text in kept.items()], encoder, rarity)
    rows, texts = [*kept][: len(read)], [*kept.values()][: len(read)]
    asks = np.array([_asks(text) for text in texts], np.float32)
    answers = np.array([_asks(_before(memory, row)) for row in rows], np.float32)
    dated = np.array([bool(_OF_TIME.match(question) and _TIME.search(text)) for text in texts], np.float32)
    spread = float(read.std()) if rows else 0.0
    close = (read - read.mean()) / spread if spread > 1e-6 else np.zeros(len(rows), np.float32)
    places = np.flatnonzero(np.isin(candidates, rows))
    n = int(places.max(initial=-1)) + 1
    new = scores.copy()
    new[places] += MAXSIM * close - ASKS * asks + ANSWERS * answers + DATED * dated
    new[n:] = np.minimum(new[n:], new[:n].min(initial=np.inf))
    return new


def _maxsim(question: str, texts: Sequence[str], encoder: Encoder, rarity: Mapping[int, float]) -> Floats:
    """MaxSim of the first of the texts (as many as READ_TOKENS allow), 0 to 1; nothing where there are no tokens."""
    sizes = np.minimum(encoder.count_tokens(texts), encoder.max_tokens)
    n = max(int(np.searchsorted(np.cumsum(sizes), READ_TOKENS, side="right")), 2)
    found = encoder.token_vectors([question, *texts[:n]])
    if not found or any(not len(states) for states in found):
        return np.zeros(0, np.float32)
    asked, *passages = found
    weight = _weights(question, encoder, rarity)[: len(asked)]
    mean = np.concatenate(passages).mean(axis=0)
    asked = _unit(asked - mean) * (weight / max(float(weight.sum()), 1e-9))[:, None]
    return np.array([(asked @ _unit(states - mean).T).max(axis=1).sum() for states in passages], np.float32)


def _weights(question: str, encoder: Encoder, rarity: Mapping[int, float]) -> Floats:
    """How much each token of the question counts: the idf of its word, nothing for a stop word (unless all are)."""
    words = list(terms.spans(question))
    weights = [
        max((rarity.get(term, 0.0) for start, end, term in words if start <= at < end), default=0.0)
        for at, _ in encoder.offsets(question)
    ]
    return np.array(weights if any(weights) else [1.0] * len(weights), np.float32)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def _before(memory: Memory, row: int) -> str:
    """The text of the passage before that one in its session, "" where there is none."""
    session = memory.rows.session
    return memory.text[row - 1] if row and session[row - 1] == session[row] and memory.text is not None else ""


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "？"))
