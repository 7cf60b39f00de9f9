"""Data export of grok.com: conversations, each with its responses, a person's and the model's alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.values import label, mapping, seconds, sequence, string, without_base64
from deltamem_cli.records import Message, ReadReport, Role

TITLE = "Grok data export (JSON)"

_ROLES: dict[str, Role] = {"human": "user", "user": "user", "assistant": "assistant"}


def detect(head: Head) -> bool:
    """The first of the conversations has responses."""
    listed = sequence(mapping(head.document).get("conversations"))
    return bool(listed) and isinstance(mapping(listed[0]).get("responses"), list)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of every conversation, in the order of the file.

    Raises LogError where the JSON breaks off, after the messages of the conversations before that place.
    """
    return _messages(log, report.skipped)


def _messages(log: Log, skipped: Counter[str]) -> Iterator[Message]:
    for number, value in items(log, "conversations.item"):
        conversation = mapping(mapping(value).get("conversation"))
        session, title = string(conversation.get("id")), string(conversation.get("title"))
        for index, wrapped in enumerate(sequence(mapping(value).get("responses"))):
            response = mapping(mapping(wrapped).get("response"))
            text, sender = without_base64(string(response.get("message"))), string(response.get("sender")).lower()
            role = _ROLES.get(sender)
            if role is None or not text.strip():
                skipped["no text" if role else f"sender {label(sender)}"] += 1
                continue
            identity = string(response.get("_id"))
            yield Message(
                text=text,
                role=role,
                line=1,
                pointer=f"/conversations/{number}/responses/{index}/response/message",
                session=session,
                id=f"{session}/{identity}" if session and identity else "",
                speaker=string(response.get("model")) if role == "assistant" else "",
                time=_time(response.get("create_time")),
                title=title,
            )
            title = ""


def _time(value: Any) -> float | None:  # noqa: ANN401 - any JSON value
    """A time, or one in the manner of MongoDB: `{"$date": {"$numberLong": "1737381600000"}}`."""
    date = mapping(value).get("$date")
    return seconds(mapping(date).get("$numberLong") or date or value)
