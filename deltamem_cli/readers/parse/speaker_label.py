"""Who speaks in a text: the style in which it marks its speakers, and the names that are speakers'."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from deltamem_cli.readers.parse.label_shapes import ABOVE, MARKED, PREFIXES, SHAPES, STACKED, TIMED, Match, match
from deltamem_cli.readers.parse.stamps import Stamp
from deltamem_cli.records import Role

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "you", "me", "q", "question", "prompt"), "user"),
    **dict.fromkeys(("assistant", "ai", "a", "answer", "response", "bot", "model", "ai assistant"), "assistant"),
    **dict.fromkeys(("chatgpt", "claude", "gpt", "gpt-4", "gemini", "copilot", "llm"), "assistant"),
    "system": "system",
}
_NAMELESS = {name for name in _ROLES if name not in ("chatgpt", "claude", "gpt", "gpt-4", "gemini", "copilot")}
_CAPITALISED = ("question", "prompt", "response", "answer", "a", "me", "model")  # else an ordinary word of a text
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
        pros cons advantages disadvantages option ingredients kernel systemd cron sshd port server features highlights
        participants present topic decision decisions minutes duration when betreff von an cc objet
        """,
    )
)
_FIRST_LINES = 5
_PREAMBLE = 20  # lines that may stand before the first label of a text with times
_SENTENCE = re.compile(r"[.!?。！？…]['\"”’)]?\s*$|[?？]")
_OTHER_TEXTS = re.compile(
    r"\A(?:WEBVTT|# aider chat started|From |From: |Received: |Return-Path: )|^(?:\d\d:)?\d\d:\d\d[.,]\d{3} *-->", re.M
)
_HEADING = re.compile(r"(#{1,6})\s+(.{1,120})")


@dataclass(frozen=True, slots=True)
class Label:
    """The speaker that a line names, with what is said on that line. unsure: somebody speaks, but nobody knows who."""

    role: Role
    speaker: str
    time: Stamp | None = None
    text: str = ""
    unsure: bool = False
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Style:
    """How a text marks its speakers: the shape of its labels, what stands before them, and the names (small letters).

    of_roles: a user and an assistant speak, and nobody else.
    """

    name: str
    speakers: frozenset[str]
    prefix: str = ""
    of_roles: bool = False

    def label(self, line: str, below: str = "") -> Label | None:
        """The label at the start of a line, or None; `below` is the line after it."""
        line = self._bare(line)
        if line is None:
            return None
        found = match(self.name, line, self._bare(below) or "")
        if found is None:
            return None
        key = role_key(found.name)
        role, lines = _ROLES.get(key), 2 if self.name in STACKED else 1
        if role is None and not self._is_speaker(found):
            if self.of_roles or self.name in ("heading", "bold line") or not is_name(found.name):
                return None
            if self.name != "bold":
                return Label("user", "", None, line, unsure=True)
        if role and key in _CAPITALISED and self.name == "plain" and not found.name.lstrip("*_")[0].isupper():
            return None
        if role and self.name in TIMED and not self.of_roles and key in ("a", "q", "bot", "model"):
            role = None  # a person's letter
        nameless = role is not None and key in _NAMELESS
        return Label(role or "user", "" if nameless else found.name, found.time, found.text, lines=lines)

    def goes_on(self, line: str) -> str:
        """A line that belongs to the message before it, without the mark of a quotation or a list."""
        if self.prefix == "quote":
            return line[PREFIXES["quote"].match(line).end() :] if line.startswith(">") else line  # type: ignore[union-attr]
        if self.prefix in ("list", "number") and line.startswith("  "):
            return line[2:] if line[2:3] != " " or self.prefix == "list" else line.lstrip(" ")
        if self.name == "chatml":
            return line.replace("<|im_end|>", "")
        return re.sub(r"</[A-Za-z]{2,9}>\s*$", "", line) if self.name == "tag" else line

    def title(self, line: str) -> str:
        """The title that a line before the first speaker gives, or ""."""
        found = re.match(r"(?:# |title:)\s*(.{1,200})", line)
        return found[1].strip().strip("\"'") if found else ""

    def _bare(self, line: str) -> str | None:
        if not self.prefix:
            return line
        found = PREFIXES[self.prefix].match(line)
        return line[found.end() :] if found else None

    def _is_speaker(self, found: Match) -> bool:
        if self.name in MARKED and self.name not in ("bold", "bracket"):
            return True
        return found.name.casefold() in self.speakers


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
    found = match("plain", line)
    return (found.name, found.text) if found and (is_name(found.name) or role_key(found.name) in _ROLES) else None


def role_key(name: str) -> str:
    """A name as the table of roles has it: small letters, no signs before it."""
    return re.sub(r"^\W+", "", name).casefold()


def is_name(name: str) -> bool:
    """Whether it may be a person's name: not many words, none of those that name nobody, not written as a word is."""
    key = name.casefold()
    words = key.split()
    if not words or key in NO_NAMES or words[0] in NO_NAMES or len(words) > 5:
        return False
    if words[0] in ("step", "figure", "table", "chapter", "section", "http", "https"):
        return False
    if re.search(r"[,;!?/\\@%$&=]|\.\.|\.$|\d{5}", name):
        return False
    letters = re.sub(r"^\W+", "", name)
    return bool(letters) and not (letters[0].islower() and (len(words) > 1 or letters.islower()))


