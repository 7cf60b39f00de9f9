"""Which passages belong together: exchanges, the segments of the matrix.

An exchange is what a person asked and all that followed until they spoke again: one matter, however many replies, calls
and results it took. Where nobody answers as an assistant (people among themselves, a monologue) it is a run of TURNS
passages. Bounds follow from the rows in their canonical order alone, so that equal rows have equal segments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.ledger import Longs, Rows
from deltamem_cli.records import KINDS, ROLES

TURNS = 4
LONGEST = 256  # passages: a tool that runs on for hours is cut


def prompts(rows: Rows) -> NDArray[np.bool_]:
    """Which rows (N,) are the words of a person."""
    return np.asarray((rows.role == ROLES.index("user")) & (rows.kind == KINDS.index("text")))


def tools(rows: Rows) -> NDArray[np.bool_]:
    """Which rows (N,) are calls or results of tools."""
    return np.isin(rows.kind, [KINDS.index("tool_call"), KINDS.index("tool_result")])


def assisted(rows: Rows) -> NDArray[np.bool_]:
    """Which rows (N,) stand in a session where an assistant speaks."""
    spoke = np.bincount(rows.session, rows.role == ROLES.index("assistant"), minlength=1) > 0
    return np.asarray(spoke[rows.session], bool)


def exchanges(rows: Rows) -> Longs:
    """The bounds (G + 1,) of the exchanges of rows in canonical order. Prompts in a row open one together."""
    n = len(rows)
    if n == 0:
        return np.zeros(1, np.int64)
    asked, answered = prompts(rows), assisted(rows)
    opens = np.concatenate([[True], rows.session[1:] != rows.session[:-1]])
    opens[1:] |= (answered & asked)[1:] & ~asked[:-1]
    place = np.arange(n) - np.maximum.accumulate(np.where(opens, np.arange(n), 0))
    opens |= place % np.where(answered, LONGEST, TURNS) == 0
    return np.append(np.flatnonzero(opens), n).astype(np.int64)


def segments(rows: Rows, states: Longs) -> Longs:
    """The bounds (G + 1,) of the exchanges, none of them in two states (`states` are their bounds)."""
    return np.union1d(exchanges(rows), states).astype(np.int64)


def edges(rows: Rows) -> NDArray[np.bool_]:
    """Which rows (N,) are the first or the last prose of their exchange, where an assistant answers."""
    edge = np.zeros(len(rows), bool)
    prose = np.flatnonzero(~tools(rows))
    if len(prose):
        of = np.searchsorted(exchanges(rows), prose, side="right")
        turn = of[1:] != of[:-1]
        edge[prose[np.concatenate([[True], turn])]] = True
        edge[prose[np.concatenate([turn, [True]])]] = True
    return edge & assisted(rows)
