"""What a person sees: lines that fit the screen, words whole, matches marked, nothing a stranger wrote that acts."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, WordEncoder, said, write_log
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.cli.output.layout import bound, cells, paragraph, shorten, shorten_middle, wrap
from deltamem_cli.cli.output.terminal import Style, clean
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Message

Invoke = Callable[..., Ran]
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]) | st.sampled_from(list(" \n\tword漢字́👍")), max_size=200)
CODES = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")


def plain() -> Style:
    return Style(io.StringIO(), "never")


@given(TEXTS, st.integers(10, 60))
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(text: str, width: int) -> None:
    lines = paragraph(text, (), width, plain())
    assert all(cells(line) <= width for line in lines)
    if text.isascii():
        assert "".join("".join(lines).split()) == "".join(clean(text).split())


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=40), st.integers(10, 60))
def test_words_that_fit_are_never_cut(words: list[str], width: int) -> None:
    lines = paragraph(" ".join(words), (), width, plain())
    assert " ".join(lines).split() == words


def test_what_continues_a_line_stands_below_its_first_word() -> None:
    assert paragraph("  - one two three four", (), 12, plain()) == ["  - one two", "  three four"]


def test_marks_are_painted_where_they_stand_also_across_lines() -> None:
    style = Style(io.StringIO(), "always")
    assert paragraph("go to the port", [(10, 14)], 40, style) == ["go to the \x1b[1;31mport\x1b[0m"]
    assert paragraph("a\x1b port", [(3, 7)], 40, style) == ["a␛ \x1b[1;31mport\x1b[0m"]
    assert [CODES.sub("", line) for line in paragraph("x" * 30, [(5, 25)], 10, style)] == ["x" * 10] * 3


@given(TEXTS, st.integers(2, 40))
def test_what_is_shortened_fits(text: str, width: int) -> None:
    assert cells(shorten(text, width)) <= width
    assert cells(shorten_middle(text, width)) <= width


def test_a_bounded_text_shows_the_lines_with_the_matches() -> None:
    lines = [str(i) for i in range(40)]
    cut = bound(lines, 10, [20 <= i < 24 for i in range(40)])
    assert set(["20", "21", "22", "23"]) < set(cut.lines)
    assert (cut.before + len(cut.lines) + cut.after, len(cut.lines)) == (40, 10)
    assert bound(lines, 10, [False] * 40).before == 0
    assert bound(lines[:10], 10, [False] * 10).after == 0


@given(TEXTS)
def test_wrapping_takes_each_character_once_and_in_order(text: str) -> None:
    ends = 0
    for (start, end), _ in wrap(text, 12):
        assert ends <= start <= end
        ends = end


# The command


def long_log() -> list[Message]:
    path = "/home/ann/projects/harbour-lights-controller"
    text = "the kiln fires at nine hundred degrees\n" + "glaze\n" * 20
    return [
        said(text, 1, session="0d3a8e6f-290f-4105-a327-a2496e5e2a83", project=path, title="A title " * 20),
        said("a boat on the lake", 2, session="b", project=path),
        said("the kiln cools over night", 3, session="0d3a8e6f-290f-4105-a327-a2496e5e2a83", project=path),
    ]


@pytest.mark.parametrize("columns", [40, 80, 160])
@pytest.mark.parametrize("words", [["kiln degrees"], ["kiln degrees", "-C", "2", "-v"], ["kiln", "--where"]])
def test_an_answer_is_never_wider_than_the_screen(
    invoke: Invoke,
    remember: Callable[..., StoredMemory],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    words: list[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("deltamem_cli.recall.searcher.UNFAMILIAR", 0.0)
    ran = invoke("query", remember(long_log()).name, *words)
    assert ran.code == 0
    assert max(map(cells, ran.out.splitlines())) <= min(columns, 120)


def test_an_answer_says_where_in_short_and_is_bounded(invoke: Invoke, remember: Callable[..., StoredMemory]) -> None:
    memory = remember(long_log()).name
    ran = invoke("query", memory, "kiln", "fires", "degrees")
    assert "  harbour-lights-controller/0d3a8e6f:1 · " in ran.out
    assert re.search(r"\[… \d+ more lines: deltamem show 1\]", ran.out)
    assert "score" not in ran.out
    full = invoke("query", memory, "kiln fires degrees", "--full", "-v").out
    assert "/logs/log.jsonl:1 · " in full
    assert ("more line" in full, "score" in full) == (False, True)
    assert re.search(r"familiarity: \w+.* \(\d\.\d\d\)", full)


def test_passages_of_one_session_stand_together_and_keep_their_numbers(
    invoke: Invoke, remember: Callable[..., StoredMemory]
) -> None:
    told = [
        said("kiln kiln", 1, session="a"),
        said("kiln boat", 2, session="b"),
        said("kiln lake tree", 3, session="a"),
    ]
    ran = invoke("query", remember(told).name, "kiln")
    heads = re.findall(r"^(\d)  \S+/(\w):", ran.out, re.MULTILINE)
    assert [session for _, session in heads] in (["a", "a", "b"], ["b", "a", "a"])
    assert sorted(number for number, _ in heads) == ["1", "2", "3"]


def test_parts_of_one_message_are_one_answer(
    invoke: Invoke, remember: Callable[..., StoredMemory], encoder: WordEncoder
) -> None:
    text = " ".join(f"kiln word{i}" for i in range(60))
    memory = remember([said(text, 1, title="t"), said("a boat", 2)])
    assert memory.header.passages > 3
    ran = invoke("query", memory.name, "kiln", "--full", "-k", "20")
    assert ran.out.count("log.jsonl:1 ·") == 1
    assert re.findall(r"word\d+", ran.out) == [f"word{i}" for i in range(60)]


def test_links_and_colours_only_where_they_are_wanted(
    invoke: Invoke, remember: Callable[..., StoredMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = remember([said("kiln \x1b[2J", 1)]).name
    assert "\x1b" not in invoke("query", memory, "kiln").out
    told = invoke("query", memory, "kiln", "--color", "always").out
    assert "\x1b]8;;file:///logs/log.jsonl\x1b\\" in told
    assert "\x1b" not in CODES.sub("", told)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in invoke("query", memory, "kiln").out
    assert "\x1b" not in invoke("query", memory, "kiln", "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in invoke("query", memory, "kiln").out


# Which memory, and what one prefers


@pytest.fixture
def here(remember: Callable[..., StoredMemory], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a memory, a log, and nothing set."""
    monkeypatch.chdir(tmp_path)
    remember([said("the kiln fires", 1)], tmp_path / "notes.safetensors")
    (tmp_path / "log.txt").write_text("ann: hello\nbo: hi\n")
    return tmp_path


