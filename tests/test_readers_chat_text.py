"""People's chats as text: WhatsApp, Signal, IRC. Each sample gives the messages it holds, at their lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_reading import read_bytes, read_file

from deltamem_cli.errors import LogError
from deltamem_cli.readers.parse.date_order import Order, date
from deltamem_cli.readers.parse.stamps import Stamp, clock
from deltamem_cli.records import Message

SAMPLES = Path(__file__).parent.parent / "samples"
TEXT_SAMPLES = sorted(path for name in ("whatsapp", "signal", "irc") for path in (SAMPLES / name).iterdir())


def told(messages: list[Message]) -> list[tuple[int, str, str]]:
    return [(message.line, message.speaker, message.text) for message in messages]


@pytest.mark.parametrize("path", TEXT_SAMPLES, ids=lambda path: path.name)
def test_a_message_stands_on_its_line(path: Path) -> None:
    format, messages, _ = read_file(path)
    assert format == path.parent.name
    lines = path.read_text("utf-8").split("\n")
    assert all(m.text.split("\n")[0].split(" ")[-1] in lines[m.line - 1] for m in messages)
    assert len({m.session for m in messages}) == 1


def test_whatsapp_of_an_iphone() -> None:
    _, messages, report = read_file(SAMPLES / "whatsapp/_chat.txt")
    assert told(messages) == [
        (2, "Tove", "Sailing at nine?\nWind is 4 Beaufort from the west"),
        (5, "Bo Lind", "The halyard is frayed, I bring 25 m of new line"),
        (7, "Tove", "Dinner: fish soup at the boathouse? [just an idea]"),
    ]
    assert [m.time for m in messages] == [1781337542.0, 1781337765.0, 1782940509.0]
    assert report.skipped == {"system line": 1, "media": 1, "deleted": 1}


def test_whatsapp_of_android() -> None:
    """Month first, for 8/20 is no other day; midnight and noon; a caption without its picture's notice."""
    _, messages, report = read_file(SAMPLES / "whatsapp/android.txt")
    assert told(messages) == [
        (2, "Grandma", "Bring the blue tent"),
        (5, "Lou", "Pegs are missing, twelve of them"),
        (6, "Grandma", "The campsite at the lake costs 31 euro a night"),
    ]
    assert [m.time for m in messages] == [1786195560.0, 1786266360.0, 1787184600.0]
    assert report.skipped == {"system line": 1, "media": 1}


HEADERS = {
    "[2017-09-07, 7:58:30 PM] Ann: hi": 1504814310.0,
    "[16.07.21, 15:03:00] Ann: hi": 1626447780.0,
    "[31/12/2022 11:40:26] Ann: hi": 1672486826.0,
    "20.01.22, 13:30 - Ann: hi": 1642685400.0,
    "2021-03-18, 3:02 p.m. - Ann: hi": 1616079720.0,
    "2021-03-18, 12:02 a. m. - Ann: hi": 1616025720.0,
    "15/10/2021 10:11 - Ann: hi": 1634292660.0,
    "\u200f[\u200f31/12/2022, 11:40:26] \u202aAnn\u202c: hi": 1672486826.0,
}


@pytest.mark.parametrize("header", HEADERS)
def test_whatsapp_headers(header: str) -> None:
    format, messages, _ = read_bytes(f"\ufeff{header}\r\nthere\r\n".encode())
    assert format == "whatsapp"
    assert [(m.speaker, m.text, m.time) for m in messages] == [("Ann", "hi\nthere", HEADERS[header])]


def test_whatsapp_days_that_stay_open_have_no_time() -> None:
    """All dates exist and run forwards in both orders: nothing is guessed."""
    _, messages, _ = read_bytes(b"01/02/2024, 10:00 - Ann: hi\n03/04/2024, 11:00 - Bob: ho\n")
    assert [m.time for m in messages] == [None, None]
    _, messages, _ = read_bytes(b"05/02/2024, 10:00 - Ann: hi\n03/04/2024, 11:00 - Bob: ho\n")
    assert [m.time for m in messages] == [1707127200.0, 1712142000.0]


