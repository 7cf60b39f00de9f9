"""Byte streams that may be pipes: look at the first bytes, then read from the first byte on, always as UTF-8."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK = 1 << 18


class ByteStream(Protocol):
    """All that is asked of an input: bytes, at most `size` at a time, b"" at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...


class _Rejoined(io.RawIOBase):
    """Bytes that were read ahead, then the rest of the stream they came from."""

    def __init__(self, ahead: bytes, rest: ByteStream) -> None:
        self._ahead, self._rest = memoryview(ahead), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer).cast("B")
        data: bytes | memoryview = self._ahead[: len(room)]
        if data:
            self._ahead = self._ahead[len(data) :]
        else:
            data = self._rest.read(len(room)) or b""
        room[: len(data)] = data
        return len(data)


class _Decoded(io.RawIOBase):
    """A stream of another encoding as UTF-8; what cannot be decoded becomes U+FFFD."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            data = self._stream.read(_BLOCK)
            self._ended = not data
            self._ready = self._decoder.decode(data, final=self._ended).encode("utf-8", "replace")
        data, self._ready = self._ready[: len(room)], self._ready[len(room) :]
        room[: len(data)] = data
        return len(data)


def rejoined(ahead: bytes, rest: ByteStream) -> io.BufferedReader:
    """Return a stream of bytes that were read ahead, then of the rest that they came from."""
    return io.BufferedReader(_Rejoined(ahead, rest), _BLOCK)


def decoded(stream: BinaryIO, encoding: str) -> io.BufferedReader:
    """Return a UTF-8 stream of one in another encoding; what cannot be decoded becomes U+FFFD."""
    return io.BufferedReader(_Decoded(stream, encoding), _BLOCK)


def repaired(stream: BinaryIO) -> io.BufferedReader:
    """Return a UTF-8 stream whose bad bytes are U+FFFD."""
    return decoded(stream, "utf-8")
