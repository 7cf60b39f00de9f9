"""Claude.ai data export: `conversations.json`, one conversation in memory at a time.

What people said stands in the content blocks; the `text` beside them repeats it with the thoughts mixed in, and counts
only where there are no blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    parts_text,
    seconds,
    sequence,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import OTHER_BRANCH, Kind, Message, ReadReport, Role

TITLE = "Claude.ai export (conversations.json)"

_ROLES: dict[str, Role] = {"human": "user", "user": "user", "assistant": "assistant"}
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the message


def detect(head: Head) -> bool:
    """The first conversation has `chat_messages`."""
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
    return isinstance(mapping(value).get("chat_messages"), list)


def _messages(log: Log, report: ReadReport, prefix: str) -> Iterator[Message]:
    root = {"item": "/{}", "conversations.item": "/conversations/{}", "": ""}[prefix]
    for index, conversation in items(log, prefix):
        if _is_conversation(conversation):
            yield from _conversation(conversation, root.format(index), report)
        else:
            report.skipped["not a conversation"] += 1


def _conversation(conversation: dict[str, Any], pointer: str, report: ReadReport) -> Iterator[Message]:
    records = [mapping(record) for record in conversation["chat_messages"]]
    session, title = string(conversation.get("uuid")), string(conversation.get("name"))
    path, others = _paths(records, conversation.get("current_leaf_message_uuid"))
    if others:
        report.skipped[OTHER_BRANCH] += len(others)
    for number, place in enumerate((*path, *others)):
        record, off_path = records[place], number >= len(path)
        skipped = report.off_path if off_path else report.skipped
        role = _ROLES.get(string(record.get("sender")))
        if role is None:
            skipped[f"sender {label(record.get('sender'))}"] += 1
            continue
        uuid, told = string(record.get("uuid")), [found for found in _told(record, role) if found[0].strip()]
        if not told:
            skipped["no text"] += 1
        for text, who, kind, inner in told:
            yield Message(
                text=text,
                role=who,
                kind=kind,
                line=1,
                pointer=f"{pointer}/chat_messages/{place}{inner}",
                session=session,
                id=f"{session}/{uuid}{inner}" if session and uuid else "",
                speaker=string(record.get("model") or conversation.get("model")) if role == "assistant" else "",
                time=seconds(record.get("created_at")),
                title=title,
                off_path=off_path,
            )
            title = ""


def _paths(records: list[dict[str, Any]], leaf: object) -> tuple[list[int], list[int]]:
    """The places of the messages on the way to the leaf (else to the last message), and of the others.

    Only newer exports say which message answers which; in older ones nothing branches. A root's parent is an id that
    no message has.
    """
    places = {string(record.get("uuid")): place for place, record in enumerate(records)}
    parents = {string(record.get("uuid")): record.get("parent_message_uuid") for record in records}
    known = {key: parent for key, parent in parents.items() if isinstance(parent, str)}
    if len(known) < len(records) or not records:
        return list(range(len(records))), []
    path, others = paths(known, leaf if isinstance(leaf, str) and leaf in places else next(reversed(places)))
    return [places[key] for key in path], [places[key] for key in others]


def _told(record: dict[str, Any], role: Role) -> Iterator[_Told]:
    blocks = sequence(record.get("content"))
    said = [_block(mapping(block), role, f"/content/{index}") for index, block in enumerate(blocks)]
    if not any(text.strip() for text, *_ in said):
        said = [(parts_text(record.get("text")), role, "text", "/text")]
    yield from said
    for index, attached in enumerate(sequence(record.get("attachments"))):
        extracted = string(mapping(attached).get("extracted_content"))
        yield extracted, "tool", "tool_result", f"/attachments/{index}/extracted_content"


def _block(block: dict[str, Any], role: Role, pointer: str) -> _Told:
    kind = block.get("type")
    if kind in ("text", "voice_note"):
        return without_base64(string(block.get("text"))), role, "text", pointer
    if kind == "thinking":
        return string(block.get("thinking")), role, "thinking", pointer
    if kind == "tool_use":
        return call_text(string(block.get("name")), block.get("input")), role, "tool_call", pointer
    if kind == "tool_result":
        return tool_output(block.get("content")), "tool", "tool_result", pointer
    return "", role, "text", pointer
