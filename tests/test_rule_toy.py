"""A rule is one object: a toy rule, registered and nothing else changed, ingests, answers, merges and forgets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, write_log
from numpy.typing import NDArray

from deltamem_cli.memory.file import open_memory
from deltamem_cli.rules import RULES
from deltamem_cli.rules.rule import Floats, State, Writes, effective_rank, stored


class Means:
    """S is the sum of each segment's keys: Hebb's rule, no F, no gain."""

    name, has_gain, has_half_life, directions_are = "means", False, False, "directions known"

    def learn(self, writes: Writes, rank_cap: int) -> State:
        keys = writes.keys
        return stored(writes.values.T @ keys, keys[:0], keys[:0, 0], (0.0, 0.0, effective_rank(keys)))

    def row_width(self, width: int) -> int:
        return width

    def most_directions(self, writes: int, width: int) -> int:
        return 0

    def counts_fit(self, directions: NDArray[np.int64]) -> bool:
        return not directions.any()

    def asked(self, F: Floats, queries: Floats) -> Floats:
        return queries

    def known(self, S: Floats, F: Floats) -> Floats:
        return S


rule = Means()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "means", __name__)


def test_a_new_rule_serves_every_verb(toy: None, invoke: Callable[..., Ran], tmp_path: Path) -> None:
    a = write_log(tmp_path / "a.jsonl", ["the kiln fires at nine hundred degrees", "my boat is called heron"])
    b = write_log(tmp_path / "b.jsonl", ["bread needs a long rest", "the ferry leaves at noon"])
    for log in (a, b):
        assert invoke("ingest", log, "-o", log.with_suffix(".m"), "--rule", "means", "-q").code == 0
    both, whole = tmp_path / "both.m", tmp_path / "whole.m"
    assert invoke("merge", a.with_suffix(".m"), b.with_suffix(".m"), "-o", both, "-q").code == 0
    assert invoke("ingest", a, b, "-o", whole, "--rule", "means", "-q").code == 0
    assert both.read_bytes() == whole.read_bytes()
    assert "heron" in invoke("query", both, "what is the boat called", "-k", "1").out
    assert invoke("forget", both, "--source", "b.jsonl", "--yes").code == 0
    memory = open_memory(both)
    assert memory.header.passages == 2
    assert memory.header.rule == "means"
    assert "means" in invoke("info", both).out
