"""Discord, as DiscordChatExporter writes it: `{"guild", "channel", "messages": […]}`, one channel or thread a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.files import document_name
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import parts
from deltamem_cli.readers.parse.values import label, mapping, plain, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Discord channel (DiscordChatExporter JSON)"

_SAID = {"Default", "Reply", "ChatInputCommand", "ContextMenuCommand"}  # other named types are Discord's own notices


def detect(head: Head) -> bool:
    """A document of a guild, a channel and its messages."""
    fields = mapping(head.document)
    return isinstance(fields.get("guild"), dict) and isinstance(fields.get("channel"), dict) and "messages" in fields


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of the channel, in the order of the file.

    Raises LogError where the JSON breaks off (an export was interrupted), after the messages before.
    """
    return _messages(log, report)


def _messages(log: Log, report: ReadReport) -> Iterator[Message]:
    guild: dict[str, Any] = {}
    channel: dict[str, Any] = {}
    for prefix, pointer, value in parts(log, ("guild", "channel", "messages.item")):
        record = mapping(value)
        if prefix == "guild":
            guild = record
        elif prefix == "channel":
            channel = record
        else:
            yield from _message(record, pointer, guild, channel, report)


def _message(
    record: dict[str, Any], pointer: str, guild: dict[str, Any], channel: dict[str, Any], report: ReadReport
) -> Iterator[Message]:
    kind = plain(record.get("type"))
    text = _text(record)
    if kind not in _SAID and not kind.isdecimal():  # a number: a type that is newer than the exporter
        report.skipped[label(kind)] += 1
    elif not text.strip():
        report.skipped["no text"] += 1
    else:
        author = mapping(record.get("author"))
        session, id = plain(channel.get("id")), plain(record.get("id"))
        yield Message(
            text=text,
            role="user",
            line=1,
            pointer=pointer,
            session=session,
            id=f"{session}/{id}" if session and id else "",
            speaker=string(author.get("nickname")) or string(author.get("name")),
            time=seconds(record.get("timestamp")),
            title=string(channel.get("name")),
            project=string(guild.get("name")),
        )


def _text(record: dict[str, Any]) -> str:
    """What the message says, else what it forwards, else the words of its embeds."""
    content = string(record.get("content")) or string(mapping(record.get("forwardedMessage")).get("content"))
    if content.strip():
        return content
    embeds = map(mapping, sequence(record.get("embeds")))
    said = "\n".join(words for embed in embeds for words in _embedded(embed) if words)
    files = (document_name(string(mapping(file).get("fileName"))) for file in sequence(record.get("attachments")))
    return said if said.strip() else "\n".join(filter(None, files))


def _embedded(embed: dict[str, Any]) -> Iterator[str]:
    yield from (string(embed.get(key)) for key in ("title", "description"))
    for field in map(mapping, sequence(embed.get("fields"))):
        yield " ".join(filter(None, (string(field.get("name")), string(field.get("value")))))
