"""Counts of user and assistant texts in real logs, from the formats' descriptions and not from the readers.

Slow and plain on purpose: whole files in memory, the standard library's JSON.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

WRAPPER = re.compile(
    r"<(local-command-\w+|bash-\w+|ide_\w+|system-reminder|task-notification|teammate-message|user-prompt-submit-hook)"
    r"\b.*?</\1>",
    re.DOTALL,
)
CODEX_TAGS = ("environment_context", "user_instructions", "INSTRUCTIONS", "permissions instructions", "turn_aborted")
CODEX_INJECTED = ("# AGENTS.md instructions", *(f"<{tag}>" for tag in CODEX_TAGS))


def objects(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a JSONL file that parse."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            value = json.loads(line.decode("utf-8", "replace"), strict=False)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def texts_of(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    blocks = content if isinstance(content, list) else []
    return [block["text"] for block in blocks if isinstance(block, dict) and block.get("type") == "text"]


def claude_code(path: Path) -> Counter[str]:
    """Texts by role, without what was left by a rewind."""
    records = objects(path)
    counts = [claude_texts(record) for record in records]
    left = rewound(records, [i for i, count in enumerate(counts) if count["user"]])
    return sum((count for i, count in enumerate(counts) if i not in left), Counter())


def rewound(records: list[dict[str, Any]], prompts: list[int]) -> set[int]:
    """A prompt, and what hangs on it, where another prompt with its parent comes after all of that."""
    left: set[int] = set()
    for first in prompts:
        below, names = [first], {records[first].get("uuid")}
        for i in range(first + 1, len(records)):
            if records[i].get("parentUuid") in names:
                below.append(i)
                names.add(records[i].get("uuid"))
        parent = records[first].get("parentUuid")
        if parent and any(
            i > below[-1] and records[i].get("parentUuid") == parent and records[i].get("uuid") not in names
            for i in prompts
        ):
            left.update(below)
    return left


def claude_texts(record: dict[str, Any]) -> Counter[str]:
    """Texts of one record by role: a user's are a person's if it holds no tool result and is not marked as a tool's."""
    count: Counter[str] = Counter()
    message = record.get("message")
    if record.get("type") not in ("user", "assistant") or not isinstance(message, dict):
        return count
    content, role = message.get("content"), record["type"]
    results = isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in content
    )
    synthetic = record.get("isApiErrorMessage") or message.get("model") == "<synthetic>"
    if record.get("isMeta") or record.get("isCompactSummary") or results or synthetic:
        return count
    for text in texts_of(content):
        told = text.startswith(("Caveat: The messages", "[Request interrupted")) or not WRAPPER.sub("", text).strip()
        if not text.strip() or (role == "user" and told):
            continue
        if role == "user" and text.lstrip().startswith("<command-"):
            arguments = re.search(r"<command-args>(.*?)</command-args>", text, re.DOTALL)
            count[role] += bool(arguments and arguments[1].strip())
            continue
        count[role] += 1
    return count


def codex(path: Path) -> Counter[str]:
    """Texts by role: for every text the larger of its counts among response items and among events."""
    items: Counter[tuple[str, str]] = Counter()
    events: Counter[tuple[str, str]] = Counter()
    for record in objects(path):
        payload = record.get("payload") or {}
        if record.get("type") == "response_item" and payload.get("role") in ("user", "assistant"):
            parts = [part["text"] for part in payload["content"] if part.get("text") and part["type"] != "input_image"]
            items[payload["role"], "\n".join(parts).strip()] += 1
        elif record.get("type") == "event_msg" and payload.get("type") in ("user_message", "agent_message"):
            role = "user" if payload["type"] == "user_message" else "assistant"
            events[role, payload["message"].strip()] += 1
    count: Counter[str] = Counter()
    for (role, text), times in (items | events).items():
        if text and not (role == "user" and text.startswith(CODEX_INJECTED)):
            count[role] += times
    return count


def chatgpt(path: Path) -> Counter[str]:
    """Texts by role on the way from the current node (else the last leaf) to the root, shown to the person."""
    count: Counter[str] = Counter()
    for conversation in json.loads(path.read_text("utf-8")):
        nodes = conversation["mapping"]
        parents = {node.get("parent") for node in nodes.values()}
        node = conversation.get("current_node") or [key for key in nodes if key not in parents][-1]
        while node in nodes:
            message = nodes[node].get("message") or {}
            role = message.get("author", {}).get("role")
            content = message.get("content", {})
            words = "".join(part for part in content.get("parts", []) if isinstance(part, str))
            hidden = message.get("metadata", {}).get("is_visually_hidden_from_conversation")
            told = content.get("content_type", "text") in ("text", "multimodal_text") and words.strip()
            if role in ("user", "assistant") and told and not hidden and message.get("recipient", "all") == "all":
                count[role] += 1
            node = nodes[node].get("parent")
    return count


def openai(path: Path) -> Counter[str]:
    """Turns with words by role, of JSONL turns or a document of them."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError:
        document = objects(path)
    if isinstance(document, dict):
        document = document.get("messages", [document])
    count: Counter[str] = Counter()
    for turn in document:
        content = turn.get("content") or ""
        words = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        if turn["role"] in ("user", "assistant") and words.strip():
            count[turn["role"]] += 1
    return count
