"""Counts of user and assistant texts in the logs of other agents, from the formats' descriptions.

Slow and plain on purpose, like oracle_counts.py: whole files in memory, the standard library's JSON.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from oracle_counts import objects, texts_of

ROLES = {"human": "user", "user": "user", "assistant": "assistant", "gemini": "assistant", "model": "assistant"}


def counted(said: list[tuple[str, str]]) -> Counter[str]:
    """How many of the (role, text) have words, by role."""
    return Counter(ROLES[role] for role, text in said if role in ROLES and text.strip())


def claude_ai(path: Path) -> Counter[str]:
    """Text blocks of all messages (no fixture branches); the message's own text where it has no blocks."""
    said = []
    for conversation in json.loads(path.read_text("utf-8")):
        for message in conversation["chat_messages"]:
            texts = texts_of(message.get("content")) or [message.get("text", "")]
            said += [(message["sender"], text) for text in texts]
    return counted(said)


def gemini(path: Path) -> Counter[str]:
    """The last version of each message, in a document or in JSONL; a snapshot replaces what was before."""
    whole = path.suffix == ".json"
    records = [{"$set": json.loads(path.read_text("utf-8"))}] if whole else objects(path)
    messages: dict[str, Any] = {}
    for record in records:
        if "$set" in record:
            messages = {message["id"]: message for message in record["$set"].get("messages", [])}
        elif "type" in record:
            messages[record["id"]] = record
    said = []
    for message in messages.values():
        content = message["content"]
        text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        said.append((message["type"], text))
    return counted(said)


def aider(path: Path) -> Counter[str]:
    """Runs of lines that begin alike: `#### ` the user, `> ` the tool, words without either the model."""
    count: Counter[str] = Counter()
    for run in re.split(r"^# aider chat started at .*$", path.read_text("utf-8"), flags=re.M)[1:]:
        marks = [line.split(" ")[0] for line in run.split("\n") if line.strip()]
        voices = ["user" if mark == "####" else "tool" if mark == ">" else "assistant" for mark in marks]
        count.update(voice for place, voice in enumerate(voices) if place == 0 or voices[place - 1] != voice)
    del count["tool"]
    return count


def copilot_cli(path: Path) -> Counter[str]:
    told = [record for record in objects(path) if record["type"] in ("user.message", "assistant.message")]
    return counted([(record["type"].split(".")[0], record["data"]["content"]) for record in told])


def cursor(path: Path) -> Counter[str]:
    turns = [record for record in objects(path) if "role" in record]
    return counted([(turn["role"], text) for turn in turns for text in texts_of(turn["message"]["content"])])


def goose(path: Path) -> Counter[str]:
    return counted([(r["role"], text) for r in objects(path) if "role" in r for text in texts_of(r["content"])])


def cline(path: Path) -> Counter[str]:
    document = json.loads(path.read_text("utf-8"))
    turns = document if isinstance(document, list) else document["messages"]
    return counted([(turn["role"], text) for turn in turns for text in texts_of(turn["content"])])


def pi(path: Path) -> Counter[str]:
    """Messages whose every ancestor counts too (no fixture branches)."""
    messages = [r["message"] for r in objects(path) if r.get("type") == "message"]
    said = [(m.get("role"), "\n".join(texts_of(m.get("content")))) for m in messages]
    return counted(said)


def qwen(path: Path) -> Counter[str]:
    return counted([(r["message"]["role"], part["text"]) for r in objects(path) for part in r["message"]["parts"]])


def turns(path: Path) -> Counter[str]:
    return Counter(user=sum(1 for turn in json.loads(path.read_text("utf-8")) if turn["message"].strip()))


def kimi(path: Path) -> Counter[str]:
    """Prompts, and the steps that hold a text part."""
    records = objects(path)
    prompts = [record for record in records if record["type"] == "context.append_message"]
    parts = [record["event"] for record in records if record.get("event", {}).get("type") == "content.part"]
    return Counter(user=len(prompts), assistant=len({p["stepUuid"] for p in parts if p["part"]["type"] == "text"}))


def deepseek(path: Path) -> Counter[str]:
    said = []
    for record in objects(path):
        data = record.get("data", {})
        if record["type"] == "user/message" and data["source"]["kind"] == "user":
            said += [("user", text) for text in texts_of(data["content"])]
        elif record["type"] == "assistant/message":
            said += [("assistant", text) for text in texts_of(data["message"]["content"])]
    return counted(said)


def grok(path: Path) -> Counter[str]:
    """Records that a person or the model wrote; in the stream of updates, runs of chunks of one kind."""
    if path.name != "updates.jsonl":
        written = [r for r in objects(path) if r.get("synthetic_reason") in (None, "interjection")]
        return counted([(r["type"], "".join(texts_of(r["content"]))) for r in written if "content" in r])
    kinds = [record["params"]["update"]["sessionUpdate"] for record in objects(path)]
    starts = [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]
    return Counter(user=starts.count("user_message_chunk"), assistant=starts.count("agent_message_chunk"))


def antigravity(path: Path) -> Counter[str]:
    names = {"USER_EXPLICIT": "user", "MODEL": "assistant"}
    return counted([(names.get(record["source"], ""), record["content"]) for record in objects(path)])


def grok_export(path: Path) -> Counter[str]:
    conversations = json.loads(path.read_text("utf-8"))["conversations"]
    responses = [each["response"] for conversation in conversations for each in conversation["responses"]]
    return counted([(response["sender"], response["message"]) for response in responses])
