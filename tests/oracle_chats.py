"""What the fixtures of people's chats are, and how many messages they hold, counted from the formats' descriptions.

Short and plain on purpose: whole files in memory, the standard library, and webvtt-py for captions.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import webvtt

FORMATS = {  # a file's place, as a pattern → its format; None: no log although its neighbours are
    r"discord/.*\.json": "discord",
    r".*/target\.json": "people",
    r"telegram/.*/telegram_channel\.json": "people",
    r"telegram/.*\.json": "telegram",
    r"signal/.*\.txt": "signal",
    r"whatsapp/.*\.txt": "whatsapp",
    r"vtt-srt/.*/(?:empty|no_captions|invalid)\.vtt": None,
    r"vtt-srt/.*/invalid_format\d?\.\w+": None,
    r"vtt-srt/.*\.(?:vtt|srt|sbv)": "captions",
}


def format_of(place: str) -> str | None:
    """The format of the file at that place below the fixtures, None where it is none of people's chats."""
    return next((format for pattern, format in FORMATS.items() if re.fullmatch(pattern, place)), None)


def discord(path: Path) -> int:
    messages = json.loads(path.read_text("utf-8"))["messages"]
    return sum(1 for message in messages if message["type"] in ("Default", "Reply") and message["content"].strip())


def telegram(path: Path) -> int:
    def count(value: Any) -> int:
        if isinstance(value, list):
            return sum(map(count, value))
        if not isinstance(value, dict):
            return 0
        said = value.get("type") == "message" and value["text"]
        return 1 if said else sum(map(count, value.values()))

    return count(json.loads(path.read_text("utf-8")))


def people(path: Path) -> int:
    return len(json.loads(path.read_text("utf-8")))


def signal(path: Path) -> int:
    return sum(line.startswith("[") for line in path.read_text("utf-8").split("\n"))


def whatsapp(path: Path) -> int:
    """Lines that begin with a date and go on with a clock and a name before a colon and a space."""
    lines = path.read_text("utf-8").split("\n")
    return sum(1 for line in lines if re.match(r"\[?\d+/\d+/\d+,? \d+:\d\d[^-\]]*(?:\]| -) [^:]+: ", line))


def captions(path: Path) -> list[str]:
    """The words of a file's captions, as webvtt-py reads them."""
    read: Callable[[str], Any] = {".vtt": webvtt.read, ".srt": webvtt.from_srt, ".sbv": webvtt.from_sbv}[path.suffix]
    return [word for caption in read(str(path)) for word in caption.text.split()]


def slack(messages: list[dict[str, Any]]) -> int:
    """Messages of people and bots that have a text, or for bots an attachment with one."""
    said = (None, "bot_message", "me_message", "file_share", "file_comment", "thread_broadcast")
    return sum(
        1
        for message in messages
        if message.get("subtype") in said and (message["text"].strip() or message.get("attachments"))
    )


def locomo(path: Path) -> Counter[str]:
    """Turns by speaker."""
    talks = [record["conversation"] for record in json.loads(path.read_text("utf-8"))]
    return Counter(
        turn["speaker"] for talk in talks for value in talk.values() if isinstance(value, list) for turn in value
    )


def longmemeval(lines: list[bytes]) -> Counter[str]:
    """Turns with words by role, each session once."""
    count: Counter[str] = Counter()
    seen: set[str] = set()
    for line in lines:
        record = json.loads(line)
        for session, turns in zip(record["haystack_session_ids"], record["haystack_sessions"], strict=True):
            if session not in seen:
                count.update(turn["role"] for turn in turns if turn["content"].strip())
            seen.add(session)
    return count


COUNTS: dict[str, Callable[[Path], int]] = {
    "discord": discord,
    "telegram": telegram,
    "people": people,
    "signal": signal,
    "whatsapp": whatsapp,
}
