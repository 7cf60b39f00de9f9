"""Open WebUI export: chats whose messages are a tree, of which the current message's ancestors are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import entries
from deltamem_cli.readers.parse.turn import turn_messages
from deltamem_cli.readers.parse.values import mapping, sequence, string
from deltamem_cli.records import OTHER_BRANCH, Message, ReadReport

TITLE = "Open WebUI export (JSON)"


def detect(head: Head) -> bool:
    """The first chat has a history of messages by id."""
    listed = sequence(head.document)
    return bool(_nodes(mapping(listed[0] if listed else head.document)))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of every chat, in the order of the file, each along its current path, then what is off it.

    Raises LogError where the JSON breaks off.
    """
    chats = (_chat(mapping(value), line, pointer, report) for line, pointer, value in entries(log, report))
    return each_with_ids(chats)


def _nodes(chat: dict[str, Any]) -> dict[str, Any]:
    return mapping(mapping(mapping(chat.get("chat")).get("history")).get("messages"))


def _chat(chat: dict[str, Any], line: int, pointer: str, report: ReadReport) -> Iterator[Message]:
    nodes, session, title = _nodes(chat), string(chat.get("id")), string(chat.get("title"))
    parents = {key: string(mapping(node).get("parentId")) for key, node in nodes.items()}
    current = mapping(mapping(chat.get("chat")).get("history")).get("currentId")
    leaf = current if isinstance(current, str) and current in nodes else next(reversed(nodes), None)
    path, others = paths(parents, leaf)
    if others:
        report.skipped[OTHER_BRANCH] += len(others)
    for position, key in enumerate((*path, *others)):
        off_path = position >= len(path)
        skipped = report.off_path if off_path else report.skipped
        place = f"{pointer}/chat/history/messages/{key.replace('~', '~0').replace('/', '~1')}"
        for number, message in enumerate(turn_messages(mapping(nodes[key]), line, place, skipped)):
            identity = f"{session}/{key}/{number}" if session else ""
            yield replace(message, session=session, id=identity, title=title, off_path=off_path)
            title = ""
