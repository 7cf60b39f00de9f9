"""SWE-agent trajectories (`*.traj`): the history of an agent's run, in which the environment answers as the user."""

from __future__ import annotations

from collections.abc import Iterator

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.values import label, mapping, parts_text, sequence, string
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "SWE-agent trajectory (JSON)"


def detect(head: Head) -> bool:
    """A trajectory of actions and observations."""
    value = mapping(head.document)
    first = mapping(next(iter(sequence(value.get("trajectory"))), None))
    return {"action", "observation"} <= first.keys()


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The task, what the agent said and did, and what the environment answered (there are no times)."""
    value = mapping(document(log))
    asked = False
    for index, turn in enumerate(map(mapping, sequence(value.get("history")))):
        speaker, text = string(turn.get("role")), parts_text(turn.get("content"))
        told: list[tuple[str, Role, Kind]] = []
        if speaker == "system" or turn.get("is_demo") is True:
            report.skipped["injected"] += 1
            continue
        if speaker in ("user", "tool") and (asked or speaker == "tool"):
            told.append((text, "tool", "tool_result"))
        elif speaker == "user":
            told.append((text, "user", "text"))
            asked = True
        elif speaker in ("assistant", "ai"):
            action = string(turn.get("action"))
            told.append((string(turn.get("thought")) or text, "assistant", "text"))
            told.append((action, "assistant", "tool_call"))
        told = [found for found in told if found[0].strip()]
        if not told:
            report.skipped[f"role {label(speaker)}"] += 1
        for said, role, kind in told:
            name = string(turn.get("agent")) if role == "assistant" else ""
            yield Message(text=said, role=role, kind=kind, line=1, pointer=f"/history/{index}", speaker=name)
