"""WhatsApp chat export (`_chat.txt`, `WhatsApp Chat with ….txt`), of iPhones `[31/12/2022, 23:59:59] Ann: …` and of
Android phones `31/12/22, 23:59 - Ann: …`.

The file is read twice, through a temporary copy: what day "03/04/22" is only the whole of it tells.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from deltamem_cli.readers.chats.whatsapp_dates import Fields, Order, clock, date
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.plain import MARKS, text_lines
from deltamem_cli.readers.parse.speaker_label import NO_NAMES
from deltamem_cli.records import Message, ReadReport

TITLE = "WhatsApp chat export (.txt)"

_IN_MEMORY = 16 << 20  # bytes; the copy of a longer file lies on disk
_LONGEST = 4 << 20  # characters of one message
_M = f"{MARKS.pattern}{{0,8}}+"
_DATE = rf"(\d{{1,4}}){_M}([./-]){_M}\s?(\d{{1,2}}){_M}\2{_M}\s?(\d{{1,4}})\.?"
_CLOCK = r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\s?([AaPp])\.?\s?[Mm]\.?)?"
_HEADERS = {
    "[": re.compile(rf"{_M}\[{_M}{_DATE},?\s{_CLOCK}\]\s?(.*)", re.DOTALL),
    "-": re.compile(rf"{_M}{_DATE},?\s{_CLOCK}\s[-–]\s(.*)", re.DOTALL),
}
_SPEAKER = re.compile(rf"{_M}(?:~\s?)?([^:\"“”«»\n]{{1,80}}):(?:\s(.*))?$", re.DOTALL)
_MEDIA = re.compile(
    r"<[^<>]{3,80}>"  # <Media omitted>, <Medien ausgeschlossen>, <attached: 0001-PHOTO.jpg>
    r"|[^\n/]{1,120}\.\w{2,4} \([^()\n]{3,40}\)"  # IMG-1.jpg (file attached)
    r"|(?:image|video|audio|sticker|GIF|document|Contact card|video note) omitted"
)
_DELETED = re.compile(r"(?:This message was deleted|You deleted this message)\.?")
_EDITED = re.compile(r"\s?\u200e?<This message was edited>$")
_WORDS_AFTER_MARK = ("POLL:", "Location:", "OPTION:")  # texts of people that WhatsApp marks as its own


@dataclass(frozen=True, slots=True)
class _Header:
    """The start of a message: its date and clock as they stand, and the rest of the line."""

    fields: Fields
    separator: str
    clock: int
    rest: str


def detect(head: Head) -> bool:
    """The first line starts a message, one of five others does too, and somebody speaks."""
    if head.is_binary:
        return False
    told = [line for line in head.text.split("\n")[:50] if line.strip()]
    style = _style(told)
    headers = [found for line in told if style and (found := _header(line, style))]
    speakers = {named[1].strip().lower() for header in headers if (named := _SPEAKER.match(header.rest))}
    return len(headers) * 5 >= len(told) > 0 and bool(speakers - NO_NAMES)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages, in file order, each at the line where its words begin.

    Times are the phone's local ones, taken as UTC; None throughout where the order of day and month stays open.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(log.stream, copy)
        copy.seek(0)
        source = cast(BinaryIO, copy)
        style, order = "", Order()
        for _, line in text_lines(source, ReadReport()):
            style = style or _style([line])
            if style and (header := _header(line, style)):
                order.see(header.fields, header.separator)
        copy.seek(0)
        yield from _messages(source, style, order.found(), report)


def _style(lines: list[str]) -> str:
    """How the first of the lines starts a message: "[" or "-", "" when it does not."""
    return next((style for style in _HEADERS if lines and _header(lines[0], style)), "")


def _header(line: str, style: str) -> _Header | None:
    found = _HEADERS[style].match(line.rstrip("\r"))
    if found is None:
        return None
    first, separator, second, third, hour, minute, second_hand, half, rest = found.groups()
    if style == "[" and separator == "-" and not (second_hand and "," in line[:14]):
        return None  # [2026-01-02 10:02] is how other tools write it
    time = clock(int(hour), int(minute), int(second_hand or 0), half or "")
    if time is None:
        return None
    return _Header((int(first), int(second), int(third)), separator, time, rest)


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
        text = _EDITED.sub("", text.lstrip("\u200e"))
        line, first, after = self.line, *text.partition("\n")[::2]
        media = _MEDIA.fullmatch(MARKS.sub("", first).strip())
        if media:
            text, line = after, line + 1
        notice = marked and self.header.rest and not text.startswith(_WORDS_AFTER_MARK)
        if not self.speaker or (notice and not media and not _DELETED.fullmatch(text)):
            report.skipped["system line"] += 1
        elif _DELETED.fullmatch(text):
            report.skipped["deleted"] += 1
        elif not text.strip():
            report.skipped["media" if media else "no text"] += 1
        else:
            day = date(self.header.fields, order) if order else None
            time = None if day is None else day.timestamp() + self.header.clock
            return Message(text=text.rstrip(), role="user", line=line, speaker=self.speaker, time=time)
        return None


def _messages(stream: BinaryIO, style: str, order: str, report: ReadReport) -> Iterator[Message]:
    said: _Utterance | None = None
    for number, line in text_lines(stream, report):
        header = _header(line, style) if style else None
        if header is not None and order and date(header.fields, order) is None:
            header = None  # a line of a message that only looks like the start of one
        if header is None and said is not None and said.size < _LONGEST:
            said.texts.append(line)
            said.size += len(line)
        elif header is not None:
            if said is not None and (message := said.message(order, report)):
                yield message
            said = _Utterance(header, number)
        elif line.strip():
            report.skipped["line before the first message" if said is None else "oversized message"] += 1
    if said is not None and (message := said.message(order, report)):
        yield message