def test_whatsapp_a_line_that_looks_like_a_header_belongs_to_its_message() -> None:
    text = "20/01/24, 10:00 - Ann: the old log said\n01/25/24, 10:00 - Bob: no\n[20/01/24, 10:00:00] Bob: no\n"
    _, messages, _ = read_bytes(text.encode() + b"21/01/24, 10:00 - Bob: Note: x\n")
    assert [m.speaker for m in messages] == ["Ann", "Bob"]
    assert messages[1].text == "Note: x"


@given(days=st.lists(st.dates().map(lambda day: day.replace(year=2000 + day.year % 100)), min_size=1, max_size=40))
def test_the_order_of_a_chat_is_right_or_open(days: list[object]) -> None:
    """Whatever the days, in the order they came: the right order is found wherever one of them tells."""
    ordered = sorted(days)  # type: ignore[type-var]
    for right in ("dmy", "mdy"):
        order = Order()
        for day in ordered:
            fields = {"d": day.day, "m": day.month, "y": day.year}  # type: ignore[attr-defined]
            order.see(Stamp((fields[right[0]], fields[right[1]], fields[right[2]]), separator="/"))
        telling = any(day.day > 12 for day in ordered)  # type: ignore[attr-defined]
        assert order.found() == right if telling else order.found() in (right, "")


def test_impossible_days_and_clocks() -> None:
    assert date((30, 2, 2024), "dmy") is None
    assert date((1, 2, 24), "ymd") is None
    assert [clock(12, 0, 0, "a"), clock(12, 0, 0, "p"), clock(0, 8, 0, "a"), clock(24, 0, 0, "")] == [
        0,
        43200,
        480,
        None,
    ]


def test_signal_sample() -> None:
    _, messages, report = read_file(SAMPLES / "signal/chat.md")
    assert told(messages) == [
        (1, "Me", "Did the beekeeper call?"),
        (6, "Ada", "Yes, the swarm sits in the pear tree"),
        (10, "Me", "He takes 60 euro and a jar of honey back"),
    ]
    assert messages[1].time == 1783014720.0
    assert report.skipped == {"quoted line": 3, "reaction": 1, "no text": 1}


def test_a_dialogue_without_signals_marks_is_text() -> None:
    text = "[2026-01-02 10:02] Ann: hi\n[2026-01-02 10:03] Bob: ho\n" * 2
    assert read_bytes(text.encode())[0] == "text"


def test_weechat_sample() -> None:
    _, messages, report = read_file(SAMPLES / "irc/radio.weechatlog")
    assert told(messages) == [
        (2, "marconi", "anyone got the 40 m antenna to tune?"),
        (3, "tux", "cut it to 20.1 metres"),
        (4, "marconi", "grabs the pliers"),
    ]
    assert messages[0].time == 1767348700.0
    assert report.skipped == {"notice": 2}


def test_irssi_sample() -> None:
    _, messages, report = read_file(SAMPLES / "irc/typewriters.log")
    assert told(messages) == [
        (3, "vera", "ribbon ink for an Olympia SM9?"),
        (4, "kurt", "any 13 mm ribbon fits, keep the old spools"),
        (5, "vera", "cheers"),
        (7, "vera", "It types again"),
    ]
    assert [m.time for m in messages] == [1767430860.0, 1767430980.0, 1767431040.0, 1767484920.0]
    assert report.skipped == {"log opened, day changed": 2, "notice": 1}


def test_znc_has_clocks_without_days() -> None:
    text = b"[10:11:12] <ann> na\xefve\n[10:11:20] * bob waves\n[10:11:30] *** Joins: eve\n"
    format, messages, _ = read_bytes(text)
    assert format == "irc"
    assert [(m.speaker, m.text, m.time) for m in messages] == [("ann", "na\u00efve", None), ("bob", "waves", None)]


@pytest.mark.parametrize(
    "text",
    [
        "01/02/2024, 10:00 - INFO: started\n01/02/2024, 10:01 - ERROR: broke\n",
        "[10:11:12] main.c: started\n[10:11:13] main.c: done\n",
        "2026-01-02 10:11:12 nick text\n2026-01-02 10:11:12 nick text\n",
        "- 20/01/24, 10:00 - Ann: no line of a chat begins so\n",
    ],
)
def test_other_texts_with_times_are_refused(text: str) -> None:
    with pytest.raises(LogError, match="--format"):
        read_bytes(text.encode())
