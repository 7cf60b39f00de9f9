"""Text → terms: folded, stemmed words as 64-bit hashes.

A term is a hash, not an entry of a vocabulary: it is the same number in every memory, so memories stay mergeable. How
a text becomes terms has a version, which stands in a memory's header: a memory is extended and asked with its own.

1   English stems and stop words; a character of a script without spaces is a word
2   stems and stop words of the text's language; pairs of characters where a script has no spaces; accents and widths
    folded; paths, dotted names and flags whole and in parts (many_terms.py)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache

import Stemmer

from deltamem_cli.text import many_terms
from deltamem_cli.text.many_terms import hash_of

VERSION = 2  # of new memories
VERSIONS = (1, 2)

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


def spans(text: str, version: int = VERSION) -> Iterator[tuple[int, int, int]]:
    """Every term of a passage as (start, end, hash), stop words left out, in order.

    An identifier counts as a whole and by its words: `parseConfig` gives parseconfig, pars, config at their places.
    """
    if version > 1:
        yield from many_terms.spans(text)
        return
    for match in _WORD.finditer(text):
        word, start = match.group()[:_LONGEST], match.start()
        for offset, end, term in _terms_of(word):
            yield start + offset, start + end, term


def count(text: str, version: int = VERSION) -> Counter[int]:
    """How often each term occurs in a passage."""
    if version > 1:
        return Counter(term for _, _, term in many_terms.spans(text))
    counts: Counter[int] = Counter()
    for match in _WORD.finditer(text):
        counts.update(term for _, _, term in _terms_of(match.group()[:_LONGEST]))
    return counts


def asked_spans(question: str, known: Callable[[int], bool], version: int = VERSION) -> Iterator[tuple[int, int, int]]:
    """Every term of a question as (start, end, hash), in order: of the forms that a word may have been stored in, by
    another language's stemmer, one that is `known` to the memory where there is one.
    """
    return many_terms.asked_spans(question, known) if version > 1 else spans(question, version)


def asked(question: str, known: Callable[[int], bool], version: int = VERSION) -> Counter[int]:
    """How often each term occurs in a question (see `asked_spans`)."""
    return Counter(term for _, _, term in asked_spans(question, known, version))


@lru_cache(maxsize=200_000)
def _terms_of(word: str) -> tuple[tuple[int, int, int], ...]:
    whole = word.lower().replace("’", "'").removesuffix("'s")
    if whole in STOP_WORDS:
        return ()
    found = [(0, len(word), hash_of(_STEM(whole)))]
    camel = word[1:] != word[1:].lower() and not word.isupper()
    if word.isascii() and (camel or "_" in word):
        for piece in _PIECES.finditer(word):
            if 1 < len(piece.group()) < len(word) and piece.group().lower() not in STOP_WORDS:
                found.append((piece.start(), piece.end(), hash_of(_STEM(piece.group().lower()))))
    return tuple(found)
