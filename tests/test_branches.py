"""Other branches: off the path they are flagged, left out by default, and taken by --all-branches."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SAMPLES, Ingest, Ran, WordEncoder
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.ingest.pipeline import OFF_PATH
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.readers.agents import claude_rewind
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.io.archives import open_file
from deltamem_cli.readers.parse.branches import paths
from deltamem_cli.recall.source_text import read_sources
from deltamem_cli.records import Message, ReadReport

BRANCHING = ["chatgpt/conversations.json", "claude-ai/conversations.json", "open-webui/chats.json", "pi/session.jsonl"]


def every(path: Path) -> tuple[list[Message], ReadReport]:
    """All messages of a log, off the path or on it."""
    report = ReadReport()
    with open_file(str(path)) as file:
        return list(read_log(*open_log(file, str(path)), report)), report


def rewound(records: list[dict[str, Any]], prompts: list[int]) -> set[int]:
    """A prompt, and what hangs on it, where another prompt with its parent comes after all of that."""
    left: set[int] = set()
    for first in prompts:
        below, names = [first], {records[first].get("uuid")}
        for i in range(first + 1, len(records)):
            if records[i].get("parentUuid") in names:
                below.append(i)
                names.add(records[i].get("uuid"))
        parent = records[first].get("parentUuid")
        if parent and any(
            i > below[-1] and records[i].get("parentUuid") == parent and records[i].get("uuid") not in names
            for i in prompts
        ):
            left.update(below)
    return left


def texts(memory: StoredMemory) -> list[str]:
    assert memory.text is not None
    return list(memory.text)


# Trees


@given(st.lists(st.integers(-1, 9), min_size=1, max_size=10), st.data())
def test_paths_of_any_graph_hold_each_node_once(above: list[int], data: st.DataObject) -> None:
    parents = {str(i): str(parent) for i, parent in enumerate(above)}
    leaf = data.draw(st.sampled_from([*parents, "gone"]))
    path, others = paths(parents, leaf)
    assert sorted(path + others) == sorted(parents)
    assert path[-1:] == ([leaf] if leaf in parents else [])
    assert all(parents[low] == high for high, low in pairwise(path))


def test_branches_come_one_by_one_downwards() -> None:
    parents = {"a": "", "b": "a", "c": "b", "x": "a", "y": "b", "x1": "x", "y1": "y", "x2": "x", "lone": "gone"}
    assert paths(parents, "c") == (["a", "b", "c"], ["x", "x1", "x2", "y", "y1", "lone"])


# Readers


@pytest.mark.parametrize("name", BRANCHING)
def test_the_samples_have_a_branch_that_is_flagged(name: str) -> None:
    messages, report = every(SAMPLES / name)
    off = [message for message in messages if message.off_path]
    assert off
    assert len({(message.id, message.kind) for message in messages}) == len(messages)
    assert report.skipped["other branch"] == len({message.pointer.split("/content")[0] for message in off})
    assert report.left_out(all_branches=False) == report.skipped
    assert "other branch" not in report.left_out(all_branches=True)


def test_what_is_hidden_on_a_branch_counts_with_it(tmp_path: Path) -> None:
    def node(id: str, parent: str | None, role: str = "user", text: str = "hi") -> dict[str, Any]:
        message = {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}}
        return {"id": id, "parent": parent, "message": message}

    nodes = [node("a", None), node("b", "a", "system"), node("c", "b", text=" "), node("d", "a"), node("e", "c")]
    document = [{"id": "c", "mapping": {each["id"]: each for each in nodes}, "current_node": "d"}]
    (tmp_path / "conversations.json").write_text(json.dumps(document))
    messages, report = every(tmp_path / "conversations.json")
    assert [(message.id, message.off_path) for message in messages] == [("c/a", False), ("c/d", False), ("c/e", True)]
    assert report.left_out(all_branches=False) == {"other branch": 3}
    assert report.left_out(all_branches=True) == {"hidden": 1, "no text in text": 1}


def test_a_branch_changes_no_derived_id(tmp_path: Path) -> None:
    def node(id: str, parent: str, text: str) -> dict[str, Any]:
        return {"id": id, "parentId": parent, "role": "user", "content": text}

    ids = []
    for nodes in ([node("a", "", "one"), node("d", "a", "two")], [node("a", "", "one"), node("b", "a", "two")]):
        history = {"currentId": "a", "messages": {each["id"]: each for each in (*nodes, node("z", "a", "two"))}}
        (tmp_path / "chats.json").write_text(json.dumps([{"chat": {"history": history}}]))
        messages, _ = every(tmp_path / "chats.json")
        assert [message.off_path for message in messages] == [False, True, True]
        ids.append([message.id for message in messages])
        assert len(set(ids[-1])) == 3
    assert ids[0] == ids[1]


# Rewinds of Claude Code


def records(shape: list[tuple[int, str]]) -> list[dict[str, Any]]:
    """Records of (place of the parent, -1 for none; type); a prompt is of the type `user`."""
    found = []
    for i, (parent, kind) in enumerate(shape):
        above = f"r{parent}" if 0 <= parent < i else None
        content: Any = [{"type": "tool_result", "content": f"result {i}"}] if kind == "tool" else f"text {i}"
        message = {"role": "assistant" if kind == "assistant" else "user", "content": content}
        kind = "user" if kind == "tool" else kind
        found.append({"type": kind, "uuid": f"r{i}", "parentUuid": above, "sessionId": "s", "message": message})
    return found


def left(shape: list[tuple[int, str]], path: Path) -> list[int]:
    """The places of the records that the reader flags."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records(shape)))
    messages, report = every(path)
    flagged = [message.line - 1 for message in messages if message.off_path]
    assert report.skipped["other branch"] == len(flagged)
    return flagged


