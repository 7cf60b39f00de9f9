"""Open WebUI export: chats whose messages are a tree, of which the current message's ancestors are shown."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.ids import each_with_ids
from deltamem_cli.readers.parse.json_stream import entries
from deltamem_cli.readers.parse.turn import turn_messages
from deltamem_cli.readers.parse.values import (
    call_text,
    mapping,
    parts_text,
    seconds,
    sequence,
    string,
    tool_output,
    without_base64,
)
from deltamem_cli.records import OTHER_BRANCH, Kind, Message, ReadReport

_DETAILS = re.compile(r'<details type="[a-z_]{1,40}"(?: [a-z_]{1,40}="[^"]*"){0,20}\s*>')
_FIELD = re.compile(r'([a-z_]{1,40})="([^"]*)"')
_SUMMARY = re.compile(r"<summary>[^<]{0,400}</summary>")

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
        for number, message in enumerate(_turn(mapping(nodes[key]), line, place, skipped)):
            identity = f"{session}/{key}/{number}" if session else ""
            yield replace(message, session=session, id=identity, title=title, off_path=off_path)
            title = ""


def _turn(node: dict[str, Any], line: int, place: str, skipped: Counter[str]) -> Iterator[Message]:
    """The messages of a node: `output` tells its parts; without it, thoughts and tools stand as HTML in the content."""
    output = sequence(node.get("output"))
    if node.get("role") == "assistant" and output:
        told = [
            (text, kind, f"/output/{index}") for index, item in enumerate(output) for text, kind in _item(mapping(item))
        ]
    elif node.get("role") == "assistant" and "<details" in string(node.get("content")):
        told = [(text, kind, "/content") for text, kind in _details(string(node.get("content")))]
    else:
        yield from turn_messages(node, line, place, skipped)
        return
    told = [(text, kind, pointer) for text, kind, pointer in told if text.strip()]
    if not told:
        skipped["empty assistant turn"] += 1
    for text, kind, pointer in told:
        yield Message(
            text=without_base64(text),
            role="tool" if kind == "tool_result" else "assistant",
            kind=kind,
            line=line,
            pointer=place + pointer,
            speaker=string(node.get("model")),
            time=seconds(node.get("timestamp")),
        )


def _item(item: dict[str, Any]) -> Iterator[tuple[str, Kind]]:
    kind = item.get("type")
    if kind == "reasoning":
        yield parts_text([*sequence(item.get("summary")), *sequence(item.get("content"))]), "thinking"
    elif kind == "message":
        yield parts_text(item.get("content")), "text"
    elif kind == "function_call":
        yield call_text(string(item.get("name")), item.get("arguments")), "tool_call"
    elif kind == "function_call_output":
        yield tool_output(item.get("output")), "tool_result"
    else:
        yield parts_text(item.get("content")) or tool_output(item.get("output")), "tool_result"


def _details(content: str) -> Iterator[tuple[str, Kind]]:
    """The blocks `<details type="…">` of a content, and the text between them."""
    place = 0
    while (opened := _DETAILS.search(content, place)) is not None:
        end = content.find("</details>", opened.end())
        if end < 0:
            break
        yield content[place : opened.start()].strip(), "text"
        inside, place = content[opened.end() : end], end + len("</details>")
        fields = {name: html.unescape(value) for name, value in _FIELD.findall(opened[0])}
        if fields.get("type") == "reasoning":
            thought = html.unescape(_SUMMARY.sub("", inside)).strip()
            yield "\n".join(line.removeprefix("> ").removeprefix(">") for line in thought.split("\n")), "thinking"
        else:
            name, arguments = fields.get("name", fields.get("type", "")), _plain(fields.get("arguments", ""))
            yield call_text(name, arguments), "tool_call"
            shown = fields.get("result") or html.unescape(_SUMMARY.sub("", inside))
            yield tool_output(_plain(shown)).strip(), "tool_result"
    yield content[place:].strip(), "text"


def _plain(value: str) -> str:
    """A value that may be JSON in a string."""
    try:
        inner = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return inner if isinstance(inner, str) else value
