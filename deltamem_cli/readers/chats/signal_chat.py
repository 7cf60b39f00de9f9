"""Signal: the text that signal-export writes (`[2026-01-02 10:02] Ann: …`) and that chats are copied as
(`[2026-01-02, 10:02] Ann: …`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.plain import text_lines
from deltamem_cli.readers.parse.values import seconds
from deltamem_cli.records import Message, ReadReport

TITLE = "Signal chat (signal-export Markdown or text)"

_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d)(,?) (\d\d:\d\d(?::\d\d)?)\] ([^:\[\]\n]{1,80}):(?: (.*))?$")
_REACTION = re.compile(r"\(- .{1,200} -\)\s*$")
_FILE = re.compile(r"!?\[[^\]\n]{0,200}\]\(\.?/?media/[^)\n]{1,400}\)")
_LONGEST = 4 << 20  # characters of one message


def detect(head: Head) -> bool:
    """The first line starts a message as only Signal's tools do: a comma in the time, a speaker "Me", or their files.

    Without such a mark the text is a dialogue like others, for the reader of plain text.
    """
    told = head.text.strip().split("\n")[:400]
    if head.is_binary or not _HEADER.match(told[0].rstrip("\r")):
        return False
    found = [match for line in told if (match := _HEADER.match(line.rstrip("\r")))]
    marks = any(_REACTION.match(line) or _FILE.search(line) for line in told)
    return all(match[2] for match in found) or marks or any(match[4] == "Me" for match in found)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages, in file order, each at the line where its words begin; quotations, reactions and files are cut."""
    return _messages(log.stream, report)


def _messages(stream: BinaryIO, report: ReadReport) -> Iterator[Message]:
    opened: tuple[str, str] | None = None  # speaker, time
    begins, texts, size = 0, list[str](), 0
    for number, line in text_lines(stream, report):
        found = _HEADER.match(line)
        if found or size > _LONGEST:
            if opened:
                yield from _message(opened, begins, texts, report)
            opened = (found[4].strip(), f"{found[1]} {found[3]}") if found else opened
            line, texts, size = (found[5] or "") if found else line, [], 0
        elif opened is None:
            report.skipped["line before the first message"] += bool(line.strip())
            continue
        kept = _kept(line, report)
        if texts or kept.strip():
            begins = begins if texts else number
            texts.append(kept)
            size += len(kept) + 1
    if opened:
        yield from _message(opened, begins, texts, report)


def _kept(line: str, report: ReadReport) -> str:
    """What a line says itself: nothing for a quotation or a reaction, no links to files."""
    if line.startswith(">") or _REACTION.match(line):
        report.skipped["quoted line" if line.startswith(">") else "reaction"] += 1
        return ""
    return _FILE.sub("", line)


def _message(opened: tuple[str, str], line: int, texts: list[str], report: ReadReport) -> Iterator[Message]:
    text = "\n".join(texts).strip("\n").rstrip()
    if text:
        yield Message(text=text, role="user", line=line, speaker=opened[0], time=seconds(opened[1]))
    else:
        report.skipped["no text"] += 1
