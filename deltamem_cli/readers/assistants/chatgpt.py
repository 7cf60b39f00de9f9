"""ChatGPT data export: `conversations.json`, one conversation in memory at a time.

A conversation is a tree of nodes: first come the messages on the path to its current node, then those off it. The
pointer of a message leads to its node, for the file is usually one line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any, cast

from deltamem_cli.readers.assistants.chatgpt_text import content_of
from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.values import label, mapping, seconds, sequence, string
from deltamem_cli.records import OTHER_BRANCH, Message, ReadReport

TITLE = "ChatGPT export (conversations.json)"

_ROLES = frozenset({"user", "assistant", "tool", "system", "developer"})


def detect(head: Head) -> bool:
    """The first conversation has a `mapping` of nodes."""
    return _where(head) is not None


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of every conversation, in the order of the file, each along its current path, then what is off it.

    Raises LogError where the JSON breaks off, after the messages of the conversations before that place.
    """
    where = _where(log.head)
    return _messages(log, report, "item" if where is None else where)


def _where(head: Head) -> str | None:
    """The ijson prefix of the conversations ("" where the document is the only one), or None when there are none."""
    document = head.document
    if isinstance(document, list):
        return "item" if document and _is_conversation(document[0]) else None
    if _is_conversation(document):
        return ""
    listed = sequence(mapping(document).get("conversations"))
    return "conversations.item" if listed and _is_conversation(listed[0]) else None


def _is_conversation(value: object) -> bool:
    nodes = mapping(value).get("mapping")
    if not isinstance(nodes, dict):
        return False
    first = mapping(next(iter(nodes.values()), {"message": None}))
    return "message" in first or "parent" in first or "id" in first


def _messages(log: Log, report: ReadReport, prefix: str) -> Iterator[Message]:
    root = {"item": "/{}", "conversations.item": "/conversations/{}", "": ""}[prefix]
    for index, conversation in items(log, prefix):
        if isinstance(conversation, dict) and isinstance(conversation.get("mapping"), dict):
            yield from _conversation(conversation, root.format(index), report)
        else:
            report.skipped["not a conversation"] += 1


def _conversation(conversation: dict[str, Any], pointer: str, report: ReadReport) -> Iterator[Message]:
    nodes = cast(dict[str, Any], conversation["mapping"])
    parents = {key: string(mapping(node).get("parent")) for key, node in nodes.items()}
    current = conversation.get("current_node")
    path, others = paths(parents, current if isinstance(current, str) and current in nodes else _newest_leaf(nodes))
    session = string(conversation.get("conversation_id")) or string(conversation.get("id"))
    title = string(conversation.get("title"))
    gizmo = string(conversation.get("gizmo_id"))
    if off_path := sum(1 for key in others if mapping(nodes[key]).get("message")):
        report.skipped[OTHER_BRANCH] += off_path
    on_path = frozenset(path)
    for key, message in chain(_along(nodes, path, report.skipped), _along(nodes, others, report.off_path)):
        author, meta = mapping(message.get("author")), mapping(message.get("metadata"))
        role, kind, text = content_of(message)
        yield Message(
            text=text,
            role=role,
            kind=kind,
            line=1,
            pointer=f"{pointer}/mapping/{_escaped(key)}/message",
            session=session,
            id=f"{session}/{key}" if session else "",
            speaker=string(meta.get("model_slug") if role == "assistant" else author.get("name")),
            time=seconds(message.get("create_time")),
            title=title,
            project=gizmo if gizmo.startswith("g-p-") else "",
            off_path=key not in on_path,
        )
        title = ""


def _along(nodes: dict[str, Any], path: list[str], skipped: Counter[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(node id, message) of the messages that are shown and hold text; the others are counted."""
    for key in path:
        message = mapping(nodes[key]).get("message")
        if not isinstance(message, dict):
            continue
        meta = mapping(message.get("metadata"))
        role = string(mapping(message.get("author")).get("role"))
        hidden = meta.get("is_visually_hidden_from_conversation") is True
        if hidden or (role in ("system", "developer") and meta.get("is_user_system_message") is not True):
            skipped["hidden"] += 1
        elif role not in _ROLES:
            skipped[f"role {label(role)}"] += 1
        elif not content_of(message)[2].strip():
            skipped[f"no text in {label(mapping(message.get('content')).get('content_type'))}"] += 1
        else:
            yield key, message


def _newest_leaf(nodes: dict[str, Any]) -> str | None:
    """The leaf with the latest time; the last one of the file among those without a time."""
    parents = {string(mapping(node).get("parent")) for node in nodes.values()}
    leaves = [key for key in nodes if key not in parents] or list(nodes)

    def age(key: str) -> float:
        return seconds(mapping(mapping(nodes[key]).get("message")).get("create_time")) or 0.0

    return max(reversed(leaves), key=age) if leaves else None


def _escaped(key: str) -> str:
    """A key as part of a JSON pointer (RFC 6901)."""
    return re.sub("[~/]", lambda found: {"~": "~0", "/": "~1"}[found[0]], key)
