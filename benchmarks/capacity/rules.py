"""How much fits into a state, and what happens when the question is worded differently: the three rules side by side.

Notation
    d      dimension of a key, and of a value; every state is as large as d rows of d (slots: d slots)
    n      writes: one key and one random unit value each;  load = n / d

A question is answered when, among all n values written, the one of its key (of one of its keys) is nearest to what the
state reads. A row of `delta` is named after its mode and β: 0.18 is where the paper's gate starts. Inner products of
random unit keys spread as 1/√d, so slots address sharply when their sharpness is several √d: here 4√d.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capacity.pools import ITSELF, Pool
from deltamem_cli.rules import delta, rls, slots

if TYPE_CHECKING:
    from torch import Tensor

LOADS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
ALPHA = 0.1


class Row(NamedTuple):
    """One measurement, or the mean of several: recall@1 (0 to 1) of a rule, asked with one kind of question.

    cosine: mean cosine of question and key. asked: how many questions.
    """

    keys: str
    rule: str
    load: float
    question: str
    cosine: float
    asked: int
    recall: float


Read = Callable[["Tensor"], "Tensor"]


def _rls(keys: Tensor, values: Tensor) -> Read:
    S = rls.solve(keys, values, ALPHA).S
    return lambda queries: queries @ S.T


def _delta(mode: delta.Mode, beta: float) -> Callable[[Tensor, Tensor], Read]:
    def learn(keys: Tensor, values: Tensor) -> Read:
        gates = delta.gates(mode, keys.new_full((len(keys), 1), beta))
        S = delta.write(delta.empty(values.shape[1], keys.shape[1]), keys, values, gates).state
        return lambda queries: queries @ S.T

    return learn


def _slots(mode: slots.Mode, sharpness: Callable[[int], float]) -> Callable[[Tensor, Tensor], Read]:
    def learn(keys: Tensor, values: Tensor) -> Read:
        d = keys.shape[1]
        start = slots.empty(d, d, values.shape[1], sharpness=sharpness(d))
        state = slots.write(start, keys, values, keys.new_ones(len(keys)), mode)
        return lambda queries: slots.read(state, queries)[:, d:]

    return learn


RULES: dict[str, Callable[[Tensor, Tensor], Read]] = {
    "rls": _rls,
    "delta, no_lambda, β = 0.5": _delta("no_lambda", 0.5),
    "delta, standard, β = 0.18": _delta("standard", 0.18),
    "slots, overwrite, sharp": _slots("overwrite", lambda d: 4 * d**0.5),
    "slots, residual, sharp": _slots("residual", lambda d: 4 * d**0.5),
    "slots, residual, sharpness 1": _slots("residual", lambda d: 1.0),
}


def steps(pool: Pool) -> list[float]:
    """The loads that the pool has keys for."""
    n, d = pool.keys.shape
    return [load for load in LOADS if round(load * d) <= n]


def measure(pools: Sequence[Pool], loads: Sequence[float] = LOADS) -> Iterator[Row]:
    """Every rule at every load that a pool has keys for, asked with every kind of question: rows as they come."""
    for seed, pool in enumerate(pools):
        for load in (load for load in steps(pool) if load in loads):
            yield from _at(pool, load, seed)


def _at(pool: Pool, load: float, seed: int) -> Iterator[Row]:
    """Draw keys and values, write them by every rule, ask what can be answered."""
    import torch

    n, d = round(load * pool.keys.shape[1]), pool.keys.shape[1]
    drawn = np.random.RandomState(seed).permutation(len(pool.keys))[:n]
    place = {int(key): i for i, key in enumerate(drawn)}
    keys = torch.from_numpy(pool.keys[drawn])
    values = torch.nn.functional.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=1)
    asked = {}
    for kind, questions in pool.questions.items():
        answers = [[place[key] for key in keys_of if key in place] for keys_of in questions.answers]
        can = [i for i, known in enumerate(answers) if known]
        asked[kind] = torch.from_numpy(questions.vectors[can]), [answers[i] for i in can]
    for rule, learn in RULES.items():
        read = learn(keys, values)
        for kind, (queries, answers) in asked.items():
            if not answers:
                continue
            found = (torch.nn.functional.normalize(read(queries), dim=1) @ values.T).argmax(1).tolist()
            hits = [best in known for best, known in zip(found, answers, strict=True)]
            near = (queries @ keys.T).numpy()
            cosine = float(np.mean([line[known].max() for line, known in zip(near, answers, strict=True)]))
            yield Row(pool.name, rule, load, kind, cosine, len(hits), float(np.mean(hits)))


def averaged(rows: Sequence[Row]) -> list[Row]:
    """One row for those that differ in their draw only, in the order they first came."""
    same: dict[tuple[str, str, float, str], list[Row]] = {}
    for row in rows:
        same.setdefault(row[:4], []).append(row)
    return [
        Row(*of, float(np.mean([r.cosine for r in some])), sum(r.asked for r in some),
            float(np.mean([r.recall for r in some])))
        for of, some in same.items()
    ]  # fmt: skip


def views(rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """(title, the field that varies, its rows) for each kind of keys: by load, and by question at two loads."""
    for keys in dict.fromkeys(row.keys for row in rows):
        mine = [row for row in rows if row.keys == keys]
        yield f"{keys}: by load", "load", [row for row in mine if row.question == ITSELF]
        loads = list(dict.fromkeys(row.load for row in mine))
        for load in (load for load in (0.5, 2.0) if load in loads):
            yield f"{keys}: by question, load {load:g}", "question", [row for row in mine if row.load == load]
