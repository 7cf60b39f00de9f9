"""`ingest --follow`: a real process, real writers, and questions while both run."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.readers.io.watching import due

PATIENCE = 20.0  # seconds; a machine with much to do is slow, not wrong


def record(number: int, text: str) -> str:
    fields = {
        "type": "user",
        "uuid": f"u{number}",
        "parentUuid": None,
        "sessionId": "s",
        "timestamp": "2026-03-01T10:00:00Z",
    }
    return json.dumps(fields | {"message": {"role": "user", "content": text}}) + "\n"


class Batches:
    """What `due` hands out, taken in a thread of its own."""

    def __init__(self, *paths: Path) -> None:
        self.got: list[list[str]] = []
        self._ended = False
        self._paths = [str(path) for path in paths]
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()
        self.wait_for(1)
        time.sleep(0.3)  # until it watches

    def _take(self) -> None:
        for files in due(self._paths, [], lambda: self._ended):
            self.got.append([Path(file.path).name for file in files])

    def wait_for(self, count: int) -> list[list[str]]:
        end = time.monotonic() + PATIENCE
        while len(self.got) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.got

    def close(self) -> None:
        self._ended = True
        self._thread.join(PATIENCE)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "a.jsonl"
    path.parent.mkdir()
    path.write_text(record(1, "one"))
    return path


@pytest.fixture
def batches(log: Path) -> Iterator[Batches]:
    taken = Batches(log.parent)
    yield taken
    taken.close()


def test_growth_truncation_replacement_and_a_new_file_are_each_told_once(log: Path, batches: Batches) -> None:
    def change(*steps: object) -> None:
        seen = len(batches.got)
        assert batches.wait_for(seen + 1)[seen:], steps

    assert batches.got == [["a.jsonl"]]
    with log.open("a") as file:
        file.write(record(2, "two"))
    change("grown")
    log.write_text(record(3, "three"))
    change("truncated")
    beside = log.with_suffix(".tmp")
    beside.write_text(record(3, "THREE"))  # as long as before
    beside.replace(log)
    change("replaced")
    assert {name for files in batches.got[1:] for name in files} <= {"a.jsonl", "a.tmp"}
    log.rename(log.with_name("a.1.jsonl"))
    log.write_text(record(4, "four"))
    change("rotated")
    assert {"a.1.jsonl", "a.jsonl"} <= {name for files in batches.wait_for(5)[4:] for name in files}
    time.sleep(1.5)
    assert len(batches.got) <= 6  # and nothing more while nothing happens


def test_a_half_written_line_waits_for_its_end(log: Path, batches: Batches) -> None:
    whole = record(2, "a line in two writes")
    with log.open("a") as file:
        file.write(whole[:30])
        file.flush()
        time.sleep(0.8)
        assert len(batches.got) == 1
        file.write(whole[30:])
    assert batches.wait_for(2)[1:] == [["a.jsonl"]]


def test_a_line_that_never_ends_is_read_all_the_same(log: Path, batches: Batches) -> None:
    with log.open("a") as file:
        file.write(record(2, "two")[:-1])
    assert batches.wait_for(2)[1:] == [["a.jsonl"]]


def test_a_named_file_that_appears_later(tmp_path: Path) -> None:
    path = tmp_path / "later.jsonl"
    taken = Batches(path)
    assert taken.got == [[]]
    path.write_text(record(1, "one"))
    assert taken.wait_for(2)[1:] == [["later.jsonl"]]
    taken.close()


def texts(memory: StoredMemory) -> list[str]:
    assert memory.text is not None
    return list(memory.text)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deltamem_cli", *arguments], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_followed_memory_is_whole_at_any_moment_and_soon_up_to_date(log: Path, tmp_path: Path, ending: int) -> None:
    memory = tmp_path / "m.safetensors"
    command = [sys.executable, "-m", "deltamem_cli", "ingest", str(log.parent), "-o", str(memory), "--follow"]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        writer = threading.Thread(target=_write_slowly, args=(log,))
        _until(lambda: memory.exists())
        writer.start()
        held = 0
        while writer.is_alive():
            now = open_memory(memory)
            assert now.header.passages == len(texts(now)) >= held  # whole, and it only grows
            held = now.header.passages
            time.sleep(0.05)
        if ending == signal.SIGINT:
            answer = run("query", str(memory), "what did the otter do with the teapot?", "-k", "1", "--json")
            assert answer.returncode in (0, 1), answer.stderr
        _until(lambda: open_memory(memory).header.passages == 21)
        written = time.time() - log.stat().st_mtime
        assert written < PATIENCE
    finally:
        follower.send_signal(ending)
        out, err = follower.communicate(timeout=PATIENCE)
    assert follower.returncode == 0, err
    assert "Traceback" not in err
    assert "new passages from 1 log" in out
    assert [text for text in texts(open_memory(memory)) if "otter" in text] == ["the otter hid the teapot"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "m.safetensors"]  # nothing left beside it


def _write_slowly(log: Path) -> None:
    with log.open("a") as file:
        for number in range(2, 21):
            line = record(number, f"note {number} about the garden")
            for half in (line[:40], line[40:]):
                file.write(half)
                file.flush()
                time.sleep(0.08)
        file.write(record(21, "the otter hid the teapot"))


def _until(true: object) -> None:
    end = time.monotonic() + 60
    for _ in itertools.count():
        try:
            if true():  # type: ignore[operator]
                return
        except (MemoryFileError, OSError):
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


def test_standard_input_cannot_be_followed() -> None:
    done = run("ingest", "-", "-o", "m.safetensors", "--follow")
    assert done.returncode == 2
    assert "standard input" in done.stderr
    assert not os.path.exists("m.safetensors")
