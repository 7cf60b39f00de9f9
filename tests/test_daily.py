"""From an answer to what was said around it, what is in a memory by conversation and time, and everything back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, said, write_log

from deltamem_cli.cli.output.layout import cells
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.locate import rows_at
from deltamem_cli.recall.places import project_name, resume_command, session_name
from deltamem_cli.recall.timeline import novelty, timeline
from deltamem_cli.records import Message

Invoke = Callable[..., Ran]
UUID = "0d3a8e6f-290f-4105-a327-a2496e5e2a83"
HOSTILE = "\x1b[2J\x9b \u202e\r"


def at(day: str) -> float:
    return datetime.fromisoformat(day + "T12:00").timestamp()


def pots(line: int, text: str, **fields: object) -> Message:
    given = {"session": UUID, "project": "/home/ann/pots", "title": "Kiln", "time": at("2026-05-01") + line}
    return said(text, line, **{**given, **fields})


TALK = [
    pots(1, "how hot is the kiln for stoneware bowls"),
    pots(2, "looking it up", role="assistant"),
    pots(3, "cat kiln.txt", role="assistant", kind="tool_call"),
    pots(4, "1280 degrees", role="tool", kind="tool_result"),
    pots(5, "it fires at 1280\n```python\nheat = 1280\n```\nslowly", role="assistant"),
    pots(6, "and which glaze", time=at("2026-05-02")),
    pots(7, "celadon", role="assistant", time=at("2026-05-02")),
    said("a boat needs a keel and a sail", 8, session="lake", title="Boats", time=at("2026-06-10")),
    said("a sub-agent looks for glaze", 9, session=f"{UUID}/agent-77", title="sub", time=at("2026-05-02")),
]


@pytest.fixture
def memory(remember: Callable[..., StoredMemory], monkeypatch: pytest.MonkeyPatch) -> StoredMemory:
    """The talk of pots and boats, as the default memory."""
    opened = remember(TALK)
    monkeypatch.setenv("DELTAMEM_MEMORY", opened.name)
    return opened


def shown(ran: Ran) -> list[int]:
    """The lines of the messages that `show --json` prints."""
    assert ran.code == 0, ran
    return [json.loads(line)["line"] for line in ran.out.splitlines()]


def test_an_answer_leads_to_the_whole_exchange_around_it(invoke: Invoke, memory: StoredMemory) -> None:
    assert invoke("query", "1280", "degrees", "--kind", "tool_result").code == 0
    told = invoke("query", "1280 degrees", "--json", "-k", "1", "--kind", "tool_result").out
    assert json.loads(told)["line"] == 4
    assert shown(invoke("show", "1", "--json")) == [1, 2, 3, 4, 5]
    assert shown(invoke("show", "1", "--json", "-C", "1")) == [3, 4, 5]
    assert shown(invoke("show", "1", "--json", "--session")) == [1, 2, 3, 4, 5, 6, 7]
    assert invoke("show", "1", "--session", "-C", "1").code == 2
    page = invoke("show", "1").out
    assert "▶ tool, tool result" in page
    assert "heat = 1280" in page
    assert "[… 2 more messages: --session]" in page


@pytest.mark.parametrize(
    "place", ["pots/0d3a8e6f:6", "0d3a8e6f:6", f"{UUID}:6", "/logs/log.jsonl:6", "logs/log.jsonl:6", "log.jsonl:6"]
)
def test_a_place_leads_to_it(invoke: Invoke, memory: StoredMemory, place: str) -> None:
    assert shown(invoke("show", place, "--json")) == [6, 7]


def test_a_uid_leads_to_it_and_nonsense_is_a_sentence(invoke: Invoke, memory: StoredMemory) -> None:
    (row,) = rows_at(memory, "log.jsonl:6")
    uid = memory.rows.uid[row].tobytes().hex()
    assert shown(invoke("show", uid, "--json")) == shown(invoke("show", uid[:8], "--json")) == [6, 7]
    for what in ("pots/0d3a8e6f:0", "nowhere:3", "x", "f" * 32, ":3", "/:1"):
        ran = invoke("show", what)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1), what
    ran = invoke("show", "1")
    assert (ran.code, "nothing was asked in this terminal yet" in ran.err) == (2, True)
    invoke("query", "kiln", "-k", "1")
    assert "had 1 answers" in invoke("show", "9").err


def test_a_line_between_messages_means_the_one_before(memory: StoredMemory) -> None:
    assert [int(memory.rows.line[row]) for row in rows_at(memory, "log.jsonl:400")] == [9]


def test_how_to_go_on_is_said_for_agents_and_never_with_a_strangers_words() -> None:
    assert resume_command("claude-code", UUID + "/agent-7") == ("claude", "--resume", UUID)
    assert resume_command("codex", UUID) == ("codex", "resume", UUID)
    assert resume_command("slack", UUID) == ()
    for session in ("x; rm -rf ~", "--help", "$(id)", "a b", "", "x\ny"):
        assert resume_command("claude-code", session) == ()


def test_names_in_places_are_short() -> None:
    assert session_name(UUID, "/a/b.jsonl") == "0d3a8e6f"
    assert session_name("9db9fe1083c1b8a30ede7f6c5905af72", "/a/chat.md") == "chat"
    assert project_name("", "/home/ann/pots/log.jsonl") == project_name("C:\\x\\pots\\", "") == "pots"
    assert len(session_name("s" * 500, "")) < 40


def test_open_starts_the_editor_at_the_line(
    invoke: Invoke, ingest: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write_log(tmp_path / "chat.jsonl", ["the kiln is hot", "the boat is wet"])
    ingest(tmp_path / "m.safetensors", log)
    monkeypatch.setenv("DELTAMEM_MEMORY", str(tmp_path / "m.safetensors"))
    seen = tmp_path / "seen"
    editor = tmp_path / "ed"
    editor.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {seen}\n')
    editor.chmod(0o755)
    monkeypatch.setenv("DELTAMEM_EDITOR", str(editor))
    if os.name == "posix":
        assert invoke("open", "chat.jsonl:2").code == 0
        assert seen.read_text().split("\n")[:2] == ["+2", str(log)]
    monkeypatch.setenv("DELTAMEM_EDITOR", str(tmp_path / "none"))
    assert "cannot be started" in invoke("open", "chat.jsonl:2").err
    log.unlink()
    assert invoke("open", "chat.jsonl:2").code == 3


# Overviews


def test_sessions_are_listed_filtered_and_sorted(invoke: Invoke, memory: StoredMemory) -> None:
    def listed(*words: str) -> list[str]:
        return [json.loads(line)["title"] for line in invoke("sessions", "--json", *words).out.splitlines()]

    assert listed() == ["Boats", "Kiln", "sub"] or listed() == ["Boats", "sub", "Kiln"]
    assert listed("--sort", "longest", "-n", "1") == ["Kiln"]
    assert listed("--project", "pots") == ["Kiln"]
    assert listed("--since", "2026-06") == ["Boats"]
    first = invoke("sessions").out.splitlines()[0]
    assert re.fullmatch(r"2026-06-10 12:00  1  logs/lake .*Boats", first)
    assert "did you mean newest?" in invoke("sessions", "--sort", "newst").err
    assert invoke("sessions", "--project", "none").code == 1


def test_a_digest_cites_what_was_asked_and_what_came_out(invoke: Invoke, memory: StoredMemory) -> None:
    told = [json.loads(line) for line in invoke("digest", "--since", "2026-05", "--json").out.splitlines()]
    assert [entry["title"] for entry in told] == ["Boats", "Kiln"]  # the sub-agent's is left out
    kiln = told[1]
    assert [hit["line"] for hit in kiln["asked"]] == [1, 6]
    assert kiln["concluded"]["text"] == "celadon"
    page = invoke("digest", "--since", "2026-05-01", "--until", "2026-05-01").out
    assert "Boats" not in page
    assert "   asked how hot is the kiln for stoneware bowls\n         pots/0d3a8e6f:1\n" in page
    assert "celadon" not in page
    assert invoke("digest", "--since", "2027-01-01").code == 1


def test_a_timeline_has_every_passage_once(invoke: Invoke, memory: StoredMemory) -> None:
    for by, starts in (("day", 3), ("week", 2), ("month", 2)):
        told = timeline(memory, np.ones(len(memory.rows), bool), period=by)
        assert (len(told), sum(one.passages for one in told)) == (starts, len(memory.rows))
        assert [one.start for one in told] == sorted(one.start for one in told)
    assert "2026-06  █" in invoke("timeline", "--by", "month").out
    assert "did you mean month?" in invoke("timeline", "--by", "months").err
    assert len(invoke("timeline", "--json").out.splitlines()) == 2


def test_novelty_is_one_less_the_best_cosine_to_an_earlier_session(memory: StoredMemory) -> None:
    from deltamem_cli.memory import keys

    rows, news = memory.rows, novelty(memory)
    vectors = keys.decode(rows.code, memory.header.dimension)
    for row in range(len(rows)):
        earlier = [vectors[rows.session == s].sum(axis=0) for s in range(int(rows.session[row]))]
        counts = earlier and rows.role[row] == 0 and rows.kind[row] == 0 and rows.length[row] >= 5
        slow = 1 - max(vectors[row] @ mean / np.linalg.norm(mean) for mean in earlier) if counts else 0
        assert news[row] == pytest.approx(slow, abs=1e-5)


def test_export_gives_everything_back(invoke: Invoke, memory: StoredMemory) -> None:
    told = [json.loads(line) for line in invoke("export").out.splitlines()]
    assert sorted((entry["line"], entry["text"]) for entry in told) == [(one.line, one.text) for one in TALK]
    assert {entry["role"] for entry in told} == {"user", "assistant", "tool"}
    page = invoke("export", "--format", "md", "--session", "lake").out
    assert page == "## Boats\n\n**2026-06-10 12:00 · user · logs/lake:8**\n\na boat needs a keel and a sail\n\n"
    assert "did you mean jsonl?" in invoke("export", "--format", "json").err


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_nothing_is_wider_than_the_screen_and_nothing_acts(
    invoke: Invoke, remember: Callable[..., StoredMemory], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    names = {"title": HOSTILE + "title " * 30, "project": f"/x/{HOSTILE}" + "p" * 90, "speaker": HOSTILE + "s" * 60}
    told = [
        said(f"kiln {HOSTILE} {number} " + "word " * 80, number, session=HOSTILE + "y" * 50, time=1.7e9, **names)
        for number in range(1, 5)
    ]
    monkeypatch.setenv("DELTAMEM_MEMORY", remember(told).name)
    monkeypatch.setenv("COLUMNS", str(columns))
    invoke("query", "kiln")
    for words in (["show", "1"], ["sessions"], ["digest", "--since", "2000"], ["timeline"], ["query", "kiln"]):
        out = invoke(*words).out
        assert out, words
        assert max(map(cells, out.splitlines())) <= max(columns, 40), words
    for words in (["export"], ["export", "--format", "md"], ["sessions", "--json"], ["show", "1"], ["digest"]):
        ran = invoke(*words)
        assert not set(ran.out + ran.err) & {"\x1b", "\x9b", "\u202e", "\r"}, words
    coloured = invoke("show", "1", "--color", "always").out
    assert "[2J" not in re.sub(r"␛\[2J", "", coloured)
