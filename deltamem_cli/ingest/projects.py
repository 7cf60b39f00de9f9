"""Logs by the project that they are about: the folder that a session's first messages name."""

from __future__ import annotations

import re
from contextlib import closing
from hashlib import blake2b
from itertools import islice

from deltamem_cli.errors import LogError
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.io.opening import open_input
from deltamem_cli.readers.io.paths import STDIN, LogFile, find_logs
from deltamem_cli.records import ReadReport

NO_PROJECT = "other"
_FIRST = 20  # messages among which one names the project


def by_project(paths: list[str], format: str | None = None) -> dict[str, list[str]]:
    """Return memory name → the logs of one project, both sorted; logs that name no project go to `other`.

    A name is the project folder's own and six digits of a hash of its path: the same in every run, whatever other
    projects there are. Files that are no logs are left out; paths that do not exist raise LogError.
    """
    problems: list[LogError] = []
    files = find_logs(paths, problems)
    if problems:
        raise problems[0]
    groups: dict[str, list[str]] = {}
    for file in files:
        try:
            name = memory_name(_project(file, format))
        except LogError:
            continue
        groups.setdefault(name, []).append(file.path)
    return dict(sorted(groups.items()))


def memory_name(project: str) -> str:
    """Return the name of a project's memory, without a suffix."""
    if not project:
        return NO_PROJECT
    last = re.split(r"[/\\]", project.rstrip("/\\"))[-1]
    readable = re.sub(r"[^\w.-]+", "-", last).strip(".-")[:60] or "project"
    return f"{readable}-{blake2b(project.encode('utf-8', 'replace'), digest_size=3).hexdigest()}"


def _project(file: LogFile, format: str | None) -> str:
    if file.path == STDIN:
        return ""  # it can be read only once
    with closing(open_input(file)) as stream:
        messages = read_log(*open_log(stream, file.path, format), ReadReport())
        return next((message.project for message in islice(messages, _FIRST) if message.project), "")
