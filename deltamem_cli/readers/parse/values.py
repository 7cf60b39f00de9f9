"""Untrusted JSON values → text, time and keys. Each function takes anything and never raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

_DATA_URL = re.compile(r"(data:[\w.+-]{1,80}/[\w.+-]{1,80};base64,)[A-Za-z0-9+/=_-]{32,}")
_LATEST = 7.26e9  # seconds: the year 2200
_TEXT_PARTS = {"text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal", "Text"}


def string(value: object) -> str:
    """Return the value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else {}."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return the value if it is an array, else []."""
    return value if isinstance(value, list) else []


def label(value: object) -> str:
    """Return a record's type as a short printable key for the report."""
    return "".join(character for character in string(value)[:40] if character.isprintable()) or "untyped"


def seconds(value: object) -> float | None:
    """Return a time in seconds since 1970 UTC: from ISO 8601 with a date, or from a number in s, ms, µs or ns.

    A time without a zone is taken as UTC. None for anything else, and outside the years 1970 to 2200.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            try:
                return seconds(float(value)) if value.replace(".", "", 1).isdecimal() else None
            except ValueError:
                return None
        if len(value) < 10:
            return None
        time = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return time if 0 <= time < _LATEST else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:
        return None  # NaN too: it compares with nothing
    number = float(value)
    for unit in (1.0, 1e3, 1e6, 1e9):
        if 1e8 <= number / unit < _LATEST:
            return number / unit
    return None


def without_base64(text: str) -> str:
    """Return the text with the payload of data URLs (pictures, files) left out."""
    return _DATA_URL.sub(r"\1…", text) if ";base64," in text else text


def parts_text(content: object) -> str:
    """The text of a message's content: a string, or a list of strings and text parts (others left out), one a line."""
    if isinstance(content, str):
        return without_base64(content)
    texts = (part if isinstance(part, str) else part_text(part) for part in sequence(content))
    return without_base64("\n".join(text for text in texts if text))


def part_text(part: object) -> str:
    """Return the text of one content part, "" for a picture or a file."""
    fields = mapping(part)
    if string(fields.get("type", "text")) not in _TEXT_PARTS:
        return ""
    return string(fields.get("text")) or string(fields.get("refusal"))


def call_text(name: str, arguments: object) -> str:
    """Return a tool call as people read it: the tool's name, then one `argument: value` a line.

    Arguments may be an object, JSON in a string, or plain text.
    """
    if isinstance(arguments, str):
        try:
            parsed = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            parsed = None
        arguments = parsed if isinstance(parsed, dict) else arguments
    if isinstance(arguments, dict):
        body = "\n".join(f"{key}: {plain(value)}" for key, value in arguments.items())
    else:
        body = plain(arguments)
    return without_base64(f"{name}\n{body}" if body else name)


def plain(value: object) -> str:
    """Return a string as it is, nothing as "", any other value as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError):
        return ""


def tool_output(output: object) -> str:
    """The text of a tool's output: plain, JSON in a string with an "output" field, an object with one, or parts."""
    if isinstance(output, str) and output.startswith("{"):
        try:
            parsed = orjson.loads(output)
        except orjson.JSONDecodeError:
            parsed = None
        inner = mapping(parsed).get("output")
        return without_base64(inner if isinstance(inner, str) else output)
    if isinstance(output, dict):
        inner = output.get("output", output.get("content"))
        return tool_output(inner) if isinstance(inner, str | list) else without_base64(plain(output))
    return parts_text(output)
