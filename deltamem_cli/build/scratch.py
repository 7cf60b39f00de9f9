"""Large arrays in temporary files beside the result: the system may put them out of memory at any time."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from deltamem_cli.errors import UsageError
from deltamem_cli.memory.tensors import let_go

_SMALL = 1 << 20  # bytes of an array that is not worth a file
_ZEROS = bytes(1 << 20)


class Scratch:
    """Room in a folder on disk. (The system's own temporary folder is often in memory.)"""

    def __init__(self, folder: str | Path) -> None:
        self._folder = folder
        self._maps: list[mmap.mmap] = []

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """As np.empty; a large array lies in a file that is gone with it. Raises UsageError when there is no room."""
        array = np.empty(0, dtype)
        size = int(np.prod(shape, dtype=np.int64)) * array.itemsize
        if size <= _SMALL:
            return np.empty(shape, dtype)
        try:
            with tempfile.TemporaryFile(dir=self._folder, prefix=".deltamem-") as file:
                _reserve(file.fileno(), size)
                self._maps.append(mmap.mmap(file.fileno(), size))
        except OSError as error:
            raise UsageError(
                f"{self._folder}: no room for {size:,} bytes ({error.strerror}); choose another place with -o"
            ) from error
        return np.frombuffer(self._maps[-1], dtype).reshape(shape)

    def let_go(self) -> None:
        """Take no memory for what lies in the files, until it is used again."""
        for mapped in self._maps:
            let_go(mapped)


def _reserve(handle: int, size: int) -> None:
    """Give a file its size on disk: a full disk is an error here, and would be a signal when a map is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    for first in range(0, size, len(_ZEROS)):
        os.write(handle, _ZEROS[: size - first])
