"""Several encoders at once: the same bytes as one, whatever comes first, and no process that stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, SAMPLES, Ingest, Ran, WordEncoder, run_cold, turn, write_log
from numpy.typing import NDArray

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.encoders.pool import Pool, places
from deltamem_cli.encoders.worker import Worker
from deltamem_cli.errors import BadData, UsageError
from deltamem_cli.ingest import encode as batches
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.ingest.summary import Summary
from deltamem_cli.memory.file import open_memory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and signals as POSIX has them")


class Uneven:
    """A worker in this process that takes longer for some lists than for others; in list `tired` Ctrl-C is pressed."""

    calls = 0

    def __init__(self, tired: int = -1) -> None:
        self.tired = tired
        self.encoder = WordEncoder()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        Uneven.calls += 1
        if Uneven.calls == self.tired:
            raise KeyboardInterrupt
        time.sleep(0.004 * (Uneven.calls % 3))
        return self.encoder.encode(texts)

    def end(self) -> None:
        pass


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows and steps of a few texts; codes forgotten soon."""
    Uneven.calls = 0
    monkeypatch.setattr(ingesting, "WINDOW", 20)
    monkeypatch.setattr(batches, "_STEP", 3)
    monkeypatch.setattr(batches, "_TEXTS_KEPT", 50)


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Three logs that repeat some of their texts."""
    return [
        write_log(
            tmp_path / f"{name}.jsonl", [turn(f"thing {i * i % 37} of {i % 5}", session_id=name) for i in range(90)]
        )
        for name in "cab"
    ]


def through(encoder: Encoder, path: Path, logs: Sequence[Path]) -> Summary:
    draft = Draft(path, ingesting.new_header(encoder, text=True), encoder.mean)
    return ingesting.ingest([*map(str, logs)], draft, encoder, DEFAULTS)


@pytest.mark.parametrize(("workers", "save_often"), [(1, False), (5, False), (2, True)])
def test_who_encodes_changes_no_byte(
    small: None, tmp_path: Path, logs: list[Path], workers: int, save_often: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if save_often:
        monkeypatch.setattr(ingesting, "_SAVE_AFTER", -1.0)
        monkeypatch.setattr(ingesting, "_SAVE_SHARE", -1)
    alone = WordEncoder()
    through(alone, tmp_path / "alone.safetensors", logs)
    pool = Pool(WordEncoder(), [Uneven() for _ in range(workers)])
    summary = through(pool, tmp_path / "pool.safetensors", logs)
    pool.end()
    assert summary.new == 270
    assert (tmp_path / "pool.safetensors").read_bytes() == (tmp_path / "alone.safetensors").read_bytes()
    asked = [texts for worker in pool.workers for texts in worker.encoder.asked]  # type: ignore[attr-defined]
    assert sorted(asked) == sorted(alone.asked)  # the very lists: one of other length could round differently


@pytest.mark.parametrize("tired", [1, 4, 11])
def test_an_interrupt_loses_nothing(small: None, tmp_path: Path, logs: list[Path], tired: int, ingest: Ingest) -> None:
    memory, fresh = tmp_path / "m.safetensors", tmp_path / "fresh.safetensors"
    pool = Pool(WordEncoder(), [Uneven(tired), Uneven(tired)])
    assert through(pool, memory, logs).interrupted
    pool.end()
    ingest(memory, *logs)
    ingest(fresh, *logs)
    assert memory.read_bytes() == fresh.read_bytes()


def test_places() -> None:
    assert places("cpu") == ["cpu"]
    assert places("cpu", jobs=3) == ["cpu"] * 3
    assert places("cpu, cpu") == ["cpu", "cpu"]
    for device, jobs in (("cpu,cpu", 2), ("cpu,cuda:9", 1), ("cpu,", 1)):
        with pytest.raises(UsageError):
            places(device, jobs)


# Processes


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("default", "cpu", 1)
    yield worker
    worker.end()


def test_a_worker_gives_the_encoders_very_bits_and_its_end_is_a_sentence(worker: Worker) -> None:
    texts = ["a wren", "", "caf\u00e9 \ud800 \U0001f426", "birds " * 400]
    assert np.array_equal(worker.encode(texts), load_encoder("default").encode(texts))
    worker._process.kill()
    with pytest.raises(BadData, match=r"an encoding process on cpu ended \(SIGKILL\)"):
        worker.encode(texts)


def test_a_workers_error_is_its_sentence(tmp_path: Path) -> None:
    worker = Worker(str(tmp_path / "no-model"), "cpu", 1)
    for _ in range(2):
        with pytest.raises(UsageError, match="no-model is not a folder"):
            worker.encode(["x"])
    worker.end()


def group(of: int) -> list[str]:
    """The processes of a process group that run."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [row[-1] for row in rows if row[0] == str(of) and not row[1].startswith("Z")]


def wait_until(true: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_behind(tmp_path: Path, how: int) -> None:
    """SIGINT goes to the whole group, as a terminal's Ctrl-C does; SIGKILL to the parent alone."""
    log = write_log(tmp_path / "a.jsonl", [f"note {i} about " + "the garden and its birds " * 30 for i in range(900)])
    memory = tmp_path / "m.safetensors"
    command = [
        sys.executable,
        "-m",
        "deltamem_cli",
        "ingest",
        str(log),
        "-o",
        str(memory),
        "-j",
        "2",
        "--device",
        "cpu",
    ]
    parent = subprocess.Popen(
        command, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        wait_until(lambda: len(group(parent.pid)) == 3)
        time.sleep(3)  # into the encoding
        (os.killpg if how == signal.SIGINT else os.kill)(parent.pid, how)
        _, err = parent.communicate(timeout=60)
        wait_until(lambda: not group(parent.pid))
    finally:
        if group(parent.pid):
            os.killpg(parent.pid, signal.SIGKILL)
    assert "Traceback" not in err
    assert parent.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_the_commands_with_two_processes(tmp_path: Path) -> None:
    logs = SAMPLES / "text", SAMPLES / "chatgpt"
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    assert run_cold("ingest", *logs, "-o", one, "--device", "cpu").code == 0
    ran: Ran = run_cold("ingest", *logs, "-o", two, "--device", "cpu,cpu")
    assert (ran.code, ran.err) == (0, "")
    assert two.read_bytes() == one.read_bytes()
    assert run_cold("ingest", *logs, "--per-project", tmp_path / "each", "-j", "2", "-q").code == 0
    assert sum(open_memory(path).header.passages for path in (tmp_path / "each").iterdir()) == (
        open_memory(one).header.passages
    )
