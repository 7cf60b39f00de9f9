"""The logs that tools keep on this machine, in the places where they keep them.

Only names, sizes and times of files are looked at, and the first bytes of the newest file of each tool.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch

from deltamem_cli.errors import LogError
from deltamem_cli.readers.detect import open_log
from deltamem_cli.readers.io.opening import open_input
from deltamem_cli.readers.io.paths import LogFile, find_logs

_EDITORS = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")
_AGENTS = ("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, the folders (or files) it keeps its logs in, and what those are called. {base} stands for `_bases`."""

    name: str
    roots: tuple[str, ...]
    files: tuple[str, ...] = ("*",)


TOOLS = (
    Tool("Claude Code", ("{claude}/projects",), ("*.jsonl",)),
    Tool("Claude Cowork", ("{apps}/Claude/local-agent-mode-sessions",), ("*.jsonl",)),
    Tool("Codex", ("{codex}/sessions", "{codex}/archived_sessions"), ("rollout-*",)),
    Tool("Gemini CLI", ("{gemini}/tmp/*/chats",), ("*.json", "*.jsonl")),
    Tool("opencode", ("{opencode}",)),
    Tool("Goose", ("{data}/goose/sessions", "{apps}/Block/goose/data/sessions"), ("sessions.db", "*.jsonl")),
    Tool("SpecStory", ("{here}/.specstory/history",), ("*.md",)),
    Tool("aider", ("{aider}",)),
    Tool("Cursor", ("{apps}/Cursor/User/globalStorage/state.vscdb",)),
    Tool("Cursor CLI", ("{home}/.cursor/projects/*/agent-transcripts",), ("*.jsonl", "*.txt")),
    Tool(
        "Copilot Chat",
        ("{editors}/workspaceStorage/*/chatSessions", "{editors}/globalStorage/emptyWindowChatSessions"),
        ("*.json", "*.jsonl"),
    ),
    Tool("Copilot CLI", ("{home}/.copilot/session-state",), ("*.jsonl",)),
    Tool("Cline, Roo, Kilo", ("{editors}/globalStorage/{agents}/tasks",), ("api_conversation_history.json",)),
    Tool("llm", ("{llm}/logs.db",)),
    Tool("WeeChat", ("{data}/weechat/logs", "{home}/.weechat/logs"), ("*.weechatlog",)),
    Tool("irssi", ("{home}/irclogs",), ("*.log",)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The logs of one tool.

    format: what its newest log is read as, None where no reader takes it. roots: the folders and files to ingest.
    first, last: when the logs were last written, the oldest and the newest (seconds since 1970 UTC).
    """

    tool: str
    format: str | None
    files: int
    bytes: int
    first: float
    last: float
    roots: list[str]


def discover(environ: Mapping[str, str] = os.environ, platform: str = sys.platform, here: str = ".") -> list[Found]:
    """Return the tools that have logs here, in the order of TOOLS."""
    bases = _bases(environ, platform, here)
    found = (_look(tool, bases) for tool in TOOLS)
    return [entry for entry in found if entry is not None]


def _bases(environ: Mapping[str, str], platform: str, here: str) -> dict[str, list[str]]:
    """What each {base} stands for, as patterns: what a tool's own variable says, else the places it takes without."""

    def either(variable: str, *otherwise: str) -> list[str]:
        return [glob.escape(environ[variable])] if environ.get(variable) else list(otherwise)

    home = glob.escape(environ.get("USERPROFILE" if platform == "win32" else "HOME") or os.path.expanduser("~"))
    config = either("XDG_CONFIG_HOME", f"{home}/.config")
    data = either("XDG_DATA_HOME", f"{home}/.local/share")
    apps = config
    if platform == "darwin":
        apps = [f"{home}/Library/Application Support"]
    elif platform == "win32":
        apps = either("APPDATA", f"{home}/AppData/Roaming")
    return {
        "home": [home],
        "here": [glob.escape(here)],
        "data": data,
        "apps": apps,
        "editors": [f"{apps[0]}/{editor}/User" for editor in _EDITORS],
        "agents": list(_AGENTS),
        "claude": either("CLAUDE_CONFIG_DIR", f"{home}/.claude", f"{config[0]}/claude"),
        "codex": either("CODEX_HOME", f"{home}/.codex"),
        "gemini": [f"{base}/.gemini" for base in either("GEMINI_CLI_HOME", home)],
        "opencode": either("OPENCODE_DB", f"{data[0]}/opencode/opencode*.db"),
        "aider": either("AIDER_CHAT_HISTORY_FILE", *(f"{at}/.aider.chat.history.md" for at in (here, home))),
        "llm": either("LLM_USER_PATH", f"{apps[0]}/io.datasette.llm"),
    }


def _look(tool: Tool, bases: Mapping[str, list[str]]) -> Found | None:
    patterns = [pattern for root in tool.roots for pattern in _expanded(root, bases)]
    roots = sorted({os.path.abspath(match) for pattern in patterns for match in glob.glob(pattern)})
    files = [
        file for file in find_logs(roots, []) if any(fnmatch(os.path.basename(file.path), name) for name in tool.files)
    ]
    written = {file: time for file in files if (time := _written(file.path)) is not None}
    if not written:
        return None
    newest = max(written, key=lambda file: (written[file], file.path))
    size, times = sum(file.size for file in written), written.values()
    return Found(
        tool=tool.name,
        format=_format(newest),
        files=len(written),
        bytes=size,
        first=min(times),
        last=max(times),
        roots=roots,
    )


def _expanded(root: str, bases: Mapping[str, list[str]]) -> Iterator[str]:
    """A root with each {base} replaced by everything it stands for, as patterns."""
    name = next((name for name in bases if f"{{{name}}}" in root), None)
    if name is None:
        yield root
        return
    for value in bases[name]:
        yield from _expanded(root.replace(f"{{{name}}}", value), bases)


def _written(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _format(file: LogFile) -> str | None:
    try:
        with closing(open_input(file)) as stream:
            return open_log(stream, file.path)[0]
    except LogError:
        return None
