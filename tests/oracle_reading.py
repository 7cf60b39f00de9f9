"""Reads bytes as `ingest` does, for the tests of the readers."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

from deltamem_cli.archives import open_file
from deltamem_cli.readers import open_log, reader
from deltamem_cli.records import Message, ReadReport

SHARED = Path(os.environ.get("DELTAMEM_SHARED", Path(__file__).parents[2] / "shared"))


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
    found, stream = open_log(Pipe(data), "a.log", format)
    report = ReadReport()
    return found, on_path(reader(found).read(stream, "a.log", report)), report


def read_file(path: Path, format: str | None = None) -> tuple[str, list[Message], ReadReport]:
    """(format, messages, report) of a log on disk, or of a member of an archive."""
    report = ReadReport()
    with open_file(str(path)) as file:
        found, stream = open_log(file, str(path), format)
        return found, on_path(reader(found).read(stream, str(path), report)), report


def on_path(messages: Iterator[Message]) -> list[Message]:
    """The messages without those of other branches, as `ingest` takes them."""
    return [message for message in messages if not message.off_path]
