"""The readers on real logs of other projects, which are not part of this one (skipped where they are missing)."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

import oracle_agents
import oracle_chats
import oracle_counts
import pytest
from oracle_reading import SHARED, read_bytes, read_file

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.archives import members

FIXTURES = SHARED / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the shared fixtures (DELTAMEM_SHARED)")

FILES = (
    sorted(path for path in FIXTURES.rglob("*") if path.is_file() and path.stat().st_size) if FIXTURES.is_dir() else []
)
OPENAI_SHAPED = ("gptme/", "vibe/session", "grok-build/legacy", "omnigent/message_")
SHAPED = {  # part of a path → format; the first that fits
    "claude-history-2/sample/": "claude-ai",
    "example_anthropic.json": "claude-ai",
    "example_grok.json": "grok-export",
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
    "registry/kimi/sessions/wd_demo_0123456789ab/session_fixture01/agents/main/wire.jsonl": "kimi",
    "registry/deepseek/": "deepseek",
    "grok-build/current/": "grok",
    "grok-build/legacy/%2Fworkspace%2Fagentsview/019f6000-0000-7000-8000-000000000002/source-v1.jsonl": "grok",
    "registry/grok/sessions/": "grok",
    "registry/antigravity/": "antigravity",
}
CLAUDE_SHAPED = ("testdata/claude/", "registry/claude-code/", "testdata/iflow/")
STREAMED = ("wire.jsonl", "updates.jsonl")  # a message begins at its line and goes on in the next ones
NO_LOG = (
    "journal.jsonl",
    "meta.json",
    "message_meta_user.json",
    "history_item.json",
    "summary.json",
    "signals.json",
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
    openai = "openai" if any(part in place for part in OPENAI_SHAPED) else None
    return next((format for part, format in SHAPED.items() if part in place), openai or oracle_chats.format_of(place))


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
    if format in oracle_chats.COUNTS:
        assert count == {"user": oracle_chats.COUNTS[format](path)}
    elif path.name != "sample_session.json" and format != "captions":
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
        last = None if path.name in STREAMED else message.line
        source = b"\n".join(lines[message.line - 1 : last]).decode("utf-8", "replace")
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


def built(place: str, folder: Path) -> Path:
    """The database that SQL of a fixture makes."""
    path = folder / "chats.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((FIXTURES / "multi-agent/deja-vu/fixtures/registry" / place).read_text("utf-8"))
    return path


@pytest.mark.parametrize("place", ["goose/sessions/goose.sql", "opencode/opencode.sql"])
def test_databases_made_from_their_sql(place: str, tmp_path: Path) -> None:
    """Both databases hold one question and one answer; nothing is left beside them."""
    path = built(place, tmp_path)
    format, messages, _ = read_file(path)
    assert format == place.split("/")[0]
    assert [(m.role, m.text) for m in messages] == [
        ("user", "inspect the sqlite fixture"),
        ("assistant", "the sqlite rows are readable"),
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_threads_of_zed_in_both_encodings(tmp_path: Path) -> None:
    format, messages, report = read_file(built("zed/zed.sql", tmp_path))
    assert format == "zed"
    assert [(m.session[13:], m.role, m.kind, m.text) for m in messages] == [
        ("legacy", "user", "text", "does the pre-compression thread shape still load?"),
        ("legacy", "assistant", "thinking", "reasoning is not indexed"),
        ("legacy", "assistant", "text", "agent-1 threads still parse"),
        ("modern", "user", "text", "where does zed keep its agent threads?"),
        ("modern", "assistant", "thinking", "reasoning is not indexed"),
        ("modern", "assistant", "text", "in threads.db under the data dir"),
    ]
    assert report.skipped == {"Resume": 1}


def test_sessions_of_hermes(tmp_path: Path) -> None:
    format, messages, report = read_file(built("hermes/profiles/architect/hermes.sql", tmp_path))
    assert format == "hermes"
    assert [(m.session, m.role, m.line) for m in messages] == [
        ("01JCH1", "user", 1),
        ("01JCH1", "assistant", 2),
        ("01JCH2", "user", 4),
        ("01JCH2", "assistant", 5),
    ]
    assert report.skipped == {"no text": 1}
