"""The readers on real logs of other projects, which are not part of this one (skipped where they are missing)."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import oracle_chats
import oracle_counts
import pytest
from oracle_reading import SHARED, read_bytes

from deltamem_cli.errors import LogError

FIXTURES = SHARED / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the shared fixtures (DELTAMEM_SHARED)")

FILES = (
    sorted(path for path in FIXTURES.rglob("*") if path.is_file() and path.stat().st_size) if FIXTURES.is_dir() else []
)
OPENAI_SHAPED = ("gptme/", "vibe/session", "grok-build/legacy", "omnigent/message_", "cline/legacy/tasks", "roo/tasks")
CLAUDE_SHAPED = ("testdata/claude/", "registry/claude-code/", "testdata/iflow/")
NO_LOG = (
    "journal.jsonl",
    "meta.json",
    "message_meta_user.json",
    "history_item.json",
    "summary.json",
    "signals.json",
    "source-v1.jsonl",
)


def expected(path: Path) -> str | None:
    """The format a file is in, from where it lies."""
    place = path.relative_to(FIXTURES).as_posix()
    if path.name.endswith(NO_LOG):
        return None
    if (path.suffix == ".jsonl" and place.startswith("claude-code/")) or any(part in place for part in CLAUDE_SHAPED):
        return "claude-code"
    if path.name == "sample_session.json":
        return "claude-code"
    if path.suffix == ".jsonl" and ("/codex/" in f"/{place}" or "traex" in place):
        return "codex"
    if path.suffix == ".json" and (place.startswith("chatgpt-export") or path.name == "example_chatgpt.json"):
        return "chatgpt"
    if path.name == "session_synthetic_01.messages.json" or any(part in place for part in OPENAI_SHAPED):
        return "openai"
    return oracle_chats.format_of(place)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FIXTURES).as_posix())
def test_every_file_is_read_as_what_it_is(path: Path) -> None:
    """Format, counts of user and assistant texts, and ids of every log; a refusal in one sentence for the rest."""
    format = expected(path)
    if format is None:
        with pytest.raises(LogError) as refusal:
            read_bytes(path.read_bytes())
        assert str(refusal.value).isprintable()
        return
    found, messages, _ = read_bytes(path.read_bytes())
    assert found == format
    count = Counter(message.role for message in messages if message.kind == "text" and message.role != "system")
    if format in oracle_chats.COUNTS:
        assert count == {"user": oracle_chats.COUNTS[format](path)}
    elif path.suffix == ".jsonl" or format in ("chatgpt", "openai"):
        oracle = {"claude-code": oracle_counts.claude_code, "codex": oracle_counts.codex}
        oracle |= {"chatgpt": oracle_counts.chatgpt, "openai": oracle_counts.openai}
        assert count == oracle[format](path)
    assert all(message.id and message.session and message.text.strip() for message in messages)


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".jsonl"], ids=lambda path: path.name)
def test_a_message_stands_on_its_line(path: Path) -> None:
    """The line that a message names holds its words (compared as letters and digits of plain ASCII)."""
    if expected(path) is None:
        return
    lines = path.read_bytes().split(b"\n")
    _, messages, _ = read_bytes(path.read_bytes())
    for message in messages:
        words = [word for word in message.text.split() if word.isascii() and word.isalnum()]
        source = lines[message.line - 1].decode("utf-8", "replace")
        assert all(word in source for word in words[:20])


def test_a_zip_is_refused_with_advice() -> None:
    archive = next(path for path in FILES if zipfile.is_zipfile(path))
    with pytest.raises(LogError, match="ZIP archive: unpack it"):
        read_bytes(archive.read_bytes())
