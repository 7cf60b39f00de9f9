"""The tensors of a memory file, as views of it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory.memory import Tensors

DTYPES = {  # numpy's name → that of safetensors
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "int64": "I64",
    "float16": "F16",
    "float32": "F32",
}
_NUMPY = {short: np.dtype(long) for long, short in DTYPES.items()}


class MappedTensors(Tensors):
    """The tensors of a file as views of it: what is used comes into memory, and the system may put it out again."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._map, self._name = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), name
        header = 8 + int.from_bytes(self._map[:8], "little")
        self._begin, self._entries = header, orjson.loads(self._map[8:header])
        self._entries.pop("__metadata__", None)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._entries:
            raise MemoryFileError(f"{self._name}: the tensor {name} is missing; restore the file or ingest again")
        entry = self._entries[name]
        if entry["dtype"] not in _NUMPY:
            raise MemoryFileError(f"{self._name}: the tensor {name} cannot be read (its type is {entry['dtype']})")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        at = self._begin + entry["data_offsets"][0]
        return np.frombuffer(self._map, _NUMPY[entry["dtype"]], count, at if count else 0).reshape(entry["shape"])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def let_go(self) -> None:
        """See `Tensors`."""
        let_go(self._map)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def nbytes(self, name: str) -> int:
        """How many bytes of the file a tensor takes, without reading it."""
        first, end = self._entries[name]["data_offsets"]
        return int(end - first)


def let_go(mapped: mmap.mmap) -> None:
    """Take no memory for a file's map, until it is used again."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
