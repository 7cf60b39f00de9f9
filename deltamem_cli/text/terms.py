"""Text → terms: lower-cased, stemmed words as 64-bit hashes.

A term is a hash, not an entry of a vocabulary: it is the same number in every memory, so memories stay mergeable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

import Stemmer

_STEM = Stemmer.Stemmer("english").stemWord

# Text in these scripts has no spaces between words: each character is a word there (kana, Han, Hangul).
_ALONE = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+(?:['’][^\W\d_]+)?|\w+")
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # the words inside an identifier
_LONGEST = 64  # a longer "word" is base64 or a hash: its first letters tell it apart well enough

STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being but by can could did do does doing
    down each few for from further had has have having he her here hers him his how i if in into is it its just me
    more most my no nor not now of off on once only or other our out over own same she should so some such than that
    the their them then there these they this those through to too under until up very was we were what when where
    which while who whom why will with would you your""".split()  # noqa: SIM905
)


def spans(text: str) -> Iterator[tuple[int, int, int]]:
    """Every term of the text as (start, end, hash), stop words left out, in order.

    An identifier counts as a whole and by its words: `parseConfig` gives parseconfig, pars, config at their places.
    """
    for match in _WORD.finditer(text):
        word, start = match.group()[:_LONGEST], match.start()
        for offset, end, term in _terms_of(word):
            yield start + offset, start + end, term


def count(text: str) -> Counter[int]:
    """How often each term occurs in the text."""
    counts: Counter[int] = Counter()
    for match in _WORD.finditer(text):
        counts.update(term for _, _, term in _terms_of(match.group()[:_LONGEST]))
    return counts


@lru_cache(maxsize=200_000)
def _terms_of(word: str) -> tuple[tuple[int, int, int], ...]:
    whole = word.lower().replace("’", "'").removesuffix("'s")
    if whole in STOP_WORDS:
        return ()
    found = [(0, len(word), _hash(_STEM(whole)))]
    camel = word[1:] != word[1:].lower() and not word.isupper()
    if word.isascii() and (camel or "_" in word):
        for piece in _PIECES.finditer(word):
            if 1 < len(piece.group()) < len(word) and piece.group().lower() not in STOP_WORDS:
                found.append((piece.start(), piece.end(), _hash(_STEM(piece.group().lower()))))
    return tuple(found)


def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
