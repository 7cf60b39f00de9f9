"""Logs compressed with gzip or zstandard, read as they are."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.archives import MAX_RATIO, is_bomb

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 18


def is_packed(data: bytes) -> bool:
    """Return True for the first bytes of a compressed file."""
    return data.startswith((_GZIP, _ZSTD))


def unpacked(data: bytes, stream: BinaryIO, name: str) -> BinaryIO:
    """What a compressed stream holds; `data` are its first bytes. Reading it raises LogError where it is damaged."""
    return cast(BinaryIO, io.BufferedReader(_Unpacked(data, stream, name), _BLOCK))


class _Counted:
    """A stream that knows how much has been read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.total = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.total += len(data)
        return data


class _Unpacked(io.RawIOBase):
    def __init__(self, data: bytes, stream: BinaryIO, name: str) -> None:
        import zstandard

        self._name, self._error = name, zstandard.ZstdError
        self._packed = _Counted(stream)
        self._total = 0
        source = cast(BinaryIO, self._packed)
        if data.startswith(_GZIP):
            self._plain = cast(BinaryIO, gzip.GzipFile(fileobj=source))
        else:
            self._plain = cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer).cast("B")
        try:
            data = self._plain.read(len(room))
        except (self._error, EOFError, zlib.error, gzip.BadGzipFile):
            why = "the compressed file is damaged or cut off; what stands before that place was read"
            raise LogError(self._name, why) from None
        self._total += len(data)
        if is_bomb(self._packed.total, self._total):
            raise LogError(self._name, f"grows more than {MAX_RATIO}-fold when it is unpacked: this is no log")
        room[: len(data)] = data
        return len(data)
