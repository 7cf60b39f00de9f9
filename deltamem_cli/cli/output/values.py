"""What results have in common: places, times and speakers in words, and a line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson

from deltamem_cli.cli.output.terminal import UNSAFE, line, short_path
from deltamem_cli.recall.places import short_place
from deltamem_cli.records import Hit

NO_TEXT = "(its text is not kept, and its log is gone or has changed)"


def place(hit: Hit) -> str:
    """Where a passage stands: path:line, and the JSON pointer where the line is not enough."""
    return f"{short_path(hit.source)}:{hit.line}" + (f"#{line(hit.pointer)}" if hit.pointer else "")


def not_kept(hit: Hit) -> str:
    """What stands in place of a text that is not there."""
    return f"({hit.summed} passages from here on, summed)" if hit.summed else "(text not kept)"


def replaced(newer: Hit, *, full: bool = True) -> str:
    """What an answer that was said again, differently, says of itself."""
    where = place(newer) if full else line(short_place(newer))
    return f"superseded by {where}" + (f" ({said})" if (said := when(newer.time)) else "")


def who(hit: Hit) -> str:
    """Who said it, and as what."""
    return line(f"{hit.speaker} ({hit.role})" if hit.speaker and hit.role != "user" else hit.speaker or hit.role) + (
        "" if hit.kind == "text" else f", {hit.kind.replace('_', ' ')}"
    )


def when(seconds: float | None) -> str:
    """A time where the reader is, "" for none."""
    return "" if seconds is None else _moment(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _moment(seconds: float) -> datetime:
    """UTC; a time outside what a calendar can say (a stranger's number) is pinned to its ends."""
    day = 86_400  # room for the zone of whoever reads it
    return datetime.fromtimestamp(min(max(seconds, -62135596800 + day), 253402300799 - day), UTC)


def iso(seconds: float | None) -> str | None:
    """A time for a program: ISO 8601, UTC."""
    return None if seconds is None else _moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hit_fields(hit: Hit) -> dict[str, Any]:
    """A hit, its neighbours, and what it supersedes or is superseded by, for a program."""
    fields = asdict(hit) | {"time": iso(hit.time)}
    for name in ("before", "after", "older"):
        fields[name] = [hit_fields(near) for near in getattr(hit, name)]
    fields["superseded_by"] = hit_fields(hit.superseded_by) if hit.superseded_by is not None else None
    return fields


def json_line(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """A value as JSON on one line, safe to print."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = json.dumps(value)  # a path or question that is no UTF-8
    return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
