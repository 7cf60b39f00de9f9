"""What a passage is worth keeping: the odds that it will be the evidence of a question, as far as its own words tell.

    worth = e^(mean idf of its terms / 2) · (1 + i) / (1 + u)^⅓ · 2 if it names a time · ¼ unless a user said it

i counts the words with which people speak of themselves, u those for whom they speak to: people are asked about what
they told of themselves, and of when. Nothing in it depends on the order of writing. The delta-rule error of a passage
(left out in turn) adds nothing to it: benchmarks/LOG.md has what was tried, and the fit that these numbers round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.ledger import Rows, idf
from deltamem_cli.records import ROLES
from deltamem_cli.text.time_expressions import names_time

Floats = NDArray[np.float64]

_SELF = re.compile(r"\b(?:I|I'm|I've|my|My|we|our)\b")
_YOU = re.compile(r"\b(?:you|your)\b", re.I)
_ROW, _TERM, _TEXT = 150, 5, 12  # bytes of a row without its terms, of a term, and of a text besides its characters


class Said(NamedTuple):
    """Of each passage (N,) its text in bytes, 0 where there is none, and the part of its worth that the text tells."""

    size: NDArray[np.int64]
    told: Floats

    @classmethod
    def of(cls, texts: Iterable[str]) -> Said:
        """From the texts, "" for one that is not kept."""
        found = [(len(text.encode("utf-8", "replace")), _told(text)) for text in texts]
        size, told = np.array(found, np.float64).reshape(-1, 2).T
        return cls(size.astype(np.int64), told)


def _told(text: str) -> float:
    of_self, to_you = len(_SELF.findall(text)), len(_YOU.findall(text))
    return float((1 + of_self) / np.cbrt(1 + to_you) * (2 if names_time(text) else 1))


def rarity(rows: Rows, terms: int) -> Floats:
    """The idf of each of so many terms among the rows."""
    return idf(np.bincount(rows.terms, minlength=terms).astype(np.float64), len(rows))


def worth(rows: Rows, terms: int, said: Said) -> Floats:
    """The worth (N,) of every passage, 0 for what is a sum of passages already. `terms` is the vocabulary's length."""
    of_row = np.repeat(np.arange(len(rows)), rows.sizes)
    rare = np.bincount(of_row, rarity(rows, terms)[rows.terms], len(rows)) / np.maximum(rows.sizes, 1)
    value = np.exp(rare / 2) * said.told
    value[rows.role != ROLES.index("user")] /= 4
    value[rows.summed > 0] = 0
    return np.asarray(value)


def per_byte(rows: Rows, terms: int, said: Said) -> tuple[Floats, Floats]:
    """The worth of every row (N,) and of every text (N,) for a byte that it takes in the file.

    A text is never worth more than the row it hangs on, and nothing where there is none.
    """
    value = worth(rows, terms, said)
    row = value / (_ROW + _TERM * rows.sizes.astype(np.float64))
    text = np.where(said.size > 0, np.minimum(row, value / (_TEXT + said.size)), 0.0)
    return row, text
