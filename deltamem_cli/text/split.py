"""Message → passages that fit the encoder's window.

A passage ends at the best place the window allows: between paragraphs, then lines, then sentences, then words. A fenced
block of code stays whole where it fits. Tool traffic is kept in a bounded form: its head, its tail, its error lines.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from hashlib import blake2b

from deltamem_cli.records import Message, Passage

Offsets = Callable[[str], list[tuple[int, int]]]

_SLAB = 32_000  # characters tokenised at once: a pasted file of 100 MB must not become a list of its tokens
_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_PLACES = (  # where a passage may end, the best first
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])[\"')\]”’]*\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
    re.compile(r"\b"),  # half a word may be more tokens than it was in the whole
)
_TOOL_HEAD, _TOOL_TAIL, _TOOL_ERRORS, _TOOL_LINE = 6, 6, 6, 160
_ERROR = re.compile(r"error|exception|traceback|fail|fatal|panic|denied|not found|cannot|undefined", re.IGNORECASE)


def passages(message: Message, window: int, offsets: Offsets) -> Iterator[Passage]:
    """The message cut into passages of at most `window` tokens, as `offsets` (text → token places) counts them."""
    bounded = message.kind in ("tool_call", "tool_result")
    text = brief(message.text) if bounded else message.text
    budget = window - len(spoken(message, "").encode("utf-8", "surrogatepass"))
    for part, piece in enumerate(split(text, max(budget, window // 2), offsets)):
        name = "\0".join((message.id, message.kind, str(part), piece)).encode("utf-8", "surrogatepass")
        yield Passage(blake2b(name, digest_size=16).digest(), piece, message)


def spoken(message: Message, text: str) -> str:
    """What is encoded and indexed of a passage: its text, after the name of the person who said it."""
    return f"{message.speaker}: {text}" if message.speaker and message.role == "user" else text


def split(text: str, window: int, offsets: Offsets) -> list[str]:
    """Pieces of the text, none over `window` tokens, none empty, in order; nothing but white space is lost."""
    pieces = []
    for slab in _slabs(text):
        if len(slab.encode("utf-8", "surrogatepass")) <= window:  # no tokenizer makes more tokens than bytes
            pieces.append(slab)
        else:
            pieces += _cut(slab, window, [start for start, _ in offsets(slab)])
    return [piece.strip() for piece in pieces if piece.strip()]


def brief(text: str) -> str:
    """The head, the error lines and the tail of a tool's output; short output is kept whole."""
    lines = text.splitlines()
    shown = range(len(lines))
    if len(lines) > _TOOL_HEAD + _TOOL_TAIL + _TOOL_ERRORS:
        middle = range(_TOOL_HEAD, len(lines) - _TOOL_TAIL)
        errors = [i for i in middle if _ERROR.search(lines[i], 0, _TOOL_LINE)][:_TOOL_ERRORS]
        shown = [*range(_TOOL_HEAD), *errors, *range(len(lines) - _TOOL_TAIL, len(lines))]  # type: ignore[assignment]
    out, last = [], -1
    for i in shown:
        if i != last + 1:
            out.append("[…]")
        out.append(lines[i] if len(lines[i]) <= _TOOL_LINE else lines[i][:_TOOL_LINE] + "…")
        last = i
    return "\n".join(out)


def _slabs(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _SLAB:
        low, high = start + _SLAB // 2, start + _SLAB
        end = max(text.rfind("\n", low, high), text.rfind(" ", low, high)) + 1 or high
        yield text[start:end]
        start = end
    yield text[start:]


def _cut(text: str, window: int, tokens: list[int]) -> list[str]:
    """Cut greedily: each piece as long as the window lets it, back to the best place in its second half."""
    fences = _fences(text)
    places = [[match.end() for match in pattern.finditer(text)] for pattern in _PLACES]
    starts = set(tokens)
    places[2] = [at for at in places[2] if text[at - 1].isspace() or at in starts]  # 。 may stand inside a token
    outside = [[at for at in found if not _inside(at, fences)] for found in places[:3]]
    openings = [start for start, _ in fences]
    pieces, start, first = [], 0, 0
    while first + window < len(tokens):
        limit = max(tokens[first + window], tokens[first] + 1)  # bytes of one character may be tokens of one place
        least = tokens[first + window // 3]
        end = (
            _last(openings, tokens[first], limit, [end for _, end in fences])
            or next((at for found in (*outside, places[1], *places[3:]) if (at := _last_in(found, least, limit))), None)
            or limit
        )
        pieces.append(text[start:end])
        start, first = end, bisect_left(tokens, end)
    return [*pieces, text[start:]]


def _fences(text: str) -> list[tuple[int, int]]:
    """Places (start, end) of fenced blocks of code; one that is never closed runs to the end."""
    marks = list(_FENCE.finditer(text))
    found, i = [], 0
    while i < len(marks):
        close = next((j for j in range(i + 1, len(marks)) if marks[j].group(1) == marks[i].group(1)), None)
        end = len(text) if close is None else text.find("\n", marks[close].end()) + 1 or len(text)
        found.append((marks[i].start(), end))
        i = len(marks) if close is None else close + 1
    return found


def _inside(at: int, fences: list[tuple[int, int]]) -> bool:
    i = bisect_left(fences, (at, -1)) - 1
    return i >= 0 and fences[i][0] < at < fences[i][1]


def _last_in(places: list[int], low: int, high: int) -> int | None:
    """The last of the sorted places in (low, high]."""
    i = bisect_left(places, high + 1) - 1
    return places[i] if i >= 0 and places[i] > low else None


def _last(openings: list[int], low: int, high: int, ends: list[int]) -> int | None:
    """The opening of the last fence in (low, high] that would not end by `high`: it goes to the next piece whole."""
    at = _last_in(openings, low, high)
    return at if at is not None and ends[openings.index(at)] > high else None
