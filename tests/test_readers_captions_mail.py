"""Captions, mail and research sets: each sample gives the messages it holds, and one small file for each trap."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import webvtt
from oracle_reading import read_bytes, read_file, read_stream

from deltamem_cli.readers.parse.html import html_text
from deltamem_cli.records import Message

SAMPLES = Path(__file__).parent.parent / "samples"


def told(messages: list[Message]) -> list[tuple[int, str, str]]:
    return [(message.line, message.speaker, message.text) for message in messages]


def test_voices_and_pauses_make_turns() -> None:
    format, messages, _ = read_file(SAMPLES / "captions/parents-evening.vtt")
    assert format == "captions"
    assert told(messages) == [
        (7, "Ms Okafor", "Welcome. The class trip goes to the salt mine.\nWarm jackets, it is 9 degrees down there."),
        (15, "Mr Dahl", "Who pays for the bus?"),
        (19, "Mr Dahl", "All right, the school fund then."),
    ]
    assert {m.time for m in messages} == {None}


def test_srt_with_names_before_a_colon() -> None:
    _, messages, _ = read_file(SAMPLES / "captions/choir.srt")
    assert told(messages) == [
        (3, "LENA", "Altos, bar 40 again.\nBreathe before the fermata."),
        (11, "PETER", "The organ is a quarter tone flat."),
    ]


@pytest.mark.parametrize("name", ["parents-evening.vtt", "choir.srt"])
def test_the_samples_captions_are_webvtt_pys(name: str) -> None:
    path = SAMPLES / "captions" / name
    captions = (webvtt.read if path.suffix == ".vtt" else webvtt.from_srt)(str(path)).captions
    _, messages, _ = read_file(path)
    lines = [line for message in messages for line in message.text.split("\n")]
    assert lines == [caption.text.partition(": ")[2] or caption.text for caption in captions]


def test_times_are_known_from_a_name_that_zoom_gave() -> None:
    path = SAMPLES / "captions/choir.srt"
    with path.open("rb") as stream:
        _, messages, _ = read_stream(stream, "/talks/GMT20260504-180000_Recording.transcript.srt")
    assert [m.time for m in messages] == [1777917601.0, 1777917604.5]


ROLLING = """WEBVTT

00:00:01.000 --> 00:00:02.000
so <00:00:01.500><c>today</c>

00:00:02.000 --> 00:00:02.010
so today

00:00:02.010 --> 00:00:04.000
so today
we &amp; you bake

00:00:04.000 --> 00:00:05.000
yes

