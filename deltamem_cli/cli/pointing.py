"""What `show`, `open` and their like are pointed at: a number of the last answer, a place, or a uid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deltamem_cli.cli.last import last
from deltamem_cli.cli.memory_path import memory_path, open_named
from deltamem_cli.errors import UsageError

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import StoredMemory

_UID = re.compile(r"[0-9a-fA-F]{8,32}")


def pointed_at(what: str, named: str | None) -> tuple[StoredMemory, int]:
    """The memory and the row that `what` means; `named` is what --memory says.

    Raises UsageError where it means nothing: no such number, no such place, no such uid.
    """
    if what.isascii() and what.isdigit() and len(what) < 5:
        return _of_last(int(what), named)
    memory = open_named(memory_path(None, named))
    row = _by_uid(memory, what) if _UID.fullmatch(what) else _by_place(memory, what)
    if row is None:
        raise UsageError(
            f"{what}: no such passage in {memory.name}; name a number of the last answer (2), a place as answers"
            " show it (project/session:12, path:12), or a uid"
        )
    return memory, row


def _of_last(number: int, named: str | None) -> tuple[StoredMemory, int]:
    from deltamem_cli.recall.locate import rows_of

    asked = last()
    if not 1 <= number <= len(asked.uids):
        raise UsageError(
            f"the last question in this terminal had {len(asked.uids)} answers, and none is number {number}"
        )
    memory = open_named(named or asked.memory)
    (row,) = rows_of(memory, [asked.uids[number - 1]])
    if row < 0:
        raise UsageError(f"{memory.name}: no longer holds answer {number} of the last question; ask again")
    return memory, row


def _by_uid(memory: StoredMemory, uid: str) -> int | None:
    import numpy as np

    wanted = np.frombuffer(bytes.fromhex(uid[: len(uid) // 2 * 2]), np.uint8)
    rows = np.flatnonzero((memory.rows.uid[:, : len(wanted)] == wanted).all(axis=1))
    return int(rows[0]) if len(rows) else None


def _by_place(memory: StoredMemory, place: str) -> int | None:
    from deltamem_cli.recall.locate import rows_at

    rows = rows_at(memory, place)
    return int(rows[0]) if len(rows) else None
