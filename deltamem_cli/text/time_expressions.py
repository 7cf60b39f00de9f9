"""The times that a question names (`on 7 May`, `in June 2023`, `last week`, `two weeks ago`) as spans of milliseconds.

Written for English questions and the Gregorian calendar; eight other languages are brought to English by time_words.py.
A date without a year is that date in every year asked about.
What only bounds a time (`before May`, `since 2023`), what may be no date (`may I`, `march on`) and what is still to
come (`next week`) names none: a wrong span hides more than a missing one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from deltamem_cli.text import time_words
from deltamem_cli.text.languages import ranked

Span = tuple[datetime, datetime]

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)\b\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b"
_WEEKDAY = rf"(?P<weekday>{'|'.join(_DAYS)})\b"
_COUNT = rf"(?P<count>\d{{1,3}}|an?|a couple of|{'|'.join(_NUMBERS[1:])})"
_UNIT = r"(?P<unit>day|week|month|year)s?\b"

_BOUNDS = r"(?<!\bbefore )(?<!\bafter )(?<!\bsince )(?<!\buntil )(?<!\btill )(?<!\bby )(?<!\bthan )"
_FORMS = {
    "date": rf"{_YEAR}-(?P<month>[01]\d)(?:-(?P<day>[0-3]\d))?\b",
    "day_month": rf"(?:the )?{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?",
    "month_day": rf"{_MONTH} (?:the )?{_DAY}(?!\d)(?:,? {_YEAR})?",
    "month_year": rf"{_MONTH},? (?:of )?{_YEAR}",
    "month": rf"(?:in|of|during|for|early|mid|late|(?P<last>this|last|past)) {_MONTH}(?:,? (?:of )?{_YEAR})?",
    "year": rf"(?:in|of|during|throughout) {_YEAR}(?!-\d)",
    "named": r"(?P<words>today|yesterday|the day before yesterday|(?:this|last|past) (?:week|weekend|month|year))\b",
    "ago": rf"{_COUNT} {_UNIT} ago\b",
    "past": rf"(?:last|past) {_COUNT} {_UNIT}",
    "weekday": rf"(?:(?P<on>on)|last|past) {_WEEKDAY}(?! ?(?:'s|nights|mornings|evenings)\b)",
}
_PAST = re.compile(r"\b(?:did|was|were|had|said|told|saw|got|went|happened|[a-z]{3,}ed)\b", re.I)
_NAMES = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|recently|ago|since|last|next|weekend|week|month|year|\d{4}"
    rf"|{'|'.join(_DAYS)}|this (?:morning|week|weekend|month|year)|{'|'.join(_MONTHS)})\b",
    re.I,
)
_READ = 4096  # characters of a question: a time that it names stands in its first lines
_EACH = {name: re.compile(form, re.I) for name, form in _FORMS.items()}
_NO_GROUPS = {name: re.sub(r"[?]P<[a-z]+>", "?:", form) for name, form in _FORMS.items()}
_ANY = re.compile(rf"\b{_BOUNDS}(?:{'|'.join(f'(?P<{name}>{form})' for name, form in _NO_GROUPS.items())})", re.I)


def names_time(text: str) -> bool:
    """Whether a text has a word of time in it: a day, a month, a year, `ago`, `last` …, in English or its language."""
    if _NAMES.search(text) is not None:
        return True
    return any(time_words.names_time(text, language) for language in ranked(text) if language != "en")


def spans(question: str, now: datetime, years: range) -> list[tuple[int, int]]:
    """(first, end) of each time named, in milliseconds since 1970 UTC, end left out; whole days in the zone of `now`.

    Relative words count from `now`. `years` are those a date without a year may belong to.
    """
    question = question[:_READ]
    past = _PAST.search(question) is not None
    if told := time_words.in_english(question, ranked(question)):
        return list(dict.fromkeys([*_spans(told, now, years, past=True), *_spans(question, now, years, past=past)]))
    return _spans(question, now, years, past=past)


def _spans(question: str, now: datetime, years: range, *, past: bool) -> list[tuple[int, int]]:
    """The spans of English words of time; `past`: what may be still to come (`on Monday`) has been."""
    found = []
    for match in _ANY.finditer(question):
        form = match.lastgroup or ""
        parts = _EACH[form].fullmatch(match[0])
        said = {part: words.lower() for part, words in parts.groupdict("").items()} if parts else {}
        this = said.get("words", "").startswith("this")
        open_ended = this or bool(said.get("on"))  # "who comes on Monday?", "what shall I cook this weekend?"
        if said and (past or not open_ended):
            with contextlib.suppress(OverflowError, ValueError):  # before or after all calendars
                found += [_milliseconds(span) for span in _named(form, said, now, years)]
    return found


def _named(form: str, said: dict[str, str], now: datetime, years: range) -> Iterator[Span]:
    """The spans of one match, by its parts; none for a day that no calendar has."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match form:
        case "year":
            yield _year(int(said["year"]), now)
        case "named":
            yield _relative(said["words"], today)
        case "ago":
            yield _ago(_count(said["count"]), said["unit"], today)
        case "past":
            yield _past(_count(said["count"]), said["unit"], today)
        case "weekday":
            back = (today.weekday() - _DAYS.index(said["weekday"]) - 1) % 7 + 1  # asked on a Monday: a week ago
            yield _day(today - timedelta(days=back))
        case _:
            month = _month(said["month"])
            if said.get("last"):
                years = range(now.year, now.year + 1) if month <= now.month else range(now.year - 1, now.year)
            yield from _dates(said["year"], month, said.get("day", ""), now, years)


