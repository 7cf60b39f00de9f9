"""Memory ↔ one safetensors file. The same memory is the same bytes; what is there is never damaged.

Everything about a memory is in one metadata key, `deltamem`: JSON with sorted keys, the format's version in it.
(With several keys safetensors writes them in random order, and equal memories would differ.)
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import EllipsisType
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.lock import writing
from deltamem_cli.memory.memory import Stamp, StoredMemory
from deltamem_cli.memory.tensors import DTYPES, MappedTensors

FORMAT = 1
UPGRADES: list[Callable[[dict[str, Any]], dict[str, Any]]] = []  # header of format i + 1 → i + 2; only ever added to

_COPY = 1 << 20
_TRIES = 10  # to open a file that is replaced meanwhile


def open_memory(path: str | Path) -> StoredMemory:
    """Open a memory file; only its header is read. Raises MemoryFileError, saying what the file is instead."""
    name = os.fspath(path)
    if not os.path.exists(name):
        raise MemoryFileError(
            f"{name}: there is no such file; make it with: deltamem ingest LOGS -o {shlex.quote(name)}"
        )
    if not stat.S_ISREG(os.stat(name).st_mode):
        raise MemoryFileError(f"{name}: not a file; give the .safetensors file that `deltamem ingest -o` wrote")
    for _ in range(_TRIES):
        opened = stamp(name)
        try:
            with safe_open(name, framework="numpy") as checked:  # the header is sound, and the file as long as it says
                header = (checked.metadata() or {}).get("deltamem")
            if header is None:
                raise MemoryFileError(f"{name}: a safetensors file, but not one that deltamem made")
            with open(name, "rb") as file:
                if _stamp(os.fstat(file.fileno())) == opened:  # what was checked is what is read
                    return StoredMemory(_parse(header, name), MappedTensors(file, name), name, opened)
        except (SafetensorError, OSError) as error:
            why = _first_line(error)
            raise MemoryFileError(
                f"{name}: not a deltamem memory, or cut short ({why}); a log becomes one by deltamem ingest"
            ) from error
    raise MemoryFileError(f"{name}: is written all the time; try again when that has ended")


def _parse(header: str, name: str) -> Header:
    try:
        values = orjson.loads(header)  # not json: it has a limit of depth and of digits
    except ValueError as error:
        raise MemoryFileError(f"{name}: its header is damaged; restore the file or ingest again") from error
    version = values.get("format") if isinstance(values, dict) else None
    if type(version) is not int or version < 1:
        raise MemoryFileError(f"{name}: its header names no format version; the file is damaged")
    if version > FORMAT:
        raise MemoryFileError(
            f"{name}: written in format {version}, newer than this deltamem reads ({FORMAT}); upgrade deltamem"
        )
    for upgrade in UPGRADES[version - 1 :]:
        values = upgrade(values)
    return Header.parse(values, name)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def nbytes(memory: StoredMemory) -> dict[str, int]:
    """Bytes of every tensor of an opened memory, from the file's header alone."""
    tensors = memory.tensors
    assert isinstance(tensors, MappedTensors)
    return {name: tensors.nbytes(name) for name in tensors}


def stamp(path: str | Path) -> Stamp | None:
    """What tells one state of a file from another: None when there is none."""
    try:
        return _stamp(os.stat(path))
    except FileNotFoundError:
        return None


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_ino, found.st_size, found.st_mtime_ns


def save(
    path: str | Path,
    header: Header,
    arrays: Mapping[str, NDArray[Any]],
    spools: Mapping[str, BinaryIO],
    expected: Stamp | EllipsisType | None = ...,
) -> None:
    """Write a memory file whole or not at all: to the side, flushed to disk, then renamed over `path`.

    `spools` are byte tensors too large for memory, each a file that is copied from its start. A file that is there
    keeps its permissions; a link is followed. `expected` is what `stamp` must say of it in the end (... for anything).
    Raises UsageError when another program has changed it meanwhile, and leaves it so.
    """
    target = os.path.realpath(path)
    tensors = _tensors(arrays, spools)
    order = _order(tensors)
    with writing(target), _replacing(target) as out:
        out.write(_safetensors_header(header, tensors, order))
        for name in order:
            if name in spools:
                spools[name].seek(0)
                while chunk := spools[name].read(_COPY):
                    out.write(chunk)
            else:
                out.write(np.ascontiguousarray(arrays[name]).data)
        if expected is not ... and stamp(target) != expected:
            raise UsageError(f"{path}: another program changed it meanwhile; run the same command again")


def measure(header: Header, arrays: Mapping[str, NDArray[Any]], spools: Mapping[str, BinaryIO]) -> int:
    """The bytes of the file that `save` would write."""
    tensors = _tensors(arrays, spools)
    head = _safetensors_header(header, tensors, _order(tensors))
    return len(head) + sum(size for *_, size in tensors.values())


def _tensors(
    arrays: Mapping[str, NDArray[Any]], spools: Mapping[str, BinaryIO]
) -> dict[str, tuple[str, list[int], int]]:
    """Type, shape and bytes of every tensor."""
    sizes = {name: spool.seek(0, os.SEEK_END) for name, spool in spools.items()}
    found = {name: (DTYPES[array.dtype.name], list(array.shape), array.nbytes) for name, array in arrays.items()}
    return found | {name: ("U8", [size], size) for name, size in sizes.items()}


def _order(tensors: Mapping[str, tuple[str, list[int], int]]) -> list[str]:
    """The widest first, so that every tensor begins at a multiple of its width."""
    width = {short: np.dtype(long).itemsize for long, short in DTYPES.items()}
    return sorted(tensors, key=lambda name: (-width[tensors[name][0]], name))


def _safetensors_header(header: Header, tensors: Mapping[str, tuple[str, list[int], int]], order: list[str]) -> bytes:
    """The length and the JSON that open a safetensors file (github.com/huggingface/safetensors#format)."""
    meta = json.dumps({"format": FORMAT, **header.as_dict()}, sort_keys=True, separators=(",", ":"))
    entries: dict[str, Any] = {"__metadata__": {"deltamem": meta}}
    at = 0
    for name in order:
        dtype, shape, size = tensors[name]
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    body = json.dumps(entries, separators=(",", ":")).encode()
    body += b" " * (-len(body) % 8)
    return len(body).to_bytes(8, "little") + body


def check_place(path: str | Path) -> None:
    """Raise UsageError when no file can be written at `path`: before the work, not after it."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise _no_place(folder, FileNotFoundError(errno.ENOENT, "there is no such folder"))
    if not os.access(folder, os.W_OK):
        raise _no_place(folder, PermissionError(errno.EACCES, "no permission"))


def _no_place(folder: str, error: OSError) -> UsageError:
    return UsageError(f"{folder}: cannot write here ({error.strerror}); choose another place with -o")


@contextmanager
def _replacing(target: str) -> Iterator[BinaryIO]:
    """A file beside `target` that takes its place once it is complete and on disk."""
    folder = os.path.dirname(target)
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", suffix=".part", dir=folder)
    except OSError as error:
        raise _no_place(folder, error) from error
    try:
        with open(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(beside, _mode(target))
        os.replace(beside, target)
    except BaseException as error:
        os.unlink(beside)
        if isinstance(error, OSError):
            raise UsageError(f"{target}: cannot be written ({error.strerror}); the old state is kept") from error
        raise
    if os.name == "posix":
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _mode(target: str) -> int:
    """The permissions of the file that is replaced, or those that a new file gets."""
    if os.path.exists(target):
        return stat.S_IMODE(os.stat(target).st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
