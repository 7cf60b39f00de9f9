"""Dates as people write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.errors import UsageError
from deltamem_cli.text.dates import parse_date

EAST = timezone(timedelta(hours=2))
NOW = datetime(2026, 5, 14, 15, 30, tzinfo=EAST)  # a Thursday

CASES = {  # text → first moment and the moment after its last, in the zone of NOW; one moment where it is no span
    "2026-05-01": ("2026-05-01", "2026-05-02"),
    "20260501": ("2026-05-01", "2026-05-02"),
    " 2026-05-01 ": ("2026-05-01", "2026-05-02"),
    "2026-05": ("2026-05-01", "2026-06-01"),
    "2026-12": ("2026-12-01", "2027-01-01"),
    "may 2026": ("2026-05-01", "2026-06-01"),
    "Sept. 2025": ("2025-09-01", "2025-10-01"),
    "December 2025": ("2025-12-01", "2026-01-01"),
    "2025": ("2025-01-01", "2026-01-01"),
    "2026-05-01T14:30": ("2026-05-01T14:30",),
    "2026-05-01 14:30:05": ("2026-05-01T14:30:05",),
    "2026-05-01T14:30Z": ("2026-05-01T16:30",),
    "2026-05-01T14:30-03:00": ("2026-05-01T19:30",),
    "now": ("2026-05-14T15:30",),
    "today": ("2026-05-14", "2026-05-15"),
    "Yesterday": ("2026-05-13", "2026-05-14"),
    "Monday": ("2026-05-11", "2026-05-12"),
    "thursday": ("2026-05-14", "2026-05-15"),
    "friday": ("2026-05-08", "2026-05-09"),
    "this week": ("2026-05-11", "2026-05-18"),
    "last week": ("2026-05-04", "2026-05-11"),
    "this month": ("2026-05-01", "2026-06-01"),
    "last month": ("2026-04-01", "2026-05-01"),
    "this year": ("2026-01-01", "2027-01-01"),
    "last year": ("2025-01-01", "2026-01-01"),
    "7d": ("2026-05-07T15:30",),
    "2 weeks ago": ("2026-04-30T15:30",),
    "3h": ("2026-05-14T12:30",),
    "90m": ("2026-05-14T14:00",),
    "5 minutes": ("2026-05-14T15:25",),
    "1 month": ("2026-04-14T15:30",),
    "1y": ("2025-05-14T15:30",),
}


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=EAST).timestamp() * 1000)


@pytest.mark.parametrize("text", CASES)
def test_a_date_is_its_beginning_and_as_an_end_its_last_moment(text: str) -> None:
    first, *after = CASES[text]
    assert parse_date(text, NOW) == at(first)
    assert parse_date(text, NOW, end=True) == (at(after[0]) - 1 if after else at(first))


def test_last_month_in_january() -> None:
    assert parse_date("last month", datetime(2026, 1, 31, tzinfo=UTC)) == 1764547200000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13-01",
        "2026-02-30",
        "13:00",
        "may",
        "abc 2026",
        "2026-13",
        "99999y",
        "9999-12-31",
        "9999-12",
        "9999",
        "0000",
    ],
)
def test_what_is_no_date_is_answered_with_what_can_be_written(text: str) -> None:
    with pytest.raises(UsageError, match="is no date: write 2026-05-01"):
        parse_date(text, NOW)


@given(
    st.text(max_size=20) | st.from_regex(r"[0-9]{1,5}( ?[a-z]{1,6})?|\d{4}-\d\d(-\d\d)?", fullmatch=True), st.booleans()
)
def test_any_text_is_a_date_or_a_usage_error(text: str, end: bool) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse_date(text, NOW, end=end), int)


@pytest.mark.parametrize(
    "words, english",
    [("gestern", "yesterday"), ("letzte woche", "last week"), ("mayo 2026", "may 2026"), ("上个月", "last month")],
)
def test_a_date_may_be_in_another_language(words: str, english: str) -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    assert parse_date(words, now) == parse_date(english, now)
