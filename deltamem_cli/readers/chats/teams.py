"""Microsoft Teams: the personal export (`messages.json`, as Skype's) and chat messages of the Graph API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.html import html_text
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import parts
from deltamem_cli.readers.parse.oldest_first import oldest_first
from deltamem_cli.readers.parse.values import label, mapping, plain, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Microsoft Teams (personal export or Graph API JSON)"

_SAID = {"RichText", "RichText/Html", "Text"}
_NETWORK = re.compile(r"\d{1,2}:")  # of an account: "8:live:ann" is Skype's
_LIST = "conversations.item."
_Part = tuple[str, str, Any]


def detect(head: Head) -> bool:
    """Conversations with a MessageList, or messages with a body that has a contentType."""
    return _is_export(head) or _is_graph(_first(head))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages, in the order of the file. Raises LogError where the JSON breaks off, after the messages before."""
    if _is_export(log.head):
        prefixes = [_LIST + field for field in ("id", "displayName", "MessageList.item")]
        conversations = groupby(parts(log, prefixes), key=lambda part: part[1].split("/")[2])
        return each_with_ids(oldest_first(_exported(fields, report)) for _, fields in conversations)
    prefix = "item" if isinstance(log.head.document, list) else "value.item"
    return oldest_first(_graph(parts(log, (prefix,)), report))


def _is_export(head: Head) -> bool:
    conversations = sequence(mapping(head.document).get("conversations"))
    return any("MessageList" in mapping(conversation) for conversation in conversations)


def _first(head: Head) -> dict[str, Any]:
    document = head.document
    listed = document if isinstance(document, list) else sequence(mapping(document).get("value"))
    return mapping(listed[0]) if listed else {}


def _is_graph(record: dict[str, Any]) -> bool:
    return "contentType" in mapping(record.get("body")) and bool({"messageType", "chatId"} & record.keys())


def _exported(fields: Iterator[_Part], report: ReadReport) -> Iterator[Message]:
    """The messages of one conversation of a personal export."""
    conversation: dict[str, str] = {}
    for prefix, pointer, value in fields:
        if not prefix.endswith("item"):
            conversation[prefix.removeprefix(_LIST)] = string(value)
            continue
        record = mapping(value)
        kind, content = string(record.get("messagetype")), string(record.get("content"))
        text = content if kind == "Text" else html_text(content)
        if kind not in _SAID:
            report.skipped[label(kind)] += 1
        elif not text.strip():
            report.skipped["no text"] += 1
        else:
            session, id = conversation.get("id", ""), plain(record.get("id"))
            yield Message(
                text=text,
                role="user",
                line=1,
                pointer=pointer,
                session=session,
                id=f"{session}/{id}" if session and id else "",
                speaker=string(record.get("displayName")) or _NETWORK.sub("", string(record.get("from"))),
                time=seconds(record.get("originalarrivaltime")),
                title=conversation.get("displayName", ""),
            )


def _graph(messages: Iterator[_Part], report: ReadReport) -> Iterator[Message]:
    """Messages of the Graph API; a channel's threads are sessions, and so is a whole chat."""
    for _, pointer, value in messages:
        record = mapping(value)
        body = mapping(record.get("body"))
        content = string(body.get("content"))
        text = content if body.get("contentType") == "text" else html_text(content)
        if record.get("messageType", "message") != "message":
            report.skipped[label(record.get("messageType"))] += 1
        elif record.get("deletedDateTime") or not text.strip():
            report.skipped["deleted" if record.get("deletedDateTime") else "no text"] += 1
        else:
            sender = mapping(record.get("from"))
            chat, id = string(record.get("chatId")), string(record.get("id"))
            channel = string(mapping(record.get("channelIdentity")).get("channelId"))
            thread = string(record.get("replyToId")) or id
            names = (string(mapping(sender.get(kind)).get("displayName")) for kind in ("user", "application", "device"))
            place = chat or channel
            yield Message(
                text=text,
                role="user",
                line=1,
                pointer=pointer,
                session=f"{channel}/{thread}" if channel and not chat else chat,
                id=f"{place}/{id}" if place and id else "",
                speaker=next(filter(None, names), ""),
                time=seconds(record.get("createdDateTime")),
                title=string(record.get("subject")),
            )
