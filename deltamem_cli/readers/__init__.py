"""Chat logs → messages. One file per format; each has three names:

    TITLE: str                                  what a person calls the format
    detect(head: Head) -> bool                  by content, never by file name
    read(stream, name, report) -> Iterator[Message]   streaming: memory stays bounded whatever the file's size

`stream` is a binary stream at its start (perhaps a pipe: it cannot seek), `name` the path for error messages,
`report` a ReadReport that the reader fills in. A reader raises LogError when the rest of the file is beyond reading;
a single broken record goes to `report.broken` instead. Messages off the path of a conversation are flagged
(`Message.off_path`) and counted. Every message has a session and an id: the log's own, or ones derived from the content
(`derived.py`). Readers are imported when they are used. A database comes as a stream whose `name` is a file that SQLite
can open (`database.connect`); what is compressed has been unpacked.

Helpers: `head.py` first bytes, `source.py` streams, `jsonl.py` lines and records, `values.py` untrusted JSON values,
`tree.py` branches.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from deltamem_cli.errors import NotALog, UsageError
from deltamem_cli.readers import database, packed, plugins
from deltamem_cli.readers.head import Head
from deltamem_cli.readers.source import ByteStream, rewound
from deltamem_cli.records import Message, ReadReport

READERS: dict[str, str] = {  # name → module; detection asks them in this order, the most specific first
    "qwen": "deltamem_cli.readers.qwen",
    "claude-code": "deltamem_cli.readers.claude_code",
    "codex": "deltamem_cli.readers.codex",
    "claude-ai": "deltamem_cli.readers.claude_ai",
    "chatgpt": "deltamem_cli.readers.chatgpt",
    "grok-export": "deltamem_cli.readers.grok_export",
    "open-webui": "deltamem_cli.readers.open_webui",
    "gemini": "deltamem_cli.readers.gemini",
    "copilot": "deltamem_cli.readers.copilot",
    "copilot-cli": "deltamem_cli.readers.copilot_cli",
    "opencode": "deltamem_cli.readers.opencode",
    "cursor": "deltamem_cli.readers.cursor",
    "goose": "deltamem_cli.readers.goose",
    "llm": "deltamem_cli.readers.llm_logs",
    "pi": "deltamem_cli.readers.pi",
    "kimi": "deltamem_cli.readers.kimi",
    "deepseek": "deltamem_cli.readers.deepseek",
    "grok": "deltamem_cli.readers.grok",
    "antigravity": "deltamem_cli.readers.antigravity",
    "zed": "deltamem_cli.readers.zed",
    "hermes": "deltamem_cli.readers.hermes",
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
    "cline": "deltamem_cli.readers.cline",
    "sharegpt": "deltamem_cli.readers.sharegpt",
    "people": "deltamem_cli.readers.people",
    "openai": "deltamem_cli.readers.openai",
    "turns": "deltamem_cli.readers.turns",
    "aider": "deltamem_cli.readers.aider",
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
    """The reader of that name, built in or another package's. Raises UsageError, listing the names there are."""
    if format not in READERS:
        if format in plugins.names():
            return cast(Reader, plugins.load(format))
        raise UsageError(f"no log format is called {format!r}: choose one of {', '.join([*READERS, *plugins.names()])}")
    return cast(Reader, import_module(READERS[format]))


def detect(head: Head) -> str | None:
    """The name of the format that the head is in, or None when it is no log we know."""
    found = next((name for name in READERS if reader(name).detect(head)), None)
    return found or next((name for name in plugins.names() if reader(name).detect(head)), None)


def open_log(stream: ByteStream, name: str, format: str | None = None) -> tuple[str, io.BufferedReader]:
    """The format of a log and a stream of it from its first byte, as UTF-8 (the stream need not be able to seek).

    `name` is where the stream comes from: a database of that name is opened in place, with what is written beside it.

    Raises UsageError for an unknown format, NotALog when the log is empty or in no known format.
    """
    if format is not None:
        reader(format)
    head, whole = rewound(stream)
    if packed.is_packed(head.data):
        head, whole = rewound(packed.unpacked(head.data, cast(BinaryIO, whole), name))
    if head.data.startswith(database.MAGIC):
        whole = database.as_file(cast(BinaryIO, whole), name)
        head.tables = database.tables(cast(BinaryIO, whole), name)
    if not head.data.strip(b"\0 \t\r\n"):
        raise NotALog(name, "the file is empty; nothing to ingest")
    found = format or detect(head)
    if found is None:
        raise NotALog(name, head.complaint())
    return found, whole
