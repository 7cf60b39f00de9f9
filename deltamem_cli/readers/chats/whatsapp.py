"""WhatsApp chat export (`_chat.txt`, `WhatsApp Chat with ….txt`), of iPhones `[31/12/2022, 23:59:59] Ann: …`, Android
phones `31/12/22, 23:59 - Ann: …`, and of older iPhones `31/12/22, 23:59:59: Ann: …`, in any language of the phone.

The file is read twice, through a temporary copy: what day "03/04/22" is only the whole of it tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from deltamem_cli.readers.chats.whatsapp_notices import is_call, is_deleted, is_media, without_edit_mark
from deltamem_cli.readers.parse.date_order import Order, moment
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.names import NO_NAMES
from deltamem_cli.readers.parse.plain import MARKS, text_lines
from deltamem_cli.readers.parse.spool import copied
from deltamem_cli.readers.parse.stamps import LONGEST, Stamp, stamp
from deltamem_cli.records import Message, ReadReport

TITLE = "WhatsApp chat export (.txt)"

_LONGEST = 4 << 20  # characters of one message
_M = f"{MARKS.pattern}{{0,8}}+"
_BRACKETS = re.compile(rf"{_M}\[([^\[\]\n]{{6,{LONGEST}}})\]\s?(.*)", re.DOTALL)
_DASHES = (" - ", " – ")
_STYLES = ("[", "-", ":")
_CLOCK = re.compile(r"\d[^\d\s]\d\d|\d ?[h시時]")  # every header has one, whatever the language and its digits
_SPEAKER = re.compile(rf"{_M}(?:~\s?)?([^:\"“”«»\n]{{1,80}}):(?:\s(.*))?$", re.DOTALL)
_WORDS_AFTER_MARK = ("POLL:", "Location:", "OPTION:")  # texts of people that WhatsApp marks as its own


@dataclass(frozen=True, slots=True)
class _Header:
    """The start of a message: its date and clock, and the rest of the line."""

    stamp: Stamp
    rest: str


def detect(head: Head) -> bool:
    """The first line starts a message, one of five others does too, and somebody speaks."""
    if head.is_binary:
        return False
    told = [line for line in head.text.split("\n")[:50] if line.strip()]
    style = _style(told[0]) if told else ""
    headers = [found for line in told if style and (found := _header(line, style))]
    speakers = {named[1].strip().lower() for header in headers if (named := _SPEAKER.match(header.rest))}
    return len(headers) * 5 >= len(told) > 0 and bool(speakers - NO_NAMES)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages, in file order, each at the line where its words begin.

    Times are the phone's own clock; None throughout where the order of day and month stays open.
    """
    with copied(log.stream) as source:
        order, last = Order(), dict.fromkeys(_STYLES, 0)
        for number, line in text_lines(source, ReadReport()):
            for style in _STYLES:
                if header := _header(line, style):
                    order.see(header.stamp)
                    last[style] = number
                    break
        source.seek(0)
        yield from _messages(source, last, order.found(), report)


def _style(line: str) -> str:
    """How a line starts a message: "[", "-" or ":"; "" when it does not."""
    return next((style for style in _STYLES if _header(line, style)), "")


def _header(line: str, style: str) -> _Header | None:
    start = line[:3].lstrip("\u200e\u200f\u202a\u202b\u2068\ufeff ")[:1]
    if (start == "[") != (style == "[") or not (start == "[" or start.isdecimal() or start.isalpha()):
        return None
    line = line.rstrip("\r")
    if style == "[":
        found = _BRACKETS.match(line)
        when, rest = (found[1], found[2]) if found else ("", "")
    else:
        marks = _DASHES if style == "-" else (": ",)
        end, mark = min(((at, mark) for mark in marks if (at := line.find(mark, 5, LONGEST + 8)) > 0), default=(0, ""))
        when, rest = line[:end], line[end + len(mark) :]
    time = stamp(when) if when and (_CLOCK.search(when) or not when.isascii()) else None
    if time is None or time.fields is None or time.offset is not None:
        return None
    has_seconds = len(re.findall(r"\d+", when)) > 5
    if (style == ":" or (style == "[" and time.separator == "-")) and not has_seconds:
        return None  # [2026-01-02 10:02] is how other tools write it
    return _Header(time, rest)


class _Utterance:
    """What one person says, as its lines come in."""

    def __init__(self, header: _Header, line: int) -> None:
        self.header, self.line = header, line
        found = _SPEAKER.match(header.rest)
        self.speaker = MARKS.sub("", found[1]).strip() if found else ""
        self.texts = [found[2] or ""] if found else []
        self.size = 0

    def message(self, order: str, report: ReadReport) -> Message | None:
        """The message, None for a notice of WhatsApp's own or a message that was deleted or was but a picture."""
        text = "\n".join(self.texts)
        marked = text.startswith("\u200e")
        text = without_edit_mark(text.lstrip("\u200e"))
        line, first, after = self.line, *text.partition("\n")[::2]
        media = is_media(first)
        if media:
            text, line = after, line + 1
        deleted = is_deleted(text)
        notice = marked and self.header.rest and not text.startswith(_WORDS_AFTER_MARK)
        if not self.speaker or (notice and not media and not deleted) or is_call(text):
            report.skipped["system line"] += 1
        elif deleted:
            report.skipped["deleted"] += 1
        elif not text.strip():
            report.skipped["media" if media else "no text"] += 1
        else:
            time = moment(self.header.stamp, order)
            return Message(text=text.rstrip(), role="user", line=line, speaker=self.speaker, time=time)
        return None


def _messages(stream: BinaryIO, last: dict[str, int], order: str, report: ReadReport) -> Iterator[Message]:
    """The messages. `last` is the line of each style's last header: where one ends, another export may follow."""
    said: _Utterance | None = None
    style = ""
    for number, line in text_lines(stream, report):
        header = _header(line, style) if style else None
        if header is not None and order and moment(header.stamp, order) is None:
            header = None  # a line of a message that only looks like the start of one
        if header is None and number > last.get(style, 0):
            header = next((found for other in _STYLES if other != style and (found := _header(line, other))), None)
            if header is not None:
                style = _style(line)
        if header is None and said is not None and said.size > _LONGEST:
            header = _Header(said.header.stamp, f"{said.speaker}: {line}")
        if header is not None:
            if said is not None and (message := said.message(order, report)):
                yield message
            said = _Utterance(header, number)
        elif said is None:
            report.skipped["line before the first message"] += bool(line.strip())
        else:
            said.texts.append(line)
            said.size += len(line)
    if said is not None and (message := said.message(order, report)):
        yield message
