"""Times that a question names in other languages → the same in English, which time_expressions.py understands.

German, French, Spanish, Portuguese, Italian, Russian, Chinese, Japanese. A name of a month counts with a day, a year or
a preposition that places something in it; what only bounds a time (`seit Mai`, `avant mai`) names none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("de", "fr", "es", "pt", "it", "ru", "zh", "ja")

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = ("day", "week", "month", "year")
_HAN = {sign: number for number, sign in enumerate("〇一二三四五六七八九十")} | {"两": 2, "二": 2}
_HAN_NUMBER = re.compile(
    r"(?:二?十[一二三四五六七八九]?|三十一?|[一二三四五六七八九两])(?=[年月日号號天周週か个個ヶヵ])"
)
_NUMERIC = re.compile(r"(?<![\d.])([0-3]?\d)\.([01]?\d)\.((?:19|20)\d\d)(?![\d.])")


@dataclass(frozen=True)
class _Words:
    """What a language calls times: patterns, each with what it means in English."""

    day: re.Pattern[str]  # groups: day, month, year
    month: re.Pattern[str]  # groups: last, month, year
    year: re.Pattern[str]
    weekday: re.Pattern[str]  # group: day
    ago: re.Pattern[str]  # groups: count, unit (several of each)
    past: re.Pattern[str]
    named: re.Pattern[str]
    names: re.Pattern[str]  # any word of time
    months: tuple[re.Pattern[str], ...]
    days: tuple[re.Pattern[str], ...]
    units: tuple[re.Pattern[str], ...]
    numbers: tuple[re.Pattern[str], ...]
    phrases: dict[str, str]
    bounds: re.Pattern[str]  # what stands before a time that it only bounds


def in_english(question: str, languages: tuple[str, ...]) -> str:
    """The times that a question in one of the languages names, in English: "in May; last week"; "" for none."""
    found = [f"{year}-{int(month):02d}-{int(day):02d}" for day, month, year in _NUMERIC.findall(question)]
    for name in languages:  # the first that finds any: what little words of time mean differs between neighbours
        east = name in ("zh", "ja")
        told = (
            [*_of_east(question, name)] if east else [*_of(question.lower(), _words(name))] if name in _told() else []
        )
        if told:
            found += told
            break
    return "; ".join(dict.fromkeys(found))


def names_time(text: str, language: str) -> bool:
    """Whether a text in that language has a word of time in it."""
    if language in ("zh", "ja"):
        return _EAST_NAMES.search(text) is not None
    return language in _told() and _words(language).names.search(text.lower()) is not None


def _of(question: str, words: _Words) -> Iterator[str]:
    def free(at: int) -> bool:
        return words.bounds.search(question[max(at - 24, 0) : at]) is None

    taken: list[tuple[int, int]] = []
    for form in ("ago", "past", "day", "month", "named", "weekday", "year"):
        pattern: re.Pattern[str] = getattr(words, form)
        for match in pattern.finditer(question):
            inside = any(match.start() < end and start < match.end() for start, end in taken)
            if inside or not (form in ("ago", "past") or free(match.start())):
                continue
            taken.append(match.span())
            part = {name: word for name, word in match.groupdict("").items() if word}
            yield _english(form, part, match[0], words)


def _english(form: str, part: dict[str, str], whole: str, words: _Words) -> str:
    month = _MONTHS[_which(words.months, part["month"])] if "month" in part else ""
    year = part.get("year", "")
    match form:
        case "ago":
            return f"{_count(part['count'], words)} {_UNITS[_which(words.units, part['unit'])]}s ago"
        case "past":
            return f"past {_count(part['count'], words)} {_UNITS[_which(words.units, part['unit'])]}s"
        case "day":
            return f"{part['day']} {month} {year}".strip()
        case "month":
            month = month or _MONTHS[_which(words.months, part["m"])]
            year = year or part.get("y", "")
            return (
                f"last {month}"
                if part.keys() & {"last", "late", "after"} and not year
                else f"in {month} {year}".strip()
            )
        case "year":
            return f"in {year}"
        case "weekday":
            return f"last {_DAYS[_which(words.days, part['weekday'])]}"
    return words.phrases[re.sub(r"\s+", " ", whole)]


def _which(patterns: tuple[re.Pattern[str], ...], word: str) -> int:
    return next(i for i, pattern in enumerate(patterns) if pattern.fullmatch(word))


def _count(word: str, words: _Words) -> int:
    return int(word) if word.isdigit() else _which(words.numbers, word) + 1


@cache
def _told() -> dict[str, dict[str, str]]:
    told: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath("time_words.json").read_text("utf-8"))
    return told


@cache
def _words(name: str) -> _Words:
    told = _told()[name]
    months, days, units, numbers = (tuple(told[key].split()) for key in ("months", "days", "units", "numbers"))
    phrases = dict(pair.split("=") for pair in told["named"].split(";"))
    of, after = told["of"], told["ordinal"]
    month, year = rf"(?P<month>{'|'.join(months)})\b\.?", r"(?P<year>(?:19|20)\d\d)\b"
    count = rf"(?P<count>\d{{1,3}}|{'|'.join(numbers)})"
    unit = rf"(?P<unit>{'|'.join(units)})\b"
    last = rf"(?P<last>{told['last']}) "
    return _Words(
        day=re.compile(rf"\b(?P<day>[0-3]?\d)\b(?:{after})? ?(?:{of})?{month}(?:,? (?:{of})?{year})?"),
        month=re.compile(
            rf"(?:\b(?:{last}|(?:{told['in']})(?: |(?<=')))(?:{last.replace('<last>', '<late>')})?{month}"
            rf"(?: (?:{of})?{year})?"
            rf"(?: (?P<after>{told['last']})\b)?)|\b(?P<m>{'|'.join(months)}) (?:{of})?(?P<y>(?:19|20)\d\d)\b"
        ),
        year=re.compile(rf"\b(?:{told['year in']}) {year}(?!-\d)"),
        weekday=re.compile(rf"\b(?:{told['on']}) ?(?P<weekday>{'|'.join(days)})\b"),
        ago=re.compile(rf"\b{told['ago'].replace('COUNT', count).replace('UNIT', unit)}"),
        past=re.compile(rf"\b{told['past'].replace('COUNT', count).replace('UNIT', unit)}"),
        named=re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, phrases), key=len, reverse=True))})\b"),
        names=re.compile(rf"\b(?:{'|'.join([*months, *days, *units, *map(re.escape, phrases)])}|(?:19|20)\d\d)\b"),
        months=tuple(map(re.compile, months)),
        days=tuple(map(re.compile, days)),
        units=tuple(map(re.compile, units)),
        numbers=tuple(map(re.compile, numbers)),
        phrases=phrases,
        bounds=re.compile(rf"\b(?:{told['bounds']}) ?$"),
    )


_EAST = {
    "zh": "前天=the day before yesterday;昨天=yesterday;昨晚=yesterday;今天=today;上周末=last weekend;"
    "上个周末=last weekend;上周=last week;上星期=last week;上个星期=last week;上礼拜=last week;本周=this week;"
    "这周=this week;上个月=last month;上月=last month;这个月=this month;本月=this month;去年=last year;今年=this year",
    "ja": "一昨日=the day before yesterday;おととい=the day before yesterday;昨日=yesterday;きのう=yesterday;"
    "昨夜=yesterday;今日=today;きょう=today;先週末=last weekend;先週=last week;今週=this week;先月=last month;"
    "今月=this month;去年=last year;昨年=last year;今年=this year",
}
_DATE = re.compile(
    r"(?:(?P<year>(?:19|20)\d\d)年)?(?P<month>1[0-2]|0?[1-9])月(?:份)?(?:(?P<day>[0-3]?\d)[日号號])?(?!前)|(?P<only>(?:19|20)\d\d)年"
)
_AGO = re.compile(r"(?P<count>\d{1,3})(?P<unit>天|日|周|週間?|个?星期|个?礼拜|[个個かヶヵカ]月|年)以?前")
_EAST_DAY = re.compile(r"上个?(?:周|星期|礼拜)(?P<zh>[一二三四五六日天])|先週の?(?P<ja>[月火水木金土日])曜")
_EAST_NAMES = re.compile(
    r"[\d一二三四五六七八九十] ?[月日号天]|\d{4}年|[昨今明前]天|[昨今明]日|[去今明昨]年"
    r"|[上下这本]个?(?:周|月|星期)|[先今来][週月]|曜|星期"
)
_EAST_BOUNDS = re.compile(r"^(?:以前|以後|以后|以降|之前|之后|まで|から|前)")


def _of_east(question: str, name: str) -> Iterator[str]:
    text = _HAN_NUMBER.sub(lambda match: str(_han(match[0])), question)
    rest = _EAST_DAY.sub(" ", text)
    for phrase, english in (pair.split("=") for pair in _EAST[name].split(";")):
        if phrase in rest:
            rest = rest.replace(phrase, " ")
            yield english
    for match in _AGO.finditer(rest):
        unit = {"天": 0, "日": 0, "月": 2, "年": 3}.get(match["unit"][-1], 1)
        yield f"{match['count']} {_UNITS[unit]}s ago"
    for match in _DATE.finditer(_AGO.sub(" ", rest)):
        if _EAST_BOUNDS.match(match.string[match.end() :]):
            continue
        if match["only"]:
            yield f"in {match['only']}"
        else:
            month = _MONTHS[int(match["month"]) - 1]
            of_year = match["year"] or ""
            yield (f"{match['day']} {month} {of_year}" if match["day"] else f"in {month} {of_year}").strip()
    for match in _EAST_DAY.finditer(question):
        day = (
            "一二三四五六日".index(match["zh"].replace("天", "日"))
            if match["zh"]
            else "月火水木金土日".index(match["ja"])
        )
        yield f"last {_DAYS[day]}"


def _han(number: str) -> int:
    tens, ten, ones = number.partition("十")
    if not ten:
        return _HAN[number]
    return 10 * (_HAN[tens] if tens else 1) + (_HAN[ones] if ones else 0)
