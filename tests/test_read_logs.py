"""Reading as a generator of values: a log begins, its messages follow, it ends; and how a caller can end it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import WordEncoder, turn, write_log

from deltamem_cli.errors import UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.dry_run import dry_run
from deltamem_cli.ingest.pipeline import ingest, new_header
from deltamem_cli.ingest.read_logs import LogBegun, LogEnded, read_logs
from deltamem_cli.ingest.read_options import DEFAULTS, ReadOptions
from deltamem_cli.ingest.summary import Progress, Summary
from deltamem_cli.memory.file import open_memory
from deltamem_cli.readers.io.paths import find_logs
from deltamem_cli.records import Message, Source


def shape(paths: list[Path], summary: Summary, known: dict[str, Source] | None = None) -> list[str]:
    """What comes of the logs: `begun a`, each message's text, `ended a`."""
    told: list[str] = []
    for event in read_logs(find_logs([*map(str, paths)], []), DEFAULTS, summary, known=known):
        if isinstance(event, Message):
            told.append(event.text)
        else:
            path = event.path if isinstance(event, LogBegun) else event.source.path
            told.append(f"{'begun' if isinstance(event, LogBegun) else 'ended'} {Path(path).stem}")
    return told


def test_a_log_begins_its_messages_follow_and_it_ends(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{name}.jsonl", [f"{name} 1", f"{name} 2"]) for name in "ab"]
    summary = Summary()
    assert shape(logs, summary) == ["begun a", "a 1", "a 2", "ended a", "begun b", "b 1", "b 2", "ended b"]
    assert (summary.logs, summary.messages) == ({"openai": 2}, 4)


def test_a_log_that_breaks_off_never_ends_and_the_next_one_is_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(
        '[{"role": "user", "content": "x"}, {"role": "user", "content": "y"}, {"role": "user", "content": "z'
    )
    summary = Summary()
    assert shape([broken, write_log(tmp_path / "b.jsonl", ["z"])], summary) == [
        *("begun broken", "x", "y"),
        *("begun b", "z", "ended b"),
    ]
    assert [problem.path for problem in summary.problems] == [str(broken)]


def test_what_was_read_before_in_the_same_way_yields_nothing(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", ["x"])
    events = read_logs(find_logs([str(log)], []), DEFAULTS, Summary(), known={})
    known = {event.source.path: event.source for event in events if isinstance(event, LogEnded)}
    assert known[str(log)].digest
    summary = Summary()
    assert shape([log], summary, known) == []
    assert summary.unchanged == 1
    summary = Summary()
    others = read_logs(find_logs([str(log)], []), ReadOptions(kinds=("text",)), summary, known=known)
    assert len(list(others)) == 3 and not summary.unchanged


def test_progress_goes_up_to_all_bytes(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{name}.jsonl", [f"{name} {i}" for i in range(20)]) for name in "ab"]
    steps: list[Progress] = []
    dry_run([*map(str, logs)], DEFAULTS, progress=steps.append)
    total = sum(log.stat().st_size for log in logs)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert (steps[0].done, steps[-1].done, {step.total for step in steps}) == (0, total, {total})


def test_an_interrupt_from_the_progress_callback_keeps_what_is_encoded(
    tmp_path: Path, encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "WINDOW", 4)
    logs = [str(write_log(tmp_path / f"{name}.jsonl", [turn(f"{name} {i}") for i in range(6)])) for name in "ab"]

    def stop(progress: Progress) -> None:
        if progress.path == logs[1]:
            raise KeyboardInterrupt

    path = tmp_path / "m.safetensors"
    summary = ingest(logs, Draft(path, new_header(encoder, text=True), encoder.mean), encoder, DEFAULTS, progress=stop)
    assert summary.interrupted and summary.saved
    assert list(open_memory(path).text or []) == ["a 0", "a 1", "a 2", "a 3"]
    ingest(logs, Draft(path, new_header(encoder, text=True), encoder.mean), encoder, DEFAULTS)
    assert len(open_memory(path).rows) == 12


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="contradict each other"):
        ReadOptions(redact=False, redact_emails=True)