def test_the_memory_is_what_is_named_else_what_is_set(
    invoke: Invoke, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no memory yet" in invoke("query", "kiln").err
    assert invoke("query", "-m", "notes.safetensors", "kiln", "fires").code == 0
    assert invoke("query", "notes.safetensors", "kiln", "fires").code == 0
    assert invoke("config", "memory", "notes.safetensors").code == 0
    assert invoke("query", "kiln").code == 0
    assert invoke("info").code == 0
    monkeypatch.setenv("DELTAMEM_MEMORY", "none.safetensors")
    assert "none.safetensors: there is no such file" in invoke("query", "kiln").err
    assert invoke("query", "-m", "notes.safetensors", "kiln").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["query", "kiln", "notes.safetensors"], 'say: deltamem query notes.safetensors "kiln"'),
        (["query", "notes.safetensors"], "the question is empty"),
        (["query", "log.txt", "kiln"], "log.txt: not a deltamem memory"),
        (["query", ".", "-m", "."], "a folder, not a memory"),
        (["query", "notes.safetensors", "kiln", "-m", "notes.safetensors"], "both name a memory"),
        (["info", "notes.safetensors", "-m", "notes.safetensors"], "both name a memory"),
        (["query", "notes.safetensors", "kiln", "--format", "jsn"], "did you mean json?"),
        (["query", "notes.safetensors", "kiln", "--role", "usr"], "did you mean user?"),
        (["query", "notes.safetensors", "kiln", "--max-tokens", "99"], "--max-tokens bounds a prompt"),
        (["qery", "kiln"], "Did you mean 'query'?"),
        (["config", "colour"], "did you mean color?"),
        (["config", "color", "red"], "choose one of auto, always, never"),
        (["config", "k", "0"], "say a number from 1 to 1000"),
        (["config", "--unset"], "--unset takes the name of a setting"),
    ],
)
def test_an_error_says_what_was_probably_meant(invoke: Invoke, here: Path, words: list[str], told: str) -> None:
    ran = invoke(*words)
    assert ran.code in (2, 3)
    assert told in ran.err


