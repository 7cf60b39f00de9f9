"""Text laid out for a screen: wrapped at words, indented, bounded, with what was asked for marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from deltamem_cli.cli.output.terminal import Style, clean

Span = tuple[int, int]

_TAB = "    "
_DEEPEST = 12  # columns of a line's own indentation that its continuation keeps
_WORDS = re.compile(r"[^ ]+ *|^ +")


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines that fit, and how many were left out before and after them."""

    lines: list[str]
    before: int
    after: int


@cache
def _cell(character: str) -> int:
    from rich.cells import get_character_cell_size

    return get_character_cell_size(character)


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def shorten(text: str, width: int) -> str:
    """The text in at most `width` columns: its end gives way to a mark."""
    if cells(text) <= width:
        return text
    return text[: _fitting(text, max(width - 1, 0))].rstrip() + "…" if width > 0 else ""


def shorten_middle(text: str, width: int) -> str:
    """The same, but what stands in the middle gives way: both ends of a place tell it apart."""
    if cells(text) <= width:
        return text
    tail = text[::-1][: _fitting(text[::-1], max(width - 1, 1) * 2 // 3)][::-1]
    return text[: _fitting(text, max(width - 1 - cells(tail), 0))] + "…" + tail


def _fitting(text: str, width: int) -> int:
    """How many characters of the text fit."""
    if text.isascii():
        return min(len(text), width)
    taken = 0
    for at, character in enumerate(text):
        taken += _cell(character)
        if taken > width:
            return at
    return len(text)


def shown(text: str, marks: Iterable[Span] = ()) -> tuple[str, list[Span]]:
    """The text as it may be shown (see `clean`), tabs as blanks, and where the marks have moved to."""
    parts: list[str] = []
    moved: list[Span] = []
    at = length = 0

    def take(piece: str) -> None:
        nonlocal length
        parts.append(clean(piece).replace("\t", _TAB))
        length += len(parts[-1])

    for start, end in marks:
        take(text[at:start])
        first = length
        take(text[start:end])
        moved.append((first, length))
        at = end
    take(text[at:])
    return "".join(parts), moved


def wrap(text: str, width: int) -> list[tuple[Span, int]]:
    """The pieces (start, end) of a text that stand on lines of at most `width` columns, with their indentation.

    Lines end between words where they can; what continues a line stands below its first word.
    """
    pieces: list[tuple[Span, int]] = []
    offset = 0
    for line in text.split("\n"):
        indent = min(len(line) - len(line.lstrip(" ")), _DEEPEST, width // 2)
        pieces += _wrapped(line, offset, width, indent)
        offset += len(line) + 1
    return pieces


def _wrapped(line: str, offset: int, width: int, indent: int) -> Iterator[tuple[Span, int]]:
    if cells(line) <= width:
        yield (offset, offset + len(line)), 0
        return
    start = end = used = hang = 0
    for match in _WORDS.finditer(line):
        size = cells(match.group().rstrip(" "))
        if end > start and hang + used + size > width:
            yield (offset + start, offset + end), hang
            start, used, hang = match.start(), 0, indent
        while hang + used + cells(line[match.start() if used else start : match.end()].rstrip(" ")) > width:
            fits = start + max(_fitting(line[start:], max(width - hang, 1)), 1)  # a word longer than a line
            yield (offset + start, offset + fits), hang
            start, used, hang = fits, 0, indent
        end = match.end()
        used = cells(line[start:end])
    if end > start:
        yield (offset + start, offset + end), hang


def paragraph(text: str, marks: Sequence[Span], width: int, style: Style) -> list[str]:
    """The lines of a text, marks painted."""
    told, moved = shown(text.rstrip(" \t\n"), marks)
    lines = []
    for (start, end), indent in wrap(told, width):
        lines.append(" " * indent + _painted(told, start, end, moved, style))
    return lines


def _painted(text: str, start: int, end: int, marks: Sequence[Span], style: Style) -> str:
    parts, at = [], start
    for first, last in marks:
        if first < end and last > at:
            parts += [text[at : max(first, at)], style.mark(text[max(first, at) : min(last, end)])]
            at = min(last, end)
    return "".join([*parts, text[at:end]]).rstrip(" ")


def bound(lines: list[str], most: int, worth: Sequence[bool]) -> Cut:
    """At most so many of the lines: those where most of what is worth seeing stands, the first of such."""
    if len(lines) <= most:
        return Cut(lines, 0, 0)
    sums = [sum(worth[first : first + most]) for first in range(len(lines) - most + 1)]
    first = sums.index(max(sums))
    if first and not worth[first + most - 1]:
        first -= 1  # a line of what leads up to it
    return Cut(lines[first : first + most], first, len(lines) - first - most)
