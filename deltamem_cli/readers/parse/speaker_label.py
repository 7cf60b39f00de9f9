"""Who speaks in a text: the style in which it marks its speakers, and the names that are speakers'."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from deltamem_cli.readers.parse.label_shapes import MARKED, PREFIXES, SHAPES, STACKED, TIMED, Match, match
from deltamem_cli.readers.parse.names import CAPITALISED, NAMELESS, NO_NAMES, ROLES, is_name, role_key
from deltamem_cli.readers.parse.stamps import Stamp, day
from deltamem_cli.records import Role

_FIRST_LINES = 5
_PREAMBLE = 20  # lines that may stand before the first label of a text with times
_SENTENCE = re.compile(r"[.!?。！？…]['\"”’)]?\s*$|[?？]")
_OTHER_TEXTS = re.compile(
    r"\A(?:WEBVTT|# aider chat started|From |From: |Received: |Return-Path: )|^(?:\d\d:)?\d\d:\d\d[.,]\d{3} *-->", re.M
)


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

    of_roles: a user and an assistant speak, and nobody else. small: names are written in small letters.
    """

    name: str
    speakers: frozenset[str]
    prefix: str = ""
    of_roles: bool = False
    small: bool = False

    @property
    def is_timed(self) -> bool:
        """Whether its labels have a time."""
        return self.name in TIMED

    def found(self, line: str, below: str = "") -> Match | None:
        """Return what the shape finds at the start of a line, whoever's name it is; `below` is the line after it."""
        bare = self._bare(line)
        return None if bare is None else match(self.name, bare, self._bare(below) or "")

    def label(self, line: str, below: str = "") -> Label | None:
        """Return the label at the start of a line, or None; `below` is the line after it."""
        found = self.found(line, below)
        if found is None:
            return None
        key = role_key(found.name)
        role, lines = ROLES.get(key), 2 if self.name in STACKED else 1
        if role is None and not self._is_speaker(found):
            if self.of_roles or self.name in ("heading", "bold line") or not is_name(found.name):
                return None
            if self.name != "bold":
                return Label("user", "", None, self._bare(line) or line, unsure=True)
        if role and key in CAPITALISED and self.name == "plain" and not found.name.lstrip("*_")[0].isupper():
            return None
        if role and self.name in TIMED and not self.of_roles and key in ("a", "q", "bot", "model"):
            role = None  # a person's letter
        nameless = role is not None and key in NAMELESS and (self.of_roles or key not in ("you", "me"))
        return Label(role or "user", "" if nameless else found.name, found.time, self.goes_on(found.text), lines=lines)

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
        """Return the title that a line before the first speaker gives, or ""."""
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
        """Return True for a line of a fenced block, its fences included."""
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
    return (found.name, found.text) if found and (is_name(found.name) or role_key(found.name) in ROLES) else None


def choose(text: str) -> Style | None:
    """Return the style in which the speakers of a text are marked, or None when nobody takes turns in it."""
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


def in_any_style(text: str) -> Style | None:
    """The style of which most labels are in a text that was said to be a dialogue; None without labels."""
    fences = Fences()
    told = [line.rstrip() for line in text.split("\n") if not fences.inside(line) and line.strip()]
    best: tuple[int, Style] | None = None
    for prefix, mark in PREFIXES.items():
        lines = [line[found.end() :] if (found := mark.match(line)) else "" for line in told]
        for shape in SHAPES:
            names = [label.name for line in lines if line and (label := match(shape, line))]
            people = {name for name in names if shape in MARKED or is_name(name) or role_key(name) in ROLES}
            count = sum(1 for name in names if name in people)
            if count and (best is None or count > best[0]):
                best = count, Style(shape, _folded(people), prefix)
    return best[1] if best else None


