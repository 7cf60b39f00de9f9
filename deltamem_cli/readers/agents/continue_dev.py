"""Continue sessions: `~/.continue/sessions/*.json`, a history of messages with what was in their context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.turn import turn_messages
from deltamem_cli.readers.parse.values import call_text, mapping, parts_text, sequence, string
from deltamem_cli.records import Message, ReadReport

TITLE = "Continue session (JSON)"


def detect(head: Head) -> bool:
    """A session with a history of messages."""
    value = mapping(head.document)
    first = mapping(next(iter(sequence(value.get("history"))), None))
    return "sessionId" in value and isinstance(first.get("message"), dict)


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """The messages of the session, in file order (it has no times)."""
    value = mapping(document(log))
    session, title, model = (string(value.get(key)) for key in ("sessionId", "title", "chatModelTitle"))
    project = string(value.get("workspaceDirectory")).removeprefix("file://")
    for number, entry in enumerate(map(mapping, sequence(value.get("history")))):
        place, turn = f"/history/{number}", mapping(entry.get("message"))
        calls = [mapping(call) for call in sequence(turn.get("toolCalls"))]
        if turn.get("role") == "thinking":
            text = parts_text(turn.get("content"))
            found = [Message(text=text, role="assistant", kind="thinking", line=1, pointer=f"{place}/message")]
        elif calls and not parts_text(turn.get("content")).strip():
            found = []
        else:
            found = list(turn_messages(turn, 1, f"{place}/message", report.skipped))
        for index, call in enumerate(calls):
            function = mapping(call.get("function")) or call
            text = call_text(string(function.get("name")), function.get("arguments"))
            at = f"{place}/message/toolCalls/{index}"
            found.append(Message(text=text, role="assistant", kind="tool_call", line=1, pointer=at))
        for message in found:
            if not message.text.strip():
                report.skipped["no text"] += 1
                continue
            speaker = message.speaker or model if message.role == "assistant" else ""
            yield replace(message, session=session, title=title, project=project, speaker=speaker)
            title = ""
