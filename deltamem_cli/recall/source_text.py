"""The text of passages whose memory keeps none: read again from the logs, believed only where its hash agrees.

A memory file may come from a stranger, and the paths in it lead anywhere. So only regular files are opened, nothing
is shown that the memory does not already name by its 128-bit hash, and a log that is gone is simply passed over.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from deltamem_cli.errors import LogError, UsageError
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.io.archives import container, open_file
from deltamem_cli.readers.io.paths import STDIN
from deltamem_cli.records import ReadReport, Source
from deltamem_cli.text.redact import redactor_of
from deltamem_cli.text.split import passages

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder


def read_sources(memory: StoredMemory, rows: list[int], encoder: Encoder) -> dict[int, str]:
    """The text of those rows that their logs still hold, by row."""
    missing: dict[int, dict[bytes, int]] = {}
    for row in rows:
        missing.setdefault(int(memory.rows.source[row]), {})[memory.rows.uid[row].tobytes()] = row
    texts: dict[int, str] = {}
    for number, wanted in missing.items():
        source = memory.sources[number]
        if not _is_plain_file(source.path):
            continue
        try:
            texts |= _read(source, wanted, memory.header.window, encoder)
        except (LogError, UsageError, OSError):
            continue  # no longer the log it was: the place of the passage is all that can be given
    return texts


def _is_plain_file(path: str) -> bool:
    if path == STDIN or path.startswith(("\\\\", "//")):  # a network share would be told who we are
        return False
    try:
        return stat.S_ISREG(os.stat(container(path)).st_mode)
    except (OSError, ValueError):
        return False


def _read(source: Source, wanted: dict[bytes, int], window: int, encoder: Encoder) -> dict[int, str]:
    texts: dict[int, str] = {}
    path, redactor = source.path, redactor_of(source.settings)
    with open_file(path) as file:
        for message in read_log(*open_log(file, path, source.format), ReadReport()):
            if redactor:
                message = redactor.message(message)
            for passage in passages(message, window - 2, encoder.offsets):
                if passage.uid in wanted:
                    texts[wanted[passage.uid]] = passage.text
            if len(texts) == len(wanted):
                break
    return texts
