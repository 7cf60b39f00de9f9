"""The best candidates of a question, read again: late interaction, and what a dialogue tells about its own passages.

score = first score + Σ SECOND[part] · part, with the weights of weights.py and these parts of each candidate:

maxsim          each word of the question meets the token that is most like it, in the passage or in the end of the
                passage before it: Σ idf · max cos / Σ idf (Khattab & Zaharia, "ColBERT", 2020, eq. 3, with the
                memory's own encoder; nothing is stored for it), as a z score over the candidates
when            as in the first score (rank.py), once more
asks            1 where the passage ends with a question: it seldom holds the answer
answers         1 where the passage before it, in its session, ends with a question
tells time      1 where the question is one of time (`when …`, `how long …`) and the passage names one; English
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.recall.weights import BESIDE, CANDIDATES, READ_TOKENS, SECOND
from deltamem_cli.text import terms
from deltamem_cli.text.time_expressions import names_time

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.memory.memory import StoredMemory

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

_SPECIAL = 3  # tokens that an encoder puts around a text, and one for the seam

_OF_TIME = re.compile(r"\s{0,9}(when|how long|(in |on |at )?(what|which) (date|day|month|year|time))\b", re.I)


@dataclass(frozen=True)
class Seconds:
    """The rows that were read again, best first, and what that told of them: (m,) by the names of weights.SECOND."""

    rows: list[int]
    parts: dict[str, Floats]


def reread(
    question: str,
    candidates: Longs,
    parts: Mapping[str, Floats],
    memory: StoredMemory,
    encoder: Encoder,
    rarity: Mapping[int, float],
) -> Seconds:
    """Reads the best of the candidates again: rows of the memory, best first.

    `parts` are those of the first score, for every row of the memory (N,); `rarity` is the idf of the question's terms.
    Only as many are read as CANDIDATES and READ_TOKENS allow, and only passages whose text the memory keeps; none where
    there are fewer than two to compare.
    """
    kept = {} if memory.text is None else {row: memory.text[row] for row in candidates[:CANDIDATES].tolist()}
    kept = {row: text for row, text in kept.items() if text}
    read = _maxsim(question, [*kept], memory, encoder, rarity) if len(kept) > 1 else np.zeros(0, np.float32)
    rows, texts = [*kept][: len(read)], [*kept.values()][: len(read)]
    spread = float(read.std()) if rows else 0.0
    of_time = _OF_TIME.match(question) is not None
    told = {
        "maxsim": (read - read.mean()) / spread if spread > 1e-6 else np.zeros(len(rows), np.float32),
        "asks": np.array([_asks(text) for text in texts], np.float32),
        "answers": np.array([_asks(_before(memory, row)) for row in rows], np.float32),
        "tells time": np.array([of_time and names_time(text) for text in texts], np.float32),
    }
    return Seconds(rows, told | {part: parts[part][rows] for part in SECOND if part in parts})


def rerank(candidates: Longs, scores: Floats, seconds: Seconds) -> Floats:
    """New scores (n,) of the candidates, best first, with their first scores (n,) and what reading some again told.

    What was not read keeps its score, but none that comes after all that were read passes one of them.
    """
    places = np.flatnonzero(np.isin(candidates, seconds.rows))
    n = int(places.max(initial=-1)) + 1
    new = scores.copy()
    for part, weight in SECOND.items():
        new[places] += np.float32(weight) * seconds.parts[part]
    new[n:] = np.minimum(new[n:], new[:n].min(initial=np.inf))
    return new


def _maxsim(
    question: str, rows: Sequence[int], memory: StoredMemory, encoder: Encoder, rarity: Mapping[int, float]
) -> Floats:
    """MaxSim of the first of the rows (as many as READ_TOKENS allow), 0 to 1; nothing where there are no tokens."""
    texts = [_in_context(memory, row, encoder) for row in rows]
    sizes = np.minimum(encoder.count_tokens(texts), encoder.max_tokens)
    n = max(int(np.searchsorted(np.cumsum(sizes), READ_TOKENS, side="right")), 2)
    found = encoder.token_vectors([question, *texts[:n]])
    if not found or any(not len(states) for states in found):
        return np.zeros(0, np.float32)
    asked, *passages = found
    weight = _weights(question, memory, encoder, rarity)[: len(asked)]
    mean = np.concatenate(passages).mean(axis=0)
    asked = _unit(asked - mean) * (weight / max(float(weight.sum()), 1e-9))[:, None]
    return np.array([(asked @ _unit(states - mean).T).max(axis=1).sum() for states in passages], np.float32)


def _weights(question: str, memory: StoredMemory, encoder: Encoder, rarity: Mapping[int, float]) -> Floats:
    """How much each token of the question counts: the idf of its word; a stop word or sign half of what others do."""
    words = list(terms.asked_spans(question, memory.knows, memory.header.terms))
    told = np.array(
        [
            max((rarity.get(term, 0.0) for start, end, term in words if start <= at < end), default=0.0)
            for at, _ in encoder.offsets(question)
        ],
        np.float32,
    )
    counts = told > 0
    return np.where(counts, told, told[counts].mean() / 2) if counts.any() else np.ones_like(told)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def _in_context(memory: StoredMemory, row: int, encoder: Encoder) -> str:
    """The passage as it was encoded, after the last BESIDE tokens of the one before it where the window has room."""
    text = memory.spoken(row, _text(memory, row))
    room = min(encoder.max_tokens - encoder.count_tokens([text])[0] - _SPECIAL, BESIDE)
    if room < 1 or not (before := _before(memory, row)):
        return text
    before = memory.spoken(row - 1, before)
    tail = encoder.offsets(before)[-room:]
    return f"{before[tail[0][0] :]} {text}" if tail else text


def _before(memory: StoredMemory, row: int) -> str:
    """The text of the passage before that one in its session, "" where there is none."""
    session = memory.rows.session
    return _text(memory, row - 1) if row and session[row - 1] == session[row] else ""


def _text(memory: StoredMemory, row: int) -> str:
    return memory.text[row] if memory.text is not None else ""


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "？"))
