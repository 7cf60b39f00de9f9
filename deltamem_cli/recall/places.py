"""Where a passage stands, in a word that fits on a screen: `project/session:line`. Standard library only."""

from __future__ import annotations

import re
from pathlib import PurePath

from deltamem_cli.records import Hit

_UUID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DERIVED = re.compile(r"[0-9a-f]{32}")  # readers/parse/ids.py makes one where the log has none
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}")  # a name that a shell takes as it is
_RESUME = {
    "claude-code": ("claude", "--resume"),
    "codex": ("codex", "resume"),
    "opencode": ("opencode", "--session"),
    "copilot-cli": ("copilot", "--resume"),
}
_LONGEST = 32  # characters of a session's or a project's name in a place


def session_name(session: str, source: str) -> str:
    """What a session is called in a place: the head of its id, or its file's name where the log gives no id."""
    if _DERIVED.fullmatch(session):
        return PurePath(source).name.split(".")[0] or session[:8]
    told = _UUID.sub(r"\1", session)
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def project_name(project: str, source: str) -> str:
    """What a project is called in a place: the last folder of its path, or the folder that the log is in."""
    name = re.split(r"[\\/]", project.rstrip("\\/"))[-1] if project else PurePath(source).parent.name
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def short_place(hit: Hit) -> str:
    """`project/session:line` of a passage (`session:line` where neither log nor path names a project)."""
    names = (project_name(hit.project, hit.source), session_name(hit.session, hit.source))
    return "/".join(name for name in names if name) + f":{hit.line}"


def resume_command(format: str, session: str) -> tuple[str, ...]:
    """The words that go on with an agent's session in its own tool, () where no such command is known."""
    name = session.partition("/")[0].partition("#")[0]
    if format not in _RESUME or not _PLAIN.fullmatch(name):
        return ()
    return (*_RESUME[format], name)
