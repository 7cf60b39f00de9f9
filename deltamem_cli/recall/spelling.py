"""A word of a question that the memory does not know → the nearest words that it does."""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches

import numpy as np

from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.text import terms

_WORD = re.compile(r"[^\W\d_]{4,40}")
_MOST = 2_000_000  # characters that are looked through: a fifth of a second
_NEAR = 0.75  # of difflib's ratio


def nearest_words(memory: StoredMemory, question: str) -> dict[str, str]:
    """Words of the question that no passage has → the nearest of the words that passages have.

    Words of at least four letters; where the memory keeps no text, none.
    """
    unknown = [word for word in dict.fromkeys(_WORD.findall(question)) if not _known(memory, word)][:8]
    if not unknown or memory.text is None:
        return {}
    held: Counter[str] = Counter()
    read = 0
    for text in memory.text:
        held.update({word.lower() for word in _WORD.findall(text)})
        read += len(text)
        if read > _MOST:
            break
    found: dict[str, str] = {}
    for word in unknown:
        small = word.lower()
        alike = [one for one in held if abs(len(one) - len(small)) <= 2 and set(one[:2]) & set(small[:2])]
        near = get_close_matches(small, alike, n=3, cutoff=_NEAR)
        if near and small not in held:
            found[word] = max(near[:2], key=lambda one: (held[one] > 1, one == near[0]))
    return found


def _known(memory: StoredMemory, word: str) -> bool:
    asked = np.array(list(terms.count(word)), np.uint64)
    return len(asked) == 0 or bool(np.isin(asked, memory.vocabulary).any())
