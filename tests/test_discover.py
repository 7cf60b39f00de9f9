"""`formats`, `discover`, `ingest --discover`, `--per-project`, `--dry-run`, and readers of other packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from conftest import SAMPLES

from deltamem_cli.errors import LogError, UsageError
from deltamem_cli.ingest.projects import by_project, memory_name
from deltamem_cli.readers import READERS, plugins, reader
from deltamem_cli.readers import detect as formats
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.discover import TOOLS, discover
from deltamem_cli.records import Message, ReadReport

CLAUDE = next((SAMPLES / "claude-code").glob("*.jsonl")).read_text()
CODEX = next((SAMPLES / "codex").glob("*.jsonl")).read_text()


def put(path: Path, text: str, written: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (written, written))


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deltamem_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | environ)


def test_tools_are_found_where_they_keep_their_logs(tmp_path: Path) -> None:
    put(tmp_path / ".claude/projects/a/1.jsonl", CLAUDE, 1000)
    put(tmp_path / ".claude/projects/b/2/subagents/agent-1.jsonl", CLAUDE, 3000)
    put(tmp_path / ".claude/projects/a/settings.json", "{}", 9000)
    put(tmp_path / ".codex/sessions/2026/01/02/rollout-1.jsonl", CODEX, 2000)
    put(tmp_path / ".gemini/settings.json", "{}", 2000)
    claude, codex = discover({"HOME": str(tmp_path)}, "linux", str(tmp_path))
    assert (claude.tool, claude.format, claude.files, claude.bytes) == (
        "Claude Code",
        "claude-code",
        2,
        2 * len(CLAUDE.encode()),
    )
    assert (claude.first, claude.last, claude.roots) == (1000, 3000, [str(tmp_path / ".claude/projects")])
    assert (codex.tool, codex.format, codex.files) == ("Codex", "codex", 1)


@pytest.mark.parametrize(
    ("platform", "variable", "value", "place"),
    [
        ("linux", "CLAUDE_CONFIG_DIR", "c", "c/projects/a/1.jsonl"),
        ("linux", "CODEX_HOME", "[odd] name", "[odd] name/sessions/rollout-1.jsonl"),
        ("linux", "XDG_CONFIG_HOME", "x", "x/claude/projects/a/1.jsonl"),
        ("linux", "XDG_CONFIG_HOME", "x", "x/Code/User/workspaceStorage/h/chatSessions/1.json"),
        ("linux", "XDG_DATA_HOME", "d", "d/goose/sessions/1.jsonl"),
        ("linux", "GEMINI_CLI_HOME", "g", "g/.gemini/tmp/p/chats/session-1.json"),
        ("linux", "AIDER_CHAT_HISTORY_FILE", "notes.md", "notes.md"),
        ("darwin", "X", "", "Library/Application Support/Cursor/User/globalStorage/state.vscdb"),
        ("win32", "APPDATA", "roaming", "roaming/Code/User/globalStorage/emptyWindowChatSessions/1.json"),
    ],
)
def test_variables_and_platforms(tmp_path: Path, platform: str, variable: str, value: str, place: str) -> None:
    put(tmp_path / place, CODEX if "rollout" in place else CLAUDE, 1)
    home = {"USERPROFILE" if platform == "win32" else "HOME": str(tmp_path)}
    (found,) = discover(home | {variable: str(tmp_path / value)}, platform, str(tmp_path / "elsewhere"))
    assert found.files == 1


def test_every_base_of_the_tools_is_known(tmp_path: Path) -> None:
    assert discover({"HOME": str(tmp_path)}, "linux", str(tmp_path)) == []
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)


def test_discover_on_the_command_line(tmp_path: Path) -> None:
    nothing = run("discover", HOME=str(tmp_path), CLAUDE_CONFIG_DIR="", CODEX_HOME="")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    put(tmp_path / ".claude/projects/a/1.jsonl", CLAUDE, 86400 * 365)
    table = run("discover", HOME=str(tmp_path))
    assert [line.split()[:2] for line in table.stdout.splitlines()] == [["tool", "files"], ["Claude", "Code"]]
    told = json.loads(run("discover", "--json", HOME=str(tmp_path)).stdout)
    assert (told["tool"], told["files"], told["first"][:4]) == ("Claude Code", 1, "1971")
    dry = run("ingest", "--discover", "--dry-run", "--json", HOME=str(tmp_path))
    assert json.loads(dry.stdout)["logs"] == {"claude-code": 1}


def test_formats_on_the_command_line() -> None:
    assert [line.split()[0] for line in run("formats").stdout.splitlines()] == list(READERS)
    told = [json.loads(line) for line in run("formats", "--detect", "--json", str(SAMPLES)).stdout.splitlines()]
    assert {Path(entry["path"]).parent.name for entry in told if entry["format"] == "codex"} == {"codex"}
    (questions,) = (entry for entry in told if entry["path"].endswith("questions.jsonl"))
    assert questions["format"] is None
    assert questions["why"]
    assert run("formats", str(SAMPLES)).returncode == 2
    assert run("formats", "--detect").returncode == 2


def test_a_path_that_is_missing_is_told() -> None:
    (missing,) = formats.detect_files(["/no/such/path"])
    assert missing.format is None
    assert "no such file" in missing.why


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest"],
        ["ingest", "x", "-o", "m", "--per-project", "f"],
        ["ingest", "x", "--per-project", "f", "--follow"],
        ["ingest", "x", "-o", "m", "--no-redact", "--redact-emails"],
    ],
)
def test_what_contradicts_itself(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


def test_a_dry_run_writes_nothing_and_loads_no_encoder(tmp_path: Path) -> None:
    code = (
        "import sys; from deltamem_cli.cli import app\n"
        f"sys.argv = ['deltamem', 'ingest', {str(SAMPLES)!r}, '--dry-run', '--json']\n"
        "try: app()\n"
        "finally: print(sorted({'torch', 'tokenizers', 'numpy', 'sentence_transformers'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=SAMPLES.parent)
    summary, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    told = json.loads(summary)
    assert told["messages"] > 100
    assert (told["passages"], told["bytes_out"], told["memory"]) == (0, 0, "")


def test_logs_by_project(tmp_path: Path) -> None:
    groups = by_project([str(SAMPLES)])
    logs = [found.path for found in formats.detect_files([str(SAMPLES)]) if found.format]
    assert sorted(path for paths in groups.values() for path in paths) == sorted(logs)
    without = {Path(path).parts[len(SAMPLES.parts)] for path in groups["other"]}
    assert without >= {"chatgpt", "openai", "text"}
    assert not without & {"claude-code", "codex"}
    assert list(groups) == sorted(groups)
    with pytest.raises(LogError, match="no such file"):
        by_project([str(tmp_path / "nothing")])


def test_names_of_memories() -> None:
    assert memory_name("/home/ann/tidepool") != memory_name("/home/bob/tidepool")
    assert memory_name("/home/ann/tidepool").startswith("tidepool-")
    assert memory_name("C:\\work\\my app\\").startswith("my-app-")
    assert memory_name("/") and "/" not in memory_name("/../..")
    assert memory_name("") == "other"


class Shouting:
    """A reader of another package."""

    TITLE = "lines that shout"
    detect = staticmethod(lambda head: head.data.startswith(b"SHOUT"))
    read = staticmethod(lambda log, report: iter([Message(log.head.text, "user", 1)]))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def entries(group: str) -> list[EntryPoint]:
        values = {"shout": "test_discover:Shouting", "gone": "no_such_module", "half": "test_discover:SAMPLES"}
        return [EntryPoint(name, value, group) for name, value in values.items()]

    monkeypatch.setattr("importlib.metadata.entry_points", entries)
    plugins._found.cache_clear()
    plugins.load.cache_clear()
    yield
    plugins._found.cache_clear()
    plugins.load.cache_clear()


@pytest.mark.usefixtures("installed")
def test_a_reader_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader("shout").TITLE == Shouting.TITLE
    for name, why in (("gone", "cannot be loaded"), ("half", "has no TITLE"), ("nothing", "choose one of")):
        with pytest.raises(UsageError, match=why):
            reader(name)
    monkeypatch.setattr(plugins, "names", lambda: ["shout"])
    path = SAMPLES / "shout"
    import io

    format, log = open_log(io.BytesIO(b"SHOUT hello"), str(path))
    assert format == "shout"
    (message,) = read_log(format, log, ReadReport())
    assert message.text == "SHOUT hello" and message.id and message.session
    assert open_log(io.BytesIO(CODEX.encode()), str(path))[0] == "codex"
    assert list(formats.titles())[-1] == "shout"
