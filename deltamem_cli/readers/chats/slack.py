"""Slack export: a day of a channel (`general/2026-01-02.json`), an array of messages.

A channel is one session, and each of its threads another, with the parent first, on whatever day the replies lie. Names
come from the message's own profile, else from `users.json` of the same export (folder or ZIP); channels likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltamem_cli.readers.chats.slack_text import text_of
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import items
from deltamem_cli.readers.parse.siblings import sibling
from deltamem_cli.readers.parse.values import label, mapping, seconds, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Slack export (day files of an export folder or ZIP)"

_TS = re.compile(r"\d{10}\.\d{6}")
_DAY_FILE = re.compile(r"\d{4}-\d\d-\d\d\.json")
_SAID = {"", "bot_message", "me_message", "file_share", "file_comment", "thread_broadcast"}  # subtypes with words
_LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")


def detect(head: Head) -> bool:
    """An array of records of type "message" with Slack's time stamps."""
    document = head.document
    first = mapping(document[0]) if isinstance(document, list) and document else {}
    return first.get("type") == "message" and _TS.fullmatch(string(first.get("ts"))) is not None


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of a day, in the order of the file. Raises LogError where the JSON breaks off."""
    return _messages(log, report)


@dataclass(frozen=True, slots=True)
class _Channel:
    """Where a day file's messages were said, and the names of the people there (and of channels) by id."""

    id: str
    title: str
    names: dict[str, str]


def _messages(log: Log, report: ReadReport) -> Iterator[Message]:
    channel = _channel(log.name)
    for index, value in items(log, "item"):
        record = mapping(value)
        kind = string(record.get("subtype"))
        if record.get("type") != "message" or kind not in _SAID or record.get("hidden") is True:
            report.skipped[label(kind or record.get("type"))] += 1
        elif not (text := text_of(record, channel.names)).strip():
            report.skipped["no text"] += 1
        else:
            yield _message(record, text, f"/{index}", channel)


def _message(record: dict[str, Any], text: str, pointer: str, channel: _Channel) -> Message:
    ts, thread = string(record.get("ts")), string(record.get("thread_ts"))
    comment = mapping(record.get("comment"))
    user = string(record.get("user")) or string(comment.get("user"))
    author = user or string(record.get("bot_id"))
    return Message(
        text=text,
        role="user",
        line=1,
        pointer=pointer,
        session=f"{channel.id}/{thread}" if thread and channel.id else channel.id,
        id=f"{author}/{ts}" if author and ts else "",
        speaker=_speaker(record, user, channel.names) or author,
        time=seconds(ts),
        title=channel.title,
    )


def _speaker(record: dict[str, Any], user: str, names: dict[str, str]) -> str:
    for profile in (mapping(record.get("user_profile")), mapping(record.get("bot_profile"))):
        for key in ("real_name", "display_name", "name"):
            if name := string(profile.get(key)):
                return name
    return names.get(user) or string(record.get("username"))


def _channel(name: str) -> _Channel:
    """The channel whose folder holds the file; nothing is known of a file that lies in no export."""
    if not _DAY_FILE.fullmatch(Path(name).name):
        return _Channel("", "", {})
    folder = Path(name).parent.name
    names = {string(user.get("id")): _name(user) for user in _listed(name, "users.json")}
    found = _Channel(folder, folder, names)
    for listing in _LISTS:
        for channel in _listed(name, listing):
            id, title = string(channel.get("id")), string(channel.get("name"))
            names[id] = title
            if folder in (id, title):
                members = (names.get(string(member)) or "" for member in sequence(channel.get("members")))
                found = _Channel(id or folder, title or ", ".join(filter(None, members)), names)
    return found


def _listed(name: str, listing: str) -> list[dict[str, Any]]:
    """The records of a list that lies beside the channels' folders."""
    return [mapping(record) for record in sequence(sibling(name, 1, listing))]


def _name(user: dict[str, Any]) -> str:
    profile = mapping(user.get("profile"))
    names = (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"))
    return next((name for name in map(string, names) if name), "")
