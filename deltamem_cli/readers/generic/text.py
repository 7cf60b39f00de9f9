"""Plain text and Markdown in which speakers are named: `User: …`, `**Alice:** …`, `[2026-01-02 10:02] Alice: …`,
`Alice — Today at 10:02` above the words, `## User`, and the other shapes of `parse/label_shapes.py`.

A file keeps to one of these styles, chosen from its head, so that a label of another style inside an answer stays
part of the answer. In a style with times, brackets or bold print every line of that shape starts a message. A bare
`Name: …` does where the name recurs in the file; one that stands there but once starts a message of nobody's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from deltamem_cli.readers.parse import stamps
from deltamem_cli.readers.parse.date_order import Order, date, moment
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.plain import text_lines
from deltamem_cli.readers.parse.speaker_label import Fences, Label, Style, choose, in_any_style, with_names_of
from deltamem_cli.readers.parse.spool import copied
from deltamem_cli.records import Message, ReadReport

TITLE = "plain text or Markdown with speaker labels"

_LONGEST = 4 << 20  # characters of one utterance; a longer one becomes several messages
_NAMES = 100_000  # different names that are counted
_MARK = re.compile(r"(?:\d{1,2}:)?\d{1,2}:\d{2}\s*$")  # how long a meeting has run, on a line of its own
_AROUND_DAY = re.compile(r"^[\s#=*_—–-]+|[\s#=*_—–-]+$")
_UNSURE = "line of a speaker who is not sure (kept, under no name)"


def detect(head: Head) -> bool:
    """Speakers take turns in the head, and nothing says that it is another kind of text."""
    return not head.is_binary and head.document is None and choose(head.text) is not None


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the utterances, in file order, each at the line where its words begin.

    A text in which nobody is named (it was called one by `--format text`) gives its paragraphs, under no name.
    """
    style = choose(log.head.text) or in_any_style(log.head.text)
    with copied(log.stream) as source:
        if style is None:
            yield from _paragraphs(source, report)
            return
        names, order = _survey(source, style)
        source.seek(0)
        yield from _utterances(source, with_names_of(style, names), order, report)


def _survey(source: BinaryIO, style: Style) -> tuple[Counter[str], str]:
    """The names that stand in labels of the style anywhere in the text, and the order of its dates.

    The key "" counts the lines that hold words, so that a text of nothing but labels can be told.
    """
    fences, order = Fences(), Order()
    count: Counter[str] = Counter()
    for _, line, below in _paired(source, ReadReport()):
        if not line.strip() or fences.inside(line):
            continue
        count[""] += 1
        found = style.found(line, below)
        if found is not None:
            if found.time:
                order.see(found.time)
            if found.name in count or len(count) < _NAMES:
                count[found.name] += 1
        elif day := _day(line, style):
            order.see(day)
            count[""] -= 1
    return count, order.found()


def _paired(source: BinaryIO, report: ReadReport) -> Iterator[tuple[int, str, str]]:
    """(number, line, the next line) of every line."""
    last: tuple[int, str] | None = None
    for number, line in text_lines(source, report):
        if last is not None:
            yield *last, line
        last = number, line
    if last is not None:
        yield *last, ""


def _day(line: str, style: Style) -> stamps.Stamp | None:
    """The day that a line of its own names: a heading, or in a text with times a line that is but a date."""
    bare = _AROUND_DAY.sub("", line[:200])
    if not bare or len(bare) > stamps.LONGEST or not (bare != line.strip() or style.is_timed):
        return None
    return stamps.day(bare)


class _Utterance:
    """What one speaker says, as its lines come in."""

    def __init__(self, label: Label, line: int, time: float | None) -> None:
        self.label, self.line, self.time = label, line, time
        self.texts: list[str] = []
        self.size = 0
        self.add(label.text, line)

    def add(self, text: str, line: int) -> None:
        if not self.texts and not text.strip():
            return
        if not self.texts:
            self.line = line
        self.texts.append(text)
        self.size += len(text)

    def message(self, title: str) -> Message | None:
        text = "\n".join(self.texts).rstrip()
        if not text:
            return None
        return Message(
            text=text, role=self.label.role, line=self.line, speaker=self.label.speaker, time=self.time, title=title
        )


def _utterances(  # noqa: C901 - one line after another is a label, a day, a mark or goes on
    source: BinaryIO, style: Style, order: str, report: ReadReport
) -> Iterator[Message]:
    fences = Fences()
    title, covered = "", 0
    day: datetime | None = None
    said: _Utterance | None = None
    for number, line, below in _paired(source, report):
        if number <= covered:
            continue
        label = None if fences.inside(line) else style.label(line, below)
        if label is None and said is not None and said.size > _LONGEST:
            label = replace(said.label, text=line, time=None)
        if label is not None:
            if said is not None and (message := said.message(title)):
                yield message
                title = ""
            if label.unsure:
                report.skipped[_UNSURE] += 1
            covered = number + label.lines - 1
            said = _Utterance(label, number, moment(label.time, order, day) if label.time else None)
        elif found := _day(line, style):
            order_of_it = found.order or order
            day = date(found.fields, order_of_it) if found.fields and found.fields[0] and order_of_it else None
            report.skipped["day heading"] += 1
        elif _MARK.match(line.strip()):
            report.skipped["time mark"] += 1
        elif said is not None:
            said.add(style.goes_on(line), number)
        elif line.strip():
            title = title or style.title(line)
            report.skipped["line before the first speaker"] += 1
    if said is not None and (message := said.message(title)):
        yield message


def _paragraphs(source: BinaryIO, report: ReadReport) -> Iterator[Message]:
    texts, begins, size = list[str](), 0, 0
    for number, line in text_lines(source, report):
        if (not line.strip() or size > _LONGEST) and texts:
            yield Message(text="\n".join(texts), role="user", line=begins)
            texts, size = [], 0
        if line.strip():
            begins = begins if texts else number
            texts.append(line)
            size += len(line)
    if texts:
        yield Message(text="\n".join(texts), role="user", line=begins)
