"""How the matrix of a memory learns: by which rule, how fast it forgets, in how many states. Kept in the header."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.errors import UsageError
from deltamem_cli.memory.ledger import NO_TIME, Longs
from deltamem_cli.rules import rule_named

_HALF_LIFE = re.compile(r"[1-9][0-9]{0,8}[hd]?")
_UNITS = {"h": 3_600_000, "d": 86_400_000}  # milliseconds
_MOST_STATES = 1 << 20


@dataclass(frozen=True)
class Learning:
    """The rule (one of rules.RULES), its half-life and the least number of states.

    half_life: "" for none, "5000" in writes, "12h" or "90d" in time. Raises UsageError for what cannot be.
    """

    rule: str = "rls"
    half_life: str = ""
    states: int = 1

    def __post_init__(self) -> None:
        rule = rule_named(self.rule)
        if self.half_life and not _HALF_LIFE.fullmatch(self.half_life):
            raise UsageError(f"a half-life is a number of writes (5000), hours (12h) or days (90d): {self.half_life!r}")
        if self.half_life and not rule.has_half_life:
            raise UsageError(f"the rule {self.rule} has no half-life: leave it out, or take the rule rls")
        if not 1 <= self.states <= _MOST_STATES:
            raise UsageError(f"a memory has at least one state, and at most {_MOST_STATES:,}: {self.states}")

    def __str__(self) -> str:
        told = [self.rule]
        if self.half_life:
            told.append(f"half-life {self.half_life}" + ("" if self.half_life[-1] in _UNITS else " writes"))
        if self.states > 1:
            told.append(f"{self.states} states")
        return ", ".join(told)


def weights(half_life: str, time: Longs, summed: NDArray[np.uint32]) -> NDArray[np.float32]:
    """What is left of rows (n,) in this order, of these times: 2^(−age / half-life), 1 where there is no half-life.

    The age of a row counts from the last row, or from the latest time; a row without a time does not fade. A row that
    sums up passages (`summed`, 0 for one that does not) is as many writes as it stands for.
    """
    if not half_life:
        return np.ones(len(time), np.float32)
    unit = _UNITS.get(half_life[-1])
    if unit is None:
        written = np.cumsum(np.maximum(summed, 1), dtype=np.float64)
        age, life = written[-1:] - written, int(half_life)
    else:
        known = time != NO_TIME
        latest = time[known].max(initial=np.iinfo(np.int64).min)
        age, life = np.where(known, latest - time.astype(np.float64), 0.0), int(half_life[:-1]) * unit
    return np.exp2(-np.maximum(age, 0) / life).astype(np.float32)