U, A, T = "user", "assistant", "tool"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([(-1, U), (0, A), (1, U), (2, A), (1, U), (4, A)], [2, 3]),
        ([(-1, U), (0, A), (1, U), (1, U)], [2]),
        ([(-1, U), (0, A), (1, U), (1, U), (2, A)], []),  # the first one goes on
        ([(-1, U), (0, A), (1, T), (1, A), (1, U)], []),  # parallel tool calls, and one prompt
        ([(-1, U), (-1, U)], []),  # a session that starts again
        ([(-1, U), (0, A), (1, U), (1, U), (1, U), (4, A)], [2, 3]),
        ([(-1, U), (0, A), (1, U), (2, A), (3, U), (3, U), (1, U)], [2, 3, 4, 5]),
        ([(-1, U), (0, A), (1, U), (2, A), (3, U), (3, U), (1, U), (5, A)], [4]),
    ],
)
def test_a_rewound_prompt_is_left(shape: list[tuple[int, str]], expected: list[int], tmp_path: Path) -> None:
    assert left(shape, tmp_path / "a.jsonl") == expected


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from([U, A, T])), min_size=3, max_size=12))
def test_rewinds_are_the_slow_ones(tmp_path_factory: pytest.TempPathFactory, shape: list[tuple[int, str]]) -> None:
    prompts = [i for i, (_, kind) in enumerate(shape) if kind == U]
    assert left(shape, tmp_path_factory.mktemp("log") / "a.jsonl") == sorted(rewound(records(shape), prompts))


def test_what_is_held_back_is_bounded_and_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_rewind, "_HELD_CHARACTERS", 3 * claude_rewind._RECORD)
    rewinds, out = claude_rewind.Rewinds(ReadReport()), []
    for i in range(20):
        said = Message(text="", role="user", line=i)
        out += rewinds.add(f"r{i}", f"r{max(0, i - 2)}", [said], by_user=True)
        assert i - len(out) <= 3
    out += rewinds.drain()
    assert [message.line for message in out] == [*range(20)]
    assert not rewinds._prompts
    assert not rewinds._open


# Memories


@pytest.mark.parametrize("name", BRANCHING)
def test_all_branches_add_to_what_was_there(ingest: Ingest, tmp_path: Path, name: str) -> None:
    """What is on the path is the same row in either memory; what is off it follows it in its session."""
    path, whole = tmp_path / "path.safetensors", tmp_path / "whole.safetensors"
    summary = ingest(path, SAMPLES / name)
    alone = open_memory(path)
    assert summary.skipped["other branch"] > 0
    assert alone.rows.seq.max() < OFF_PATH
    assert ingest(whole, SAMPLES / name, all_branches=True).skipped["other branch"] == 0
    both = open_memory(whole)
    on_path = both.rows.seq < OFF_PATH
    for column in ("uid", "line", "seq"):
        assert np.array_equal(getattr(both.rows, column)[on_path], getattr(alone.rows, column)), column
    added = set(texts(both)) - set(texts(alone))
    assert added == {text for text, kept in zip(texts(both), on_path, strict=True) if not kept}
    assert summary.new < ingest(path, SAMPLES / name, all_branches=True).passages  # another choice reads it again
    assert path.read_bytes() == whole.read_bytes()


def test_a_choice_that_is_taken_back_leaves_what_is_there(ingest: Ingest, tmp_path: Path) -> None:
    path, log = tmp_path / "m.safetensors", SAMPLES / BRANCHING[0]
    ingest(path, log, all_branches=True)
    held = texts(open_memory(path))
    assert ingest(path, log).unchanged == 0
    assert texts(open_memory(path)) == held


def test_text_of_branches_is_recovered(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    ingest(path, SAMPLES / BRANCHING[0], all_branches=True, text=False)
    ingest(path, SAMPLES / BRANCHING[0])  # reads the log again, without its branches
    memory = open_memory(path)
    assert (memory.rows.seq >= OFF_PATH).any()
    recovered = read_sources(memory, list(range(len(memory.rows))), WordEncoder())
    assert len(recovered) == len(memory.rows)


def test_the_command_takes_them_when_asked(invoke: Callable[..., Ran]) -> None:
    def told(*options: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(invoke("ingest", SAMPLES / "pi", "--dry-run", "--json", *options).out)
        return found

    path, whole = told(), told("--all-branches")
    assert whole["messages"] == path["messages"] + 1
    assert (path["skipped"]["other branch"], "other branch" in whole["skipped"]) == (1, False)
