"""The bundled questions, asked as a person asks them: the built-in encoder, the command line, no test double.

The floors are a little under what the present ranking reaches, so that a weight whose sign flips is seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLES, run_cold

FIRST_FIVE = 0.75  # of the answerable questions have their evidence among the first five passages
FIRST = 0.36  # … at the first place
REFUSED = 0.06  # of them may be told that nothing fits


@dataclass(frozen=True)
class Asked:
    """A bundled question, and what `deltamem query` printed for it."""

    question: dict[str, Any]
    hits: list[dict[str, Any]]

    @property
    def refused(self) -> bool:
        return not self.hits or self.hits[0].get("fits") is False

    @property
    def place(self) -> int:
        """The place of the first passage with the evidence, from 0; 99 where none has it."""
        source, answer = self.question["source"], " ".join(self.question["answer"].split())
        for place, hit in enumerate(self.hits):
            if hit.get("source", "").endswith(source) and answer in " ".join((hit["text"] or "").split()):
                return place
        return 99


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Asked]:
    memory = tmp_path_factory.mktemp("answers") / "samples.safetensors"
    assert run_cold("ingest", SAMPLES, "-o", memory, "--quiet").code == 0
    questions = [json.loads(line) for line in Path(SAMPLES, "questions.jsonl").read_text("utf-8").splitlines()]
    lines = "".join(question["question"] + "\n" for question in questions)
    ran = run_cold("query", memory, "-", "--json", "-k", "5", stdin=lines.encode())
    printed: dict[str, list[dict[str, Any]]] = {}
    for line in ran.out.splitlines():
        hit = json.loads(line)
        if "rank" in hit:
            printed.setdefault(hit["question"], []).append(hit)
    return [Asked(question, printed.get(question["question"], [])) for question in questions]


def share(of: list[bool]) -> float:
    return sum(of) / len(of)


def test_the_evidence_is_among_the_first_answers(asked: list[Asked]) -> None:
    known = [one for one in asked if one.question["source"] is not None]
    missed = [one.question["question"] for one in known if one.place > 4]
    assert share([one.place < 5 for one in known]) >= FIRST_FIVE, missed
    assert share([one.place == 0 for one in known]) >= FIRST


def test_what_the_memory_knows_is_not_refused(asked: list[Asked]) -> None:
    refused = [one.question["question"] for one in asked if one.question["source"] is not None and one.refused]
    known = [one for one in asked if one.question["source"] is not None]
    assert len(refused) <= REFUSED * len(known), refused


def test_what_no_log_says_is_told_apart(asked: list[Asked]) -> None:
    """Most questions that no log answers are less familiar than most that one does."""
    level = [(one.hits[0]["familiarity"] if one.hits else 0.0, one.question["source"] is None) for one in asked]
    pairs = [(known, strange) for known, is_strange in level if not is_strange for strange, flag in level if flag]
    assert share([known > strange for known, strange in pairs]) >= 0.8
