"""The first bytes of an input: what its shape is, and why it may be no log."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, cast

from deltamem_cli.readers.io.streams import ByteStream, decoded, rejoined

HEAD_BYTES = 65536
_OBJECTS = 50
_JSON = re.compile(rb"\s*(?:\{|\[\s*[\[{\"\]])")  # `[2026-01-02]` begins a line of a chat, no array of records

_MAGIC = {  # first bytes → what such a file is, and what to do about it
    b"PK\x03\x04": "a ZIP archive from a pipe or inside another file: unpack that and give the archive by its path",
    b"\x1f\x8b": "compressed with gzip twice: unpack it first (gzip -dc FILE | deltamem ingest -)",
    b"\x28\xb5\x2f\xfd": "compressed with zstd twice: unpack it first (zstd -dc FILE | deltamem ingest -)",
    b"SQLite format 3\x00": "an SQLite database of no tool that deltamem knows: export the chat as JSON, JSONL or text",
    b"%PDF": "a PDF: save the conversation as text or Markdown",
    b"WEBVTT": "a WebVTT file without captions; nothing to ingest",
}
_CHOOSE = "if it is a chat log, name its format with --format"


class Head:
    """The first bytes of an input (at most HEAD_BYTES, UTF-8, no byte order mark) and what they say."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tables: dict[str, frozenset[str]] = {}  # of a database: its tables and their columns

    @cached_property
    def text(self) -> str:
        """The head as text; a line cut by the end of the head is left out, unless there is no other."""
        data = self.data
        if len(data) >= HEAD_BYTES and b"\n" in data:
            data = data[: data.rindex(b"\n") + 1]
        return data.decode("utf-8", "replace")

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """The first JSON objects, one a line (at most 50). A first line longer than the head counts with what it shows.

        Empty for a document that is spread over several lines.
        """
        from deltamem_cli.readers.parse.damaged import whole_records
        from deltamem_cli.readers.parse.jsonl import parse

        lines = self.data.split(b"\n")
        if len(self.data) >= HEAD_BYTES and len(lines) > 1:
            lines.pop()
        found: list[dict[str, Any]] = []
        for line in lines:
            if len(found) == _OBJECTS:
                break
            if not line.lstrip(b"\0").startswith(b"{"):
                continue
            try:
                value = parse(line)
            except ValueError:
                found += whole_records(line)[0][: _OBJECTS - len(found)]
                continue
            if isinstance(value, dict):
                found.append(value)
        if not found and len(lines) == 1 and isinstance(self.document, dict):
            found.append(self.document)
        return found

    @property
    def is_jsonl(self) -> bool:
        """True when the first line is a JSON object of its own, or one that reaches beyond the head."""
        line, _, _ = self.data.lstrip().partition(b"\n")
        return bool(self.objects) and (len(line) == HEAD_BYTES or line.rstrip(b"\0 \t\r,").endswith(b"}"))

    @cached_property
    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        """The first JSON value as far as the head reaches, what is open at the cut closed there; None for no JSON."""
        if not _JSON.match(self.data):
            return None
        import ijson
        from ijson.common import ObjectBuilder

        builder = ObjectBuilder()
        events = ijson.sendable_list()
        parser = ijson.basic_parse_coro(events, use_float=True)
        try:
            for start in range(0, len(self.data), 256):  # small pieces: the events before a fault are kept
                parser.send(self.data[start : start + 256])
                for event, value in events:
                    builder.event(event, value)
                del events[:]
        except (ijson.JSONError, ValueError, StopIteration):
            pass  # the value ended, was cut, or is no JSON from here on: what came before is the answer
        for event, value in events:
            builder.event(event, value)
        return getattr(builder, "value", None)

    @property
    def is_binary(self) -> bool:
        """True for bytes that are no text (zero bytes after a crash at the end of a text do not count)."""
        data = self.data.rstrip(b"\0")
        control = sum(data.count(bytes([byte])) for byte in (0, 1, 2, 3, 4, 5, 6, 14, 15, 16, 17))
        return b"\0" in data or control * 50 > len(data)

    def complaint(self) -> str:
        """Why this is no log, and what to do: one sentence that repeats none of the content."""
        data = self.data
        if data[8:10] == b'{"' and int.from_bytes(data[:8], "little") < 1 << 30:
            return "this is a safetensors file, such as a memory, not a log: give it as MEMORY (-o, query, info)"
        for magic, what in _MAGIC.items():
            if data.startswith(magic):
                return f"this is {what}"
        if self.is_binary:
            return "this is a binary file, not a chat log: give the log itself, as JSON, JSONL or text"
        if self.objects or self.document is not None:
            return f"this is JSON, but of no log format that deltamem knows: {_CHOOSE} (see `deltamem formats`)"
        return f"this is plain text without speaker labels such as `User:` or `**Alice:**`: {_CHOOSE}"


@dataclass(frozen=True, slots=True)
class Log:
    """A log to be read: `name` is its path, for error messages and for the files beside it.

    stream: UTF-8 from its first byte, perhaps a pipe; of a database a file that SQLite can open (`sqlite.connect`).
    """

    name: str
    head: Head
    stream: BinaryIO


def rewound(stream: ByteStream) -> tuple[Head, BinaryIO]:
    """Return the head of a stream, and the stream from its first byte on.

    UTF-16 with a byte order mark becomes UTF-8; a UTF-8 byte order mark is left out. The stream need not seek.
    """
    data = _first_bytes(stream)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return rewound(decoded(cast(BinaryIO, rejoined(data, stream)), "utf-16"))
    data = data.removeprefix(codecs.BOM_UTF8)
    return Head(data[:HEAD_BYTES]), cast(BinaryIO, rejoined(data, stream))


def _first_bytes(stream: ByteStream) -> bytes:
    """Up to HEAD_BYTES and the three of a byte order mark, however small the pieces a pipe hands out."""
    pieces: list[bytes] = []
    missing = HEAD_BYTES + 3
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
