"""DeepSeek's web export: `conversations.json`, conversations that are trees of messages made of fragments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import entries
from deltamem_cli.readers.parse.values import call_text, label, mapping, seconds, sequence, string, without_base64
from deltamem_cli.records import OTHER_BRANCH, Kind, Message, ReadReport, Role

TITLE = "DeepSeek export (conversations.json)"

_KINDS: dict[str, tuple[Role, Kind]] = {
    "REQUEST": ("user", "text"),
    "THINK": ("assistant", "thinking"),
    "RESPONSE": ("assistant", "text"),
    "SEARCH": ("tool", "tool_result"),
    "READ_LINK": ("tool", "tool_result"),
}


def detect(head: Head) -> bool:
    """The first conversation has a `mapping` whose messages are made of fragments."""
    document = head.document
    first = mapping(document[0] if isinstance(document, list) and document else document)
    return any("fragments" in mapping(mapping(node).get("message")) for node in mapping(first.get("mapping")).values())


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of every conversation, each along its newest branch, then those off it."""
    for line, pointer, value in entries(log, report):
        nodes = mapping(mapping(value).get("mapping"))
        if nodes:
            yield from _conversation(mapping(value), nodes, (line, pointer), report)
        else:
            report.skipped["not a conversation"] += 1


def _conversation(
    conversation: dict[str, Any], nodes: dict[str, Any], place: tuple[int, str], report: ReadReport
) -> Iterator[Message]:
    parents = {key: string(mapping(node).get("parent")) for key, node in nodes.items()}
    path, others = paths(parents, next(reversed(nodes)))
    if off := sum(1 for key in others if mapping(nodes[key]).get("message")):
        report.skipped[OTHER_BRANCH] += off
    session, title = string(conversation.get("id")), string(conversation.get("title"))
    for key, off_path in chain(((key, False) for key in path), ((key, True) for key in others)):
        message = mapping(mapping(nodes[key]).get("message"))
        skipped = report.off_path if off_path else report.skipped
        for index, fragment in enumerate(map(mapping, sequence(message.get("fragments")))):
            kind = string(fragment.get("type"))
            text = string(fragment.get("content"))
            if not text and fragment.get("results"):
                text = call_text(kind, fragment["results"])
            if kind not in _KINDS or not text.strip():
                skipped[f"fragment {label(kind)}"] += 1
                continue
            role, said_as = _KINDS[kind]
            inner = f"/mapping/{key.replace('~', '~0').replace('/', '~1')}/message/fragments/{index}"
            yield Message(
                text=without_base64(text),
                role=role,
                kind=said_as,
                line=place[0],
                pointer=place[1] + inner,
                session=session,
                id=f"{session}/{key}/{index}" if session else "",
                speaker=string(message.get("model")) if role == "assistant" else "",
                time=seconds(message.get("inserted_at")),
                title=title,
                off_path=off_path,
            )
            title = ""
