"""What a shell completes: memories in this folder, and the sessions, speakers and projects of the default memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deltamem_cli.cli import settings
from deltamem_cli.cli.output.terminal import line
from deltamem_cli.errors import DeltaMemError

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import StoredMemory

_MOST = 50


def memories(incomplete: str) -> list[str]:
    """Memory files, and folders on the way to them, whose path begins so."""
    folder, name = os.path.split(incomplete)
    try:
        entries = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    found = []
    for entry in entries:
        if entry.name.startswith(name) and not (entry.name.startswith(".") and not name):
            path = os.path.join(folder, entry.name)
            if entry.is_dir():
                found.append(path + os.sep)
            elif entry.name.endswith(".safetensors"):
                found.append(path)
    return found[:_MOST]


def sessions(incomplete: str) -> list[tuple[str, str]]:
    """Sessions of the default memory whose id begins so, with their titles."""
    memory = _default()
    if memory is None:
        return []
    return [(line(one.id), line(one.title)[:60]) for one in memory.sessions if one.id.startswith(incomplete)][-_MOST:]


def speakers(incomplete: str) -> list[str]:
    """Speakers of the default memory, and roles, whose name begins so."""
    memory = _default()
    known = [*(memory.speakers if memory else ()), "user", "assistant", "tool"]
    return [line(name) for name in dict.fromkeys(known) if name and name.lower().startswith(incomplete.lower())][:_MOST]


def projects(incomplete: str) -> list[str]:
    """Projects of the default memory by their last folder, where that begins so."""
    from deltamem_cli.recall.places import project_name

    memory = _default()
    names = [project_name(one.project, "") for one in (memory.sessions if memory else ()) if one.project]
    return [line(name) for name in dict.fromkeys(names) if name.lower().startswith(incomplete.lower())][:_MOST]


def _default() -> StoredMemory | None:
    from deltamem_cli.memory.file import open_memory

    try:
        memory = open_memory(settings.value("memory"))
        memory.sessions, memory.speakers  # noqa: B018  # a damaged one completes nothing
    except DeltaMemError:
        return None
    return memory
