"""A column of the ledger is one row of a table: a toy one is filled, saved, merged, compared, summed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import said

from deltamem_cli.algebra.compact import compact
from deltamem_cli.algebra.diff import save_patch
from deltamem_cli.algebra.forget import forget
from deltamem_cli.algebra.merge import merge
from deltamem_cli.memory.columns import COLUMNS, Column, NewRow, total
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Message

CALM = [said(f"boat {i} lies still", i + 1) for i in range(3)]
LOUD = [said(f"storm {i}" + "!" * i, i + 11, session="t") for i in range(4)]
Remember = Callable[..., StoredMemory]


def exclaims(new: NewRow) -> int:
    return new.passage.text.count("!")


@pytest.fixture
def old(remember: Remember, tmp_path: Path) -> Path:
    """A memory that was made before there was the column."""
    remember(CALM, tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture
def column(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The column "loud": how many exclamation marks a passage has."""
    monkeypatch.setitem(COLUMNS, "loud", Column("loud", np.uint8, exclaims, default=0, sum=total))


def loudness(memory: StoredMemory) -> list[int]:
    assert memory.rows.column("loud").dtype == np.uint8
    return [*map(int, memory.column("loud"))]


@pytest.mark.usefixtures("column")
def test_a_new_column_is_filled_and_old_files_have_its_default(old: Path, remember: Remember, tmp_path: Path) -> None:
    assert loudness(open_memory(old)) == [0, 0, 0]
    assert loudness(remember(LOUD, tmp_path / "new")) == [0, 1, 2, 3]
    assert "ledger.loud" not in remember(CALM, tmp_path / "again").tensors  # it says nothing there
    assert old.read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.usefixtures("column")
def test_a_new_column_goes_through_every_verb(old: Path, remember: Remember, tmp_path: Path) -> None:
    new = remember(LOUD, tmp_path / "new")
    merge([new, open_memory(old)], tmp_path / "both")
    both = open_memory(tmp_path / "both")
    assert sorted(loudness(both)) == [0, 0, 0, 0, 1, 2, 3]
    forget(both, both.rows.column("loud") == 3, tmp_path / "less")
    assert sorted(loudness(open_memory(tmp_path / "less"))) == [0, 0, 0, 0, 1, 2]


@pytest.mark.usefixtures("column")
def test_a_patch_carries_a_passage_that_differs_in_it(
    remember: Remember, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = remember(LOUD, tmp_path / "before")
    monkeypatch.setitem(COLUMNS, "loud", Column("loud", np.uint8, lambda new: 7 * exclaims(new), default=0))
    after = remember(LOUD, tmp_path / "after")
    save_patch(before, after, tmp_path / "patch")
    assert loudness(open_memory(tmp_path / "patch")) == [7, 14, 21]
    merge([before, open_memory(tmp_path / "patch")], tmp_path / "merged")
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "after").read_bytes()


@pytest.mark.usefixtures("column")
def test_a_budget_sums_it_as_its_row_says(remember: Remember, tmp_path: Path) -> None:
    talk: list[Message] = [said(f"kettle {i} " + "word " * (i % 30) + "!" * (i % 3), i + 1) for i in range(300)]
    memory = remember(talk, tmp_path / "full")
    compact(memory, (tmp_path / "full").stat().st_size // 4, tmp_path / "small")
    small = open_memory(tmp_path / "small")
    assert small.rows.summed.any()
    assert sum(loudness(small)) == sum(loudness(memory)) == 300
