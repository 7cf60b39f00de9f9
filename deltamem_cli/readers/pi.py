"""pi and its kin (omp, OpenClaw): a JSONL tree of entries, of which the last one is where the session stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from deltamem_cli.readers.derived import with_ids
from deltamem_cli.readers.head import Head
from deltamem_cli.readers.jsonl import records
from deltamem_cli.readers.openai_turn import turn_messages
from deltamem_cli.readers.values import call_text, label, mapping, seconds, string
from deltamem_cli.records import Message, ReadReport

TITLE = "pi, omp or OpenClaw session (JSONL)"

_Placed = tuple[int, dict[str, Any]]  # line, entry
_SUMMARIES = ("compaction", "branch_summary")


def detect(head: Head) -> bool:
    """A header of type "session" with a version, a time and no harness of another tool."""
    first = head.objects[0] if head.is_jsonl else {}
    return first.get("type") == "session" and {"id", "version", "timestamp"} <= first.keys() and "harness" not in first


def read(stream: BinaryIO, name: str, report: ReadReport) -> Iterator[Message]:
    """The messages on the way from the root to the last entry. Holds one session in memory."""
    entries = list(records(stream, report))
    header = next((entry for _, entry in entries if entry.get("type") == "session"), {})
    return with_ids(_messages(_path(entries, report.skipped), header, report.skipped))


def _path(entries: list[_Placed], skipped: Counter[str]) -> list[_Placed]:
    """The entries from the root to the last one; all of them where they do not name their parents."""
    places = {string(entry.get("id")): place for place, (_, entry) in enumerate(entries) if entry.get("parentId")}
    places |= {string(entry.get("id")): place for place, (_, entry) in enumerate(entries) if "parentId" in entry}
    if not places:
        return entries
    path: list[_Placed] = []
    place: int | None = max(places.values())
    seen: set[int] = set()
    while place is not None and place not in seen:
        seen.add(place)
        path.append(entries[place])
        place = places.get(string(entries[place][1].get("parentId")))
    off = sum(1 for key in places.values() if key not in seen and entries[key][1].get("type") == "message")
    if off:
        skipped["other branch"] += off
    return path[::-1]


def _messages(path: list[_Placed], header: dict[str, Any], skipped: Counter[str]) -> Iterator[Message]:
    session, project, title = string(header.get("id")), string(header.get("cwd")), string(header.get("title"))
    for line, entry in path:
        kind, identity = entry.get("type"), string(entry.get("id"))
        if kind == "message":
            turn = _turn(mapping(entry.get("message")))
            found = list(turn_messages(turn, line, "/message", skipped))
        elif kind in _SUMMARIES and string(entry.get("summary")).strip():
            text = string(entry.get("summary"))
            found = [Message(text=text, role="system", kind="summary", line=line, pointer="/summary")]
        else:
            skipped[label(kind)] += 1
            continue
        time = seconds(entry.get("timestamp"))
        for number, message in enumerate(found):
            yield replace(
                message,
                session=session,
                id=f"{identity}/{number}" if identity else "",
                time=message.time if time is None else time,
                title=title,
                project=project,
            )


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    """A message with the roles that others use too."""
    if message.get("role") == "toolResult":
        return message | {"role": "tool"}
    if message.get("role") == "bashExecution":
        ran = call_text("bash", {"command": message.get("command"), "output": message.get("output")})
        return message | {"role": "tool", "content": ran}
    return message
