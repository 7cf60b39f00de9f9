"""pi and its kin (omp, OpenClaw): a JSONL tree of entries, of which the last one is where the session stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.readers.parse.turn import turn_messages
from deltamem_cli.readers.parse.values import call_text, label, mapping, seconds, string
from deltamem_cli.records import OTHER_BRANCH, Message, ReadReport

TITLE = "pi, omp or OpenClaw session (JSONL)"

_Placed = tuple[int, dict[str, Any]]  # line, entry
_SUMMARIES = ("compaction", "branch_summary")


def detect(head: Head) -> bool:
    """A header of type "session" with a version, a time and no harness of another tool."""
    first = head.objects[0] if head.is_jsonl else {}
    return first.get("type") == "session" and {"id", "version", "timestamp"} <= first.keys() and "harness" not in first


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages on the way from the root to the last entry, then those off it. Holds one session in memory."""
    entries = list(records(log.stream, report))
    header = next((entry for _, entry in entries if entry.get("type") == "session"), {})
    path, others = _paths(entries)
    if off := sum(1 for _, entry in others if entry.get("type") == "message"):
        report.skipped[OTHER_BRANCH] += off
    beside = (replace(message, off_path=True) for message in _messages(others, header, report.off_path))
    return chain(_messages(path, header, report.skipped), beside)


def _paths(entries: list[_Placed]) -> tuple[list[_Placed], list[_Placed]]:
    """The entries from the root to the last one, and those off that path; all where they do not name their parents."""
    places = {string(entry.get("id")): place for place, (_, entry) in enumerate(entries) if "parentId" in entry}
    if not places:
        return entries, []
    parents = {key: string(entries[place][1]["parentId"]) for key, place in places.items()}
    path, others = paths(parents, max(places, key=places.__getitem__))
    return [entries[places[key]] for key in path], [entries[places[key]] for key in others]


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
