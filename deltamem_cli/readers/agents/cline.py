"""Cline, Roo Code and Kilo Code: the task's API history, what its window showed, or a session of the newer Cline.

The extension writes its own words into the person's turns: what the task is wrapped in, details of the environment,
and results of tools that begin with `[read_file for …] Result:`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from deltamem_cli.readers.io.archives import open_file
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.markup import is_wrapped, opened_by
from deltamem_cli.readers.parse.turn import block_messages
from deltamem_cli.readers.parse.values import label, mapping, parts_text, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport, Role

TITLE = "Cline, Roo Code or Kilo Code task (JSON)"

_HISTORY = "api_conversation_history.json"
_WRAPPERS = ("task", "feedback", "user_message", "answer", "user_input")
_RESULT = re.compile(r"\s{0,40}\[[^\n\]]{1,400}\] Result:")
_INJECTED = frozenset(
    {"environment_details", "explicit_instructions", "hook_context", "system_reminder", "slash_command"}
)
_STARTS = ("[ERROR] You did not use a tool", "[TASK RESUMPTION]", "# Todo", "# task_progress")
_SAY: dict[str, Role] = {"text": "assistant", "completion_result": "assistant", "user_feedback": "user", "task": "user"}


def detect(head: Head) -> bool:
    """A first turn that is wrapped as a task, the window's messages, or a session with its agent."""
    document = head.document
    if isinstance(document, list):
        first = mapping(document[0]) if document else {}
        return _is_shown(first) or (first.get("role") == "user" and "<task>" in parts_text(first.get("content"))[:200])
    return _is_session(mapping(document))


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a task. What the window showed is left out where the API history stands beside it.

    Raises LogError for a JSON document that is broken.
    """
    value = document(log)
    turns = sequence(value)
    if not turns and isinstance(value, dict):
        return _history(sequence(value.get("messages")), "/messages", report.skipped, string(value.get("sessionId")))
    if not turns or not _is_shown(mapping(turns[0])):
        return _history(turns, "", report.skipped)
    if os.path.basename(log.name) == "ui_messages.json" and _stands_beside(log.name):
        report.skipped[f"told in {_HISTORY}"] += len(turns)
        return iter(())
    return _shown(turns, report.skipped)


def _is_shown(value: dict[str, Any]) -> bool:
    return value.get("type") in ("say", "ask") and "ts" in value and value["type"] in value


def _is_session(value: dict[str, Any]) -> bool:
    return {"sessionId", "agent", "messages", "version"} <= value.keys() and isinstance(value["messages"], list)


def _stands_beside(name: str) -> bool:
    try:
        with open_file(f"{os.path.dirname(name)}/{_HISTORY}"):
            return True
    except OSError:
        return False


def _history(turns: list[Any], pointer: str, skipped: Counter[str], session: str = "") -> Iterator[Message]:
    """Turns in the style of Anthropic's messages, block by block, each with its own words alone."""
    for index, turn in enumerate(map(mapping, turns)):
        for message in block_messages(turn, 1, f"{pointer}/{index}", skipped):
            said = message
            if message.role == "user" and message.kind == "text":
                own = _own_words(message)
                if own is None:
                    skipped["injected"] += 1
                    continue
                said = own
            place = message.pointer.removeprefix(f"{pointer}/{index}")
            identity = f"{string(turn.get('id'))}{place}/{message.kind}" if session and turn.get("id") else ""
            yield replace(said, session=session, id=identity)


def _own_words(message: Message) -> Message | None:
    """What the person said, or a tool answered, in a text of a person's turn; None for the extension's own words."""
    text = message.text
    if is_wrapped(text, _INJECTED) or text.lstrip().startswith(_STARTS):
        return None
    if _RESULT.match(text):
        return replace(message, role="tool", kind="tool_result")
    wrapped = opened_by(text, _WRAPPERS)
    if wrapped and is_wrapped(wrapped[1] or "<environment_details></environment_details>", _INJECTED):
        return replace(message, text=wrapped[0]) if wrapped[0] else None
    return message


def _shown(turns: list[Any], skipped: Counter[str]) -> Iterator[Message]:
    """The window's messages: the first is the task, the others say what they are."""
    for index, turn in enumerate(map(mapping, turns)):
        kind = string(turn.get(string(turn.get("type"))))
        role = "user" if index == 0 else _SAY.get(kind) if turn.get("type") == "say" else None
        text = string(turn.get("text"))
        if kind == "reasoning" and text.strip():
            role = "assistant"
        if role is None or not text.strip() or turn.get("partial") is True:
            skipped[label(kind)] += 1
            continue
        yield Message(
            text=text,
            role=role,
            kind="thinking" if kind == "reasoning" else "text",
            line=1,
            pointer=f"/{index}/text",
            time=seconds(turn.get("ts")),
        )
