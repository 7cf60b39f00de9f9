"""Lines of plain-text chats: the encodings such files come in, and the marks that are no part of the words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from deltamem_cli.readers.parse.jsonl import lines
from deltamem_cli.records import ReadReport

MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # of writing direction, and byte order marks


def text_lines(stream: BinaryIO, report: ReadReport) -> Iterator[tuple[int, str]]:
    """(1-based number, line without its end) of every line, blank or not; each is UTF-8 or, if it is not, CP1252."""
    for number, raw in lines(stream, report, blank=True):
        yield number, decoded(raw).rstrip("\r\n\0")


def decoded(data: bytes) -> str:
    """Return the text of bytes that are UTF-8 or, where they are not, CP1252."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
