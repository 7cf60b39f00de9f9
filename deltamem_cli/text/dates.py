"""Dates as people write them: `2026-05-01`, `2026-05-01T14:30`, `7d`, `3h`, `monday`, `last week`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from deltamem_cli.errors import UsageError
from deltamem_cli.text.time_words import LANGUAGES, in_english

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,5})\s*(m|h|d|w|min(?:ute)?s?|hours?|days?|weeks?|months?|years?|y)(?:\s+ago)?")
_MONTH = re.compile(r"(?:(\d{4})-(\d{1,2})|([a-z]{3,9})\.?\s+(\d{4}))")
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def parse_date(text: str, now: datetime, *, end: bool = False) -> int:
    """Milliseconds since 1970 UTC of a date; one without a zone is in the zone of `now`.

    A whole day, month or year means its beginning, or with `end` its end (`--until 2026-05-01` includes that day).
    Raises UsageError, saying what can be written.
    """
    words = text.strip().lower()
    first, last = _relative(words, now) or _absolute(text.strip(), words, now) or _other(words, now) or (None, None)
    if first is None or last is None:
        raise UsageError(
            f"{text!r} is no date: "
            "write 2026-05-01, 2026-05-01T14:30, 2026-05, 'may 2026', yesterday, 'last week' or 7d"
        )
    moment = last - timedelta(milliseconds=1) if end and last > first else first
    return round(moment.timestamp() * 1000)


def _relative(words: str, now: datetime) -> tuple[datetime, datetime] | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    monday = midnight - day * now.weekday()
    named = {
        "now": (now, now),
        "today": (midnight, midnight + day),
        "yesterday": (midnight - day, midnight),
        "this week": (monday, monday + 7 * day),
        "last week": (monday - 7 * day, monday),
        "this month": _month(now.year, now.month, now),
        "last month": _month(now.year - (now.month == 1), (now.month - 2) % 12 + 1, now),
        "this year": (_start(now.year, 1, now), _start(now.year + 1, 1, now)),
        "last year": (_start(now.year - 1, 1, now), _start(now.year, 1, now)),
    }
    if words in named:
        return named[words]
    if words in _DAYS:  # the latest one; on that day itself it is today
        begin = midnight - day * ((now.weekday() - _DAYS.index(words)) % 7)
        return begin, begin + day
    if match := _AGO.fullmatch(words):
        number, unit = int(match[1]), match[2]
        days = 30 if unit.startswith("month") else 365 if unit.startswith("y") else 0
        try:
            ago = now - (timedelta(days=days * number) if days else timedelta(**{_UNITS[unit[0]]: number}))
        except OverflowError:
            return None
        return ago, ago
    return None


def _absolute(text: str, words: str, now: datetime) -> tuple[datetime, datetime] | None:
    try:
        if re.fullmatch(r"\d{4}", words):
            return _start(int(words), 1, now), _start(int(words) + 1, 1, now)
        if match := _MONTH.fullmatch(words):
            year, month = (match[1], match[2]) if match[1] else (match[4], _MONTHS.index(match[3][:3]) + 1)
            return _month(int(year), int(month), now)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo or UTC)
    whole_day = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", words) is not None
    try:
        return moment, moment + timedelta(days=1) if whole_day else moment
    except OverflowError:  # 9999-12-31
        return None


def _other(words: str, now: datetime) -> tuple[datetime, datetime] | None:
    """A date in the words of another language: `gestern`, `mayo 2026`, `上周`."""
    told = in_english(words, LANGUAGES).lower().removeprefix("in ")
    return (_relative(told, now) or _absolute(told, told, now)) if told else None


def _start(year: int, month: int, now: datetime) -> datetime:
    return datetime(year, month, 1, tzinfo=now.tzinfo)


def _month(year: int, month: int, now: datetime) -> tuple[datetime, datetime]:
    return _start(year, month, now), _start(year + month // 12, month % 12 + 1, now)
