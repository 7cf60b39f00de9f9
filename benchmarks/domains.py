"""Question sets of several domains as memories and the rows that hold the evidence, for fitting and measuring.

A set is a folder with `logs/` and `questions.jsonl` (question, kind, evidence: file, line or pointer, quote; an empty
list where the logs do not say), `samples`, a LoCoMo file, or a LongMemEval file. Its domain is its name without the
number at its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recall import Case, locomo, longmemeval

from deltamem_cli.api import Memory as Maker
from deltamem_cli.encoders import Encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Source


@dataclass(frozen=True)
class Asked:
    """A question, its kind, and the rows that hold its evidence (none where the logs do not say)."""

    text: str
    kind: str
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Collection:
    """A memory and what it is asked."""

    domain: str
    name: str
    memory: StoredMemory
    questions: list[Asked]


def collections(path: Path, memories: Path, encoder: Encoder, every: int = 1) -> Iterator[Collection]:
    """The collections of a set, their memories made in the folder if they are not there; every so manieth question."""
    memories.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        made = memories / f"{path.name}.safetensors"
        if not made.exists():
            Maker(made).ingest(path / "logs" if (path / "logs").exists() else path)
        memory = open_memory(made)
        lines = (path / "questions.jsonl").read_text("utf-8").splitlines()
        asked = [_asked(memory, json.loads(line)) for line in lines[::every]]
        yield Collection(re.sub(r"[-_]?\d+$", "", path.name), path.name, memory, [one for one in asked if one])
        return
    kind, cases = ("longmemeval", longmemeval(path)) if "jsonl" in path.name else ("locomo", locomo(path))
    for case in cases:
        made = memories / f"{kind}-{case.name}.safetensors"
        if not made.exists():
            draft = Draft(made, new_header(encoder, text=True), encoder.mean)
            ingest_messages(case.messages, Source(case.name, "benchmark"), draft, encoder)
        memory = open_memory(made)
        yield Collection(kind, case.name, memory, list(_of_case(case, memory))[::every])


def _asked(memory: StoredMemory, item: dict[str, object]) -> Asked | None:
    """A question of a folder; None where its evidence is in no passage."""
    places = item.get("evidence", [])
    if item.get("source"):  # samples/questions.jsonl
        places = [{"file": item["source"], "line": -1, "quote": item["answer"]}]
    assert isinstance(places, list)
    rows = np.array([row for row in range(len(memory.rows)) if any(_holds(memory, row, p) for p in places)], np.int64)
    return Asked(str(item["question"]), str(item.get("kind", "")), rows) if len(rows) or not places else None


def _holds(memory: StoredMemory, row: int, place: dict[str, object]) -> bool:
    rows = memory.rows
    if not memory.sources[rows.source[row]].path.endswith(str(place["file"])):
        return False
    if "line" not in place:
        return True
    pointer = place.get("pointer")
    if pointer and memory.pointers[row].startswith(str(pointer)):
        return True
    if not pointer and rows.line[row] == place["line"]:
        return True
    return _bare(str(place["quote"])) in _bare(memory.text[row] if memory.text is not None else "")


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _of_case(case: Case, memory: StoredMemory) -> Iterator[Asked]:
    """Evidence are messages, or sessions where the set names only those."""
    line = {message.id: i for i, message in enumerate(case.messages, 1)}
    names = [session.id for session in memory.sessions]
    for question in case.questions:
        if question.turns:
            held = np.isin(memory.rows.line, [line[turn] for turn in question.turns])
        else:
            held = np.isin(memory.rows.session, [names.index(name) for name in question.sessions])
        yield Asked(question.text, question.kind, np.flatnonzero(held))
