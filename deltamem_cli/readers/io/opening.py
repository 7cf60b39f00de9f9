"""The bytes of a log, wherever it lies: a file, a member of an archive, standard input."""

from __future__ import annotations

import sys
from typing import BinaryIO

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.archives import open_file
from deltamem_cli.readers.io.paths import STDIN, LogFile


def open_input(file: LogFile, stdin: BinaryIO | None = None) -> BinaryIO:
    """Return the bytes of a file, or standard input. Raises LogError when it cannot be opened."""
    if file.path == STDIN:
        return stdin or sys.stdin.buffer
    try:
        return open_file(file.path)
    except OSError as error:
        raise LogError(file.path, f"cannot be opened ({error.strerror}); check its permissions") from error