def choose(text: str) -> Style | None:
    """The style in which the speakers of a text are marked, or None when nobody takes turns in it."""
    if _OTHER_TEXTS.search(text):
        return None
    fences = Fences()
    told = [line.rstrip() for line in _body(text.split("\n")) if not fences.inside(line) and line.strip()]
    for prefix, mark in PREFIXES.items():
        lines = [line[found.end() :] if (found := mark.match(line)) else "" for line in told] if prefix else told
        if prefix and sum(map(bool, lines)) * 3 < len(told):
            continue
        for shape in (*list(SHAPES)[:12], *STACKED, *list(SHAPES)[12:]):
            if found_style := _style(shape, prefix, lines):
                return found_style
    return None


def _body(lines: list[str]) -> list[str]:
    """The lines after a front matter (`---` … `---`)."""
    if lines and lines[0].strip() == "---":
        for index, line in enumerate(lines[1:200], 1):
            if line.strip() == "---":
                return lines[index + 1 :]
    return lines


@dataclass(slots=True)
class Names:
    """The names that stand in labels of a shape, as often as they do, and how they take turns."""

    count: Counter[str] = field(default_factory=Counter)
    turns: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    first: int = -1

    def see(self, place: int, found: Match) -> None:
        """Take the label of a line into account."""
        self.first = place if self.first < 0 else self.first
        self.count[found.name] += 1
        self.turns.append(found.name)
        self.texts.append(found.text)


def _style(shape: str, prefix: str, lines: Sequence[str]) -> Style | None:
    names = Names()
    for place, (line, below) in enumerate(pairwise((*lines, ""))):
        if line and (found := match(shape, line, below)):
            names.see(place, found)
    if len(names.turns) < 2:
        return None
    roles = [_ROLES[key] for name in names.turns if (key := role_key(name)) in _ROLES and _is_role(shape, name)]
    if {"user", "assistant"} <= set(roles) and (len(roles) > 2 or names.first < _FIRST_LINES):
        return Style(shape, frozenset(), prefix, of_roles=True)
    speakers = speakers_of(shape, names, len(lines))
    return Style(shape, speakers, prefix) if speakers else None


def _is_role(shape: str, name: str) -> bool:
    return shape != "plain" or role_key(name) not in _CAPITALISED or name[0].isupper()


def speakers_of(shape: str, names: Names, told: int) -> frozenset[str]:
    """The names (small letters) that are speakers' in a text of so many lines; none where nobody takes turns."""
    turns = names.turns
    changes = sum(1 for before, after in pairwise(turns) if before != after)
    if shape in ("chatml", "tag") or not changes:
        return frozenset()
    per_label = 3 if shape in ABOVE else 2
    near = names.first < _PREAMBLE and len(turns) * 30 >= told
    if shape in TIMED:
        people = {name for name in names.count if _may_speak(shape, name)}
        sure = sum(names.count[name] for name in people) * 2 > len(turns)
        enough = len(turns) * 5 >= told or near
        return frozenset(name.casefold() for name in people) if len(people) > 1 and sure and enough else frozenset()
    recurring = {name for name, times in names.count.items() if times > 1}
    every = {name for name in names.count if is_name(name)}
    if shape in ("heading", "bold line"):
        often = recurring & every
        all_of_it = sum(names.count[name] for name in often) >= 0.8 * len(turns)
        calm = shape != "heading" or len(turns) * per_label <= told
        return _folded(often) if len(often) > 1 and all_of_it and calm and len(turns) >= 4 else frozenset()
    if shape == "quoted":
        return _folded(recurring) if len(turns) * 2 >= told and len(names.count) > 1 else frozenset()
    dense = len(turns) * 10 >= told * 9
    spoken = sum(1 for text in names.texts if _SENTENCE.search(text)) * 3 >= len(turns)
    if shape == "bold" and len(every) > 1 and len(turns) * 5 >= told and (recurring & every or dense):
        return _folded(every)
    if dense and spoken and len(every) > 1 and sum(names.count[name] for name in every) * 10 >= len(turns) * 9:
        return _folded(every)
    often = recurring & every
    if len(often) < 2:  # names in small letters, where the whole text is such lines
        small = {name for name in recurring if name.islower() and is_name(name.title())}
        often = often | small if spoken and len(turns) * 10 >= told * 6 and len(small | often) == len(recurring) else often
    said = [name for name in turns if name in often]
    changes = sum(1 for before, after in pairwise(said) if before != after)
    return _folded(often) if len(often) > 1 and changes > 1 and len(said) * 5 >= told else frozenset()


def _folded(names: set[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _may_speak(shape: str, name: str) -> bool:
    """Whether a name that stands with a time may be a person's, which a program's part (`INFO`, `host sshd[1]`) is not."""
    words = name.casefold().split()
    if not words or words[0].strip("*_<>") in NO_NAMES or re.search(r"[=/\\{}\[\]|]", name):
        return False
    return shape != "bare" or len(words) == 1 or not name.islower()
