"""One turn of OpenAI-style messages → its messages: text, thinking, tool calls and results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
from deltamem_cli.records import Kind, Message, Role

ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
_TIMES = ("timestamp", "created_at", "create_time", "created", "time", "ts", "date")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_CALLS = ("tool_use", "tool-call", "tool_call", "toolCall", "function_call")
_RESULTS = ("tool_result", "tool-result", "function_call_output")
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer inside the turn


def turn_messages(turn: dict[str, Any], line: int, pointer: str, skipped: Counter[str]) -> Iterator[Message]:
    """Yield the messages of one turn, without session and id. Turns without words are counted."""
    name = turn.get("role")
    role = ROLES.get(string(name).lower())
    if role is None:
        skipped[f"role {label(name)}"] += 1
        return
    time = next((found for key in _TIMES if (found := seconds(turn.get(key))) is not None), None)
    speaker = string(turn.get("name"))
    if role == "assistant":
        model = string(mapping(turn.get("metadata")).get("model"))
        speaker = speaker or first_string(turn, ("model", "model_id")) or model
    told = [found for found in _told(turn, role) if found[0].strip()]
    if not told:
        skipped[f"empty {role} turn"] += 1
    for text, who, kind, inner in told:
        yield Message(
            text=text,
            role=who,
            kind=kind,
            line=line,
            pointer=pointer + inner,
            speaker=speaker,
            time=time,
        )


def block_messages(turn: dict[str, Any], line: int, pointer: str, skipped: Counter[str]) -> Iterator[Message]:
    """Like `turn_messages`, but each content block is a message of its own, for logs in which a block is injected."""
    content = turn.get("content")
    if not isinstance(content, list):
        yield from turn_messages(turn, line, pointer, skipped)
        return
    for index, block in enumerate(content):
        place = f"{pointer}/content/{index}"
        for message in turn_messages(turn | {"content": [block]}, line, pointer, skipped):
            yield replace(message, pointer=place)


def first_string(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    """Return the first of the fields that is a string with something in it, or ""."""
    return next((value for key in keys if (value := string(fields.get(key)))), "")


def _told(turn: dict[str, Any], role: Role) -> Iterator[_Told]:
    thought = first_string(turn, _THOUGHTS)
    if thought and role == "assistant":
        yield thought, role, "thinking", ""
    content = turn.get("content")
    if role == "tool":
        yield tool_output(content), "tool", "tool_result", ""
        return
    blocks = sequence(content)
    if any(mapping(block).get("type") in (*_CALLS, *_RESULTS, "thinking") for block in blocks):
        for index, block in enumerate(blocks):
            yield _block(block, role, f"/content/{index}")
    else:
        yield parts_text(content), role, "text", ""
    calls = sequence(turn.get("tool_calls"))
    for index, call in enumerate(calls):
        function = mapping(mapping(call).get("function")) or mapping(call)
        yield _call(function), role, "tool_call", f"/tool_calls/{index}"
    if isinstance(turn.get("function_call"), dict):
        yield _call(turn["function_call"]), role, "tool_call", "/function_call"


def _call(function: dict[str, Any]) -> str:
    return call_text(string(function.get("name")), function.get("arguments", function.get("input")))


def _block(part: object, role: Role, pointer: str) -> _Told:
    """A content block in the style of Anthropic's messages."""
    fields = mapping(part)
    kind = fields.get("type")
    if kind in _CALLS:
        name = string(fields.get("name")) or string(fields.get("toolName"))
        return call_text(name, fields.get("input", fields.get("arguments"))), role, "tool_call", pointer
    if kind in _RESULTS:
        return tool_output(fields.get("content", fields.get("output"))), "tool", "tool_result", pointer
    if kind == "thinking":
        return string(fields.get("thinking")) or string(fields.get("text")), role, "thinking", pointer
    return parts_text([part]), role, "text", pointer
