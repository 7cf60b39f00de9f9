"""The verbs for programs do what the commands do: the same bytes, the same answers."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran, turn, write_log

from deltamem_cli import Filters, Learning, Memory, Message, ReadOptions, UsageError
from deltamem_cli.encoders import load_encoder
from deltamem_cli.memory.file import open_memory

Invoke = Callable[..., Ran]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    talks = {
        name: [turn(f"{name} counts {i * 7 % 11} birds, {i} by {i}", session_id=f"{name}{i % 2}") for i in range(40)]
        for name in ("ada", "bo")
    }
    for name, talk in talks.items():
        talk[:] = [one | {"name": name} for one in talk]
    return [write_log(tmp_path / f"{name}.jsonl", talk) for name, talk in talks.items()]


WAYS: list[tuple[Sequence[str], dict[str, Any], dict[str, Any]]] = [
    ([], {}, {}),
    (["--no-text", "--no-redact"], {}, {"text": False, "read": ReadOptions(redact=False)}),
    (["--rule", "rls", "--half-life", "9"], {"learning": Learning("rls", "9")}, {}),
    (["--rule", "slots"], {"learning": Learning("slots")}, {}),
    (["--budget", "16KB", "--kinds", "text"], {}, {"budget": 16_000, "read": ReadOptions(kinds=("text",))}),
    (["--all-branches", "--redact-emails"], {}, {"read": ReadOptions(all_branches=True, redact_emails=True)}),
    (["--format", "openai", "--strict"], {}, {"read": ReadOptions(format="openai", strict=True)}),
]


@pytest.mark.parametrize(
    ("words", "made", "how"), WAYS, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_ingest(
    words: list[str], made: dict[str, Any], how: dict[str, Any], logs: list[Path], tmp_path: Path, invoke: Invoke
) -> None:
    assert invoke("ingest", *logs, "-o", tmp_path / "command", *words).code == 0
    steps: list[Any] = []
    told = Memory(tmp_path / "method", **made).ingest(*logs, progress=steps.append, **how)
    assert (tmp_path / "method").read_bytes() == (tmp_path / "command").read_bytes()
    assert told.new == 80
    assert steps


def test_what_contradicts_itself_is_refused(logs: list[Path], tmp_path: Path, invoke: Invoke) -> None:
    memory = Memory(tmp_path / "m", learning=Learning("delta"))
    with pytest.raises(UsageError, match="contradict each other"):
        ReadOptions(redact=False, redact_emails=True)
    with pytest.raises(UsageError, match="--device names a place for each process"):
        Memory(tmp_path / "m", device="cpu,cpu").ingest(*logs, jobs=2)
    memory.ingest(*logs)
    with pytest.raises(UsageError, match="learned by delta"):
        Memory(memory.path, learning=Learning("slots")).add([Message("hello", "user", line=1)], "bot")


def test_merge_compact_diff_and_forget(logs: list[Path], tmp_path: Path, invoke: Invoke) -> None:
    a, b = (Memory(tmp_path / log.stem) for log in logs)
    for memory, log in zip((a, b), logs, strict=True):
        memory.ingest(log)
    both = a.merge(b, into=tmp_path / "both", budget=60_000)
    assert invoke("merge", a.path, b.path, "-o", tmp_path / "c", "--budget", "60KB").code == 0
    assert both.path.read_bytes() == (tmp_path / "c").read_bytes()
    before = both.path.read_bytes()
    would = both.compact(16_000, dry_run=True)
    assert both.path.read_bytes() == before
    assert both.compact(16_000, into=tmp_path / "small") == would
    assert invoke("compact", both.path, "--budget", "16KB", "-o", tmp_path / "c").code == 0
    assert (tmp_path / "small").read_bytes() == (tmp_path / "c").read_bytes()
    assert both.diff(a).removed == json.loads(invoke("diff", both.path, a.path, "--json").out)["removed"] == 40
    patch = a.patch(b, tmp_path / "patch")
    assert invoke("diff", a.path, b.path, "-o", tmp_path / "c").code == 0
    assert patch.path.read_bytes() == (tmp_path / "c").read_bytes()
    assert a.merge(patch, into=tmp_path / "b again").path.read_bytes() == b.path.read_bytes()
    assert both.forget(Filters(speaker="bo"), dry_run=True).passages == 40
    assert both.path.read_bytes() == before
    (tmp_path / "c").write_bytes(before)
    assert both.forget(Filters(speaker="bo")).left == 40
    assert invoke("forget", tmp_path / "c", "--speaker", "bo", "--yes").code == 0
    assert both.path.read_bytes() == (tmp_path / "c").read_bytes()
    assert both.forget(Filters(speaker="nobody")).passages == 0
    with pytest.raises(UsageError, match="no filter given"):
        both.forget(Filters())


def test_answers(logs: list[Path], tmp_path: Path, invoke: Invoke) -> None:
    memory = Memory(tmp_path / "m")
    memory.ingest(*logs)
    asked = "how many birds did bo count, 7 by 7?"
    found = memory.query(asked, 3, context=1, filters=Filters(speaker="bo"))
    told = [
        json.loads(line)
        for line in invoke("query", memory.path, asked, "-k", 3, "-C", 1, "--speaker", "bo", "--json").out.splitlines()
    ]
    assert [(hit.line, hit.text, len(hit.before)) for hit in found.hits] == [
        (hit["line"], hit["text"], len(hit["before"])) for hit in told
    ]
    places = [json.loads(line) for line in invoke("query", memory.path, asked, "--where", "--json").out.splitlines()]
    assert [segment.session for segment in memory.where(asked).segments] == [place["session"] for place in places]
    assert memory.info().header == open_memory(memory.path).header


def test_several_processes_are_the_same_bytes(logs: list[Path], tmp_path: Path) -> None:
    one, two = Memory(tmp_path / "one"), Memory(tmp_path / "two", device="cpu,cpu")
    one.ingest(logs[0])
    two.ingest(logs[0])
    assert one.path.read_bytes() == two.path.read_bytes()
    again = one.merge(two, into=tmp_path / "both", re_encode=True)
    assert again.path.read_bytes() == one.path.read_bytes()
    assert open_memory(one.path).header.fingerprint == load_encoder(query_only=True).fingerprint


def test_every_method_is_in_the_docs() -> None:
    page = (Path(__file__).parent.parent / "docs" / "python.md").read_text("utf-8")
    for name, method in inspect.getmembers(Memory, inspect.isfunction):
        if not name.startswith("_"):
            (row,) = [line for line in page.splitlines() if line.startswith(f"| `.{name}(")]
            shown = row.partition("|")[2].partition(" | ")[0]
            for parameter in [*inspect.signature(method).parameters][1:]:
                assert parameter in shown, f"docs/python.md does not tell {name}'s {parameter}"
