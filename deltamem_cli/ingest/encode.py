"""Passages on their way through the encoder into the draft: each text once, long with long, in the order they came.

With several workers some batches are on their way at once. Lists of texts, and so vectors, are the same as with one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.encoders import Encoder
from deltamem_cli.encoders.pool import Pool
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.summary import Summary
from deltamem_cli.memory import keys
from deltamem_cli.records import Passage
from deltamem_cli.text.split import spoken

_STEP = 256  # texts encoded at once: what an interrupt can cost
_TEXTS_KEPT = 32768  # texts whose codes are kept, so that a text is encoded once

Placed = tuple[str, int, Passage]  # source, running number in it
Codes = dict[str, NDArray[np.uint8] | None]  # None: on its way


@dataclass
class _Batch:
    """Passages and their texts; `steps` are lists of texts with their vectors, as they come, `codes` where they go."""

    passages: list[Placed]
    texts: list[str]
    steps: Iterator[tuple[list[str], NDArray[np.float32]]]
    codes: Codes


class Batches:
    """Encodes for a draft and counts what is new in `summary`.

    ahead: how many batches of `size` passages keep all workers busy beside the one that is awaited.
    """

    def __init__(self, draft: Draft, encoder: Encoder, summary: Summary, size: int) -> None:
        self.draft, self.encoder, self.summary = draft, encoder, summary
        self._pool = encoder if isinstance(encoder, Pool) else None
        self.ahead = -(-2 * len(self._pool.workers) * _STEP // size) if self._pool else 0
        self._sent: deque[_Batch] = deque()
        self._codes: Codes = {}

    def send(self, passages: list[Placed]) -> None:
        """Take passages; workers, where there are any, begin with them."""
        texts = [spoken(passage.message, passage.text) for _, _, passage in passages]
        if len(self._codes) > _TEXTS_KEPT:
            self._codes = {}
        fresh = sorted({text for text in texts if text not in self._codes}, key=lambda text: (len(text), text))
        self._codes |= dict.fromkeys(fresh)
        lists = [fresh[first : first + _STEP] for first in range(0, len(fresh), _STEP)]
        vectors = self._pool.encode_all(lists) if self._pool else map(self.encoder.encode, lists)
        self._sent.append(_Batch(passages, texts, zip(lists, vectors, strict=True), self._codes))

    def land(self, ahead: int = 0) -> None:
        """Put what was sent into the draft, but for the last `ahead` batches; if interrupted, what is encoded."""
        while len(self._sent) > ahead:
            batch = self._sent[0]
            try:
                for texts, vectors in batch.steps:
                    rotated = keys.centre(vectors, self.draft.mean)
                    batch.codes.update(zip(texts, keys.encode(rotated), strict=True))
            finally:
                self._hand_over(batch)
            self._sent.popleft()

    def left(self) -> list[Placed]:
        """Return what was sent and is not in the draft."""
        return [placed for batch in self._sent for placed in batch.passages]

    def _hand_over(self, batch: _Batch) -> None:
        """Put those passages into the draft whose text has a code, source by source."""
        ready: dict[str, list[tuple[int, Passage, NDArray[np.uint8]]]] = {}
        left: list[tuple[Placed, str]] = []
        for placed, text in zip(batch.passages, batch.texts, strict=True):
            source, number, passage = placed
            if (code := batch.codes[text]) is None:
                left.append((placed, text))
            else:
                ready.setdefault(source, []).append((number, passage, code))
        for source, coded in ready.items():
            numbered = [(number, passage) for number, passage, _ in coded]
            self.draft.add(source, numbered, np.stack([code for *_, code in coded]))
            self.summary.new += len(coded)
        batch.passages, batch.texts = [placed for placed, _ in left], [text for _, text in left]
