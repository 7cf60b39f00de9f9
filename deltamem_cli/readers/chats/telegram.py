"""Telegram Desktop export, `result.json`: one chat, or an account with its list of chats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from deltamem_cli.readers.parse.files import document_name
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import parts
from deltamem_cli.readers.parse.values import label, mapping, plain, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Telegram Desktop export (result.json)"

_CHATS = ("", "chats.list.item.", "left_chats.list.item.")  # where the fields of a chat lie
_MARKS = {"from_id", "date_unixtime", "text_entities"}  # at least one of them is in every message


def detect(head: Head) -> bool:
    """A list of chats, or messages with Telegram's fields."""
    document = mapping(head.document)
    chats = sequence(mapping(document.get("chats")).get("list")) or sequence(
        mapping(document.get("left_chats")).get("list")
    )
    return any(
        record.get("type") in ("message", "service") and bool(_MARKS & record.keys())
        for chat in (document, *map(mapping, chats))
        for record in map(mapping, sequence(chat.get("messages"))[:50])
    )


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of every chat, in the order of the file; each chat is a session.

    Raises LogError where the JSON breaks off, after the messages before.
    """
    prefixes = [root + field for root in _CHATS for field in ("name", "id", "messages.item")]
    return each_with_ids(_chat(fields, report) for _, fields in groupby(parts(log, prefixes), key=_root))


def _root(part: tuple[str, str, Any]) -> str:
    """The JSON pointer of the chat that a part belongs to."""
    prefix, pointer, _ = part
    return pointer.rsplit("/", 2 if prefix.endswith("item") else 1)[0]


def _chat(fields: Iterator[tuple[str, str, Any]], report: ReadReport) -> Iterator[Message]:
    chat: dict[str, str] = {}
    for prefix, pointer, value in fields:
        if not prefix.endswith("item"):
            chat[prefix.rpartition(".")[2]] = plain(value)
            continue
        record = mapping(value)
        text = _text(record)
        if record.get("type") != "message":
            report.skipped[label(record.get("type"))] += 1
        elif not text.strip():
            report.skipped["no text"] += 1
        else:
            yield _message(record, text, pointer, chat)


def _message(record: dict[str, Any], text: str, pointer: str, chat: dict[str, str]) -> Message:
    session, id = chat.get("id", ""), plain(record.get("id"))
    time = seconds(record.get("date_unixtime"))
    return Message(
        text=text,
        role="user",
        line=1,
        pointer=pointer,
        session=session,
        id=f"{session}/{id}" if session and id else "",
        speaker=string(record.get("from")) or _deleted(record),
        time=seconds(record.get("date")) if time is None else time,
        title=chat.get("name", ""),
    )


def _text(record: dict[str, Any]) -> str:
    """The text, of whatever pieces it is made; for a poll the question and its answers, one a line."""
    text = record.get("text")
    pieces = [text] if isinstance(text, str) else sequence(text)
    words = "".join(piece if isinstance(piece, str) else _piece(mapping(piece)) for piece in pieces)
    if words.strip():
        return words
    words = "".join(_piece(mapping(piece)) for piece in sequence(record.get("text_entities")))
    poll = mapping(record.get("poll"))
    answers = (string(mapping(answer).get("text")) for answer in sequence(poll.get("answers")))
    if words.strip():
        return words
    said = "\n".join(filter(None, (string(poll.get("question")), *answers)))
    return said or document_name(string(record.get("file_name")))


def _piece(piece: dict[str, Any]) -> str:
    """The words of a piece of text; of a link the address, too, where it does not show."""
    words, address = string(piece.get("text")), string(piece.get("href"))
    return f"{words} ({address})" if address and address not in words else words


def _deleted(record: dict[str, Any]) -> str:
    """What to call somebody whose account is gone, so that two of them are two."""
    account = string(record.get("from_id"))
    return f"Deleted Account ({account})" if account else ""
