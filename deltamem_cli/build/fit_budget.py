"""Rows → as many of them, with as much of their text, as a budget of bytes lets in.

What goes, in order, until the file fits: by a rule with a gain, S and most of the directions of F, which rank hardly
better than a few do, until they are a small part of it; then texts and rows, whichever is worth least for a byte
(importance.py), the rows summed into one for a stretch of a session (summary_rows.py); then all rows, into one for each
session of a log. Sizes are measured before anything is written. By the other rules the matrix stays whole, learned from
the rows that are left: nothing else gives its reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.build.importance import Said, per_byte
from deltamem_cli.build.summary_rows import RUN, sum_rows, together, used_only
from deltamem_cli.errors import UsageError
from deltamem_cli.memory import exchanges, keys, ledger, matrix
from deltamem_cli.memory.columns import COLUMNS
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.ledger import Longs, Rows
from deltamem_cli.rules import rule_named
from deltamem_cli.rules.rule import RankCap

LEAN = RankCap(2, 512), RankCap(4, 256), RankCap(6, 128), RankCap(8, 64), RankCap(16, 32), RankCap(32, 16)
_DIRECTIONS = 1 / 8  # of the budget: so much of it directions may have, and texts and rows go instead of them
_TRIES = 12  # halvings of the search for where to cut: 1/4096 of the texts and rows


@dataclass(frozen=True)
class Shape:
    """What a file is to hold. places (N,): where each row's strings stand among the rows it was made from.

    texts (N,): which rows keep their text, None for all. lean: how much of the matrix, None for all of it.
    """

    rows: Rows
    vocabulary: NDArray[np.uint64]
    speakers: list[str]
    places: Longs
    texts: NDArray[np.bool_] | None = None
    lean: RankCap | None = None


def arrays_of(rows: Rows, vocabulary: NDArray[np.uint64]) -> dict[str, NDArray[Any]]:
    """The tensors of a ledger's numbers; a column that says nothing, its default in every row, is left out."""
    default = {name: column.default for name, column in COLUMNS.items()}
    told = {
        name: array for name, array in rows.columns.items() if default[name] is None or np.any(array != default[name])
    }
    return {f"ledger.{name}": array for name, array in told.items()} | {"ledger.vocabulary": vocabulary}


def matrix_of(rows: Rows, header: Header, lean: RankCap | None) -> dict[str, NDArray[Any]]:
    """Tensors as large as those of the rows' matrix are at most, without the memory for them."""
    rule, width = rule_named(header.rule), header.dimension + keys.WORDS
    bounds = ledger.cut(rows.session, header.states, matrix.STATE_WRITES)
    segments, sizes = len(exchanges.segments(rows, bounds)) - 1, np.diff(bounds).tolist()
    most = lean.directions if lean else partial(rule.most_directions, width=width)
    directions = sum(map(most, sizes))
    held, states = 0 if lean else segments, len(sizes)
    shapes: dict[str, tuple[int, ...]] = {"S": (held, rule.row_width(width)), "S_scale": (held,)}
    shapes |= {"F": (directions, width), "F_scale": (directions,), "segments": (segments + 1,)}
    shapes["norms"] = (len(rows) if rule.has_gain else 0,)
    shapes |= dict.fromkeys(("states", "known"), (states + 1,)) | dict.fromkeys(("alpha", "fit", "rank"), (states,))
    return {f"state.{name}": np.broadcast_to(matrix.DTYPES[name](0), shape) for name, shape in shapes.items()}


def fit(whole: Shape, said: Said, header: Header, size: Callable[[Shape], int], name: str) -> Shape:
    """The largest shape whose `size`, in bytes, is within the header's budget. Raises UsageError when none is.

    `said` is about the rows of `whole`. `name` is what the error calls the file.
    """
    budget, leans = header.budget or 0, LEAN if rule_named(header.rule).has_gain else ()
    for lean in (None, *leans):
        whole = replace(whole, lean=lean)
        if size(whole) <= budget:
            return whole
        if lean and matrix_of(whole.rows, header, lean)["state.F"].nbytes <= budget * _DIRECTIONS:
            break
    row, text = per_byte(whole.rows, len(whole.vocabulary), said)
    steps = np.concatenate([[0.0], np.unique(np.concatenate([row, text])), [np.inf]])

    def cut(step: int, run: int = RUN) -> Shape:
        return _summed(whole, header.dimension, row >= steps[step], text >= steps[step], run)

    low, high = 0, len(steps) - 1
    smallest = cut(high)
    if (least := size(smallest)) > budget:
        whole = replace(whole, lean=leans[-1] if leans else None)
        smallest = cut(high, max(len(whole.rows), 1))
        least = size(smallest)
        if least > budget:
            raise UsageError(
                f"{name}: cannot be made smaller than {least:,} bytes, one row for each session; "
                f"give it at least --budget {least}"
            )
        return smallest
    best = smallest
    for _ in range(_TRIES):
        if high - low < 2:
            break
        middle = (low + high) // 2
        shape = cut(middle)
        if size(shape) <= budget:
            high, best = middle, shape
        else:
            low = middle
    return best


def _summed(whole: Shape, dimension: int, kept: NDArray[np.bool_], texts: NDArray[np.bool_], run: int) -> Shape:
    """The shape with the rows that are not kept summed, in stretches of at most `run`, and only those texts."""
    gone, into = together(whole.rows, kept, run)
    if len(gone) == 0:
        return replace(whole, texts=texts)
    speakers = whole.speakers
    if "" not in speakers:  # who a sum of several speakers is said by
        speakers = [*speakers, ""]
    rows, places = sum_rows(whole.rows, len(whole.vocabulary), dimension, speakers.index(""), gone, into)
    rows, vocabulary = used_only(rows, whole.vocabulary)
    texts = texts[places] & (rows.summed == 0)
    return Shape(rows, vocabulary, speakers, whole.places[places], texts, whole.lean)
