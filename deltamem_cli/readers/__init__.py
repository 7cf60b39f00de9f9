"""Chat logs → messages. One file per format; each has three names:

    TITLE: str                                  what a person calls the format
    detect(head: Head) -> bool                  by content, never by file name
    read(stream, name, report) -> Iterator[Message]   streaming: memory stays bounded whatever the file's size

`stream` is a binary stream at its start (perhaps a pipe: it cannot seek), `name` the path for error messages,
`report` a ReadReport that the reader fills in. A reader raises LogError when the rest of the file is beyond reading;
a single broken record goes to `report.broken` instead. Every message has a session and an id: the log's own, or ones
derived from the content (`derived.py`). Readers are imported when they are used.

Helpers: `head.py` first bytes, `source.py` streams, `jsonl.py` lines and records, `values.py` untrusted JSON values.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from deltamem_cli.errors import NotALog, UsageError
from deltamem_cli.readers.head import Head
from deltamem_cli.readers.source import rewound
from deltamem_cli.records import Message, ReadReport

READERS: dict[str, str] = {  # name → module; detection asks them in this order, the most specific first
    "claude-code": "deltamem_cli.readers.claude_code",
    "codex": "deltamem_cli.readers.codex",
    "chatgpt": "deltamem_cli.readers.chatgpt",
    "slack": "deltamem_cli.readers.slack",
    "discord": "deltamem_cli.readers.discord",
    "telegram": "deltamem_cli.readers.telegram",
    "teams": "deltamem_cli.readers.teams",
    "locomo": "deltamem_cli.readers.locomo",
    "longmemeval": "deltamem_cli.readers.longmemeval",
    "captions": "deltamem_cli.readers.captions",
    "mail": "deltamem_cli.readers.mail",
    "whatsapp": "deltamem_cli.readers.whatsapp",
    "signal": "deltamem_cli.readers.signal_chat",
    "irc": "deltamem_cli.readers.irc",
    "people": "deltamem_cli.readers.people",
    "openai": "deltamem_cli.readers.openai",
    "text": "deltamem_cli.readers.text",
}


class Reader(Protocol):
    """What a module of this folder offers."""

    TITLE: str

    @staticmethod
    def detect(head: Head) -> bool:
        """True when the head can only be this format."""
        ...

    @staticmethod
    def read(stream: BinaryIO, name: str, report: ReadReport) -> Iterator[Message]:
        """The messages of the log, in file order."""
        ...


def reader(format: str) -> Reader:
    """The reader of that name. Raises UsageError, listing the names there are."""
    if format not in READERS:
        raise UsageError(f"no log format is called {format!r}: choose one of {', '.join(READERS)}")
    return cast(Reader, import_module(READERS[format]))


def detect(head: Head) -> str | None:
    """The name of the format that the head is in, or None when it is no log we know."""
    return next((name for name in READERS if reader(name).detect(head)), None)


def open_log(stream: BinaryIO, name: str, format: str | None = None) -> tuple[str, io.BufferedReader]:
    """The format of a log and a stream of it from its first byte, as UTF-8 (the stream need not be able to seek).

    Raises UsageError for an unknown format, NotALog when the log is empty or in no known format.
    """
    if format is not None:
        reader(format)
    head, whole = rewound(stream)
    if not head.data.strip(b"\0 \t\r\n"):
        raise NotALog(name, "the file is empty; nothing to ingest")
    found = format or detect(head)
    if found is None:
        raise NotALog(name, head.complaint())
    return found, whole
