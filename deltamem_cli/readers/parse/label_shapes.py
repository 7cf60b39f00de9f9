"""The shapes in which a line of text names its speaker, each a pattern that takes linear time.

A shape that has a time, bold print or brackets is a mark by itself: whatever name stands in it, somebody speaks. A bare
`Name: …` is one only where the name is known to be a speaker's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from deltamem_cli.readers.parse.stamps import Stamp, day, stamp

_CLOCK = r"\d{1,2}[:.]\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?\s?[Mm]\.?)?"
_DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}[T ,]{1,3}"
_TIME = rf"(?P<time>(?:{_DATE})?{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?)"
_COLON = r"\s{0,2}[:：]"
_REST = r"\s*(?P<text>.*)$"
_NAME = r"(?P<name>[^:：\s\[\](][^:：\n]{0,79}?)"

_SHAPES = {  # the more telling first
    "zoom": rf"{_TIME}\s+From\s+(?P<name>[^:\t]{{1,80}}?)\s+[Tt]o\s+[^:\t]{{1,80}}?\s*:{_REST}",
    "stamped": rf"[\[(](?P<time>[^\[\]()\n]{{4,64}})[\])]\s*(?:[-–]\s+)?{_NAME}{_COLON}(?:\*\*)?(?:\s+(?P<text>.*))?$",
    "copied": r"(?P<name>[^\[\]\n]{1,80}?), \[(?P<time>[^\[\]\n]{6,64})\](?P<text>)\s*:?$",  # Telegram
    "timed": r"(?P<name>[^:：\s\[\]()#][^:：\[\]()\n]{0,79}?)\s*[\[(](?P<time>[^\[\]()\n]{4,64})[\])](?:\*\*)?"
    rf"{_COLON}(?:\*\*)?{_REST}",
    "named": r"\[(?P<name>[^\[\]\n]{1,80})\] \[(?P<time>[^\[\]\n]{4,64})\](?:\s(?P<text>.*))?$",
    "dashed": r"(?:#{1,6}\s+)?(?P<name>[^\s#>-][^\n—]{0,79}?)\s+[—–-]\s+(?P<time>[^\n—]{4,60}?)(?P<text>):?$",
    "time first": rf"{_TIME}\s+[-–—]\s+(?P<name>[^:\n]{{1,80}}?)(?P<text>)\s*$",  # Fathom
    "stamp above": r"\[(?P<time>[^\[\]()\n]{6,64})\] (?P<name>[^\[\]:\n]{1,80}?)(?P<text>)\s*(?:\(pinned\))?$",
    "name above": rf"\[(?P<name>[^\[\]\n]{{1,80}})\]\s+{_TIME}(?P<text>)\s*$",
    "above": r"(?P<name>[^\s\[\]#>|*-][^:\n\t|]{0,79}?)(?:\s{2,8}|\t| (?=\d{1,2}:\d\d\s?[AP]M))"
    r"\[?(?P<time>[^\s\[\]][^\[\]\n]{3,40}?)\]?(?P<text>)\s*$",  # Slack, Teams
    "dated above": rf"(?P<time>{_DATE}{_CLOCK})\s(?P<name>[^\s:-][^:\n]{{0,79}}?)(?P<text>)\s*$",  # WeChat, QQ
    "bare": rf"{_TIME}\s*[-–,|]?\s+{_NAME}{_COLON}(?:\s+(?P<text>.*))?$",
    "chatml": r"<\|im_start\|>\s*(?P<name>[A-Za-z_]{1,40})(?:\s(?P<text>.*))?$",
    "tag": r"<(?P<name>user|human|assistant|ai|system|bot|model|USER|ASSISTANT|SYSTEM|HUMAN)>(?P<text>.*)$",
    "bold": r"(?:\*\*|__)(?P<name>[^*_:：\s][^*:：\n]{0,59}?)\s{0,2}(?:[:：]\s?(?:\*\*|__)|(?:\*\*|__)\s?[:：])"
    r"(?:\s+(?P<text>.*))?$",
    "bracket": r"\[(?P<name>[^\[\]:：\n]{1,60})\](?:[:：]\s*|\s+(?=\S))(?P<text>.*)$",
    "heading": r"#{1,6}\s+(?:[^\w\s#]{1,8}\s+)?(?P<name>[^\W\d_][^:#*<>|\n]{0,39}?)(?P<text>)\s*(?::\s*)?$",
    "bold line": r"(?:\*\*|__)(?P<name>[^*_:\n]{1,60}?):?(?:\*\*|__)(?P<text>)\s*(?::\s*)?$",
    "plain": r"(?:[^\w\s\"'(\[{<*_#>|/\\.,;:$%&=+@~`-]{1,4}\s)?(?P<name>[^\W_][^:：*#<>\[\]()|=`\"{}\t\n]{0,39}?)"
    r"(?:\s?[:：])(?:(?<=：)|(?=\s|$))\s*(?P<text>.*)$",
    "quoted": r"(?P<name>[^\s「」『』:：。、\d]{1,12})[「『](?P<text>[^「」『』\n]{0,2000})[」』]\s*$",
}
SHAPES = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}
STACKED = ("stamp, name", "name, clock")  # a label of two lines: a time and below it a name, or the other way round
TIMED = frozenset({"zoom", "stamped", "copied", "timed", "named", "dashed", "time first", "stamp above", "name above"})
TIMED |= {"above", "dated above", "bare", *STACKED}
MARKED = TIMED | {"chatml", "tag", "bold", "bracket", "quoted"}
PREFIXES = {  # what may stand before the labels of a text, and before the lines that go on
    "": re.compile(""),
    "quote": re.compile(r">\s?"),
    "list": re.compile(r"\s{0,3}[-*+•]\s+"),
    "number": re.compile(r"\s{0,3}\d{1,4}[.)]\s+"),
}
_HAS_CLOCK = re.compile(r"\d[:.]\d\d")
_DECORATION = re.compile(r"^[*_~\s\u200e]+|[*_\s]+$")
_ACCOUNT = re.compile(r"\s?(?:\(\d{4,12}\)|<[^<>\s]{3,80}@[^<>\s]{3,80}>)$")  # QQ numbers and addresses behind a name
_SAID = re.compile(r" (?:said|says|wrote)$")


@dataclass(frozen=True, slots=True)
class Match:
    """A label as its shape finds it: the name as it stands, the time, and what is said on the line."""

    name: str
    text: str
    time: Stamp | None = None


def match(shape: str, line: str, below: str = "") -> Match | None:
    """The label of that shape at the start of a line, None for none; `below` is the line after it."""
    if shape in STACKED:
        return _stacked(shape, line, below)
    if shape in TIMED and not _HAS_CLOCK.search(line):
        return None
    found = SHAPES[shape].match(line)
    if found is None:
        return None
    fields = found.groupdict()
    name = _DECORATION.sub("", fields["name"])
    if shape == "dated above":
        name = _ACCOUNT.sub("", name)
    if not name:
        return None
    time = None
    if shape in TIMED:
        time = stamp(fields["time"])
        if time is None or (name[-1].isdecimal() and day(name)):
            return None
    return Match(_SAID.sub("", name), fields["text"] or "", time)


def _stacked(shape: str, line: str, below: str) -> Match | None:
    """A label over two lines, of imessage-exporter (time, name) or copied from Slack's window (name, clock)."""
    upper, lower = line.strip(), below.strip()
    name, when = (lower, upper) if shape == STACKED[0] else (upper, lower)
    when = re.sub(r"\s*\([^()\n]{1,80}\)$", "", when)  # "(Read by them after 3 seconds)"
    if (
        not 0 < len(name) <= 60
        or ":" in name
        or len(when) > 64
        or not _HAS_CLOCK.search(when)
        or _HAS_CLOCK.search(name)
    ):
        return None
    time = stamp(when)
    if time is None or (shape == STACKED[0] and time.fields is None):
        return None
    return Match(name, "", time)
