"""Codex user texts: what a person typed, and what the tool put before it."""

from __future__ import annotations

import re

_TAGS = (
    "environment_context",
    "user_instructions",
    "INSTRUCTIONS",
    "permissions instructions",
    "collaboration_mode",
    "multi_agent_mode",
    "apps_instructions",
    "skills_instructions",
    "plugins_instructions",
    "model_switch",
    "personality_spec",
    "turn_aborted",
    "subagent_notification",
    "user_shell_command",
    "realtime_conversation",
)
_INJECTED = ("# AGENTS.md instructions", *(f"<{tag}>" for tag in _TAGS))
_IMAGE_TAG = re.compile(r"</?image(?: name=[^<>]{0,200})?>")
_CONTEXT = "# Context from my IDE setup:"
_REQUEST = "## My request for Codex:"
_FOLDER = re.compile(r"<cwd>([^<\n]{1,4096})</cwd>")


def human_text(text: str) -> str:
    """What a person typed of one user text: the request behind an IDE's context, "" for text of the tool's own."""
    text = text.strip()
    if text.startswith(_INJECTED) or _IMAGE_TAG.fullmatch(text):
        return ""
    if text.startswith(_CONTEXT) and _REQUEST in text:
        return text.partition(_REQUEST)[2].strip()
    return text


def working_folder(text: str) -> str:
    """Return the folder that an environment context names, or ""."""
    found = _FOLDER.search(text, 0, 65536)
    return found[1].strip() if found else ""
