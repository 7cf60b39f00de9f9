"""IRC logs: WeeChat (`2026-01-02 10:11:12<TAB>nick<TAB>text`), irssi (`10:11 <nick> text` under `--- Log opened`) and
ZNC (`[10:11:12] <nick> text`).

The days of irssi stand in lines of their own; those of ZNC only in the file's name, so its times stay open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.plain import text_lines
from deltamem_cli.readers.parse.values import seconds
from deltamem_cli.records import Message, ReadReport

TITLE = "IRC log (WeeChat, irssi, ZNC)"

_COLOURS = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04[0-9a-fA-F]{6}|[\x02\x0f\x11\x16\x1d\x1e\x1f]")
_CLOCK = r"(?P<time>\d\d:\d\d(?::\d\d)?)"
_NICK = r"[ @+%&~!]?(?P<nick>[^\s<>]{1,64})"
_STYLES = {
    "weechat": re.compile(r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\t(?P<nick>[^\t]{0,64})\t(?P<text>.*)"),
    "irssi": re.compile(rf"{_CLOCK} (?:<{_NICK}> (?P<text>.*)| \* (?P<actor>\S{{1,64}}) (?P<deed>.*)|(?P<note>-.*))"),
    "znc": re.compile(
        rf"\[{_CLOCK}\] (?:<{_NICK}> (?P<text>.*)|\* (?P<actor>\S{{1,64}}) (?P<deed>.*)|(?P<note>(?:\*\*\*|-).*))"
    ),
}
_DAY = re.compile(
    r"--- (?:Log opened|Log closed|Day changed) \w{2,4} (?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2})"
    r"(?: [\d:]{8})? (?P<year>\d{4})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEECHAT_ACTIONS, _WEECHAT_NOTES = {"*"}, {"-->", "<--", "--", "=!=", "", "⚡"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the log: who says what at which clock; nick "" for a notice of the network."""

    nick: str
    text: str
    time: str


def detect(head: Head) -> bool:
    """Half of the first lines are of one style, and somebody speaks in one of them."""
    return not head.is_binary and _style(head.text) is not None


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield what people say and do, a message a line; other notices are counted. Local times are taken as UTC."""
    return _messages(log.stream, report)


def _style(text: str) -> str | None:
    told = [line.rstrip("\r") for line in text.split("\n")[:50] if line.strip()]
    for style in _STYLES:
        found = [line for line in (_line(_COLOURS.sub("", told_line), style) for told_line in told) if line]
        days = sum(1 for line in told if _DAY.match(line)) if style == "irssi" else 0
        if (len(found) + days) * 2 > len(told) and (days or any(line.nick for line in found)):
            return style
    return None


def _line(line: str, style: str) -> _Line | None:
    found = _STYLES[style].match(line)
    if found is None:
        return None
    fields = found.groupdict()
    nick, text = fields["nick"] or fields.get("actor") or "", fields["text"] or fields.get("deed") or ""
    if style == "weechat":
        if nick.strip() in _WEECHAT_ACTIONS:
            nick, _, text = text.partition(" ")
        elif nick in _WEECHAT_NOTES:
            nick = ""
    return _Line(nick.lstrip(" @+%&~!"), text, fields["time"])


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    style, day = "", ""
    for number, raw in text_lines(stream, report):
        line = _COLOURS.sub("", raw)
        style = style or next((name for name in _STYLES if _line(line, name)), "")
        said = _line(line, style) if style else None
        if said is None:
            day = _date(line) or day
            report.skipped["log opened, day changed" if _DAY.match(line) else "other line"] += bool(line.strip())
        elif not said.nick:
            report.skipped["notice"] += 1
        elif not said.text.strip():
            report.skipped["no text"] += 1
        else:
            time = seconds(said.time if style == "weechat" else f"{day} {said.time}" if day else None)
            yield Message(text=said.text, role="user", line=number, speaker=said.nick, time=time)


def _date(line: str) -> str:
    """The day that one of irssi's lines names, as ISO 8601; "" for none."""
    found = _DAY.match(line)
    if found is None or found["month"] not in _MONTHS:
        return ""
    try:
        day = datetime(int(found["year"]), _MONTHS.index(found["month"]) + 1, int(found["day"]), tzinfo=UTC)
    except ValueError:
        return ""
    return day.date().isoformat()
