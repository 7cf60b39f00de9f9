"""The last question of this terminal, so that `deltamem show 2` knows what 2 is.

One small file a terminal in the user's state folder, readable by the user alone: the memory's path, the question, and
the uids of its answers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from deltamem_cli.cli import settings
from deltamem_cli.errors import UsageError

_KEPT = 50  # terminals


@dataclass(frozen=True, slots=True)
class Last:
    """A question, the memory it was asked, and the uids of its answers, best first."""

    memory: str
    question: str
    uids: list[str]


def _terminal() -> str:
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None and stream.isatty():
                return os.ttyname(stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
    return f"session {os.getsid(0)}" if hasattr(os, "getsid") else "console"


def _file() -> Path:
    name = blake2b(_terminal().encode("utf-8", "replace"), digest_size=8).hexdigest()
    return settings.state_folder() / "last" / f"{name}.json"


def keep(memory: str, question: str, uids: Sequence[str]) -> None:
    """Note a question. Never fails: what cannot be written is done without."""
    path = _file()
    told = json.dumps(asdict(Last(os.path.abspath(memory), question, list(uids))))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(f".{os.getpid()}")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(told)
        beside.replace(path)
        for old in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
            old.unlink()
    except OSError:
        return


def last() -> Last:
    """The last question of this terminal. Raises UsageError where there is none."""
    try:
        told = Last(**json.loads(_file().read_text("utf-8")))
        if isinstance(told.memory, str) and all(isinstance(uid, str) for uid in told.uids):
            return told
    except (OSError, ValueError, TypeError):
        pass
    raise UsageError("nothing was asked in this terminal yet; ask with `deltamem query …`, or name a place or a uid")
