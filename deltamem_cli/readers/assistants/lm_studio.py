"""LM Studio conversations: `*.conversation.json`, messages in versions, answers in steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    parts_text,
    seconds,
    sequence,
    string,
    tool_output,
)
from deltamem_cli.records import OTHER_BRANCH, Kind, Message, ReadReport, Role

TITLE = "LM Studio conversation (JSON)"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def detect(head: Head) -> bool:
    """Its first message has versions, of which one is selected."""
    first = mapping(next(iter(sequence(mapping(head.document).get("messages"))), None))
    return isinstance(first.get("versions"), list) and "currentlySelected" in first


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The selected version of every message, in file order, then what was regenerated, off the path."""
    value = mapping(document(log))
    title, created = string(value.get("name")), seconds(value.get("createdAt"))
    beside: list[Message] = []
    for number, entry in enumerate(map(mapping, sequence(value.get("messages")))):
        versions = sequence(entry.get("versions"))
        chosen = entry.get("currentlySelected")
        chosen = chosen if isinstance(chosen, int) and 0 <= chosen < len(versions) else len(versions) - 1
        for index, version in enumerate(map(mapping, versions)):
            off = index != chosen
            skipped = report.off_path if off else report.skipped
            if off:
                report.skipped[OTHER_BRANCH] += 1
            said = [found for found in _told(version) if found[0].strip()]
            if not said:
                skipped["no text"] += 1
            for text, role, kind, inner in said:
                message = Message(
                    text=text,
                    role=role,
                    kind=kind,
                    line=1,
                    pointer=f"/messages/{number}/versions/{index}{inner}",
                    speaker=string(mapping(version.get("senderInfo")).get("senderName")) if role == "assistant" else "",
                    time=created,
                    title=title,
                    off_path=off,
                )
                created = None
                if off:
                    beside.append(message)
                else:
                    yield message
                    title = ""
    yield from beside


def _told(version: dict[str, Any]) -> Iterator[tuple[str, Role, Kind, str]]:
    role = _ROLES.get(string(version.get("role")))
    if role is None:
        return
    if not isinstance(version.get("steps"), list):
        yield parts_text(version.get("content")), role, "text", "/content"
        return
    for index, step in enumerate(map(mapping, version["steps"])):
        place, blocks = f"/steps/{index}", sequence(step.get("content"))
        thought = string(mapping(step.get("style")).get("type")) == "thinking"
        yield parts_text(blocks), role, "thinking" if thought else "text", place
        for at, block in enumerate(map(mapping, blocks)):
            inner = f"{place}/content/{at}"
            if label(block.get("type")) == "toolCallRequest":
                arguments = block.get("parameters", block.get("arguments"))
                yield call_text(string(block.get("name")), arguments), "assistant", "tool_call", inner
            elif label(block.get("type")) == "toolCallResult":
                yield tool_output(block.get("content")), "tool", "tool_result", inner
