"""Who speaks in a line of text: the styles of speaker labels, and which of them a text keeps to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from deltamem_cli.records import Role

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "you", "me", "q", "question", "prompt"), "user"),
    **dict.fromkeys(("assistant", "ai", "a", "answer", "response", "bot", "model", "ai assistant"), "assistant"),
    **dict.fromkeys(("chatgpt", "claude", "gpt", "gpt-4", "gemini", "copilot", "llm"), "assistant"),
    "system": "system",
}
_FIRST_LINES = 5
_LONGEST_HEADING = 200  # its pattern would take long on a long line of blanks
_NAMELESS = {name for name in _ROLES if name not in ("chatgpt", "claude", "gpt", "gpt-4", "gemini", "copilot")}
NO_NAMES = frozenset(  # words that stand before a colon and name nobody
    re.findall(
        r"\S+",
        """
        attribution classifier image license-file package pin pin-priority project-url provides-extra requires-dist
        what why
        abstract action actions added address age agenda args arguments attendees author authors background
        body bug case caused caution cc changed changes class code comment config content copyright critical
        danger date debug def default default_value deprecated description details different do done else
        email end error errors example examples except exception expected fail fatal file files finally fix
        fixed following for format from function goal hint host id import important improvement info input
        install issue key language let license line link links location match message method mode name names
        next nit note notes options or output owner param parameters params pass path phone price priority
        private project protected ps public question raises reason ref reference references rem removed
        reply-to reproduce required requirements result results return returns run sample see sent setup
        severity size solution source start stat status step steps struct subject success summary switch table
        tags test tests time tip title to todo total trace traceback try type types update updated url usage
        use value values var verbose version via warn warning warnings when where while with yields
        """,
    )
)
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
_TIME = rf"(?:\d{{4}}-\d{{2}}-\d{{2}}[T ])?{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?"
_NAME = r"[^\W\d_][^:*#<>\[\]()|=`\"{}\t]{0,39}"
_COLON = r"(?:\*\*)?:(?:\*\*)?(?:\s+(?P<text>.*))?"
_STYLES = {  # the more telling first
    "zoom": re.compile(
        rf"(?P<time>{_TIME})\s+From\s+(?P<name>[^\W\d_][^:\t]{{0,39}}?)\s+[Tt]o\s+[^:\t]{{1,60}}?\s*:(?:\s*(?P<text>.*))?$"
    ),
    "stamped": re.compile(rf"\[(?P<time>{_TIME})\]\s+(?:\*\*)?(?P<name>{_NAME}){_COLON}$"),
    "timed": re.compile(rf"(?:\*\*)?(?P<name>{_NAME}?)\s*\((?P<time>{_TIME})\){_COLON}$"),
    "bold": re.compile(rf"\*\*(?P<name>{_NAME})(?::\*\*|\*\*:)(?:\s+(?P<text>.*))?$"),
    "heading": re.compile(r"#{1,6}\s{1,9}(?:[^\w\s]{1,9}\s{1,9})?(?P<name>[A-Za-z][\w -]{0,30}?)\s{0,9}:?\s{0,9}$"),
    "above": re.compile(rf"(?P<name>{_NAME}?)(?:\s{{2,4}}|\t)\[?(?P<time>{_TIME})\]?\s*$"),  # as copied from Slack
    "plain": re.compile(rf"(?P<name>{_NAME}):(?:\s+(?P<text>.*))?$"),
}
_TIMED = ("zoom", "stamped", "timed", "above")  # a name with a time is a speaker, even the first time
_OTHER_TEXTS = re.compile(
    r"\A(?:WEBVTT|# aider chat started|From |From: |Received: |Return-Path: )|^(?:\d\d:)?\d\d:\d\d[.,]\d{3} *-->", re.M
)


@dataclass(frozen=True, slots=True)
class Label:
    """The speaker that a line names, with what is said on that line."""

    role: Role
    speaker: str
    time: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Style:
    """How a text marks its speakers, and the names it marks (in small letters)."""

    name: str
    speakers: frozenset[str]

    def label(self, line: str) -> Label | None:
        """The label at the start of a line, or None."""
        found = _match(self.name, line)
        if found is None:
            return None
        name, time, text = found
        key = name.lower()
        if key not in self.speakers and key not in _ROLES and self.name not in _TIMED:
            return None
        return Label(_ROLES.get(key, "user"), "" if key in _NAMELESS else name, time, text)

    def title(self, line: str) -> str:
        """The title that a line before the first speaker gives, or ""."""
        found = re.match(r"(?:# |title:)\s*(.{1,200})", line)
        return found[1].strip().strip("\"'") if found else ""


class Fences:
    """Follows code fences line by line."""

    def __init__(self) -> None:
        self._open = ""

    def inside(self, line: str) -> bool:
        """True for a line of a fenced block, its fences included."""
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)$", line)
        if not self._open:
            self._open = found[1] if found and not (found[1][0] == "`" and "`" in found[2]) else ""
            return bool(self._open)
        if found and found[1].startswith(self._open) and not found[2].strip():
            self._open = ""
        return True


def named(line: str) -> tuple[str, str] | None:
    """(name, what follows) of a line that begins with a speaker's name and a colon, or None."""
    found = _match("plain", line)
    return (found[0], found[2]) if found else None


