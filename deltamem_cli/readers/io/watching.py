"""Which logs have something new: all of them at first, then, as tools write, those that changed.

The file system only says when to look. What to read follows from comparing each file with what it was when it was last
read, so that appending, truncation, rotation and replacement are all the same thing: another file than before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.paths import STDIN, LogFile, find_logs

HALF_LINE = 2.0  # seconds that a file which ends within a line gets to complete it
_TICK = 1000  # milliseconds after which to look at what cannot be watched
_GATHER = 400  # milliseconds in which changes become one
_SURVEY = 30.0  # seconds after which everything is looked at: some file systems notify of nothing
_REST = 1.0  # rest so many times as long as the last round took

Stamp = tuple[tuple[int, int, int], ...]


def due(
    paths: list[str], problems: list[LogError], stop: Callable[[], bool] = lambda: False
) -> Iterator[list[LogFile]]:
    """Yield the logs to read now, again and again, until `stop` says so or an interrupt is raised.

    First all there are (perhaps none); `problems` gets what is wrong with the paths at that time. Files that cannot be
    read, or appear later, come up when they can be.
    """
    from watchfiles import watch

    logs = _Logs()
    yield logs.due(find_logs(paths, problems))
    while not stop():
        roots = _roots(paths)
        alone = [path for path in paths if path != STDIN and not os.path.isdir(path)]
        surveyed = 0.0
        for events in watch(
            *sorted(roots), debounce=_GATHER, step=100, rust_timeout=_TICK, yield_on_timeout=True, watch_filter=None
        ):
            started = time.monotonic()
            everything = bool(events) or logs.half or started - surveyed > _SURVEY
            surveyed = started if everything else surveyed
            files = logs.due(find_logs(paths if everything else alone, []))
            if files:
                yield files
                time.sleep(_REST * (time.monotonic() - started))
            if stop() or _roots(paths) != roots:
                break


class _Logs:
    """What each log was when it was last handed out."""

    def __init__(self) -> None:
        self._read: dict[str, Stamp] = {}
        self.half: dict[str, float] = {}  # files that end within a line → since when

    def due(self, files: list[LogFile]) -> list[LogFile]:
        """Those of the files that are not what they were, but for those whose last line may come any moment."""
        changed = []
        now = time.monotonic()
        for file in files:
            stamp = _stamp(file.path)
            if stamp == self._read.get(file.path):
                continue
            if not _ends_whole(file.path) and now - self.half.setdefault(file.path, now) < HALF_LINE and self._read:
                continue
            self.half.pop(file.path, None)
            self._read[file.path] = stamp
            changed.append(file)
        return changed


def _roots(paths: list[str]) -> dict[str, int]:
    """Folders and files to watch, each with its inode: a folder that was made anew must be watched anew."""
    roots = (path if os.path.exists(path) else _fixed_part(path) for path in paths if path != STDIN)
    return {os.path.abspath(root): os.stat(root).st_ino for root in roots if os.path.exists(root)}


def _fixed_part(pattern: str) -> str:
    """The folder that all matches of a pattern lie below; the pattern itself when it is none."""
    parts = pattern.split(os.sep)
    wild = next((i for i, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    return pattern if wild is None else os.sep.join(parts[:wild]) or (os.sep if pattern.startswith(os.sep) else ".")


def _stamp(path: str) -> Stamp:
    """What tells one state of a file from another; a database has its write-ahead log, a member of a ZIP the ZIP's."""
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    try:
        parts = [os.stat(part) for part in (path, f"{path}-wal") if os.path.exists(part)]
    except OSError:
        return ()  # gone this moment
    return tuple((part.st_ino, part.st_size, part.st_mtime_ns) for part in parts)


def _ends_whole(path: str) -> bool:
    """Whether a file ends at the end of a line. True where it cannot be said."""
    try:
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
    except OSError:
        return True
