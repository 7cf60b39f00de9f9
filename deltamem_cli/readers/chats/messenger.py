"""Messenger and Instagram: `message_1.json` of Meta's export, newest first, and of end-to-end encrypted chats.

Meta writes UTF-8 as if it were Latin-1 (`Ã¤` for `ä`); that is mended wherever it is so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import parts
from deltamem_cli.readers.parse.oldest_first import oldest_first
from deltamem_cli.readers.parse.values import mapping, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Messenger or Instagram (message_1.json of Meta's export)"

_NOTICE = re.compile(r"Reacted .{1,40} to your message\s*|Liked a message")
_FIELDS = ("title", "threadName", "thread_path", "messages.item")


def detect(head: Head) -> bool:
    """Participants, and messages with Meta's names for who said what when."""
    fields = mapping(head.document)
    records = map(mapping, sequence(fields.get("messages"))[:20])
    known = ({"sender_name", "timestamp_ms"}, {"senderName", "timestamp"})
    return "participants" in fields and any(names <= record.keys() for record in records for names in known)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of the chat, oldest first. Raises LogError where the JSON breaks off."""
    return oldest_first(_messages(log, mapping(log.head.document), report))


def _messages(log: Log, head: dict[str, Any], report: ReadReport) -> Iterator[Message]:
    names = [_mended(string(mapping(one).get("name")) or string(one)) for one in sequence(head.get("participants"))]
    title = _mended(string(head.get("title")) or string(head.get("threadName"))) or ", ".join(filter(None, names))
    for prefix, pointer, value in parts(log, _FIELDS):
        if prefix != "messages.item":
            continue
        record = mapping(value)
        key = "content" if "sender_name" in record else "text"
        text = _mended(string(record.get(key)))
        if record.get("is_unsent") or record.get("isUnsent"):
            report.skipped["deleted"] += 1
        elif not text.strip() or _NOTICE.fullmatch(text):
            report.skipped["reaction" if text.strip() else "no text"] += 1
        else:
            yield Message(
                text=text,
                role="user",
                line=1,
                pointer=f"{pointer}/{key}",
                speaker=_mended(string(record.get("sender_name")) or string(record.get("senderName"))),
                time=seconds(record.get("timestamp_ms") or record.get("timestamp")),
                title=title,
            )


def _mended(text: str) -> str:
    """The text whose UTF-8 was written as Latin-1, as it was meant; any other text as it is."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
