"""What the tests share: an encoder that can be predicted, logs in one line each, memories, and the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.read_options import ReadOptions
from deltamem_cli.ingest.summary import Summary
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import KINDS, Message, Source

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is loaded: for matrices this small threads only wait

# In CI the same examples at every run, so that red means a change; everywhere else new ones, to find what is left.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
WORD = re.compile(r"\S+")


@dataclass
class WordEncoder:
    """An `Encoder` whose vectors can be foretold: each word is a direction of its own, a text their sum.

    A word is a token. `asked` keeps every list of texts that it was given.
    """

    name: str = "words"
    dimension: int = 30  # not a multiple of four: the last byte of a code is padded
    max_tokens: int = 34
    fingerprint: str = "words-1"
    asked: list[list[str]] = field(default_factory=list)

    @property
    def mean(self) -> NDArray[np.float32]:
        return np.full(self.dimension, 0.01, np.float32)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in WORD.finditer(text)]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self.offsets(text)) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(list(texts))
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, text: str) -> NDArray[np.float32]:
        words = [match.group().lower().strip(".,!?") for match in WORD.finditer(text)][: self.max_tokens - 2]
        summed = sum((_direction(word, self.dimension) for word in words), np.zeros(self.dimension))
        return np.asarray(summed / max(float(np.linalg.norm(summed)), 1e-12), np.float32)

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        said = [[match.group().lower().strip(".,!?") for match in WORD.finditer(text)] for text in texts]
        return [np.array([_direction(word, self.dimension) for word in words], np.float32) for words in said]


@cache
def _direction(word: str, dimension: int) -> NDArray[np.float64]:
    seed = int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=4).digest(), "little")
    direction = np.random.RandomState(seed).standard_normal(dimension)
    return np.asarray(direction / np.linalg.norm(direction))


@pytest.fixture(autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: no test sees or changes what the person who runs it has set, asked or remembered."""
    home = tmp_path_factory.mktemp("home")
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR", "PAGER"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("DELTAMEM_") and name != "DELTAMEM_UPDATE_DOCS"]:
        monkeypatch.delenv(name)
    return home


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


def turn(text: str, **fields: Any) -> dict[str, Any]:
    """A turn of an OpenAI-style log; role `user` unless said otherwise."""
    return {"role": "user", "content": text, **fields}


def write_log(path: Path, turns: Sequence[dict[str, Any] | str]) -> Path:
    """A log of those turns, one a line (JSONL)."""
    lines = [json.dumps(turn(entry) if isinstance(entry, str) else entry, ensure_ascii=False) for entry in turns]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


Ingest = Callable[..., Summary]


@pytest.fixture
def ingest(encoder: WordEncoder) -> Ingest:
    """`ingest(memory, *paths, …)` as the command does it, with the test's encoder."""

    def run(memory: Path, *paths: Path | str, text: bool = True, stdin: BinaryIO | None = None, **read: Any) -> Summary:
        draft = Draft(memory, ingesting.new_header(encoder, text), encoder.mean)
        return ingesting.ingest([str(path) for path in paths], draft, encoder, ReadOptions(**read), stdin=stdin)

    return run


def memorise(messages: Sequence[Message], path: Path, encoder: WordEncoder) -> StoredMemory:
    """The memory at `path` with those messages, of all kinds, as if from the log `/logs/log.jsonl`."""
    draft = Draft(path, ingesting.new_header(encoder, text=True), encoder.mean)
    ingesting.ingest_messages(messages, Source("/logs/log.jsonl", "openai"), draft, encoder)
    return open_memory(path)


@pytest.fixture
def remember(tmp_path: Path, encoder: WordEncoder) -> Callable[..., StoredMemory]:
    """`remember(messages)` is a memory of those messages (see `memorise`)."""
    return lambda messages, path=tmp_path / "memory.safetensors": memorise(messages, path, encoder)


@pytest.fixture
def searcher(remember: Callable[..., StoredMemory], encoder: WordEncoder) -> Callable[[Sequence[Message]], Searcher]:
    """`searcher(messages)` answers questions about them."""
    return lambda messages: Searcher(remember(messages), encoder)


def said(text: str, line: int = 1, **fields: Any) -> Message:
    """A message of a user at that line."""
    assert fields.get("kind", "text") in KINDS
    return Message(**{"text": text, "role": "user", "line": line, "session": "s", "id": f"m{line}", **fields})


@dataclass(frozen=True)
class Ran:
    """What a run of the command line came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, encoder: WordEncoder) -> Iterator[Callable[..., Ran]]:
    """`invoke("query", memory, …)` runs the command line in this process, with the test's encoder."""
    from typer.testing import CliRunner

    import deltamem_cli.encoders
    from deltamem_cli.cli import app

    monkeypatch.setattr(deltamem_cli.encoders, "load_encoder", lambda *_, **__: encoder)
    pipe = signal.getsignal(signal.SIGPIPE)

    def run(*words: object, stdin: str | bytes | None = None) -> Ran:
        result = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    yield run
    signal.signal(signal.SIGPIPE, pipe)  # the command lets a broken pipe end the process; pytest must not


def run_cold(*words: object, stdin: bytes = b"", **variables: str) -> Ran:
    """The command line in a process of its own, with the built-in encoder."""
    command = [sys.executable, "-m", "deltamem_cli", *map(str, words)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(command, input=stdin, capture_output=True, env=env, timeout=120, check=False)
    return Ran(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.empty full of NaN: who reads what was never written is found out."""
    import torch

    for name in ("empty", "empty_like"):
        make = getattr(torch, name)
        monkeypatch.setattr(torch, name, _poison(make))


def _poison(make: Callable[..., Any]) -> Callable[..., Any]:
    def poisoned(*args: Any, **options: Any) -> Any:
        made = make(*args, **options)
        return made.fill_(float("nan")) if made.is_floating_point() else made

    return poisoned
