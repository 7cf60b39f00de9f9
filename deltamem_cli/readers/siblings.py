"""Other files of the export that a log belongs to: its list of users, its list of channels."""

from __future__ import annotations

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

_LARGEST = 64 << 20  # bytes of a sibling; a longer one is left alone


def sibling(log: str, steps: int, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON of the file `name` that lies `steps` folders above the log's own; None where there is none.

    A log inside a ZIP archive is named by the archive's path, then its own inside: `export.zip/general/2026-01-02.json`
    (`!` or `:` before the inner path is allowed). A sibling that cannot be read or is no JSON counts as missing.
    """
    if log == "-":
        return None
    place = Path(log).absolute()
    folder = place.parents[min(steps, len(place.parents) - 1)]
    archive = next((parent for parent in place.parents if parent.name.rstrip("!:").lower().endswith(".zip")), None)
    try:
        if archive is None or archive.is_dir():
            return _json(folder / name, "", (folder / name).stat().st_mtime_ns)
        member = (folder.relative_to(archive) / name).as_posix()
        path = archive.with_name(archive.name.rstrip("!:"))
        return _json(path, member, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None


@lru_cache(maxsize=8)
def _json(path: Path, member: str, changed: int) -> Any:  # noqa: ANN401 - any JSON value
    """The parsed file, or member of the ZIP archive. `changed`: a file that was written again is read again."""
    if not member:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    else:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("too large")
    return orjson.loads(data)
