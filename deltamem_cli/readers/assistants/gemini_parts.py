"""Gemini's JSON: checkpoints of its CLI (`[{role, parts}]`) and prompts of Google AI Studio (`chunkedPrompt`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.values import (
    call_text,
    label,
    mapping,
    plain,
    seconds,
    sequence,
    string,
    without_base64,
)
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "Gemini checkpoint, or a prompt of Google AI Studio (JSON)"

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "tool", "system": "system"}
_CONTEXT = ("This is the Gemini CLI. We are setting up the context", "<session_context>")
_Told = tuple[str, Role, Kind, str]  # text, role, kind, pointer


def detect(head: Head) -> bool:
    """Contents with roles and parts, or chunks of a prompt beside the settings of its run."""
    value = head.document
    if isinstance(value, dict) and "chunkedPrompt" in value:
        return True
    if isinstance(value, dict) and {"sessionId", "messages", "type"} & value.keys():
        return False
    history = _contents(value)
    first = mapping(history[0]) if history else {}
    part = mapping(next(iter(sequence(first.get("parts"))), None))
    return string(first.get("role")) in _ROLES and bool(part) and "type" not in part


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages, in file order; what the command line itself put at the start is counted."""
    value = document(log)
    prompt = mapping(mapping(value).get("chunkedPrompt"))
    model = string(mapping(mapping(value).get("runSettings")).get("model")).removeprefix("models/")
    if prompt:
        turns = [
            (f"/chunkedPrompt/chunks/{at}", mapping(chunk)) for at, chunk in enumerate(sequence(prompt.get("chunks")))
        ]
    else:
        root = "" if isinstance(value, list) else "/history" if "history" in mapping(value) else "/contents"
        turns = [(f"{root}/{at}", mapping(turn)) for at, turn in enumerate(_contents(value))]
    set_up = False
    for pointer, turn in turns:
        role = _ROLES.get(string(turn.get("role")))
        told = [found for found in _told(turn, role, pointer) if found[0].strip()] if role else []
        context = any(text.lstrip().startswith(_CONTEXT) for text, *_ in told)
        if context or (set_up and role == "assistant" and [text.strip()[:7] for text, *_ in told] == ["Got it."]):
            report.skipped["injected"] += 1
            set_up = context
            continue
        set_up = False
        if not told:
            report.skipped["no text" if role else f"role {label(turn.get('role'))}"] += 1
        for text, who, kind, place in told:
            yield Message(
                text=without_base64(text),
                role=who,
                kind=kind,
                line=1,
                pointer=place,
                speaker=model if who == "assistant" else "",
                time=seconds(turn.get("createTime")),
            )


def _contents(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    fields = mapping(value)
    return sequence(value) or sequence(fields.get("history")) or sequence(fields.get("contents"))


def _told(turn: dict[str, Any], role: Role, pointer: str) -> Iterator[_Told]:
    parts = sequence(turn.get("parts"))
    if "text" in turn or not parts:
        yield string(turn.get("text")), role, "thinking" if turn.get("isThought") is True else "text", f"{pointer}/text"
        return
    for index, part in enumerate(map(mapping, parts)):
        place = f"{pointer}/parts/{index}"
        call, response = mapping(part.get("functionCall")), mapping(part.get("functionResponse"))
        if call:
            yield call_text(string(call.get("name")), call.get("args")), "assistant", "tool_call", place
        elif response:
            answer = mapping(response.get("response"))
            yield plain(answer.get("output", answer.get("error", answer or None))), "tool", "tool_result", place
        else:
            yield string(part.get("text")), role, "thinking" if part.get("thought") is True else "text", place
