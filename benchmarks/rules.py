"""How much fits into a state, and what happens when the question is worded differently: the three rules side by side.

    python benchmarks/rules.py --plot rules.png [--vectors sentences.npy]

Notation
    d      dimension of a key, and of a value; every memory is as large as d rows of d (slots: d slots)
    n      writes: one key and one random unit value each;  load = n / d
    noise  the cosine of question and key: 1 is the key itself

A question is a key with noise in a random direction; it is answered when, among all n values written, the one of its
key is nearest to what the memory reads. Keys are random unit vectors, or rows of a .npy file (centred, made unit).
Everything is a mean over `seeds` draws.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from deltamem_cli.rules import delta, rls, slots

LOADS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
NOISES = (1.0, 0.9, 0.8, 0.7, 0.5, 0.3)
NOISE_LOADS = (0.5, 2.0)

Read = Callable[[Tensor], Tensor]


class Row(NamedTuple):
    """One cell of the table: recall@1 of a rule, 0 to 1."""

    keys: str
    rule: str
    load: float
    cosine: float
    recall: float


def _rls(keys: Tensor, values: Tensor) -> Read:
    S = rls.solve(keys, values, 0.1).S
    return lambda queries: queries @ S.T


def _delta(mode: delta.Mode, beta: float) -> Callable[[Tensor, Tensor], Read]:
    def learn(keys: Tensor, values: Tensor) -> Read:
        gates = delta.gates(mode, keys.new_full((len(keys), 1), beta))
        S = delta.write(delta.empty(values.shape[1], keys.shape[1]), keys, values, gates).state
        return lambda queries: queries @ S.T

    return learn


def _slots(mode: slots.Mode, sharpness: float) -> Callable[[Tensor, Tensor], Read]:
    def learn(keys: Tensor, values: Tensor) -> Read:
        d = keys.shape[1]
        start = slots.empty(d, d, values.shape[1], sharpness=sharpness)
        state = slots.write(start, keys, values, keys.new_ones(len(keys)), mode)
        return lambda queries: slots.read(state, queries)[:, d:]

    return learn


RULES: dict[str, Callable[[Tensor, Tensor], Read]] = {
    "rls": _rls,
    "delta, no_lambda, β = 0.5": _delta("no_lambda", 0.5),
    "delta, standard, β = 0.18": _delta("standard", 0.18),
    "slots, overwrite, sharpness 30": _slots("overwrite", 30.0),
    "slots, residual, sharpness 30": _slots("residual", 30.0),
    "slots, residual, sharpness 1": _slots("residual", 1.0),
}


def unit_keys(n: int, d: int, generator: torch.Generator) -> Tensor:
    """Random unit keys (n, d)."""
    return normalize(torch.randn(n, d, generator=generator), dim=1)


def measure(name: str, pool: Tensor | None, d: int = 64, seeds: int = 3) -> list[Row]:
    """Recall of every rule at every load, and at every noise. Keys are drawn from `pool` (N, d), or at random."""
    points = [(load, 1.0) for load in LOADS] + [(load, noise) for load in NOISE_LOADS for noise in NOISES[1:]]
    found: dict[tuple[str, float, float], list[float]] = {}
    for seed in range(seeds):
        g = torch.Generator().manual_seed(seed)
        for load in LOADS:
            n = round(load * d)
            if pool is not None and n > len(pool):
                continue
            keys = unit_keys(n, d, g) if pool is None else pool[torch.randperm(len(pool), generator=g)[:n]]
            values = unit_keys(n, d, g)
            questions = {cosine: noisy(keys, cosine, g) for at, cosine in points if at == load}
            for rule, learn in RULES.items():
                read = learn(keys, values)
                for cosine, queries in questions.items():
                    hits = (normalize(read(queries), dim=1) @ values.T).argmax(1) == torch.arange(n)
                    found.setdefault((rule, load, cosine), []).append(float(hits.float().mean()))
    return [Row(name, *point, sum(hits) / len(hits)) for point, hits in found.items()]


def noisy(keys: Tensor, cosine: float, generator: torch.Generator) -> Tensor:
    """Unit vectors (n, d) at this cosine from unit keys (n, d), in random directions."""
    away = torch.randn(keys.shape, generator=generator)
    away = normalize(away - (away * keys).sum(1, keepdim=True) * keys, dim=1)
    return cosine * keys + math.sqrt(1 - cosine**2) * away


def table(rows: list[Row]) -> str:
    """Recall@1 in per cent: for each kind of keys, rules by loads, then rules by noise."""
    lines = []
    for keys in dict.fromkeys(row.keys for row in rows):
        for title, axis, chosen in _views([row for row in rows if row.keys == keys]):
            steps = list(dict.fromkeys(getattr(row, axis) for row in chosen))
            lines += ["", f"{keys}: {title}", " " * 32 + "".join(f"{step:>7g}" for step in steps)]
            for rule in RULES:
                cells = [f"{100 * row.recall:>7.0f}" for row in chosen if row.rule == rule]
                lines.append(f"{rule:<32}" + "".join(cells))
    return "\n".join(lines[1:])


def plot(rows: list[Row], path: Path) -> None:
    """The same as curves, one panel for every block of the table. Needs matplotlib (extra `bench`)."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(row.keys for row in rows))
    figure, panels = pyplot.subplots(
        len(kinds), 3, figsize=(13, 4 * len(kinds)), squeeze=False, sharey=True, layout="constrained"
    )
    for line, keys in zip(panels, kinds, strict=True):
        for panel, (title, axis, chosen) in zip(line, _views([row for row in rows if row.keys == keys]), strict=False):
            for rule in RULES:
                curve = [row for row in chosen if row.rule == rule]
                panel.plot([getattr(row, axis) for row in curve], [row.recall for row in curve], "o-", label=rule)
            panel.set_title(f"{keys}\n{title}", fontsize=10)
            panel.set(ylim=(-0.02, 1.02), ylabel="recall@1", xlabel="writes / d" if axis == "load" else "cosine")
            if axis == "load":
                panel.set_xscale("log", base=2)
            else:
                panel.invert_xaxis()
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=110)


def _views(rows: list[Row]) -> list[tuple[str, str, list[Row]]]:
    """(title, what varies, its rows): by load, and by noise at each load that has it."""
    views = [("by load", "load", [row for row in rows if row.cosine == 1])]
    for load in NOISE_LOADS:
        chosen = sorted((row for row in rows if row.load == load), key=lambda row: -row.cosine)
        views.append((f"by cosine with the key, load {load:g}", "cosine", chosen))
    return [view for view in views if view[2]]


def sentence_keys(path: Path) -> Tensor:
    """Rows of a .npy file (N, d) as keys: centred, made unit."""
    vectors = torch.from_numpy(np.load(path, allow_pickle=False)).float()
    return normalize(vectors - vectors.mean(0), dim=1)


def main() -> None:
    """Print the table; draw it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=Path, help="sentence vectors (N, d), .npy")
    parser.add_argument("--plot", type=Path, help="where to write the PNG")
    options = parser.parse_args()
    rows = measure("random keys, d = 64", None)
    if options.vectors:
        pool = sentence_keys(options.vectors)
        rows += measure(f"sentence keys, d = {pool.shape[1]}", pool, pool.shape[1], seeds=1)
    print(table(rows))
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
