"""The best candidates of a question, looked at again: what their text tells.

score = first score + Σ SECOND[part] · part, with the weights of weights.py and these parts of each candidate:

tells time      1 where the question is one of time (`when …`, `how long …`) and the passage names one

and, where people speak among themselves (who asks an assistant is answered by it, and its exchange tells more):

asks            1 where the passage ends with a question: it seldom holds the answer
answers         1 where the passage before it, in its session, ends with a question
maxsim          each word of the question meets the token that is most like it, in the passage or in the end of the
                passage before it: Σ idf · max cos / Σ idf (Khattab & Zaharia, "ColBERT", 2020, eq. 3, with the
                memory's own encoder; nothing is stored for it), as a z score over the candidates that were read
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.exchanges import assisted
from deltamem_cli.recall.weights import BESIDE, CANDIDATES, READ_TOKENS, SECOND
from deltamem_cli.text import terms
from deltamem_cli.text.questions import asks_when, ends_asking
from deltamem_cli.text.time_expressions import names_time

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder
    from deltamem_cli.memory.memory import StoredMemory

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

_SPECIAL = 3  # tokens that an encoder puts around a text, and one for the seam
_REMEMBERED = 1 << 16  # tokens whose states are kept between questions (1.5 KB each)


class Rereader:
    """Looks at candidates again; the states of tokens that one question has read serve the next."""

    def __init__(self, memory: StoredMemory, encoder: Encoder) -> None:
        self._memory, self._encoder = memory, encoder
        self._people = ~assisted(memory.rows)
        self._states: dict[int, Floats] = {}

    def parts(self, question: str, candidates: Longs, rarity: Mapping[int, float]) -> dict[str, Floats]:
        """The parts of SECOND of the first CANDIDATES (m,) of some rows, best first; all 0 without their text.

        `rarity` is the idf of the question's terms.
        """
        rows = candidates[:CANDIDATES].tolist()
        texts = [_text(self._memory, row) for row in rows]
        people = np.array([bool(text) and self._people[row] for row, text in zip(rows, texts, strict=True)], bool)
        of_time = asks_when(question)
        told = {
            "asks": people & np.array([ends_asking(text) for text in texts], bool),
            "answers": people & np.array([ends_asking(_before(self._memory, row)) for row in rows], bool),
            "tells time": np.array([of_time and names_time(text) for text in texts], bool),
        }
        maxsim = np.zeros(len(rows), np.float32)
        places = np.flatnonzero(people)
        read = self._maxsim(question, [rows[place] for place in places], rarity)
        if len(read) > 1 and read.std() > 1e-6:
            maxsim[places[: len(read)]] = (read - read.mean()) / read.std()
        return {name: part.astype(np.float32) for name, part in told.items()} | {"maxsim": maxsim}

    def _maxsim(self, question: str, rows: Sequence[int], rarity: Mapping[int, float]) -> Floats:
        """MaxSim of the first of the rows (as many as READ_TOKENS allow), 0 to 1; nothing where there are no tokens."""
        if len(rows) < 2:
            return np.zeros(0, np.float32)
        encoder = self._encoder
        texts = [_in_context(self._memory, row, encoder) for row in rows]
        sizes = np.minimum(encoder.count_tokens(texts), encoder.max_tokens)
        n = max(int(np.searchsorted(np.cumsum(sizes), READ_TOKENS, side="right")), 2)
        if sum(map(len, self._states.values())) > _REMEMBERED:
            self._states.clear()
        missing = {row: text for row, text in zip(rows[:n], texts, strict=False) if row not in self._states}
        found = encoder.token_vectors([question, *missing.values()])
        if not found or any(not len(states) for states in found):
            return np.zeros(0, np.float32)
        asked, *states = found
        self._states |= dict(zip(missing, states, strict=True))
        passages = [self._states[row] for row in rows[:n]]
        weight = _weights(question, self._memory, encoder, rarity)[: len(asked)]
        mean = np.concatenate(passages).mean(axis=0)
        asked = _unit(asked - mean) * (weight / max(float(weight.sum()), 1e-9))[:, None]
        return np.array([(asked @ _unit(states - mean).T).max(axis=1).sum() for states in passages], np.float32)


def rerank(scores: Floats, parts: Mapping[str, Floats]) -> Floats:
    """New scores (n,) of candidates, best first, from their first scores (n,) and the parts (m,) of the first of them.

    The rest keeps its score, but none of it passes one that was looked at.
    """
    new, m = scores.copy(), len(parts["maxsim"])
    for part, weight in SECOND.items():
        new[:m] += np.float32(weight) * parts[part]
    new[m:] = np.minimum(new[m:], new[:m].min(initial=np.inf))
    return new


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
