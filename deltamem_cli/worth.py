"""What a passage is worth keeping: how likely it will be the evidence of a question, as far as its own words tell.

    worth = Σ over its terms of idf · log(1 + count)  ·  √(1 + n)  ·  1/e unless a user said it

n counts the words with which people speak of themselves. Nothing in it depends on the order of writing. The delta-rule
error of a passage (left out in turn) adds nothing to it: benchmarks/LOG.md has what was tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.ledger import Rows
from deltamem_cli.records import ROLES

Floats = NDArray[np.float64]

_SELF = re.compile(r"\b(?:I|I'm|I've|my|My|we|our)\b")
_ROW, _TERM, _TEXT = 150, 5, 12  # bytes of a row without its terms, of a term, and of a text besides its characters


class Said(NamedTuple):
    """Of each passage (N,) its text in bytes, 0 where there is none, and how often it speaks of its speaker."""

    size: NDArray[np.int64]
    self_told: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Said:
        """From the texts, "" for one that is not kept."""
        found = [(len(text.encode("utf-8", "replace")), len(_SELF.findall(text)) if text else 0) for text in texts]
        size, told = np.array(found, np.int64).reshape(-1, 2).T
        return cls(size, told)


def idf(rows: Rows, terms: int) -> Floats:
    """How rare each of so many terms is among the rows: ln(1 + (N − df + ½) / (df + ½))."""
    df, n = np.bincount(rows.terms, minlength=terms), len(rows)
    return np.asarray(np.log1p((n - df + 0.5) / (df + 0.5)))


def worth(rows: Rows, terms: int, said: Said) -> Floats:
    """The worth (N,) of every passage, 0 for what is a sum of passages already. `terms` is the vocabulary's length."""
    of_row = np.repeat(np.arange(len(rows)), rows.sizes)
    telling = np.bincount(of_row, idf(rows, terms)[rows.terms] * np.log1p(rows.counts), len(rows))
    telling *= np.sqrt(1 + said.self_told)
    telling[rows.role != ROLES.index("user")] /= np.e
    telling[rows.summed > 0] = 0
    return np.asarray(telling)


def per_byte(rows: Rows, terms: int, said: Said) -> tuple[Floats, Floats]:
    """The worth of every row (N,) and of every text (N,) for a byte that it takes in the file.

    A text is never worth more than the row it hangs on, and nothing where there is none.
    """
    value = worth(rows, terms, said)
    row = value / (_ROW + _TERM * rows.sizes.astype(np.float64))
    text = np.where(said.size > 0, np.minimum(row, value / (_TEXT + said.size)), 0.0)
    return row, text