def _dates(year: str, month: int, day: str, now: datetime, years: range) -> Iterator[Span]:
    for each in [int(year)] if year else years:
        try:
            first = datetime(each, month, int(day or 1), tzinfo=now.tzinfo)
        except ValueError:  # 31 June, month 13
            continue
        yield _day(first) if day else (first, _next_month(first))


def _relative(words: str, today: datetime) -> Span:
    monday = today - timedelta(days=today.weekday())
    which, _, unit = words.rpartition(" ")
    back = 0 if which == "this" else 1
    if unit == "today":
        return _day(today)
    if unit == "yesterday":
        return _day(today - timedelta(days=2 if which else 1))
    if unit == "week":
        return monday - timedelta(days=7 * back), monday + timedelta(days=7 - 7 * back)
    if unit == "weekend":  # the one that began last, also while it lasts
        saturday = today - timedelta(days=(today.weekday() - 5) % 7)
        return saturday, saturday + timedelta(days=2)
    if unit == "month":
        first = today.replace(day=1)
        first = (first - timedelta(days=1)).replace(day=1) if back else first
        return first, _next_month(first)
    return _year(today.year - back, today)


def _ago(count: int, unit: str, today: datetime) -> Span:
    """A day is a day; what is counted in weeks, months or years is meant to half of one."""
    length = {"day": 1, "week": 7, "month": 30.44, "year": 365.25}[unit]
    middle, half = today - timedelta(days=round(count * length)), timedelta(days=int(length / 2))
    return middle - half, middle + half + timedelta(days=1)


def _past(count: int, unit: str, today: datetime) -> Span:
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[unit] * count
    return today - timedelta(days=days), today + timedelta(days=1)


def _year(year: int, now: datetime) -> Span:
    return datetime(year, 1, 1, tzinfo=now.tzinfo), datetime(year + 1, 1, 1, tzinfo=now.tzinfo)


def _day(day: datetime) -> Span:
    return day, day + timedelta(days=1)


def _next_month(first: datetime) -> datetime:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def _month(name: str) -> int:
    return int(name) if name.isdigit() else [month[:3] for month in _MONTHS].index(name[:3]) + 1


def _count(word: str) -> int:
    if word.startswith("a"):
        return 2 if "couple" in word else 1
    return int(word) if word.isdigit() else _NUMBERS.index(word)


def _milliseconds(span: Span) -> tuple[int, int]:
    first, end = span
    return round(first.timestamp() * 1000), round(end.timestamp() * 1000)
