"""The text of a ChatGPT message, by its content type."""

from __future__ import annotations

import re
from typing import Any

from deltamem_cli.readers.parse.values import mapping, sequence, string, without_base64
from deltamem_cli.records import Kind, Role

_MARK = re.compile("\ue200[^\ue201\n]{0,4000}\ue201|[\ue200-\ue206]|【[0-9:]{1,12}†[^】\n]{0,400}】")
_SILENT = frozenset({"reasoning_recap", "tether_browsing_display", "model_editable_context", "user_editable_context"})
_FIELDS = {  # content type → the field with its text; other types have `parts`, or `text`
    "execution_output": "text",
    "code": "text",
    "tether_quote": "text",
    "sonic_webpage": "text",
    "system_error": "text",
    "citable_code_output": "output_str",
    "model_set_context": "model_set_context",
}


def content_of(message: dict[str, Any]) -> tuple[Role, Kind, str]:
    """Return (role, kind, text) of a message; the text is "" for pictures, recaps and other content without words."""
    content = mapping(message.get("content"))
    shape = string(content.get("content_type"))
    author = mapping(message.get("author")).get("role")
    role: Role = "system" if author == "developer" else author if author in ("user", "system", "tool") else "assistant"
    kind: Kind = "text"
    if role == "tool":
        kind = "tool_result"
    elif shape == "thoughts":
        kind = "thinking"
    elif role == "assistant" and (shape == "code" or string(message.get("recipient")) not in ("", "all")):
        kind = "tool_call"
    return role, kind, without_base64(_MARK.sub("", _text(content, shape)))


def _text(content: dict[str, Any], shape: str) -> str:
    if shape in _SILENT:
        return ""
    if shape == "thoughts":
        thoughts = map(mapping, sequence(content.get("thoughts")))
        return "\n\n".join(
            "\n".join(filter(None, (string(thought.get("summary")), string(thought.get("content")))))
            for thought in thoughts
        )
    if shape in _FIELDS:
        return string(content.get(_FIELDS[shape]))
    parts = sequence(content.get("parts"))
    if not parts:
        return string(content.get("text"))
    return "\n".join(filter(None, map(_part, parts)))


def _part(part: object) -> str:
    """A part's words: a string, or what was said in a voice chat."""
    if isinstance(part, str):
        return part
    fields = mapping(part)
    return string(fields.get("text")) if fields.get("content_type") in ("audio_transcription", "text") else ""
