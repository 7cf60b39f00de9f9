"""The times that a question names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.text import time_words
from deltamem_cli.text.time_expressions import names_time, spans

EAST = timezone(timedelta(hours=2))
NOW = datetime(2024, 3, 14, 15, 30, tzinfo=EAST)  # a Thursday
YEARS = range(2022, 2025)

CASES = {  # question → first day and the day after the last, for each time it names
    "What did we say on 2024-03-07?": ["2024-03-07 2024-03-08"],
    "the plan of 2023-05": ["2023-05-01 2023-06-01"],
    "Where was Anna on 7 May, 2023?": ["2023-05-07 2023-05-08"],
    "on the 3rd of March 2023": ["2023-03-03 2023-03-04"],
    "What happened on Oct. 13th, 2023?": ["2023-10-13 2023-10-14"],
    "in June": ["2022-06-01 2022-07-01", "2023-06-01 2023-07-01", "2024-06-01 2024-07-01"],
    "29 February": ["2024-02-29 2024-03-01"],
    "March 2023": ["2023-03-01 2023-04-01"],
    "What did she plan in December of 2023?": ["2023-12-01 2024-01-01"],
    "between 5 Jan 2024 and 7 Feb 2024": ["2024-01-05 2024-01-06", "2024-02-07 2024-02-08"],
    "the news of last May": ["2023-05-01 2023-06-01"],
    "the news of last February": ["2024-02-01 2024-03-01"],
    "who moved in 2022?": ["2022-01-01 2023-01-01"],
    "today": ["2024-03-14 2024-03-15"],
    "what did I eat yesterday?": ["2024-03-13 2024-03-14"],
    "the day before yesterday": ["2024-03-12 2024-03-13"],
    "What did we decide last week?": ["2024-03-04 2024-03-11"],
    "what happened this week?": ["2024-03-11 2024-03-18"],
    "the past weekend": ["2024-03-09 2024-03-11"],
    "last month": ["2024-02-01 2024-03-01"],
    "last year": ["2023-01-01 2024-01-01"],
    "the bug we saw on Monday": ["2024-03-11 2024-03-12"],
    "last Thursday": ["2024-03-07 2024-03-08"],
    "three days ago": ["2024-03-11 2024-03-12"],
    "two weeks ago": ["2024-02-26 2024-03-04"],
    "in the past two weeks": ["2024-02-29 2024-03-15"],
}
OTHERS = {  # the same in other languages
    "Was war am 3. Mai 2023 los?": ["2023-05-03 2023-05-04"],
    "Was ist im Mai 2023 passiert?": ["2023-05-01 2023-06-01"],
    "Was haben wir letzte Woche besprochen?": ["2024-03-04 2024-03-11"],
    "Was war vor zwei Wochen?": ["2024-02-26 2024-03-04"],
    "Was stand am 07.05.2023 an?": ["2023-05-07 2023-05-08"],
    "Wer kam letzten Donnerstag?": ["2024-03-07 2024-03-08"],
    "Que s'est-il passé en mai 2023 ?": ["2023-05-01 2023-06-01"],
    "Qu'avons-nous dit il y a trois jours ?": ["2024-03-11 2024-03-12"],
    "Qu'est-ce qu'on a mangé hier ?": ["2024-03-13 2024-03-14"],
    "¿Qué pasó en mayo de 2023?": ["2023-05-01 2023-06-01"],
    "¿Qué hicimos hace dos semanas?": ["2024-02-26 2024-03-04"],
    "¿Qué pasó el mes pasado?": ["2024-02-01 2024-03-01"],
    "O que aconteceu em maio de 2023?": ["2023-05-01 2023-06-01"],
    "O que disse ela há três dias?": ["2024-03-11 2024-03-12"],
    "O que fizemos no ano passado?": ["2023-01-01 2024-01-01"],
    "Che cosa è successo il 5 maggio 2023?": ["2023-05-05 2023-05-06"],
    "Che cosa ha detto tre giorni fa?": ["2024-03-11 2024-03-12"],
    "Cosa è successo a maggio?": ["2022-05-01 2022-06-01", "2023-05-01 2023-06-01", "2024-05-01 2024-06-01"],
    "Что случилось в мае 2023 года?": ["2023-05-01 2023-06-01"],
    "Что было на прошлой неделе?": ["2024-03-04 2024-03-11"],
    "Что он сказал две недели назад?": ["2024-02-26 2024-03-04"],
    "2023年5月3日发生了什么？": ["2023-05-03 2023-05-04"],
    "二〇二三年以来五月发生了什么？": ["2022-05-01 2022-06-01", "2023-05-01 2023-06-01", "2024-05-01 2024-06-01"],
    "上个月我们说了什么？": ["2024-02-01 2024-03-01"],
    "三天前他说了什么？": ["2024-03-11 2024-03-12"],
    "2023年五月に何があった？": ["2023-05-01 2023-06-01"],
    "先週何を食べましたか？": ["2024-03-04 2024-03-11"],
    "昨日の会議で何が決まった？": ["2024-03-13 2024-03-14"],
}
NONE = [
    "Wer ist seit Mai krank?", "Wer kommt am Montag?", "avant mai", "Wie teuer ist das Haus?", "Wo ist das Märzbier?",
    "desde mayo", "五月以前は？", "до мая",
    "may I ask?", "they march on", "before May 2023", "since 2023", "next week", "on Mondays", "31 June", "room 2023",
    "version 5.12", "sun and sat", "a second look", "9999 years ago", "what did Mark say?",
    "who is coming to dinner on Saturday?", "what shall I cook this weekend?",
]  # fmt: skip


def days(question: str, now: datetime = NOW) -> list[str]:
    def day(at: int) -> str:
        moment = datetime.fromtimestamp(at / 1000, now.tzinfo)
        assert moment.hour == moment.minute == moment.second == 0  # whole days, in the zone of now
        return f"{moment:%Y-%m-%d}"

    return [f"{day(first)} {day(end)}" for first, end in spans(question, now, YEARS)]


@pytest.mark.parametrize("question", CASES)
def test_a_time_that_is_named(question: str) -> None:
    assert days(question) == CASES[question]
    assert days(question.upper()) == CASES[question]


@pytest.mark.parametrize("question", OTHERS)
def test_a_time_that_is_named_in_another_language(question: str) -> None:
    assert days(question) == OTHERS[question]
    assert names_time(question)


@pytest.mark.parametrize("language", time_words.LANGUAGES)
@given(question=st.text(max_size=60))
def test_any_text_may_be_a_question_in_any_language(question: str, language: str) -> None:
    time_words.in_english(question, (language,))


@pytest.mark.parametrize("question", NONE)
def test_what_names_no_time(question: str) -> None:
    assert days(question) == []


def test_on_monday_asked_on_a_monday_is_a_week_ago() -> None:
    assert days("what was said on Monday", datetime(2024, 3, 11, 9, tzinfo=UTC)) == ["2024-03-04 2024-03-05"]


def test_a_weekend_is_the_last_that_began() -> None:
    assert days("last weekend", datetime(2024, 3, 10, 9, tzinfo=UTC)) == ["2024-03-09 2024-03-11"]


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)), st.text(max_size=60), st.sampled_from(sorted(CASES)))
def test_whatever_the_clock_says_and_whoever_asks(day: date, noise: str, question: str) -> None:
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for first, end in spans(f"{noise} {question}", now, range(day.year, day.year + 1)):
        assert first < end


@given(
    st.dates(date(1901, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["{:%Y-%m-%d}", "{:%d %B %Y}", "{:%B %d, %Y}", "on {:%b %d %Y}"]),
)
def test_any_day_is_found_again(day: date, form: str) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=EAST)
    assert days(form.format(day)) == [f"{day} {(start + timedelta(days=1)).date()}"]
