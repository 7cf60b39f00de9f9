"""Other files of the export that a log belongs to: its list of users, its list of channels."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.archives import container, open_file

_LARGEST = 64 << 20  # bytes of a sibling; a longer one is left alone


def sibling(log: str, steps: int, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON of the file `name` that lies `steps` folders above the log's own, in the same archive if there.

    None where there is none; one that cannot be read or is no JSON counts as missing.
    """
    if log == "-":
        return None
    folders = Path(log).absolute().parents
    path = str(folders[min(steps, len(folders) - 1)] / name)
    try:
        return _json(path, os.stat(container(path)).st_mtime_ns)
    except (OSError, ValueError, LogError):
        return None


@lru_cache(maxsize=8)
def _json(path: str, _changed: int) -> Any:  # noqa: ANN401 - any JSON value
    """The parsed file. `_changed`: one that was written again is read again."""
    with open_file(path) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("too large")
    return orjson.loads(data)
