"""The same text in other words, made by rule: words left out, words replaced by synonyms."""

from __future__ import annotations

import json
import random
import re
from functools import lru_cache
from pathlib import Path

SYNONYMS = Path(__file__).with_name("synonyms.json")

_WORD = re.compile(r"[A-Za-z]+")


def without_words(text: str, share: float, chance: random.Random) -> str:
    """The text without `share` of its words (0 to 1; at least one goes, at least one stays), drawn at random."""
    words = text.split()
    gone = min(max(round(share * len(words)), 1), len(words) - 1)
    dropped = set(chance.sample(range(len(words)), max(gone, 0)))
    return " ".join(word for place, word in enumerate(words) if place not in dropped)


def with_synonyms(text: str) -> str:
    """The text with every word that has a synonym in synonyms.json replaced by its first one."""
    return _WORD.sub(lambda match: _synonym(match.group()), text)


def _synonym(word: str) -> str:
    found = _synonyms().get(word.lower())
    if found is None:
        return word
    return found[:1].upper() + found[1:] if word[0].isupper() else found


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, str]:
    """Each word's first synonym."""
    return {word: others[0] for word, others in json.loads(SYNONYMS.read_text("utf-8")).items()}
