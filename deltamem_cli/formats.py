"""Which formats there are, and which one a file is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from deltamem_cli.errors import LogError
from deltamem_cli.inputs import LogFile, find_logs
from deltamem_cli.readers import READERS, open_log, plugins, reader
from deltamem_cli.reading import open_input


@dataclass(frozen=True, slots=True)
class Detected:
    """A file and its format; or None, and why it is no log (`why` is "" for a log)."""

    path: str
    format: str | None
    why: str = ""


def titles() -> dict[str, str]:
    """Name → title of every format, those of other packages last."""
    return {name: reader(name).TITLE for name in (*READERS, *plugins.names())}


def detect(paths: list[str]) -> Iterator[Detected]:
    """The format of every file below the paths, by its first bytes."""
    problems: list[LogError] = []
    files = find_logs(paths, problems)
    for problem in problems:
        yield Detected(problem.path, None, problem.why)
    for file in files:
        yield _detect(file)


def _detect(file: LogFile) -> Detected:
    try:
        with closing(open_input(file)) as stream:
            return Detected(file.path, open_log(stream, file.path)[0])
    except LogError as error:
        return Detected(file.path, None, error.why)
