"""Which passages are one exchange."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from conftest import said

from deltamem_cli.memory import exchanges
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Kind, Message, Role

Remember = Callable[..., StoredMemory]
CODING: list[tuple[Role, Kind]] = [
    ("user", "text"),
    ("user", "text"),
    ("assistant", "text"),
    ("assistant", "tool_call"),
    ("tool", "tool_result"),
    ("assistant", "text"),
    ("user", "text"),
    ("assistant", "tool_call"),
]


def log(turns: list[tuple[Role, Kind]], session: str = "s") -> list[Message]:
    return [
        said(f"{role} says {i}", i, role=role, kind=kind, session=session, id=f"{session}{i}")
        for i, (role, kind) in enumerate(turns, 1)
    ]


def test_an_exchange_is_what_was_asked_and_all_that_followed(remember: Remember) -> None:
    rows = remember(log(CODING)).rows
    assert exchanges.exchanges(rows).tolist() == [0, 6, 8]
    assert np.flatnonzero(exchanges.edges(rows)).tolist() == [0, 5, 6]


def test_among_people_it_is_a_run_of_turns(remember: Remember) -> None:
    people: list[tuple[Role, Kind]] = [("user", "text")] * (exchanges.TURNS + 1)
    rows = remember([*log(people, "a"), *log(people, "b")]).rows
    assert np.diff(exchanges.exchanges(rows)).tolist() == [exchanges.TURNS, 1] * 2
    assert not exchanges.edges(rows).any()


def test_none_is_longer_than_the_longest_or_in_two_sessions_or_states(remember: Remember) -> None:
    endless: list[tuple[Role, Kind]] = [("user", "text"), *[("assistant", "tool_call")] * (exchanges.LONGEST + 9)]  # type: ignore[list-item]
    rows = remember([*log(endless, "a"), *log(CODING, "b")]).rows
    bounds = exchanges.exchanges(rows)
    assert np.diff(bounds).max() == exchanges.LONGEST
    assert all(len({*rows.session[a:b].tolist()}) == 1 for a, b in pairwise(bounds.tolist()))
    states = np.array([0, 3, len(rows)])
    assert {*states.tolist()} <= {*exchanges.segments(rows, states).tolist()}


def test_no_rows_have_no_exchange(remember: Remember) -> None:
    rows = remember(log(CODING)).rows.take(np.zeros(0, np.int64))
    assert exchanges.exchanges(rows).tolist() == [0]
    assert len(exchanges.edges(rows)) == 0
