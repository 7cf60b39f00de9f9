"""ZIP archives as folders: their members have paths such as `export.zip/conversations.json` and are read as they are.

A member's name only names it: nothing is ever unpacked to disk, and a name that leads outside the archive is refused.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, cast

from deltamem_cli.errors import LogError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_RATIO = 500  # logs shrink to a fifth, or to a fiftieth when they repeat themselves
FREE_BYTES = 64 << 20  # up to here the ratio does not matter
_MAGIC = b"PK\x03\x04"
_MOST_MEMBERS = 200_000
_BLOCK = 1 << 18


def is_archive(path: str) -> bool:
    """Return True for a file that begins like a ZIP archive."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def members(path: str, problems: list[LogError]) -> Iterator[tuple[str, int]]:
    """Yield (path, bytes) of the files in an archive, sorted by path; what cannot be taken is added to `problems`."""
    try:
        archive = _open(path)
        infos = archive.infolist()
    except LogError as error:
        problems.append(error)
        return
    packed, whole = os.path.getsize(path), sum(info.file_size for info in infos)
    if len(infos) > _MOST_MEMBERS or is_bomb(packed, whole):
        why = f"holds {len(infos)} files of {whole} bytes in {packed}: too many to be an export; unpack what you need"
        problems.append(LogError(path, why))
        return
    for name in sorted({info.filename for info in infos if not info.is_dir()}):
        if _leads_outside(name):
            problems.append(LogError(path, "holds a file whose name leads outside the archive; that file is left out"))
        else:
            yield f"{path}/{name}", archive.getinfo(name).file_size


def open_file(path: str) -> BinaryIO:
    """The bytes of a file, or of a member of an archive. Raises OSError, or LogError for a member beyond reading."""
    place = None if os.path.lexists(path) else _split(path)
    if place is None:
        return open(path, "rb")
    archive = _open(place[0])
    try:
        info = archive.getinfo(place[1])
    except KeyError:
        raise FileNotFoundError(2, os.strerror(2), path) from None
    if is_bomb(info.compress_size, info.file_size):
        raise LogError(path, f"grows more than {MAX_RATIO}-fold when it is unpacked: this is no log")
    return cast(BinaryIO, io.BufferedReader(_Member(archive, info, path), _BLOCK))


def container(path: str) -> str:
    """The file on disk that the bytes of a path come from: the path itself, or the archive that it leads into."""
    place = None if os.path.lexists(path) else _split(path)
    return path if place is None else place[0]


def is_bomb(packed: int, unpacked: int) -> bool:
    """Return whether so much out of so little is an attack rather than a log."""
    return unpacked > FREE_BYTES and unpacked > MAX_RATIO * packed


def _split(path: str) -> tuple[str, str] | None:
    """(archive, member) of a path that leads into an archive, None for any other."""
    parts = path.split("/")
    for end in range(len(parts) - 1, 0, -1):
        front = "/".join(parts[:end])
        if os.path.isfile(front):
            return (front, "/".join(parts[end:])) if is_archive(front) else None
    return None


def _open(path: str) -> zipfile.ZipFile:
    found = os.stat(path)
    try:
        return _opened(path, found.st_mtime_ns, found.st_size)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, OSError, ValueError):
        raise LogError(path, "the ZIP archive is damaged or cut off; download or copy it again") from None


@lru_cache(maxsize=1)  # its table of contents is read once for all members
def _opened(path: str, _mtime: int, _size: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _leads_outside(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ":" in name.split("/")[0] or ".." in name.split("/")


class _Member(io.RawIOBase):
    """The bytes of one member; what is wrong with it is told as a LogError."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> None:
        self._path = path
        try:
            self._file = archive.open(info)
        except RuntimeError:
            raise LogError(path, "is protected by a password; unpack the archive and give the files") from None
        except (zipfile.BadZipFile, NotImplementedError, OSError):
            raise self._damaged() from None

    def _damaged(self) -> LogError:
        return LogError(self._path, "is damaged in its ZIP archive, or packed in an unusual way; unpack it yourself")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer).cast("B")
        try:
            data = self._file.read(len(room))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            raise self._damaged() from None
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()