00:00:05.000 --> 00:00:06.000
yes
"""


def test_rolling_captions_are_said_once_but_people_may_repeat_themselves() -> None:
    _, messages, report = read_bytes(ROLLING.encode())
    assert told(messages) == [(4, "", "so today\nwe & you bake\nyes\nyes")]
    assert report.skipped["repeated caption"] == 1


def test_captions_of_another_encoding_and_with_odd_times() -> None:
    text = "1\r\n00:00:01,000 --> 00:00:02,000\r\nça va\r\n\r\n2\r\n00:00:0x,000 --> 00:00:03,000\r\nlost\r\n"
    _, messages, report = read_bytes(text.encode("cp1252"))
    assert [m.text for m in messages] == ["ça va"]
    assert report.broken == [(6, "the times of a caption cannot be read")]


def test_mail_sample() -> None:
    format, messages, _ = read_file(SAMPLES / "mail/bridge-club.mbox")
    assert format == "mail"
    assert told(messages) == [
        (
            9,
            "Gerda Müller",
            "Dear all,\n\nthe bridge evening moves to the parish hall, room with the stove.\n"
            "From October on we play on Tuesdays.",
        ),
        (32, "Hugo", "I bring four packs of cards – the old ones are marked."),
    ]
    assert {(m.session, m.title) for m in messages} == {("<a1@example.org>", "Bridge evening")}
    assert [m.time for m in messages] == [1788764400.0, 1788773400.0]


MAIL = "From: Ann <ann@example.org>\nDate: {date}\nMessage-ID: <m1@x>\nSubject: {subject}\n{more}\n{body}"


def mail(body: str, date: str = "Mon, 07 Sep 2026 09:00:00 +0200", subject: str = "Tea", more: str = "") -> Message:
    data = MAIL.format(body=body, date=date, subject=subject, more=more)
    format, messages, _ = read_bytes(data.encode())
    assert format == "mail"
    return messages[0]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Yes.\n\nOn Mon, 1 Jan 2026 at 10:00, Bob <b@x> wrote:\n> tea?\n", "Yes."),
        ("> tea?\n\nYes.\n> milk?\nNo.\n", "Yes.\nNo."),
        ("Yes.\n-----Original Message-----\nFrom: Bob\nTea?\n", "Yes."),
        ("Ja.\n\nAm 01.01.2026 um 10:00 schrieb Bob:\n> Tee?\n", "Ja."),
        ("Yes.\n-- \nAnn\nDirector of Tea\n", "Yes."),
        ("On tea he wrote: nothing.\nYes.\n", "On tea he wrote: nothing.\nYes."),
    ],
)
def test_only_own_words_of_a_mail_count(body: str, expected: str) -> None:
    assert mail(body).text == expected


def test_html_mail() -> None:
    html = "<html><head><title>x</title></head><body><p>Tea &amp; cake<br>at four</p><div class='gmail_quote'>old</div>"
    assert mail(html, more="Content-Type: text/html\n").text == "Tea & cake\nat four"


@pytest.mark.parametrize(
    ("date", "subject", "charset"), [("soon", "=?klingon?q?Q?=", "klingon"), ("", "=?utf-8?b?//?=", "utf-8")]
)
def test_false_dates_and_encodings_cost_no_mail(date: str, subject: str, charset: str) -> None:
    message = mail("Tea", date=date, subject=subject, more=f"Content-Type: text/plain; charset={charset}\n")
    assert (message.text, message.time) == ("Tea", None)


def test_a_thread_is_a_session_even_where_its_beginning_is_missing() -> None:
    mails = [
        MAIL.format(body=f"Tea {n}\n", date="", subject="Tea", more=more).replace("<m1@x>", f"<m{n}@x>")
        for n, more in enumerate(
            ["References: <lost@x> <m9@x>\n", "In-Reply-To: <m0@x>\n", "In-Reply-To: <m9@x>\n", ""]
        )
    ]
    mbox = "".join(f"From a@b Mon Sep  7 09:00:00 2026\n{mail}\n" for mail in mails)
    _, messages, _ = read_bytes(mbox.encode())
    assert [m.session for m in messages] == ["<lost@x>", "<lost@x>", "<lost@x>", "<m3@x>"]


def test_locomo_sample() -> None:
    format, messages, _ = read_file(SAMPLES / "locomo/conversations.json")
    assert format == "locomo"
    assert [(m.id, m.speaker, m.text) for m in messages] == [
        ("talk-1/D1:1", "Jo", "Still painting at dawn?"),
        ("talk-1/D1:2", "Mina", "Look what sat on the fence! [image: a watercolour of a hoopoe on a fence]"),
        ("talk-1/D2:1", "Jo", "My exhibition opens in the old tram depot."),
    ]
    assert [(m.session, m.time) for m in messages[1:]] == [
        ("talk-1/session_1", 1683554160.0),
        ("talk-1/session_2", 1685610300.0),
    ]


def test_longmemeval_sample() -> None:
    format, messages, report = read_file(SAMPLES / "longmemeval/questions.json")
    assert format == "longmemeval"
    assert [(m.id, m.role, m.time) for m in messages] == [
        ("s-cheese/0", "user", 1684540860.0),
        ("s-cheese/1", "assistant", 1684540860.0),
        ("s-ski/0", "user", 1685303220.0),
    ]
    assert report.skipped == {"session read before": 1}


@pytest.mark.parametrize("piece", ["<a ", "<p\n", "<!--", "<div class=", "</", "&", "<v "])
def test_html_takes_linear_time_on_hostile_input(piece: str) -> None:
    """The standard library's parser needs minutes for these."""
    started = time.perf_counter()
    html_text(piece * 100_000)
    assert time.perf_counter() - started < 5


def test_mails_are_told_apart_without_a_blank_line_between_them() -> None:
    mbox = (SAMPLES / "mail/bridge-club.mbox").read_text("utf-8").replace("Gerda\n\nFrom", "Gerda\nFrom")
    assert len(read_bytes(mbox.encode())[1]) == 2
