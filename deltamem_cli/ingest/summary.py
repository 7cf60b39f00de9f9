"""What an ingest did, and how far it is: the two values that go back to whoever asked for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from deltamem_cli.errors import LogError


@dataclass(slots=True)
class Summary:
    """What an ingest did.

    logs: format → files read; not_logs: files of folders that are none; unchanged: logs that are as they were.
    messages, passages: read from the logs, of the kinds asked for; new + duplicates = passages.
    skipped: record type → records that hold no message or are left out by rule. problems: what went wrong, and where.
    redacted: rule → secrets that were replaced in the messages read. pending: logs whose last line was half written.
    encoder: the name of what encoded. letters: language → letters of new messages in it, tools' left out.
    bytes_in: of the logs of this run; bytes_held: of all logs that the memory has read whole; bytes_out: the memory's.
    """

    logs: Counter[str] = field(default_factory=Counter)
    not_logs: int = 0
    unchanged: int = 0
    messages: int = 0
    passages: int = 0
    new: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    problems: list[LogError] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    encoder: str = ""
    letters: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_held: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    saved: bool = False
    interrupted: bool = False

    def report(self, problem: LogError, *, strict: bool) -> None:
        """Note a problem, or raise it if the reading is strict."""
        if strict:
            raise problem
        self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is: bytes done of all bytes, the file it is at."""

    done: int
    total: int
    path: str
