"""Open WebUI export: chats whose messages are a tree, of which the current message's ancestors are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from deltamem_cli.readers.derived import with_ids
from deltamem_cli.readers.head import Head
from deltamem_cli.readers.jsondoc import entries
from deltamem_cli.readers.openai_turn import turn_messages
from deltamem_cli.readers.source import rewound
from deltamem_cli.readers.values import mapping, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Open WebUI export (JSON)"


def detect(head: Head) -> bool:
    """The first chat has a history of messages by id."""
    listed = sequence(head.document)
    return bool(_nodes(mapping(listed[0] if listed else head.document)))


def read(stream: BinaryIO, name: str, report: ReadReport) -> Iterator[Message]:
    """The messages of every chat, in the order of the file, each along its current path.

    Raises LogError where the JSON breaks off.
    """
    head, whole = rewound(stream)
    for line, pointer, value in entries(head, cast(BinaryIO, whole), name, report):
        yield from with_ids(_chat(mapping(value), line, pointer, report.skipped))


def _nodes(chat: dict[str, Any]) -> dict[str, Any]:
    return mapping(mapping(mapping(chat.get("chat")).get("history")).get("messages"))


def _chat(chat: dict[str, Any], line: int, pointer: str, skipped: Counter[str]) -> Iterator[Message]:
    nodes, session, title = _nodes(chat), string(chat.get("id")), string(chat.get("title"))
    path = _path(nodes, mapping(mapping(chat["chat"])["history"]).get("currentId")) if nodes else []
    if len(path) < len(nodes):
        skipped["other branch"] += len(nodes) - len(path)
    for key in path:
        place = f"{pointer}/chat/history/messages/{key.replace('~', '~0').replace('/', '~1')}"
        for number, message in enumerate(turn_messages(mapping(nodes[key]), line, place, skipped)):
            identity = f"{session}/{key}/{number}" if session else ""
            yield replace(message, session=session, id=identity, title=title)
            title = ""


def _path(nodes: dict[str, Any], current: object) -> list[str]:
    """The ids from the root to the current message, or to the last one where none is given."""
    key = current if isinstance(current, str) and current in nodes else next(reversed(nodes))
    path: dict[str, None] = {}
    while key in nodes and key not in path:
        path[key] = None
        key = string(mapping(nodes[key]).get("parentId"))
    return list(reversed(path))
