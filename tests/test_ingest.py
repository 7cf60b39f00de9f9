"""Logs into memories: the same bytes whenever the same was read, nothing twice, nothing lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SAMPLES, Ingest, WordEncoder, memorise, said, turn, write_log

from deltamem_cli.build.assemble import assemble
from deltamem_cli.errors import LogError, UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import KINDS


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "memory.safetensors"


def talk(session: str, n: int, first: int = 0, **fields: Any) -> list[dict[str, Any]]:
    return [
        turn(f"{session} speaks of thing {i}", session_id=session, timestamp=1.7e9 + i, **fields)
        for i in range(first, n)
    ]


def texts(path: Path) -> list[str]:
    kept = open_memory(path).text
    assert kept is not None
    return list(kept)


def test_the_samples_are_read_whole(ingest: Ingest, memory: Path) -> None:
    summary = ingest(memory, SAMPLES)
    assert not summary.problems
    assert summary.logs.keys() >= {"claude-code", "codex", "chatgpt", "openai", "text"}
    assert summary.new + summary.duplicates == summary.passages > 300
    opened = open_memory(memory)
    assert (opened.header.passages, len(opened.rows)) == (summary.new, summary.new)
    assert len(opened.matrix.norms) == summary.new
    assert summary.bytes_out == memory.stat().st_size


def test_the_same_logs_twice_change_no_byte(ingest: Ingest, memory: Path, encoder: WordEncoder) -> None:
    ingest(memory, SAMPLES)
    old, stamp, asked = memory.read_bytes(), memory.stat().st_mtime_ns, len(encoder.asked)
    summary = ingest(memory, SAMPLES)
    assert (memory.read_bytes(), memory.stat().st_mtime_ns) == (old, stamp)
    assert (summary.new, summary.passages, summary.saved, len(encoder.asked)) == (0, 0, False, asked)
    assert summary.unchanged == len([*filter(Path.is_file, SAMPLES.rglob("*"))]) - summary.not_logs


def test_bit_by_bit_is_the_same_bytes_as_at_once(ingest: Ingest, tmp_path: Path) -> None:
    logs = [SAMPLES / name for name in ("chatgpt", "claude-code", "openai", "text")]
    for path in logs:
        ingest(tmp_path / "bits.safetensors", path)
    ingest(tmp_path / "once.safetensors", *logs)
    ingest(tmp_path / "reversed.safetensors", *reversed(logs))
    once = (tmp_path / "once.safetensors").read_bytes()
    assert (tmp_path / "bits.safetensors").read_bytes() == once
    assert (tmp_path / "reversed.safetensors").read_bytes() == once


def test_a_log_that_grew_adds_what_is_new(ingest: Ingest, tmp_path: Path, memory: Path, encoder: WordEncoder) -> None:
    log = write_log(tmp_path / "a.jsonl", talk("one", 10) + talk("two", 5))
    ingest(memory, log)
    encoder.asked.clear()
    write_log(log, talk("one", 10) + talk("two", 5) + talk("one", 20, first=10))
    summary = ingest(memory, log)
    assert (summary.new, summary.duplicates) == (10, 15)
    assert sum(map(len, encoder.asked)) == 10
    fresh = tmp_path / "fresh.safetensors"
    ingest(fresh, log)
    assert memory.read_bytes() == fresh.read_bytes()


def test_checkpoints_change_nothing(
    ingest: Ingest, tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [write_log(tmp_path / f"{name}.jsonl", talk(name, 30, speaker=name)) for name in "cab"]
    ingest(tmp_path / "plain.safetensors", *logs)
    monkeypatch.setattr(ingesting, "WINDOW", 7)
    for name in ("_SAVE_AFTER", "_SAVE_SHARE"):
        monkeypatch.setattr(ingesting, name, -1)
    saves: list[int] = []
    save = Draft.save

    def counted(draft: Draft, device: str) -> None:
        saves.append(draft.rows)
        save(draft, device)

    monkeypatch.setattr(Draft, "save", counted)
    ingest(memory, *logs)
    assert len(saves) > 10
    assert memory.read_bytes() == (tmp_path / "plain.safetensors").read_bytes()


def test_a_session_in_another_file_is_stored_once(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    ingest(memory, write_log(tmp_path / "a.jsonl", talk("one", 10)))
    summary = ingest(memory, write_log(tmp_path / "b.jsonl", talk("one", 13)))
    assert (summary.new, summary.duplicates) == (3, 10)
    assert len(texts(memory)) == len({*texts(memory)}) == 13
    assert [message[-1] for message in texts(memory)[:10]] == list("0123456789")
    assert {*open_memory(memory).rows.session.tolist()} == {0}


def test_identical_texts_are_encoded_once(ingest: Ingest, tmp_path: Path, memory: Path, encoder: WordEncoder) -> None:
    summary = ingest(memory, write_log(tmp_path / "a.jsonl", ["yes please", "no", "yes please", "no", "maybe"]))
    assert summary.new == 5
    assert [*map(sorted, encoder.asked)] == [["maybe", "no", "yes please"]]


def test_a_bad_log_is_told_and_the_others_are_kept(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    good = write_log(tmp_path / "good.jsonl", talk("one", 4))
    broken = write_log(tmp_path / "broken.jsonl", talk("two", 3))
    broken.write_text(broken.read_text() + '{"role": "user", \n' + json.dumps(turn("after it")) + "\n")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    summary = ingest(memory, tmp_path / "none.jsonl", picture, broken, good)
    told = [str(problem) for problem in summary.problems]
    assert [problem.partition(": ")[0] for problem in told] == [
        f"{tmp_path}/none.jsonl",
        str(picture),
        f"{broken}:4",
    ]
    assert summary.new == 8
    assert "after it" in texts(memory)


def test_a_broken_log_is_read_again_when_it_was_mended(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", talk("one", 3))
    whole = log.read_text()
    log.write_text(whole.replace('"role": "user"', '"role": "user', 1))
    assert len(ingest(memory, log).problems) == 1
    assert ingest(memory, log).new == 0
    log.write_text(whole)
    assert ingest(memory, log).new == 1


@pytest.mark.parametrize("bad", ["none.jsonl", "empty.jsonl", "broken.json"])
def test_a_bad_log_alone_leaves_the_memory_as_it_is(ingest: Ingest, tmp_path: Path, memory: Path, bad: str) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "broken.json").write_text('[{"role": "user", "content": tru')
    ingest(memory, write_log(tmp_path / "a.jsonl", talk("one", 3)))
    old, stamp = memory.read_bytes(), memory.stat().st_mtime_ns
    assert len(ingest(memory, tmp_path / bad).problems) == 1
    assert (memory.read_bytes(), memory.stat().st_mtime_ns) == (old, stamp)


def test_strict_stops_at_the_first_bad_log(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    good = write_log(tmp_path / "good.jsonl", talk("one", 4))
    with pytest.raises(LogError, match=r"none\.jsonl: there is no such file"):
        ingest(memory, good, tmp_path / "none.jsonl", strict=True)
    assert not memory.exists()


def test_a_folders_other_files_are_passed_over(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    logs = tmp_path / "logs"
    write_log(logs / "deep" / "a.jsonl", talk("one", 2))
    write_log(logs / ".git" / "b.jsonl", talk("two", 2))
    (logs / "data.bin").write_bytes(bytes(range(256)))
    (logs / "notes.txt").write_text("just a note")
    (logs / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    summary = ingest(memory, logs)
    assert (summary.new, summary.not_logs, summary.problems) == (2, 2, [])


@pytest.mark.parametrize("content", [None, b"just a note"], ids=["empty", "no logs"])
def test_a_folder_without_logs_is_a_problem(
    ingest: Ingest, tmp_path: Path, memory: Path, content: bytes | None
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    if content:
        (logs / "notes.txt").write_bytes(content)
    (problem,) = ingest(memory, logs).problems
    assert str(problem).startswith(str(logs))
    assert not memory.exists()


def test_a_file_named_twice_and_a_pattern_are_read_once(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    log = write_log(tmp_path / "logs" / "a.jsonl", talk("one", 2))
    summary = ingest(memory, log, log.parent, str(log.parent / "*.jsonl"), log.parent / ".." / "logs" / "a.jsonl")
    assert summary.logs.total() == 1


def test_standard_input_is_a_log(ingest: Ingest, memory: Path, tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", talk("one", 4)).read_bytes()
    assert ingest(memory, "-", stdin=io.BytesIO(log)).new == 4
    old = memory.read_bytes()
    assert ingest(memory, "-", stdin=io.BytesIO(log)).duplicates == 4
    assert memory.read_bytes() == old
    assert [source.path for source in open_memory(memory).sources] == ["-"]


MIXED = [
    turn("what is it?", session_id="s"),
    turn("it is blue", role="assistant", reasoning_content="let me think", session_id="s"),
    turn("and now?", session_id="s"),
    turn("red", role="assistant", reasoning_content="it changed, hm", session_id="s"),
]


def test_kinds_choose_and_what_is_left_out_is_counted(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    summary = ingest(memory, write_log(tmp_path / "a.jsonl", MIXED))
    assert texts(memory) == ["what is it?", "it is blue", "and now?", "red"]
    assert summary.skipped == {"thinking (not in --kinds)": 2}


def test_kinds_added_later_fall_into_their_places(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", MIXED)
    ingest(memory, log)
    assert ingest(memory, log, kinds=KINDS).new == 2
    fresh = tmp_path / "fresh.safetensors"
    ingest(fresh, log, kinds=KINDS)
    assert (
        texts(memory)
        == texts(fresh)
        == ["what is it?", "let me think", "it is blue", "and now?", "it changed, hm", "red"]
    )
    assert memory.read_bytes() == fresh.read_bytes()


def ask(memory: Path, encoder: WordEncoder, question: str) -> list[str | None]:
    return [hit.text for hit in Searcher(open_memory(memory), encoder).ask(question, k=1).hits]


def test_without_text_it_is_read_from_the_log(
    ingest: Ingest, tmp_path: Path, memory: Path, encoder: WordEncoder
) -> None:
    log = write_log(
        tmp_path / "a.jsonl", [*talk("one", 5), turn("the port is 8080", session_id="one"), *talk("two", 5)]
    )
    ingest(memory, log, text=False)
    assert b"8080" not in memory.read_bytes()
    assert open_memory(memory).text is None
    assert ask(memory, encoder, "the port is 8080") == ["the port is 8080"]
    log.write_text("\n" + log.read_text().replace("speaks", "talks"))
    assert ask(memory, encoder, "the port is 8080") == ["the port is 8080"]  # moved, but the same words
    log.write_text(log.read_text().replace("8080", "9090"))
    assert ask(memory, encoder, "the port is 8080") == [None]
    log.unlink()
    assert ask(memory, encoder, "the port is 8080") == [None]


def test_a_memory_keeps_to_how_it_was_made(ingest: Ingest, tmp_path: Path, memory: Path, encoder: WordEncoder) -> None:
    log = write_log(tmp_path / "a.jsonl", talk("one", 2))
    ingest(memory, log)
    draft = Draft(memory, ingesting.new_header(encoder, text=False), encoder.mean)
    draft.check(encoder.name, encoder.fingerprint)
    with pytest.raises(UsageError, match="keeps its text"):
        draft.check(encoder.name, encoder.fingerprint, text=False)
    with pytest.raises(Exception, match="made with the encoder words, not with other"):
        draft.check("other", "other-1")


class Tired(WordEncoder):
    """An encoder in whose third call the person presses Ctrl-C."""

    def encode(self, texts: Any) -> Any:
        if len(self.asked) == 2:
            raise KeyboardInterrupt
        return super().encode(texts)


@pytest.mark.parametrize("window", [1, 5, 13, 4096])
def test_an_interrupt_keeps_a_whole_memory_and_loses_nothing(
    ingest: Ingest, tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    logs = [write_log(tmp_path / f"{name}.jsonl", talk(name, 9)) for name in "cabd"]
    monkeypatch.setattr(ingesting, "WINDOW", window)
    tired = Tired(asked=[[], []] if window == 4096 else [])
    draft = Draft(memory, ingesting.new_header(tired, text=True), tired.mean)
    summary = ingesting.ingest([*map(str, logs)], draft, tired, DEFAULTS)
    assert summary.interrupted
    if window < 4096:
        kept = open_memory(memory)
        assert len(kept.rows) == 2 * window
        assert len({*texts(memory)}) == 2 * window
    ingest(memory, *logs)
    fresh = tmp_path / "fresh.safetensors"
    ingest(fresh, *logs)
    assert memory.read_bytes() == fresh.read_bytes()


@pytest.mark.parametrize("place", ["_text", "_pointers"])
def test_an_interrupt_between_a_row_and_its_text_parts_nothing(
    tmp_path: Path, ingest: Ingest, memory: Path, monkeypatch: pytest.MonkeyPatch, encoder: WordEncoder, place: str
) -> None:
    log = write_log(tmp_path / "a.jsonl", talk("one", 30))
    monkeypatch.setattr(ingesting, "WINDOW", 10)
    draft = Draft(memory, ingesting.new_header(encoder, text=True), encoder.mean)
    spool = getattr(draft, place)
    add, count = spool.add, iter(range(100))

    def interrupted(text: str) -> None:
        if next(count) == 14:
            raise KeyboardInterrupt
        add(text)

    spool.add = interrupted
    assert ingesting.ingest([str(log)], draft, encoder, DEFAULTS).interrupted
    assert texts(memory) == [f"one speaks of thing {i}" for i in range(10)]
    ingest(memory, log)
    assert texts(memory) == [f"one speaks of thing {i}" for i in range(30)]


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), -float("inf"), 1e300, -1e18, None])
def test_a_time_that_is_none_is_left_out(remember: Callable[..., StoredMemory], moment: float | None) -> None:
    memory = remember([said("hello there", time=moment), said("again", line=2, time=-86400.5)])
    assert sorted(memory.rows.time.tolist()) == [-86_400_500, NO_TIME]
    assert (memory.header.first, memory.header.last) == (-86_400_500, -86_400_500)


@pytest.mark.parametrize("odd", ["a\0", "a\0b", "\x1b[31m", "a\nb", "x" * 100_000, "é", "", " "])
def test_odd_names_are_kept_apart(remember: Callable[..., StoredMemory], tmp_path: Path, odd: str) -> None:
    messages = [
        said(
            f"words {i}", line=i + 1, id=f"{i}", session=f"s{name}", speaker=name, title=name, project=name, pointer=odd
        )
        for i, name in enumerate([odd, "a", "b", "", odd])
    ]
    memory = remember(messages)
    assert memory.text is not None
    by_text = {memory.text[row]: memory.speakers[speaker] for row, speaker in enumerate(memory.rows.speaker)}
    shown = odd[:200]
    assert by_text == {"words 0": shown, "words 1": "a", "words 2": "b", "words 3": "", "words 4": shown}
    again = memorise(messages, tmp_path / "again.safetensors", WordEncoder())
    assert Path(again.name).read_bytes() == Path(memory.name).read_bytes()


def test_a_file_name_that_is_no_text_is_told(ingest: Ingest, tmp_path: Path, memory: Path) -> None:
    good = write_log(tmp_path / "logs" / "good.jsonl", talk("one", 2))
    bad = good.with_name("caf\udce9.jsonl")
    try:
        bad.write_bytes(good.read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes only names that are UTF-8")
    summary = ingest(memory, tmp_path / "logs")
    assert [problem.path for problem in summary.problems] == [str(bad)]
    assert summary.new == 2


def test_endless_lines_and_numbers_fit_their_columns(remember: Callable[..., StoredMemory]) -> None:
    memory = remember([said("word " * 3000, line=2**32 + 7), said(" ".join(map(str, range(400))), line=2)])
    assert memory.rows.line.max() == 2**32 - 1
    assert int(memory.rows.length.sum()) == 3400
    assert np.isfinite(memory.matrix.norms).all()


def test_names_without_utf8_are_kept_with_a_mark(remember: Callable[..., StoredMemory]) -> None:
    memory = remember([said("hello", session="a\ud800", title="\ud83d x", speaker="b\udfff")])
    assert (memory.sessions[0].id, memory.sessions[0].title, memory.speakers) == ("a\ufffd", "\ufffd x", ["b\ufffd"])


def test_a_save_that_is_interrupted_is_done_again(
    tmp_path: Path, ingest: Ingest, memory: Path, monkeypatch: pytest.MonkeyPatch, encoder: WordEncoder
) -> None:
    logs = [write_log(tmp_path / f"{name}.jsonl", talk(name, 9)) for name in "ab"]
    monkeypatch.setattr(ingesting, "WINDOW", 4)
    monkeypatch.setattr(ingesting, "_SAVE_AFTER", -1.0)
    monkeypatch.setattr(ingesting, "_SAVE_SHARE", -1.0)
    calls = iter(range(100))

    def interrupted(*args: Any, **how: Any) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt
        assemble(*args, **how)

    monkeypatch.setattr("deltamem_cli.ingest.draft.assemble", interrupted)
    draft = Draft(memory, ingesting.new_header(encoder, text=True), encoder.mean)
    assert ingesting.ingest([*map(str, logs)], draft, encoder, DEFAULTS).interrupted
    ingest(memory, *logs)
    assert sorted(texts(memory)) == sorted(f"{name} speaks of thing {i}" for name in "ab" for i in range(9))