def test_a_setting_says_what_said_so(invoke: Invoke, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def origin() -> str:
        return invoke("config", "k", "--json").out

    assert '"origin":"built in"' in origin()
    invoke("config", "k", "7")
    assert '"value":"7"' in origin()
    assert "config.toml" in origin()
    monkeypatch.setenv("DELTAMEM_K", "3")
    assert '"origin":"the variable DELTAMEM_K"' in origin()
    monkeypatch.delenv("DELTAMEM_K")
    invoke("config", "k", "--unset")
    assert '"origin":"built in"' in origin()


def test_a_config_file_that_is_none_is_a_sentence(invoke: Invoke, here: Path, at_home: Path) -> None:
    file = at_home / "config" / "deltamem" / "config.toml"
    file.parent.mkdir(parents=True)
    for text in ("k = [", "colour = 'red'", "k = true"):
        file.write_text(text)
        ran = invoke("query", "notes.safetensors", "kiln")
        assert (ran.code, len(ran.err.splitlines())) == (2, 1)
        assert "config.toml" in ran.err


def test_ingest_and_query_need_nothing_else(invoke: Invoke, here: Path, at_home: Path) -> None:
    log = write_log(here / "a.jsonl", ["the boat is red", "the sail is white"])
    assert invoke("ingest", log).code == 0
    assert (at_home / "data" / "deltamem" / "memory.safetensors").exists()
    assert "the boat is red" in invoke("query", "the", "boat").out


def test_merge_asks_before_it_replaces_what_is_no_input(
    invoke: Invoke, here: Path, remember: Callable[..., StoredMemory]
) -> None:
    remember([said("a lake", 2, session="lake")], here / "other.safetensors")
    before = (here / "other.safetensors").read_bytes()
    ran = invoke("merge", "notes.safetensors", "-o", "other.safetensors")
    assert (ran.code, "add --force" in ran.err) == (2, True)
    assert (here / "other.safetensors").read_bytes() == before
    assert invoke("merge", "notes.safetensors", "other.safetensors", "-o", "other.safetensors").code == 0
    assert invoke("merge", "notes.safetensors", "-o", "other.safetensors", "--force").code == 0


def test_filters_that_are_repeated_add_up(invoke: Invoke, remember: Callable[..., StoredMemory]) -> None:
    memory = remember(
        [
            said("kiln one", 1, speaker="ann", project="/x/pots", session="a"),
            said("kiln two", 2, speaker="bo", project="/x/boats", session="b"),
            said("kiln three", 3, role="assistant", session="c"),
        ]
    ).name

    def lines(*words: str) -> set[str]:
        return set(re.findall(r"kiln (\w+)", invoke("query", memory, "kiln", *words).out))

    assert lines("--speaker", "ann", "--speaker", "bo") == {"one", "two"}
    assert lines("--speaker", "assistant") == {"three"}
    assert lines("--project", "pots") == {"one"}
    assert lines("--session", "a", "--session", "c") == {"one", "three"}
    assert lines("--role", "user", "--role", "assistant") == {"one", "two", "three"}


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_the_last_question_is_the_users_alone(invoke: Invoke, here: Path, at_home: Path) -> None:
    assert invoke("query", "notes.safetensors", "kiln").code == 0
    (file,) = (at_home / "state" / "deltamem" / "last").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o077) == (0o600, 0)


# What must stand in a passage


def test_what_is_quoted_must_occur(invoke: Invoke, remember: Callable[..., StoredMemory]) -> None:
    memory = remember([said("the red kiln is hot", 1), said("the kiln red and hot", 2), said("a boat", 3)]).name

    def lines(*words: str) -> set[str]:
        ran = invoke("query", memory, *words)
        return set(re.findall(r"/s:(\d) ", ran.out))

    assert lines("kiln") == {"1", "2"} or lines("kiln") == {"1", "2", "3"}
    assert lines('hot "red kiln"') == lines("hot", "--exact", "Red Kiln") == lines("--exact", "red kiln") == {"1"}
    assert lines("kiln", "--regex", "red (and|or)") == {"2"}
    assert lines("boat", "--regex", "^a b") == {"3"}
    ran = invoke("query", memory, 'hot "green kiln"')
    assert (ran.code, 'has "green kiln"' in ran.err) == (1, True)
    assert "is no pattern" in invoke("query", memory, "kiln", "--regex", "(").err


def test_a_pattern_cannot_run_for_ever(
    invoke: Invoke, remember: Callable[..., StoredMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deltamem_cli.recall.filters._PATIENCE", 0.2)
    memory = remember([said("a" * 40 + "b", 1)]).name
    ran = invoke("query", memory, "x", "--regex", "^(a|a)*$|^(a?){40}a{40}$|(a+)+c")
    assert ran.code in (1, 2)


def test_a_word_that_no_passage_has_is_answered_by_the_nearest(
    invoke: Invoke, remember: Callable[..., StoredMemory]
) -> None:
    memory = remember([said("the stoneware bowls are glazed", 1), said("a boat", 2)]).name
    ran = invoke("query", memory, "stonewear", "bowls")
    assert "no passage has the word stonewear; did you mean stoneware?" in ran.err
    assert "did you mean" not in invoke("query", memory, "stoneware bowls").err


def test_help_can_be_read_at_80_columns(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from deltamem_cli.cli import app

    monkeypatch.setenv("COLUMNS", "80")
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    for words in ([], *([name] for name in names)):
        told = invoke(*words, "--help").out
        assert not re.search(r"<(bool|str|int|list)|\.\.\.$|\{|x>=", told), words
        assert all(len(line) <= 80 for line in told.splitlines() if "Example: " not in line), words
        assert not words or "  Example: " in told, words


def test_a_shell_completes_memories_sessions_speakers_and_projects(
    here: Path, remember: Callable[..., StoredMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    from deltamem_cli.cli import completion

    assert completion.memories("no") == ["notes.safetensors"]
    assert (completion.sessions(""), completion.projects("")) == ([], [])
    told = [said("x", 1, session="ses1", title="T\x1b", speaker="Ann", project="/x/pots")]
    monkeypatch.setenv("DELTAMEM_MEMORY", remember(told, here / "m.safetensors").name)
    assert completion.sessions("se") == [("ses1", "T␛")]
    assert completion.speakers("a") == ["Ann", "assistant"]
    assert completion.projects("p") == ["pots"]
    monkeypatch.setenv("DELTAMEM_MEMORY", "log.txt")
    assert completion.sessions("") == []
