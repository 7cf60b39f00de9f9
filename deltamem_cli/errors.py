"""What can go wrong, and the exit status each kind of trouble ends with.

    DeltaMemError            a person can mend it: one sentence, no traceback
    ├── UsageError           the command line asks for something impossible
    └── BadData              an input is missing, damaged, or not what it was taken for
        ├── LogError         a log cannot be read: names file and line
        │   └── NotALog      a file that is empty or in no format we know
        └── MemoryFileError  a memory file cannot be used

Any other exception is a bug and keeps its traceback. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit codes of the `deltamem` command (documented in docs/exit-codes.md)."""

    OK = 0
    NOTHING_FOUND = 1
    USAGE = 2
    BAD_DATA = 3
    INTERRUPTED = 130


class DeltaMemError(Exception):
    """A problem that the person who runs the tool can solve; the message says how."""

    status = ExitStatus.BAD_DATA


class UsageError(DeltaMemError):
    """The options contradict each other or ask for something this machine lacks."""

    status = ExitStatus.USAGE


class BadData(DeltaMemError):
    """An input is missing, damaged, or not what it was taken for."""


class LogError(BadData):
    """A log that cannot be read.

    `place` is the path, with `:line` where the line is known; `why` says what is wrong and what to do next.
    """

    def __init__(self, path: str, why: str, line: int | None = None) -> None:
        self.path, self.line, self.why = path, line, why
        self.place = path if line is None else f"{path}:{line}"
        super().__init__(f"{self.place}: {why}")


class NotALog(LogError):
    """A file that is empty or in no format we know: an error where it was named, passed over in a folder."""


class MemoryFileError(BadData):
    """A memory file that is missing, damaged, from another tool, or made under other settings."""


def meant(word: str, names: Iterable[str]) -> str:
    """What a mistyped name probably means, as the end of a sentence; "" where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), list(names), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
