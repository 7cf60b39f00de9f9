"""Captions and meeting transcripts: WebVTT, SRT and SBV.

A turn is what one speaker says without a pause of more than 30 seconds. Who speaks stands in a voice span (`<v Ann>`)
or, in a file that keeps to it, before a colon. Captions that roll (each repeats the line before) are said once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.plain import text_lines
from deltamem_cli.readers.parse.speaker_label import named
from deltamem_cli.records import Message, ReadReport

TITLE = "captions or meeting transcript (WebVTT, SRT, SBV)"

_PAUSE = 30.0  # seconds
_LONGEST = 2000  # characters of a turn: a place in a long monologue should be near its line
_FLASH = 0.05  # seconds; rolling captions show a finished line for so long
_CLOCK = r"((?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3})"
_TIMES = re.compile(rf"\s{{0,40}}{_CLOCK}(?:\s{{0,40}}-->\s{{0,40}}|,){_CLOCK}(?=\s|$)")
_BEGINNINGS = (
    re.compile(r"WEBVTT(?=\s|$)"),
    re.compile(r"\d{1,9}[ \t\r]{0,40}\n\s{0,40}\d{1,2}:\d{2}:\d{2}[.,]\d{3}\s{0,40}-->"),
    re.compile(r"\d{1,2}:\d{2}:\d{2}\.\d{3},\d{1,2}:\d{2}:\d{2}\.\d{3}\s*\n"),
)
_VOICE = re.compile(r"<v(?:\.[^\s>]{1,200})?\s{1,9}([^>\n]{1,80})>")
_TAG = re.compile(r"</?[a-z][^<>\n]{0,200}>|<\d[\d:.]{3,15}>|\{\\[^{}\n]{1,60}\}", re.IGNORECASE)
_ZOOM = re.compile(r"GMT(\d{8}-\d{6})(?=\D|$)")


@dataclass(slots=True)
class _Cue:
    """A caption: its times in seconds, and (line number, text, voice) of its lines."""

    start: float
    end: float
    lines: list[tuple[int, str, str]] = field(default_factory=list)


def detect(head: Head) -> bool:
    """The text begins as one of the three formats does, and a caption follows."""
    text = head.text.lstrip("\ufeff\r\n \t")
    begins = not head.is_binary and any(beginning.match(text) for beginning in _BEGINNINGS)
    return begins and any(_TIMES.match(line) for line in text.split("\n"))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the turns, in file order, each at the line of its first words.

    A recording knows only how long it has run, so times are open, unless the file's name is one of Zoom's, which say
    when it began (`GMT20260102-100200`).
    """
    labelled = _is_labelled(log.head.text)
    cues = _rolled(_cues(log.stream, report), report)
    return _turns(cues, labelled, _base(log.name))


def _is_labelled(text: str) -> bool:
    """Whether the captions of the head name their speakers before a colon: a third of them do, or two names recur."""
    below = [line for before, line in pairwise(text.split("\n")) if _TIMES.match(before)]
    names = [found[0] for line in below if (found := named(line.strip()))]
    return len(names) * 3 >= len(below) > 0 or sum(names.count(name) > 1 for name in set(names)) > 1


def _cues(stream: BinaryIO, report: ReadReport) -> Iterator[_Cue]:  # noqa: C901 - a state and what each line does
    cue: _Cue | None = None
    voice, aside = "", False
    for number, raw in text_lines(stream, report):
        aside = bool(raw) and (aside or (cue is None and re.match(r"(?:NOTE|STYLE|REGION)(?:\s|$)", raw) is not None))
        times = None if aside else _TIMES.match(raw)
        if aside:
            report.skipped["line outside a caption"] += 1
        elif times:
            if cue is not None:
                yield cue
            cue, voice = _Cue(_seconds(times[1]), _seconds(times[2])), ""
        elif "-->" in raw:
            if cue is not None:
                yield cue
            cue = None
            report.broken.append((number, "the times of a caption cannot be read"))
        elif not raw:
            if cue is not None:
                yield cue
            cue = None
        elif cue is not None:
            before, *pieces = _VOICE.split(raw)  # what stands before the first voice, then name and words by turns
            for name, words in zip([voice, *pieces[::2]], [before, *pieces[1::2]], strict=True):
                voice = name.strip()
                if said := html.unescape(_TAG.sub("", words)).strip():
                    cue.lines.append((number, said, voice))
        else:
            report.skipped["line outside a caption"] += 1
    if cue is not None:
        yield cue


def _rolled(cues: Iterator[_Cue], report: ReadReport) -> Iterator[_Cue]:
    """The captions without the lines that they repeat from the one before; those that say nothing else are counted."""
    last = ""
    for cue in cues:
        rolls = len(cue.lines) > 1 or cue.end - cue.start <= _FLASH
        told = [line for line in cue.lines if line[1]]
        fresh = told[1:] if rolls and told and told[0][1] == last else told
        last = told[-1][1] if told else last
        if fresh:
            yield _Cue(cue.start, cue.end, fresh)
        else:
            report.skipped["repeated caption" if told else "empty caption"] += 1


def _turns(cues: Iterator[_Cue], labelled: bool, base: float | None) -> Iterator[Message]:
    known = set[str]()
    speaker, texts, line, start, end, size = "", list[str](), 0, 0.0, 0.0, 0

    def turn() -> Iterator[Message]:
        if texts:
            time = None if base is None else base + start
            yield Message(text="\n".join(texts), role="user", line=line, speaker=speaker, time=time)

    for cue in cues:
        for number, text, voice in cue.lines:
            found = _labelled(text, known) if labelled and not voice else None
            name = "" if voice == "-" else voice or (found[0] if found else speaker)
            known.add(name)
            if name != speaker or cue.start - end > _PAUSE or size > _LONGEST:
                yield from turn()
                texts, size = [], 0
            if not texts:
                line, start = number, cue.start
            speaker, end = name, max(cue.end, cue.start)
            texts.append(found[1] if found else text)
            size += len(text)
    yield from turn()


def _labelled(text: str, known: set[str]) -> tuple[str, str] | None:
    """(name, words) of a caption that names its speaker: `Ann: …`, `>> ANN: …`, `[Ann] …` of one who is known by then.

    A bare `>>` says that another one speaks, but not who.
    """
    bare = text.removeprefix(">>").lstrip() if text.startswith(">>") else text.removeprefix("- ")
    if found := named(bare):
        return found
    if (bracket := re.match(r"\[([^\[\]]{1,60})\]:?\s+(\S.*)", bare, re.DOTALL)) and bracket[1] in known:
        return bracket[1], bracket[2]
    return ("", bare) if text.startswith(">>") else None


def _seconds(clock: str) -> float:
    seconds = 0.0
    for part in clock.replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _base(name: str) -> float | None:
    """When the recording began (seconds since 1970 UTC), as the names of Zoom's files say it; else None."""
    found = _ZOOM.search(Path(name).name)
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp() if found else None
    except ValueError:
        return None
