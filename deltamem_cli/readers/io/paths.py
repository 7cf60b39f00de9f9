"""What the command line names → the log files to read, in an order that does not depend on the machine."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.archives import is_archive, members

STDIN = "-"
_PASSED_OVER = {".git", "node_modules", "__pycache__", ".venv"}  # folders that hold no logs but many files


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file to read. named: it was given by name, so that being no log is an error, not a thing to pass over."""

    path: str
    size: int
    named: bool


def find_logs(paths: list[str], problems: list[LogError]) -> list[LogFile]:
    """Return all files below the paths, each once; `-` is standard input. What is missing is added to `problems`.

    A folder's files come sorted by path, those of a ZIP archive as if it were one; links to folders are not followed.
    A pattern (`logs/**/*.jsonl`) that the shell left alone is expanded.
    """
    found: dict[str, LogFile] = {}
    for path in paths:
        matches = [path] if path == STDIN or os.path.exists(path) else sorted(glob.glob(path, recursive=True))
        if not matches:
            problems.append(LogError(path, "there is no such file or folder; check the path"))
        for match in matches:
            for file in _below(match, problems):
                if not _is_unicode(file.path):
                    problems.append(
                        LogError(file.path, "its name is no valid UTF-8, so no memory can hold it; rename it")
                    )
                elif file.path not in found or file.named:
                    found[file.path] = file
    return list(found.values())


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _below(path: str, problems: list[LogError]) -> Iterator[LogFile]:
    if path == STDIN:
        yield LogFile(STDIN, 0, True)
    elif os.path.isdir(path):
        count = 0
        for file in _walk(os.path.abspath(path), problems):
            count += 1
            yield file
        if count == 0:
            problems.append(LogError(path, "the folder holds no files; nothing to ingest"))
    elif os.path.isfile(path) and is_archive(path):
        for member, size in members(os.path.abspath(path), problems):
            yield LogFile(member, size, False)
    elif os.path.isfile(path):
        yield LogFile(os.path.abspath(path), os.path.getsize(path), True)
    else:
        problems.append(LogError(path, "not a file or folder; pipe it in with `-` instead"))


def _walk(folder: str, problems: list[LogError]) -> Iterator[LogFile]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in sorted(files):
            path = os.path.join(parent, name)
            if not os.path.isfile(path):
                continue  # a pipe, a socket or a broken link
            if name.lower().endswith(".zip") and is_archive(path):
                for member, size in members(path, problems):
                    yield LogFile(member, size, False)
            else:
                yield LogFile(path, os.path.getsize(path), False)
