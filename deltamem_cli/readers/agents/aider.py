"""aider's `.aider.chat.history.md`: many runs in one Markdown file, told apart by the first characters of each line.

`#### ` is the person, `> ` the tool, all else the model. aider ends the lines it writes for person and tool with two
spaces; in a file that has those, a heading or a quotation in an answer is told from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import digest, each_with_ids
from deltamem_cli.readers.parse.jsonl import lines
from deltamem_cli.readers.parse.speaker_label import Fences
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "aider chat history (Markdown)"

_START = "# aider chat started at "
_LONGEST = 4 << 20  # characters of one message; a longer one becomes several


def detect(head: Head) -> bool:
    """A run's headline stands at the beginning of a line."""
    return f"\n{_START}" in f"\n{head.text}" and not head.is_binary


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of every run, in file order, each at its first line; a run is a session. Times are not known."""
    marked = any(line.startswith("#### ") and line.rstrip("\r\n").endswith("  ") for line in log.head.text.split("\n"))
    return each_with_ids(_runs(_turns(log.stream, marked, report)))


@dataclass(slots=True)
class _Turn:
    """Consecutive lines of one voice; `start` is the headline of the run they stand in."""

    role: Role
    line: int
    start: str
    lines: list[str] = field(default_factory=list)
    size: int = 0

    def message(self) -> Message:
        kind: Kind = "tool_result" if self.role == "tool" else "text"
        text = "\n".join(self.lines).rstrip()
        return Message(text=text, role=self.role, kind=kind, line=self.line, title=self.start)


def _turns(stream: BinaryIO, marked: bool, report: ReadReport) -> Iterator[Message]:
    """Every turn with words in it; its title is the headline of its run."""
    fences, start, blank = Fences(), "", True
    turn: _Turn | None = None
    for number, raw in lines(stream, report, blank=True):
        line = raw.decode("utf-8", "replace").rstrip("\r\n\0")
        if line.startswith(_START):
            fences, start, role = Fences(), line.removeprefix("# ").rstrip(), None
        else:
            role = _voice(line, marked)
            if fences.inside(line) and role != "assistant":
                if marked and (blank or (turn and turn.role == role)):
                    fences = Fences()  # an answer that was broken off within its fence
                else:
                    role = "assistant"
        blank = not line.strip()
        if not start:
            if not blank:
                report.skipped["line before the first run"] += 1
            continue
        text = line if role == "assistant" else line[5:].rstrip() if role == "user" else line[2:].rstrip()
        if turn and (role is None or (not blank and role != turn.role) or turn.size > _LONGEST):
            yield turn.message()
            turn = None
        if role is None or (turn is None and not text.strip()):
            continue
        turn = turn or _Turn(role, number, start)
        turn.lines.append(text)
        turn.size += len(text)
    if turn:
        yield turn.message()


def _voice(line: str, marked: bool) -> Role:
    if marked and not line.endswith("  "):
        return "assistant"
    return "user" if line.startswith("#### ") else "tool" if line.startswith("> ") else "assistant"


def _runs(messages: Iterator[Message]) -> Iterator[list[Message]]:
    """The messages of each run, which get its session and whose first alone keeps the title.

    A session's id is made of its headline and its first prompt, so that a copied or grown history has the same.
    """
    run: list[Message] = []
    for message in messages:
        if run and message.title != run[0].title:
            yield _named(run)
            run = []
        run.append(message)
    if run:
        yield _named(run)


def _named(run: list[Message]) -> list[Message]:
    first = next((message for message in run if message.role == "user"), run[0])
    session = digest("aider", run[0].title, first.text)
    return [
        replace(message, session=session, title="" if place else message.title) for place, message in enumerate(run)
    ]
