"""Chat logs → messages. One file per format; each has three names:

    TITLE: str                                  what a person calls the format
    detect(head: Head) -> bool                  by content, never by file name
    read(log: Log, report) -> Iterator[Message] streaming: memory stays bounded whatever the file's size

A `Log` (`parse/head.py`) has its `name`, the path for error messages; its `head`, the first bytes, which `detect` saw;
and its `stream` at the first byte (UTF-8, perhaps a pipe: it cannot seek). `report` is a ReadReport that the reader
fills in. A reader raises LogError when the rest of the file is beyond reading;
a single broken record goes to `report.broken` instead. Messages off the path of a conversation are flagged
(`Message.off_path`) and counted. A message has the log's own session and id, or "" where the log gives none:
`detect.read_log` derives those from the content, once for all readers, and takes a file for one session. A reader whose
file holds several conversations without ids returns `each_with_ids(conversations)` (`parse/ids.py`). Readers are
imported when they are used. A database is a stream that SQLite can open (`parse.sqlite.connect`); what is compressed
has been unpacked.

The formats stand in `agents/`, `assistants/`, `chats/`, `datasets/` and `generic/`; what they share in `parse/`, where
the bytes come from in `io/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

from deltamem_cli.errors import UsageError
from deltamem_cli.readers import plugins
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.records import Message, ReadReport

READERS: dict[str, str] = {  # name → module; detection asks them in this order, the most specific first
    "agent-runs": "deltamem_cli.readers.agents.agent_runs",
    "qwen": "deltamem_cli.readers.agents.qwen",
    "claude-code": "deltamem_cli.readers.agents.claude_code",
    "codex": "deltamem_cli.readers.agents.codex",
    "claude-ai": "deltamem_cli.readers.assistants.claude_ai",
    "deepseek-web": "deltamem_cli.readers.assistants.deepseek_web",
    "chatgpt": "deltamem_cli.readers.assistants.chatgpt",
    "grok-export": "deltamem_cli.readers.assistants.grok_export",
    "open-webui": "deltamem_cli.readers.assistants.open_webui",
    "gemini": "deltamem_cli.readers.agents.gemini",
    "copilot": "deltamem_cli.readers.agents.copilot",
    "copilot-cli": "deltamem_cli.readers.agents.copilot_cli",
    "opencode": "deltamem_cli.readers.agents.opencode",
    "cursor": "deltamem_cli.readers.agents.cursor",
    "goose": "deltamem_cli.readers.agents.goose",
    "llm": "deltamem_cli.readers.assistants.llm_logs",
    "pi": "deltamem_cli.readers.agents.pi",
    "kimi": "deltamem_cli.readers.agents.kimi",
    "deepseek": "deltamem_cli.readers.agents.deepseek",
    "grok": "deltamem_cli.readers.agents.grok",
    "antigravity": "deltamem_cli.readers.agents.antigravity",
    "zed": "deltamem_cli.readers.agents.zed",
    "hermes": "deltamem_cli.readers.agents.hermes",
    "droid": "deltamem_cli.readers.agents.droid",
    "swe-agent": "deltamem_cli.readers.agents.swe_agent",
    "continue": "deltamem_cli.readers.agents.continue_dev",
    "ui-message": "deltamem_cli.readers.assistants.ui_message",
    "gemini-parts": "deltamem_cli.readers.assistants.gemini_parts",
    "lm-studio": "deltamem_cli.readers.assistants.lm_studio",
    "librechat": "deltamem_cli.readers.assistants.librechat",
    "typingmind": "deltamem_cli.readers.assistants.typingmind",
    "sillytavern": "deltamem_cli.readers.assistants.sillytavern",
    "specstory": "deltamem_cli.readers.agents.specstory",
    "slack": "deltamem_cli.readers.chats.slack",
    "discord": "deltamem_cli.readers.chats.discord",
    "telegram": "deltamem_cli.readers.chats.telegram",
    "messenger": "deltamem_cli.readers.chats.messenger",
    "teams": "deltamem_cli.readers.chats.teams",
    "locomo": "deltamem_cli.readers.datasets.locomo",
    "longmemeval": "deltamem_cli.readers.datasets.longmemeval",
    "captions": "deltamem_cli.readers.chats.captions",
    "mail": "deltamem_cli.readers.chats.mail",
    "whatsapp": "deltamem_cli.readers.chats.whatsapp",
    "signal": "deltamem_cli.readers.chats.signal_chat",
    "irc": "deltamem_cli.readers.chats.irc",
    "cline": "deltamem_cli.readers.agents.cline",
    "sharegpt": "deltamem_cli.readers.datasets.sharegpt",
    "people": "deltamem_cli.readers.generic.people",
    "openai": "deltamem_cli.readers.generic.openai",
    "turns": "deltamem_cli.readers.generic.turns",
    "aider": "deltamem_cli.readers.agents.aider",
    "text": "deltamem_cli.readers.generic.text",
}


class Reader(Protocol):
    """What a module of this folder offers."""

    TITLE: str

    @staticmethod
    def detect(head: Head) -> bool:
        """True when the head can only be this format."""
        ...

    @staticmethod
    def read(log: Log, report: ReadReport) -> Iterator[Message]:
        """Yield the messages of the log, in file order."""
        ...


def reader(format: str) -> Reader:
    """Return the reader of that name, built in or another package's. Raises UsageError, listing the names there are."""
    if format not in READERS:
        if format in plugins.names():
            return cast(Reader, plugins.load(format))
        raise UsageError(f"no log format is called {format!r}: choose one of {', '.join([*READERS, *plugins.names()])}")
    return cast(Reader, import_module(READERS[format]))
