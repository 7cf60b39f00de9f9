"""Reads bytes as `ingest` does, for the tests of the readers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.io.archives import open_file
from deltamem_cli.records import Message, ReadReport


class Pipe(io.RawIOBase):
    """A stream that hands out a few bytes at a time and cannot seek."""

    def __init__(self, data: bytes, size: int = 1000) -> None:
        self.rest, self.size = data, size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        length = min(self.size, size) if size >= 0 else len(self.rest)
        data, self.rest = self.rest[:length], self.rest[length:]
        return data


def read_bytes(data: bytes, format: str | None = None) -> tuple[str, list[Message], ReadReport]:
    """(format, messages, report) of a log given as bytes through a pipe."""
    return read_stream(cast(BinaryIO, Pipe(data)), "a.log", format)


def read_file(path: Path, format: str | None = None) -> tuple[str, list[Message], ReadReport]:
    """(format, messages, report) of a log on disk, or of a member of an archive."""
    with open_file(str(path)) as stream:
        return read_stream(stream, str(path), format)


def read_stream(stream: BinaryIO, name: str, format: str | None = None) -> tuple[str, list[Message], ReadReport]:
    """(format, messages, report) of the log of that name."""
    found, log = open_log(stream, name, format)
    report = ReadReport()
    return found, on_path(read_log(found, log, report)), report


def on_path(messages: Iterator[Message]) -> list[Message]:
    """The messages without those of other branches, as `ingest` takes them."""
    return [message for message in messages if not message.off_path]


def resolve(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901)."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document