def choose(text: str) -> Style | None:
    """The style in which the speakers of a text are marked, or None when nobody takes turns in it."""
    if _OTHER_TEXTS.search(text):
        return None
    fences = Fences()
    told = [line for line in _body(text.split("\n")) if not fences.inside(line) and line.strip()]
    for style in _STYLES:
        labels = [
            (place, found[0].lower()) for place, line in enumerate(told) if (found := _match(style, line.rstrip()))
        ]
        speakers = _speakers(labels, len(told), style)
        if speakers:
            return Style(style, speakers)
    return None


def _body(lines: list[str]) -> list[str]:
    """The lines after a front matter (`---` … `---`)."""
    if lines and lines[0].strip() == "---":
        for index, line in enumerate(lines[1:200], 1):
            if line.strip() == "---":
                return lines[index + 1 :]
    return lines


def _speakers(labels: list[tuple[int, str]], told: int, style: str) -> frozenset[str]:
    """The names that take turns: a user and an assistant, or at least two names that recur.

    Two labels alone, far down, are a quotation in a text of another kind.
    """
    names = [name for _, name in labels]
    count = Counter(names)
    roles = [_ROLES[name] for name in names if name in _ROLES]
    if {"user", "assistant"} <= set(roles) and (len(roles) > 2 or labels[0][0] < _FIRST_LINES):
        return frozenset(name for name in count if name in _ROLES or count[name] > 1)
    if style == "heading":
        return frozenset()
    recurring = frozenset(name for name in count if count[name] > 1)
    turns = [name for name in names if name in recurring]
    changes = sum(1 for before, after in pairwise(turns) if before != after)
    dense = len(turns) * 5 >= told or style in _TIMED
    return recurring if len(recurring) > 1 and changes > 1 and dense else frozenset()


def _match(style: str, line: str) -> tuple[str, str, str] | None:
    """(name, time, text) of a label of that style, or None; "You said" is the name "You"."""
    if style == "heading" and len(line) > _LONGEST_HEADING:
        return None
    found = _STYLES[style].match(line)
    if found is None:
        return None
    fields = found.groupdict()
    name = (fields["name"] or "").strip()
    text, time = fields.get("text") or "", fields.get("time") or ""
    name = re.sub(r" (?:said|says|wrote)$", "", name)
    key = name.lower()
    if key in _ROLES:
        if style == "heading" or key not in ("question", "prompt", "response", "answer", "a", "me", "model"):
            return name, time, text
        return (name, time, text) if name[0].isupper() else None
    if style == "heading" or key in NO_NAMES or key.split()[0] in ("step", "figure", "table", "chapter", "section"):
        return None
    if len(name.split()) > 5 or re.search(r"[.,;!?/\\@%$&+~]", name) or text.startswith("//"):
        return None
    return (name, time, text) if name[0].isupper() or not name[0].islower() else None
