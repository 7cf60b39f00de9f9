"""Plain text and Markdown in which speakers are named: `User: …`, `**Alice:** …`, `[2026-01-02 10:02] Alice: …`,
`Alice (10:02): …`, `Alice  10:02 AM` above the words, `10:02:13 From Alice to Everyone: …`, `## User` and
`ChatGPT said:`.

A file keeps to one of these styles, chosen from its head, so that a label of another style inside an answer stays
part of the answer. Names count as speakers when they recur; words for roles (User, Assistant, …) always do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from deltamem_cli.errors import LogError
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import lines
from deltamem_cli.readers.parse.speaker_label import Fences, Label, Style, choose
from deltamem_cli.readers.parse.values import seconds
from deltamem_cli.records import Message, ReadReport

TITLE = "plain text or Markdown with speaker labels"

_LONGEST = 4 << 20  # characters of one utterance; a longer one becomes several messages


def detect(head: Head) -> bool:
    """Speakers take turns in the head, and nothing says that it is another kind of text."""
    return not head.is_binary and head.document is None and choose(head.text) is not None


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The utterances, in file order, each at the line where its words begin.

    Raises LogError for a text in which nobody is named as the speaker.
    """
    style = choose(log.head.text)
    if style is None:
        raise LogError(log.name, "no speaker labels such as `User:` or `**Alice:**` were found; this is no dialogue")
    return _utterances(log.stream, style, report)


class _Utterance:
    """What one speaker says, as its lines come in."""

    def __init__(self, label: Label, line: int) -> None:
        self.label, self.line = label, line
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
            text=text,
            role=self.label.role,
            line=self.line,
            speaker=self.label.speaker,
            time=seconds(self.label.time),
            title=title,
        )


def _utterances(stream: BinaryIO, style: Style, report: ReadReport) -> Iterator[Message]:
    fences = Fences()
    title = ""
    said: _Utterance | None = None
    for number, raw in lines(stream, report, blank=True):
        line = raw.decode("utf-8", "replace").rstrip("\r\n\0")
        label = None if fences.inside(line) else style.label(line)
        if label is None and said is not None and said.size > _LONGEST:
            label = replace(said.label, text=line)
        if label is not None:
            if said is not None and (message := said.message(title)):
                yield message
                title = ""
            said = _Utterance(label, number)
        elif said is not None:
            said.add(line, number)
        elif line.strip():
            title = title or style.title(line)
            report.skipped["line before the first speaker"] += 1
    if said is not None and (message := said.message(title)):
        yield message
