"""TypingMind's export: chats with their messages, below `data`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.turn import first_string, turn_messages
from deltamem_cli.readers.parse.values import mapping, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "TypingMind export (JSON)"


def detect(head: Head) -> bool:
    """Chats with a `chatTitle` or messages, below `data`."""
    chats = sequence(mapping(mapping(head.document).get("data")).get("chats"))
    first = mapping(chats[0] if chats else None)
    return "chatTitle" in first or ("messages" in first and "chatID" in first)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of every chat, in the order of the file."""
    return each_with_ids(_chat(index, value, report) for index, value in items(log, "data.chats.item"))


def _chat(number: int, value: object, report: ReadReport) -> Iterator[Message]:
    chat = mapping(value)
    session, title = first_string(chat, ("id", "chatID")), first_string(chat, ("chatTitle", "title"))
    model = string(chat.get("model"))
    if not sequence(chat.get("messages")):
        report.skipped["chat without messages"] += 1
    for index, turn in enumerate(map(mapping, sequence(chat.get("messages")))):
        pointer, identity = f"/data/chats/{number}/messages/{index}", first_string(turn, ("uuid", "id"))
        for at, message in enumerate(turn_messages(turn, 1, pointer, report.skipped)):
            yield replace(
                message,
                session=session,
                id=f"{session}/{identity}/{at}" if session and identity else "",
                title=title,
                speaker=message.speaker or (model if message.role == "assistant" else ""),
            )
            title = ""
