"""Dates and clocks as logs write them, in any language: `31/12/22, 23:59`, `2023. 2. 13. 오후 9:05`.

The words of all languages stand in `locale_words.json`, drawn from CLDR (`benchmarks/locale_words.py`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import orjson

from deltamem_cli.readers.parse.plain import MARKS

LONGEST = 64  # characters of a date and a clock together

Fields = tuple[int, int, int]

_COMMON = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})\.?,?[ T](\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d{1,9})?)?"
    r"(?: ?([AaPp])\.? ?[Mm]\.?)?"
)
_CLOCKS = (  # the more telling first
    re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(?!\d)"),
    re.compile(r"(?<!\d)(\d{1,2}) ?(?:h|u|시|時) ?(\d{2})(?: ?(?:min|분|分) ?(\d{2}) ?(?:s|초|秒)?)?(?!\d)"),
    re.compile(r"(?<![\d.])(\d{1,2})\.(\d{2})(?:\.(\d{2}))?(?!\.?\d)"),
)
_ZONE = re.compile(r"\s*(?:(?:UTC|GMT)?\s?([+-])(\d{2}):?(\d{2})(?!\d)|Z\b|UTC\b|GMT\b|([A-Z]{1,4}T)\b)")
_ZONE_LAST = re.compile(r"\s(?:(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})|UTC|GMT|([A-Z]{1,4}T))$")
_MARK = ".,;:/()[]|\u00b7\u060c\u3001\uff0c\u2014\u2013\u2022-\u061c"
_SEPARATORS = {".", "/", "-", ""}
_MORE_FILLERS = re.findall(
    r"\S+",
    """
    at of on um uhr kl klo the st nd rd th t à alle ore às a as la las o 年 月 日 년 월 일 ngày lúc в о у u o'clock
    today yesterday heute gestern hoy ayer hier oggi ieri hoje ontem vandaag gisteren idag igår i dag går aujourdhui
    сегодня вчера сьогодні вчора dziś dzisiaj wczoraj dnes včera bugün dün tänään eilen 今天 昨天 今日 昨日 오늘 어제
    اليوم أمس היום אתמול आज कल วันนี้ เมื่อวาน hôm nay qua
    """,
)
_BESIDE_CLOCKS = frozenset(word.replace("'", "") for word in _MORE_FILLERS).union(
    re.findall(r"\w+", "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun")
)
_BUDDHIST = range(2500, 2644)  # years of the Thai calendar, 543 ahead


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date and a clock of a log; parts that it does not tell are None.

    fields: the numbers of the date as they stand; order: what they are ("dmy", …), "" where only the whole log tells.
    separator: what stands between them. clock: seconds since midnight. offset: minutes east of UTC.
    """

    fields: Fields | None = None
    order: str = ""
    separator: str = ""
    clock: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of dates in all languages, as `folded` gives them."""

    halves: dict[str, str]
    first: dict[str, str]
    months: dict[str, tuple[int, ...]]
    others: frozenset[str]
    longest: int

    def __contains__(self, word: str) -> bool:
        return word in self.halves or word in self.months or word in self.others


def folded(word: str) -> str:
    """A word of a date in small letters and one Unicode form, without points, blanks and marks of direction."""
    return re.sub(r"[.\s\u2019']", "", MARKS.sub("", unicodedata.normalize("NFKC", word)).casefold())


def plain_digits(text: str) -> str:
    """The text with blanks, digits and punctuation of every script as ASCII has them, without marks of direction."""
    if text.isascii():
        return text
    text = MARKS.sub("", unicodedata.normalize("NFKC", text)).replace("\u061c", "")
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def stamp(text: str) -> Stamp | None:
    """The date and the clock that a text consists of; None when it is anything else, or has no clock."""
    if not 4 <= len(text) <= LONGEST:
        return None
    text = plain_digits(text).strip()
    common = _COMMON.fullmatch(text)
    if common:
        first, separator, second, third, hour, minute, second_hand, half = common.groups()
        time = clock(int(hour), int(minute), int(second_hand or 0), half or "")
        return None if time is None else _dated((int(first), int(second), int(third)), separator, "", time, None)
    for pattern in _CLOCKS:
        for found in reversed([*pattern.finditer(text)]):
            zone, after = _ZONE.match(text, found.end()), text[found.end() :]
            if zone:
                after = text[zone.end() :]
            elif late := _ZONE_LAST.search(after):  # "8:44:40 PM UTC"
                zone, after = late, after[: late.start()]
            rest = f"{text[: found.start()]} \0 {after}"
            day = _day(rest)
            if day is None or (pattern is _CLOCKS[-1] and day.fields is None):
                continue
            hour, minute, second_hand = (int(part or 0) for part in found.groups())
            time = clock(hour, minute, second_hand, _half(day.half, hour))
            if time is not None:
                return _dated(day.fields, day.separator, day.order, time, _offset(zone))
    return None


def day(text: str) -> Stamp | None:
    """The date that a text consists of, without a clock; None for anything else."""
    if not 6 <= len(text) <= LONGEST:
        return None
    found = _day(plain_digits(text).strip())
    if found is None or found.fields is None or found.half:
        return None
    return _dated(found.fields, found.separator, found.order, None, None)


@dataclass(frozen=True, slots=True)
class _Day:
    """What stands beside a clock: the date, and the half of the day ("a", "p", "ap"; "" for none)."""

    fields: Fields | None
    separator: str = ""
    order: str = ""
    half: str = ""


@lru_cache(maxsize=4096)
def _day(text: str) -> _Day | None:
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    gaps = re.split(r"\d+", text)
    if len(numbers) > 3 or any(number > 9999 for number in numbers):
        return None
    known = _words()
    words: list[str] = []
    for gap in gaps:
        found = _known(gap)
        if found is None:
            return None
        words += found
    half = next((known.halves[word] for word in words if word in known.halves), "")
    first = next((known.first[word] for word in words if word in known.first), "")
    named = [word for word in words if word in known.months]
    if named and len(numbers) < 3:
        named = [word for word in named if word not in known.others] or named  # "mar" is a Tuesday, too
        months = set[int]().union(*(known.months[word] for word in named))
        return _with_month(months, numbers, half)
    if not numbers:  # "Today at 10:14 AM"; "10:14 Ben" is no time, though some language has a day called so
        return _Day(None, half=half) if all(word in known.halves or word in _BESIDE_CLOCKS for word in words) else None
    if len(numbers) != 3:
        return None
    separators = [gap.replace("\0", "x").strip().strip(_MARK[1:3] + " ") for gap in gaps[1:3]]
    year_first = numbers[0] > 31 or "年" in gaps[1] or "년" in gaps[1]
    bare = [_bare(separator) for separator in separators]
    if "\0" in gaps[1] + gaps[2] or bare[0] not in _SEPARATORS or bare[1] not in _SEPARATORS:
        return None
    if not any(separators) or (gaps[1].isspace() and gaps[2].isspace()):
        return None
    order = "ymd" if year_first or (first == "ymd" and numbers[2] < 32) else ""
    return _Day((numbers[0], numbers[1], numbers[2]), bare[0], order, half)


def _bare(gap: str) -> str:
    """What separates two numbers, its words left out."""
    return "".join(character for character in gap if character in "./-")[:1]


def _with_month(months: set[int], numbers: list[int], half: str) -> _Day | None:
    """A day whose month is a word; without a year the log may tell it elsewhere (year 0).

    A word that means several months (`lis`, `listopad`) leaves the day open.
    """
    if len(months) > 1:
        return _Day(None, half=half) if 1 <= len(numbers) <= 2 else None
    (month,) = months
    if len(numbers) == 1 and 1 <= numbers[0] <= 31:
        return _Day((0, month, numbers[0]), "-", "ymd", half)
    if len(numbers) != 2:
        return None
    year, day = numbers if numbers[0] > 31 else numbers[::-1]
    return _Day((year, month, day), "-", "ymd", half)


def _known(gap: str) -> list[str] | None:
    """The words of dates in what stands between two numbers; None where another word stands there."""
    gap = gap.replace("\0", " ").strip(_MARK + " \t")
    if not gap:
        return []
    known = _words()
    if folded(gap) in known:
        return [folded(gap)]
    if all(word in known for piece in gap.split() if (word := folded(piece.strip(_MARK)))):
        return [word for piece in gap.split() if (word := folded(piece.strip(_MARK)))]
    whole, found, place = re.sub(r"[,;/()\[\]\u2014\u2013\u060c\u3001-]", "", folded(gap)), list[str](), 0
    while place < len(whole):
        sizes = range(min(known.longest, len(whole) - place), 0, -1)
        size = next((size for size in sizes if whole[place : place + size] in known), 0)
        if not size or whole[place] < "\u0e00":  # only some scripts write words without blanks
            return None
        found.append(whole[place : place + size])
        place += size
    return found


def _dated(fields: Fields | None, separator: str, order: str, clock: int | None, offset: int | None) -> Stamp:
    if fields:
        first, second, third = (number - 543 if number in _BUDDHIST else number for number in fields)
        fields = first, second, third
        if not order and first > 99:
            order = "ymd"
        if order == "ymd" and 0 < first < 100:
            fields = first + 2000, second, third
    return Stamp(fields, order, separator, clock, offset)


def _half(half: str, hour: int) -> str:
    """The half of the day; of a night the hours before six are in the morning."""
    if half == "ap":
        return "a" if hour < 6 or hour == 12 else "p"
    return half if hour <= 12 else ""


def _offset(zone: re.Match[str] | None) -> int | None:
    """Minutes east of UTC that a zone says; None for a zone that is only a name."""
    if zone is None or zone[4]:
        return None
    minutes = int(zone[2] or 0) * 60 + int(zone[3] or 0)
    return -minutes if zone[1] == "-" else minutes


def clock(hour: int, minute: int, second: int, half: str) -> int | None:
    """Seconds since midnight on a clock of 12 hours (half: "a" or "p") or of 24 (half: ""); None if impossible."""
    if half:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 and second < 60 else None


@cache
def _words() -> _Words:
    table = orjson.loads(resources.files(__package__).joinpath("locale_words.json").read_bytes())
    every = {word for word, numbers in table["months"].items() if len(numbers) == 12}
    fillers = every.union(table["fillers"], map(folded, _MORE_FILLERS))
    neither = fillers.union(table["halves"])
    months = {word: tuple(numbers) for word, numbers in table["months"].items() if word not in neither}
    halves = {word: half for word, half in table["halves"].items() if word not in fillers}
    others = frozenset(fillers.union(table["weekdays"]))
    return _Words(halves, table["first"], months, others, min(max(map(len, (*others, *months, *halves))), 24))
