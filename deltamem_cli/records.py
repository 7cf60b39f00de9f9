"""The values that pass between the parts: what a log says, and what a memory answers.

Standard library only, so that readers, errors and `--help` load nothing heavy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, get_args

Role = Literal["user", "assistant", "system", "tool"]
Kind = Literal["text", "thinking", "tool_call", "tool_result", "summary"]

ROLES: tuple[Role, ...] = get_args(Role)
KINDS: tuple[Kind, ...] = get_args(Kind)
OTHER_BRANCH = "other branch"
DEFAULT_KINDS: tuple[Kind, ...] = ("text", "tool_call", "tool_result")


class WallTime(float):
    """Seconds since 1970 of a clock on the wall, as if it went by UTC: the log does not say in which zone."""


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance of a log, exactly as the log has it (nothing cut, nothing added).

    session: the log's own session id; "" where the format has none (ingest then derives one).
    id:      an id of this message that stays the same in every copy of the log, or "" where the format has none.
             Two blocks of one record (text and tool call) must differ in id or in kind.
    line:    1-based line of the record in the file.
    pointer: JSON pointer inside that line's document, where the line alone does not lead to the text.
    time:    seconds since 1970-01-01 UTC, a WallTime where the log tells no zone, or None. Never invented.
    speaker: a person's or a model's name as the log gives it, "" where it gives none.
    title, project: of the session, where the log says so at this point ("" elsewhere). A later title wins.
    off_path: it stands on a branch that the conversation left: a regenerated answer, a prompt that was edited.
    """

    text: str
    role: Role
    line: int
    kind: Kind = "text"
    session: str = ""
    id: str = ""
    speaker: str = ""
    time: float | None = None
    pointer: str = ""
    title: str = ""
    project: str = ""
    off_path: bool = False


@dataclass(slots=True)
class ReadReport:
    """What a reader met besides messages; it fills this in while its messages are taken.

    skipped: record types that hold no message or are left out by rule ("progress", "injected", …) → how many; under
             OTHER_BRANCH the records whose messages are off the path.
    off_path: the same, of what stands on those branches: it counts when they are taken.
    broken:  (line, why) of records that could not be parsed and were stepped over.
    pending: the last line had no line end and is no whole record: a tool is still writing it.
    """

    skipped: Counter[str] = field(default_factory=Counter)
    off_path: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)
    pending: bool = False

    def left_out(self, all_branches: bool) -> Counter[str]:
        """What to tell as skipped, when other branches are left out or taken."""
        if not all_branches:
            return self.skipped
        return self.off_path + Counter({kind: n for kind, n in self.skipped.items() if kind != OTHER_BRANCH})


@dataclass(frozen=True, slots=True)
class Source:
    """A log that a memory was made from.

    bytes, digest: how much of it was read and the blake2b-128 of that, "" while it has not been read to its end
    without trouble. settings: how it was read (a changed setting reads it again).
    """

    path: str
    format: str
    bytes: int = 0
    digest: str = ""
    settings: str = ""

    def unread(self) -> Source:
        """The same log as one that has not been read."""
        return Source(self.path, self.format)


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation: its id in the log, its title and project where the log gives them."""

    id: str
    title: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a message that fits the encoder's window. uid names it: the same in every copy of the log."""

    uid: bytes
    text: str
    message: Message


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a query found. text is None where it is neither in the memory nor still in its source.

    score: higher is better; it compares passages of one answer. before, after: its neighbours in the session.
    summed: how many passages it stands for, where a budget has summed them (it then has no text); 0 for a passage.
    superseded_by: the passage that says it again, differently, later. older: what this one supersedes, oldest first
    (both found among the candidates of one question).
    """

    score: float
    uid: str
    text: str | None
    session: str
    title: str
    project: str
    role: str
    kind: str
    speaker: str
    time: float | None
    source: str
    line: int
    pointer: str
    before: tuple[Hit, ...] = ()
    after: tuple[Hit, ...] = ()
    summed: int = 0
    superseded_by: Hit | None = None
    older: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one session that the matrix points to. start and end in seconds since 1970 UTC."""

    score: float
    session: str
    title: str
    project: str
    source: str
    line: int
    passages: int
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a memory says to a question. familiarity: 0 to 1, how likely it is that the best hits are about it.

    Nothing in `hits` (or `segments`, for a question of where) means that nothing passes the filters.
    fits: whether anything fits well; where not, the hits are the nearest there are.
    """

    question: str
    familiarity: float
    hits: tuple[Hit, ...] = ()
    segments: tuple[Segment, ...] = ()
    fits: bool = False
