"""Which language a text is in, as far as its stemmer and its stop words ask: by script, and by its little words.

A passage is a few words, so no statistics of letters: each language has its commonest little words (languages.json),
and a text is in the one whose words it has most of, a word that several languages share counting less. A text that
says nothing is in English. The same text always gives the same answer: it decides what stands in memory files.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian",
    "nl": "Dutch", "sv": "Swedish", "da": "Danish", "no": "Norwegian", "fi": "Finnish", "pl": "Polish", "cs": "Czech",
    "tr": "Turkish", "ro": "Romanian", "hu": "Hungarian", "ca": "Catalan", "id": "Indonesian", "ru": "Russian",
    "ar": "Arabic", "el": "Greek", "hi": "Hindi", "he": "Hebrew", "th": "Thai", "ko": "Korean", "ja": "Japanese",
    "zh": "Chinese",
}  # fmt: skip

_READ = 2000  # characters of a text that are looked at
_LEAST, _SHARE, _NEAR = 0.3, 0.1, 0.4  # of a language's words: at all, of the text's words, of the likeliest's
_SCRIPTS = {  # scripts that one language of those known here is written in, or that is stemmed as if it were
    "ru": r"[\u0400-\u04ff]",
    "ar": r"[\u0600-\u06ff\u0750-\u077f]",
    "el": r"[\u0370-\u03ff]",
    "hi": r"[\u0900-\u097f]",
    "th": r"[\u0e00-\u0e7f]",
    "ko": r"[\u1100-\u11ff\uac00-\ud7af]",
    "ja": r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]",
    "zh": r"[\u3400-\u9fff\uf900-\ufaff]",
    "he": r"[\u0590-\u05ff]",
}
_LATIN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PROSE = re.compile(r"(?<![^\s\"'“”„«(¿¡*_…—–])[^\W\d_]+(?:['’][^\W\d_]+)?(?=[\s\"'“”„»)*_,.!?;:…—–]+(?:\s|$)|\s|$)")
_LETTERS = {  # of a handful of languages alone
    "ß": "de", "äöü": "de sv fi tr", "ñ¿¡": "es", "ãõ": "pt", "ç": "fr pt ca tr", "èàù": "fr it ca", "òì": "it ca",
    "êâîôûœ": "fr pt ro", "áéíóú": "es pt hu cs", "åø": "da no sv", "æ": "da no", "őű": "hu", "ąęłżźśćń": "pl",
    "řěůčžš": "cs", "ığş": "tr", "ășțşţ": "ro", "ë": "nl fr", "å": "sv da no",
}  # fmt: skip
_NATIVE = re.compile("|".join(f"(?P<{name}>{script})" for name, script in _SCRIPTS.items()))


def language_of(text: str) -> str:
    """The two-letter code of a text's language: `en` where nothing tells."""
    return ranked(text)[0]


@lru_cache(maxsize=4096)
def ranked(text: str) -> tuple[str, ...]:
    """The languages that a text may be in, likeliest first, one at least: those that some word of it speaks for."""
    text = text[:_READ]
    if not text.isascii() and (native := _by_script(text)):
        return native
    score: Counter[str] = Counter()
    words = {word.replace("’", "'").lower() for word in _PROSE.findall(text)}
    for word in words & _speaks_for().keys():
        for name, weight in _speaks_for()[word].items():
            score[name] += weight  # type: ignore[assignment]
    if not text.isascii():
        low = text.lower()
        for letter in set(low) & _of_letter().keys():
            for name, weight in _of_letter()[letter].items():
                score[name] += weight  # type: ignore[assignment]
    best = sorted(score, key=lambda name: (-score[name], name != "en", name))
    enough = max(_LEAST, _SHARE * len(words))  # a little word or two in a long text of code are accidents
    likely = tuple(name for name in best if score[name] >= max(enough, score[best[0]] * _NEAR))
    if not likely:
        return ("en",)
    return likely


def stop_words(language: str) -> frozenset[str]:
    """Its little words, lower-cased; none for a language that has no list."""
    return _lists().get(language, frozenset())


def mostly(texts: Iterable[str]) -> tuple[str, float]:
    """The language most of the texts are in, by their letters, and its share (0 to 1); `en`, 0 of none."""
    letters: Counter[str] = Counter()
    for text in texts:
        letters[language_of(text)] += min(len(text), _READ)
    if not letters:
        return "en", 0.0
    name = max(sorted(letters), key=letters.__getitem__)
    return name, letters[name] / max(letters.total(), 1)


def _by_script(text: str) -> tuple[str, ...]:
    """By a script other than Latin, where a fifth of the letters is written in it."""
    counts = Counter(match.lastgroup or "" for match in _NATIVE.finditer(text))
    if not counts:
        return ()
    latin = sum(len(word) for word in _LATIN.findall(text)) - counts.total()
    if counts.total() * 4 < latin:
        return ()
    if counts["ja"] * 20 >= counts["zh"] + counts["ja"] and counts["ja"] and counts["ja"] + counts["zh"] > counts["ko"]:
        return ("ja",)  # Han with a little kana is Japanese
    return (max(sorted(counts), key=counts.__getitem__),)


@cache
def _lists() -> dict[str, frozenset[str]]:
    told = json.loads(files(__package__).joinpath("languages.json").read_text("utf-8"))
    return {name: frozenset(words.split()) for name, words in told.items()}


@cache
def _speaks_for() -> dict[str, dict[str, float]]:
    """Each little word of a language in Latin script → what it adds to those that have it."""
    found: dict[str, list[str]] = {}
    for name, words in _lists().items():
        for word in words if name not in _SCRIPTS else ():
            found.setdefault(word, []).append(name)
    return {
        word: dict.fromkeys(names, len(names) ** -0.5) | ({"en": 1.0} if "en" in names else {})
        for word, names in found.items()
    }


@cache
def _of_letter() -> dict[str, dict[str, float]]:
    return {
        letter: dict.fromkeys(names.split(), 1 / len(names.split()))
        for letters, names in _LETTERS.items()
        for letter in letters
    }