def with_names_of(style: Style, count: Counter[str]) -> Style:
    """The style with the names that recur in the text ("" counts its lines), or all where every line is a label."""
    if style.of_roles or style.name not in ("plain", "bold", "bracket"):
        return style
    every = {name for name in count if is_name(name)}
    small = {name for name in count if name.islower() and is_name(name.title()) and count[name] > 1}
    small = small if style.small else set()
    dense = sum(count[name] for name in every | small) * 10 >= count[""] * 9
    wanted = {name for name in every | small if dense or style.name != "plain" or count[name] > 1}
    return replace(style, speakers=style.speakers | _folded(wanted))


def _body(lines: list[str]) -> list[str]:
    """The lines after a front matter (`---` … `---`)."""
    if lines and lines[0].strip() == "---":
        for index, line in enumerate(lines[1:200], 1):
            if line.strip() == "---":
                return lines[index + 1 :]
    return lines


@dataclass(slots=True)
class _Names:
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
    names = _Names()
    for place, (line, below) in enumerate(pairwise((*lines, ""))):
        if line and (found := match(shape, line, below)):
            names.see(place, found)
    if len(names.turns) < 2:
        return None
    roles = [ROLES[key] for name in names.turns if (key := role_key(name)) in ROLES and _is_role(shape, name)]
    if {"user", "assistant"} <= set(roles) and (len(roles) > 2 or names.first < _FIRST_LINES):
        return Style(shape, frozenset(), prefix, of_roles=True)
    headings = sum(1 for line in lines if line.startswith("#") and not day(line.lstrip("# ")))
    if shape == "heading" and len(names.turns) * 5 < headings * 4:
        return None  # a document with chapters
    speakers = _speakers_of(shape, names, len(lines))
    small = any(name.islower() and name in speakers for name in names.count)
    return Style(shape, speakers, prefix, small=small) if speakers else None


def _is_role(shape: str, name: str) -> bool:
    return shape != "plain" or role_key(name) not in CAPITALISED or name[0].isupper()


def _speakers_of(shape: str, names: _Names, told: int) -> frozenset[str]:
    """The names (small letters) that are speakers' in a text of so many lines; none where nobody takes turns."""
    turns = names.turns
    changes = sum(1 for before, after in pairwise(turns) if before != after)
    if shape in ("chatml", "tag") or not changes:
        return frozenset()
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
        dense = len(turns) * 15 >= told
        return _folded(often) if len(often) > 1 and all_of_it and dense and len(turns) >= 4 else frozenset()
    if shape == "quoted":
        return _folded(recurring) if len(turns) * 2 >= told and len(names.count) > 1 else frozenset()
    dense = len(turns) * 10 >= told * 9
    spoken = any(map(_SENTENCE.search, names.texts)) and sum(len(text.split()) for text in names.texts) >= 2.5 * len(
        turns
    )
    if shape == "bold" and len(every) > 1 and len(turns) * 5 >= told and (recurring & every or dense):
        return _folded(every)
    if dense and spoken and len(every) > 1 and sum(names.count[name] for name in every) * 10 >= len(turns) * 9:
        return _folded(every)
    often = recurring & every
    if len(often) < 2:  # names in small letters, where the whole text is such lines
        small = {name for name in recurring if name.islower() and is_name(name.title())}
        often = (
            often | small if spoken and len(turns) * 10 >= told * 6 and len(small | often) == len(recurring) else often
        )
    said = [name for name in turns if name in often]
    changes = sum(1 for before, after in pairwise(said) if before != after)
    return _folded(often) if len(often) > 1 and changes > 1 and len(said) * 5 >= told else frozenset()


def _folded(names: set[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _may_speak(shape: str, name: str) -> bool:
    """Whether a name that stands with a time may be a person's: not `INFO`, not `host sshd[1]`."""
    words = name.casefold().split()
    if not words or words[0].strip("*_<>") in NO_NAMES or re.search(r"[=/\\{}\[\]|]", name):
        return False
    return shape != "bare" or len(words) == 1 or not name.islower()
