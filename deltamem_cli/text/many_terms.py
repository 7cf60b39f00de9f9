"""Terms, version 2: of many languages, and of code.

A run of a script without spaces (Han, kana, Thai, Hangul) gives its pairs of neighbouring characters, as search
engines do it, and its Han characters alone. Every other word is stemmed by the language of its passage
(languages.py) and then loses its accents. What code writes without spaces is a term as a whole, and by its parts:
`parse_config`, `parseConfig`, `a/b.py:12`, `os.path`, `--no-text`; words that only hyphens join are words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import pairwise

import Stemmer

from deltamem_cli.text.languages import ranked, stop_words

_STEMMERS = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "pt": "portuguese", "it": "italian",
    "nl": "dutch", "sv": "swedish", "da": "danish", "no": "norwegian", "fi": "finnish", "pl": "polish",
    "cs": "czech", "tr": "turkish", "ro": "romanian", "hu": "hungarian", "ca": "catalan", "id": "indonesian",
    "ru": "russian", "ar": "arabic", "el": "greek", "hi": "hindi",
}  # fmt: skip
_BY_SCRIPT = [(re.compile(r"[\u0400-\u04ff]"), "ru"), (re.compile(r"[\u0600-\u06ff]"), "ar"),
              (re.compile(r"[\u0370-\u03ff]"), "el"), (re.compile(r"[\u0900-\u097f]"), "hi")]  # fmt: skip
_LONGEST = 64  # of a word; and of a path, in characters

# Scripts whose words nothing separates: kana, Han, Hangul (its particles cling to words), Thai, Lao, Burmese, Khmer.
_RUN = r"\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\u1100-\u11ff\uac00-\ud7af"
_RUN += r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARK = r"\u0300-\u036f\u0640\u064b-\u065f\u0670\u05b0-\u05c7\u093c"  # accents, harakat, niqqud that stand alone
_WORD = rf"[^\W{_RUN}](?:[^\W{_RUN}]|[{_MARK}\u0900-\u0903\u093a-\u094f])*+"
_TOKEN = re.compile(
    rf"(?P<run>[{_RUN}]+)|(?:(?<!\S)--?)?{_WORD}(?:(?:[./\\@:+-]|::|->){_WORD}){{0,32}}(?:['’ʼ](?=[^\W\d_]){_WORD})?"
)
_INNER = re.compile(rf"{_WORD}(?:['’ʼ](?=[^\W\d_]){_WORD})?")
_JOINS = re.compile(r"[./\\@:+-]")
_WHOLE = re.compile(r"[./\\@:>]|^-")  # what is a term as a whole; `ecommerce-api` as one would count three times
_FOLDERS = re.compile(r"^.*[/\\]", re.S)
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # the words inside an identifier
_ARTICLES = frozenset("c d j l m n s t qu jusqu lorsqu puisqu all dell dall nell sull quell quest un".split())  # noqa: SIM905
_LINE = re.compile(r":\d+(?::\d+)?$")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_FOLDED = re.compile(rf"[{_MARK}]")

Span = tuple[int, int, int]
Choose = Callable[[str], int | None]  # a word → its term, None for a stop word


def hash_of(word: str) -> int:
    """The 64-bit number of a term."""
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def spans(text: str) -> Iterator[Span]:
    """Every term of a passage as (start, end, hash), in order of their starts."""
    return _spans(text, _by_language(ranked(text)[0]))


def asked_spans(question: str, known: Callable[[int], bool]) -> Iterator[Span]:
    """The same of a question: its languages, likeliest first, and English stem a word until a stem is `known`."""
    names = ranked(question)
    likely = [_by_language(name) for name in dict.fromkeys([*names, "en"])]

    def choose(word: str) -> int | None:
        found = [term for one in likely if (term := one(word)) is not None]
        if likely[0](word) is None:
            return None
        return next((term for term in found if known(term)), found[0])

    return _spans(question, choose)


def _spans(text: str, choose: Choose) -> Iterator[Span]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "run":
            start = match.start()
            yield from ((start + first, start + end, term) for first, end, term in _of_run(match[0]))
        elif _JOINS.search(match[0]):
            yield from sorted(_of_compound(match[0], match.start(), choose), key=lambda span: span[0])
        else:
            yield from _of_word(match[0][:_LONGEST], match.start(), choose)


def _of_compound(token: str, start: int, choose: Choose) -> Iterator[Span]:
    """What of code is a term besides its words: the whole of it, a path also without line, and without folders."""
    first = len(token) - len(token.lstrip("./\\:@+"))
    whole = token[first:]
    bare = _LINE.sub("", whole)
    name = _FOLDERS.sub("", bare)
    for part in dict.fromkeys([whole, bare, name]):
        if _WHOLE.search(part):
            at = start + first + (len(bare) - len(name) if part == name else 0)
            yield at, at + len(part), hash_of(part[-_LONGEST:].lower())
    for inner in _INNER.finditer(token):
        if len(inner[0]) > 1:
            yield from _of_word(inner[0][:_LONGEST], start + inner.start(), choose)


def _of_word(word: str, start: int, choose: Choose) -> Iterator[Span]:
    term = choose(word)
    if term is None:
        return
    yield start, start + len(word), term
    camel = word[1:] != word[1:].lower() and not word.isupper()
    if word.isascii() and (camel or "_" in word):
        for piece in _PIECES.finditer(word):
            if 1 < len(piece[0]) < len(word) and (part := choose(piece[0])) is not None:
                yield start + piece.start(), start + piece.end(), part


@cache
def _by_language(name: str) -> Choose:
    stop, english = stop_words(name), stop_words("en")
    stems = Stemmer.Stemmer(_STEMMERS[name]) if name in _STEMMERS else None

    @lru_cache(maxsize=100_000)
    def choose(word: str) -> int | None:
        whole = unicodedata.normalize("NFKC", word).casefold().replace("’", "'").replace("ʼ", "'")
        latin = name if stems else "en"
        if whole in stop or (latin == "en" and whole in english):
            return None
        if "'" in whole:
            whole = _without_apostrophe(whole)
            if whole in stop:
                return None
        script = None if whole.isascii() else next((told for at, told in _BY_SCRIPT if at.match(whole)), None)
        return hash_of(_stemmed(whole, script or latin))

    return choose


def _without_apostrophe(word: str) -> str:
    """`Anna's` → anna; `l'hôtel`, `dell'anno` → the word after the article."""
    first, _, rest = word.partition("'")
    return rest if first in _ARTICLES and len(rest) > 1 else word.removesuffix("'s")


def _stemmed(word: str, name: str) -> str:
    """Stem, then fold: a stemmer goes by accents."""
    if name in ("ru", "ar", "el", "hi") and word.isascii():
        name = "en"
    stem = _stemmer(name).stemWord(word) if name in _STEMMERS else word
    return stem if stem.isascii() else folded(stem)


@cache
def _stemmer(name: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(_STEMMERS[name])


def folded(word: str) -> str:
    """Without accents, harakat and the like; kana and Hangul as they are."""
    return unicodedata.normalize("NFC", _FOLDED.sub("", unicodedata.normalize("NFD", word)))


def _of_run(run: str) -> Iterator[Span]:
    """Pairs of neighbouring characters, and each Han character; little words of the script alone give none."""
    units = _units(run)
    if len(units) == 1:
        start, end, sign = units[0]
        if sign not in _little():
            yield start, end, _hash_of_run(sign)
        return
    for (start, _, one), (_, end, two) in pairwise(units):
        if _HAN.match(one) and one not in _little():
            yield start, start + 1, _hash_of_run(one)
        if one not in _little() or two not in _little():
            yield start, end, _hash_of_run(one + two)
    start, end, last = units[-1]
    if _HAN.match(last) and last not in _little():
        yield start, end, _hash_of_run(last)


@lru_cache(maxsize=100_000)
def _hash_of_run(signs: str) -> int:
    return hash_of(signs)


def _units(run: str) -> list[tuple[int, int, str]]:
    """The characters of a run in full width, a half-width kana with its mark as one."""
    units: list[tuple[int, int, str]] = []
    for at, sign in enumerate(run):
        if sign in "ﾞﾟ" and units and units[-1][1] == at:
            first = units[-1][0]
            units[-1] = (first, at + 1, unicodedata.normalize("NFKC", run[first : at + 1]))
        else:
            units.append((at, at + 1, unicodedata.normalize("NFKC", sign)))
    return units


@cache
def _little() -> frozenset[str]:
    return stop_words("zh") | stop_words("ja")
