"""Readers of other packages: entry points of the group `deltamem.readers`, each a module with a reader's three names.

Looked up only when a format is asked for that is not built in, or when no built-in reader knows a file.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from deltamem_cli.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "deltamem.readers"


def names() -> list[str]:
    """Return the formats that other packages read, sorted."""
    return sorted(_found())


@cache
def load(name: str) -> object:
    """Return the module (or object) of that name. Raises UsageError when its package is broken."""
    entry = _found()[name]
    try:
        loaded = entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"the reader {name!r} ({entry.value}) cannot be loaded: {error}; {_mend(entry)}") from error
    if missing := [part for part in ("TITLE", "detect", "read") if not hasattr(loaded, part)]:
        raise UsageError(f"the reader {name!r} ({entry.value}) has no {', '.join(missing)}; {_mend(entry)}")
    return loaded


@cache
def _found() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # a sixth of what `--help` would take

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _mend(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist else entry.module
    return f"upgrade or uninstall {package}"
