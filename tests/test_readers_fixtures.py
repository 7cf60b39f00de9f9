"""The readers on real logs of other projects, which are not part of this one (skipped where they are missing)."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

import oracle_agents
import oracle_counts
import pytest
from oracle_reading import SHARED, read_bytes, read_file

from deltamem_cli.archives import members
from deltamem_cli.errors import LogError

FIXTURES = SHARED / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the shared fixtures (DELTAMEM_SHARED)")

FILES = (
    sorted(path for path in FIXTURES.rglob("*") if path.is_file() and path.stat().st_size) if FIXTURES.is_dir() else []
)
OPENAI_SHAPED = ("gptme/", "vibe/session", "grok-build/legacy", "omnigent/message_")
SHAPED = {  # part of a path → format; the first that fits
    "claude-history-2/sample/": "claude-ai",
    "example_anthropic.json": "claude-ai",
    "fixtures/gemini/full/session-": "gemini",
    "testdata/gemini/": "gemini",
    "registry/gemini/": "gemini",
    ".aider.chat.history.md": "aider",
    "registry/copilot/": "copilot-cli",
    "agent-transcripts/": "cursor",
    "registry/goose/sessions/20250724_1.jsonl": "goose",
    "api_conversation_history.json": "cline",
    "session_synthetic_01.messages.json": "cline",
    "testdata/pi/session.jsonl": "pi",
    "registry/pi/": "pi",
    "registry/omp/": "pi",
    "openclaw/agents/main/sessions/a1b2c3d4": "pi",
    "registry/qwen/": "qwen",
    "signal/chat-miner/test/signal/target.json": "turns",  # what another parser made of a chat: author and message
    "telegram/chat-miner/test/telegram/target.json": "turns",
    "whatsapp/chat-miner/test/whatsapp/target.json": "turns",
}
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
    if any(part in place for part in OPENAI_SHAPED):
        return "openai"
    return next((format for part, format in SHAPED.items() if part in place), None)


def oracle_of(format: str) -> Callable[[Path], Counter[str]]:
    """The function that counts the texts of a log in that format."""
    name = format.replace("-", "_")
    return cast(Callable[[Path], Counter[str]], getattr(oracle_counts, name, None) or getattr(oracle_agents, name))


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
    if path.name != "sample_session.json":
        assert count == oracle_of(format)(path)
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


def test_an_export_in_its_zip_says_what_the_unpacked_one_says() -> None:
    archive = FIXTURES / "chatgpt-export/chatgpt-export-studio/examples/sample_export.zip"
    problems: list[LogError] = []
    (path, size), *others = members(str(archive), problems)
    plain = archive.with_name("conversations.json")
    assert not problems
    assert not others
    assert size == plain.stat().st_size
    assert read_file(Path(path)) == read_file(plain)


@pytest.mark.parametrize("place", ["goose/sessions/goose.sql", "opencode/opencode.sql"])
def test_databases_made_from_their_sql(place: str, tmp_path: Path) -> None:
    """Both databases hold one question and one answer; nothing is left beside them."""
    path = tmp_path / "chats.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((FIXTURES / "multi-agent/deja-vu/fixtures/registry" / place).read_text("utf-8"))
    format, messages, _ = read_file(path)
    assert format == place.split("/")[0]
    assert [(m.role, m.text) for m in messages] == [
        ("user", "inspect the sqlite fixture"),
        ("assistant", "the sqlite rows are readable"),
    ]
    assert list(tmp_path.iterdir()) == [path]
