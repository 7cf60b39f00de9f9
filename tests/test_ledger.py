"""Columns of rows: taken in any order, brought under one vocabulary, put into one canonical order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deltamem_cli.memory import ledger
from deltamem_cli.memory.columns import COLUMNS, of_passages
from deltamem_cli.memory.ledger import NO_TIME, Rows

Spec = list[tuple[int, int, int, int, list[int]]]  # session, source, time, seq, terms
ROW = st.tuples(
    st.integers(0, 3),
    st.integers(0, 2),
    st.integers(-5, 5) | st.just(NO_TIME),
    st.integers(0, 9),
    st.lists(st.integers(0, 30), max_size=6, unique=True),
)
SPECS = st.lists(ROW, max_size=25)


def rows_of(spec: Spec) -> tuple[Rows, NDArray[np.uint64]]:
    """Rows with a vocabulary of their own; the uid of a row is its number, a term's count the term itself."""
    n = len(spec)
    flat = np.array([term for *_, words in spec for term in words], np.uint64)
    vocabulary, ids = np.unique(flat, return_inverse=True)
    columns: dict[str, NDArray[Any]] = {}
    columns["uid"] = np.arange(n * 16).reshape(n, 16).astype(np.uint8)
    columns["code"] = np.arange(n * 8).reshape(n, 8).astype(np.uint8)
    columns["session"] = np.array([row[0] for row in spec], np.uint32)
    columns["source"] = np.array([row[1] for row in spec], np.uint32)
    columns["time"] = np.array([row[2] for row in spec], np.int64)
    columns["seq"] = np.array([row[3] for row in spec], np.uint32)
    columns["sizes"] = np.array([len(row[4]) for row in spec], np.uint16)
    columns["terms"], columns["counts"] = ids.astype(np.uint32), flat.astype(np.uint8)
    return ledger.blank(n, 32).replaced(**columns), vocabulary


def in_order(rows: Rows) -> NDArray[np.int64]:
    return ledger.canonical_order(rows.session, rows.source, rows.time, rows.seq)


def words(rows: Rows, vocabulary: NDArray[np.uint64]) -> list[list[int]]:
    """The terms of every row."""
    return [vocabulary[rows.terms[a:b]].tolist() for a, b in itertools.pairwise(rows.offsets)]


@given(SPECS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_rows_move_with_all_that_is_theirs(spec: Spec, dice: object, chunk: int) -> None:
    rows, vocabulary = rows_of(spec)
    order = [dice.randrange(len(spec)) for _ in spec]  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_CHUNK", chunk)
        moved = rows.take(np.array(order, np.int64))
    for column in of_passages():
        assert np.array_equal(moved.column(column.name), rows.column(column.name)[order])
        assert moved.column(column.name).dtype == column.dtype
    assert words(moved, vocabulary) == [spec[i][4] for i in order]
    assert moved.counts.tolist() == [term for i in order for term in spec[i][4]]


@given(SPECS, SPECS)
def test_two_vocabularies_become_one(one: Spec, other: Spec) -> None:
    rows, vocabulary = ledger.unify([rows_of(one), rows_of(other)])
    assert words(rows, vocabulary) == [row[4] for row in one + other]
    assert vocabulary.tolist() == sorted({term for *_, terms in one + other for term in terms})
    assert {name: array.dtype for name, array in rows.columns.items()} == {n: c.dtype for n, c in COLUMNS.items()}


@given(SPECS, st.randoms(use_true_random=False))
def test_the_canonical_order_does_not_depend_on_the_order_before(spec: Spec, dice: object) -> None:
    spec = list({(*row[:2], 0, row[3]): row for row in spec}.values())  # a passage's number is its own
    rows, _ = rows_of(spec)
    shuffled = list(range(len(spec)))
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    again = rows.take(np.array(shuffled, np.int64))
    first, second = (r.take(in_order(r)) for r in (rows, again))
    assert np.array_equal(first.uid, second.uid)


def test_a_session_found_in_two_files_begins_with_the_file_that_has_its_beginning() -> None:
    rows, _ = rows_of([(0, 0, 9, 0, []), (0, 1, 5, 0, []), (0, 1, NO_TIME, 1, []), (0, 0, 3, 1, [])])
    assert in_order(rows).tolist() == [0, 3, 1, 2]


def test_sessions_stand_by_their_first_time_then_by_id_those_without_times_last() -> None:
    start = np.array([NO_TIME, 7, NO_TIME, -2], np.int64)
    assert ledger.session_ranks(start, ["z", "b", "a", "c"]).tolist() == [3, 1, 2, 0]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 5)), max_size=10))
def test_ranges_are_ranges(pairs: list[tuple[int, int]]) -> None:
    starts, sizes = (np.array(column, np.int64) for column in (zip(*pairs, strict=True) if pairs else ([], [])))
    assert ledger.ranges(starts, sizes).tolist() == [start + i for start, size in pairs for i in range(size)]


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 7), st.integers(1, 20))
def test_stretches_hold_one_label_and_states_whole_stretches(labels: list[int], longest: int, most: int) -> None:
    column = np.array(labels, np.uint32)
    bounds = ledger.stretches(column, longest).tolist()
    assert bounds[0] == 0
    assert bounds[-1] == len(labels)
    for first, end in itertools.pairwise(bounds):
        assert len(set(labels[first:end])) == 1
        assert end - first <= longest
        assert end == len(labels) or labels[end] != labels[first] or end - first == longest
    gathered = ledger.gather(np.array(bounds, np.int64), most).tolist()
    assert {*gathered} <= {*bounds}
    assert (gathered[0], gathered[-1]) == (0, len(labels))
    for first, end in itertools.pairwise(gathered):
        assert end - first <= max(most, longest)
