"""One writer at a time, from reading a memory's last state to renaming the new one over it. Readers never wait.

The lock is on a hidden file beside the memory, `.NAME.lock`, and is the system's own (flock): it ends with the process
that holds it, however that ends. Where a file system has no such locks (some network mounts), nothing is locked, and
the check of the file's state at the end of a save is all that there is.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from deltamem_cli.errors import UsageError

WAIT = 60.0  # seconds for another writer to end
_DAY = 86400.0
_held: dict[str, int] = {}  # locks of this process → how often they were taken; a verb may take one inside another


@contextmanager
def writing(path: str | os.PathLike[str], wait: float = WAIT) -> Iterator[None]:
    """Hold the lock of a memory file; wait for whoever has it. Raises UsageError when that takes too long."""
    target = os.path.realpath(path)
    if target in _held or sys.platform == "win32":
        _held[target] = _held.get(target, 0) + 1
        try:
            yield
        finally:
            _leave(target)
        return
    handle = _taken(target, wait)
    _held[target] = 1
    try:
        _clear(target)
        yield
    finally:
        _leave(target)
        if handle is not None:
            _unlink(_name(target))
            os.close(handle)


def _leave(target: str) -> None:
    _held[target] -= 1
    if not _held[target]:
        del _held[target]


def _name(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name}.lock")


def _taken(target: str, wait: float) -> int | None:
    """Return the handle of the lock file, locked; None where nothing can be locked."""
    import fcntl

    until = time.monotonic() + wait
    told = False
    while True:
        try:
            handle = os.open(_name(target), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return None  # that no file can be written here is told by who writes it
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(handle, _name(target)):
                return handle
        except BlockingIOError:
            if not told:
                sys.stderr.write(f"deltamem: waiting for another program that writes {os.path.basename(target)!a}\n")
                told = True
            if time.monotonic() > until:
                raise UsageError(
                    f"{target}: another program has been writing it for {wait:.0f} s; run this again when it has ended"
                ) from None
            time.sleep(0.05)
        except OSError:
            os.close(handle)
            return None  # a file system without locks
        os.close(handle)  # somebody has it, or it was removed between the two calls


def _same(handle: int, name: str) -> bool:
    """Return whether the locked file still stands under its name: its last holder has removed it otherwise."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(name))
    except OSError:
        return False


def _clear(target: str) -> None:
    """Remove what killed writers of this memory left: nobody else writes it now."""
    folder, name = os.path.split(target)
    try:
        left = [each for each in os.listdir(folder) if each.startswith(f".{name}.") and each.endswith(".part")]
    except OSError:
        return
    for each in left:
        _unlink(os.path.join(folder, each))
    for each in os.listdir(folder):  # what a killed `compact` left; one that runs now is younger
        place = os.path.join(folder, each)
        if each.startswith(".deltamem-") and time.time() - os.lstat(place).st_mtime > _DAY:
            shutil.rmtree(place, ignore_errors=True)


def _unlink(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
