"""Where in the log: recall@10 of evidence by its place in the memory, first to last tenth, on a LoCoMo file.

    python benchmarks/position.py locomo_dev.json --memories FOLDER [--plot position.png]

A piece of evidence is found when its message is among the first ten; its place is that of its passage among all of its
memory, in order of time. Intervals are 95 % bootstraps over questions. "p" is how often places that were shuffled among
evidence of questions of one category, with as many pieces of evidence, differ as much between tenths as the real ones
do: above 0.05 the curve is flat within noise.

What is asked about the first sessions may be harder than what is asked about the last. "reversed" takes that apart: the
same conversations with their last session first (times mirrored), the same evidence under its old tenth. Where the
column equals "query", the place in the log plays no part.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from made import machine, memories_of, memory_of, rows_found
from numpy.typing import NDArray
from recall import Bm25s, Case, places

from deltamem_cli.encoders import load_encoder
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher

TENTHS, FIRST, DRAWS = 10, 10, 2000
METHODS = ("query", "reversed", "matrix", "BM25")


def collect(path: Path, folder: Path) -> NDArray[np.float64]:
    """A line for each piece of evidence: question, tenth (0 to 9), kind, then 1 for each method that found it."""
    import bm25s

    found, asked = [], 0
    writer, encoder = load_encoder(), load_encoder(query_only=True)
    kinds: dict[tuple[str, int], int] = {}
    for case, memory in memories_of(path, folder, writer):
        turned = memory_of(mirrored(case), folder / f"{case.name}-reversed.safetensors", writer)
        searcher, ranker, rows = Searcher(memory, encoder), Ranker(memory), memory.rows
        backwards, line_of = Searcher(turned, encoder), turned.rows.line.astype(int) - 1
        ids = [message.id for message in case.messages]
        message_of = rows.line.astype(int) - 1
        lexical = Bm25s(bm25s, [f"{memory.speakers[s]}: {t}" for s, t in zip(rows.speaker, memory.text, strict=True)])
        for question in case.questions:
            scores = ranker.scores(question.text, encoder.encode_query(question.text))
            orders = {
                "query": rows_found(searcher, question.text, 2 * FIRST),
                "matrix": np.argsort(places(scores.parts["matrix"])),
                "BM25": np.argsort(places(lexical.scores(question.text))),
            }
            said = {name: message_of[order[: 4 * FIRST]] for name, order in orders.items()}
            said["reversed"] = line_of[rows_found(backwards, question.text, 2 * FIRST)]
            first = {name: list(dict.fromkeys(messages.tolist()))[:FIRST] for name, messages in said.items()}
            kind = kinds.setdefault((question.kind, len(question.turns)), len(kinds))
            for evidence in dict.fromkeys(question.turns):
                message = ids.index(evidence)
                tenth = int(np.flatnonzero(message_of == message)[0] * TENTHS / len(rows))
                found.append([asked, tenth, kind, *(message in first[name] for name in METHODS)])
            asked += 1
    return np.array(found, float)


def mirrored(case: Case) -> Case:
    """The case with its last session first."""
    times = [message.time for message in case.messages if message.time is not None]
    turned = [replace(message, time=times[0] + times[-1] - (message.time or 0)) for message in case.messages]
    return Case(case.name, turned, case.questions)


def by_tenth(tenth: NDArray[np.int64], hits: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of hits in each tenth."""
    total = np.bincount(tenth, weight, TENTHS)
    return np.bincount(tenth, hits * weight, TENTHS) / np.maximum(total, 1e-9)


def intervals(found: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """Lower and upper ends (2, TENTHS) of 95 % bootstrap intervals over questions."""
    chance = np.random.RandomState(0)
    question, tenth, hits = found[:, 0].astype(int), found[:, 1].astype(int), found[:, column]
    n = question.max() + 1
    draws = [by_tenth(tenth, hits, np.bincount(chance.randint(n, size=n), minlength=n)[question]) for _ in range(DRAWS)]
    return np.percentile(draws, [2.5, 97.5], axis=0)


def chance_of_as_much(found: NDArray[np.float64], column: int) -> float:
    """Share of places, shuffled among questions of a kind, whose tenths differ as much as the real ones."""
    chance = np.random.RandomState(0)
    tenth, kind, hits, ones = found[:, 1].astype(int), found[:, 2], found[:, column], np.ones(len(found))
    by_kind = np.argsort(kind, kind="stable")
    sizes = np.bincount(tenth, minlength=TENTHS)

    def spread(places_: NDArray[np.int64]) -> float:
        return float((sizes * (by_tenth(places_, hits, ones) - hits.mean()) ** 2).sum())

    real = spread(tenth)

    def shuffled() -> NDArray[np.int64]:
        places_ = np.empty_like(tenth)
        places_[by_kind] = tenth[np.lexsort((chance.random_sample(len(kind)), kind))]
        return places_

    return float(np.mean([spread(shuffled()) >= real for _ in range(DRAWS)]))


def plot(found: NDArray[np.float64], path: Path) -> None:
    """The same as curves."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4), layout="constrained")
    tenth, ones = found[:, 1].astype(int), np.ones(len(found))
    for column, name in enumerate(METHODS, 3):
        ends = intervals(found, column)
        (line,) = axis.plot(range(1, TENTHS + 1), by_tenth(tenth, found[:, column], ones), "o-", label=name)
        axis.fill_between(range(1, TENTHS + 1), *ends, alpha=0.15, color=line.get_color())
    axis.set(xlabel="tenth of the memory that holds the evidence", ylabel="recall@10", ylim=(0, 1))
    axis.set_xticks(range(1, TENTHS + 1))
    axis.legend(loc="lower right")
    figure.savefig(path, dpi=70)


def main() -> None:
    """Print the table; draw it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="locomo*.json")
    parser.add_argument("--memories", type=Path, default=Path("memories"), help="folder that keeps the memories")
    parser.add_argument("--plot", type=Path, help="where to write the PNG")
    options = parser.parse_args()
    found = collect(options.file, options.memories)
    tenth, ones = found[:, 1].astype(int), np.ones(len(found))
    columns: dict[str, Any] = {name: (by_tenth(tenth, found[:, i], ones), intervals(found, i))
                               for i, name in enumerate(METHODS, 3)}  # fmt: skip
    print(f"{options.file.name}: {len(found)} pieces of evidence, {int(found[:, 0].max()) + 1} questions; {machine()}")
    print("tenth  evidence" + "".join(f"{name:>24}" for name in METHODS))
    for i in range(TENTHS):
        cells = [f"{mean[i]:.3f} [{low[i]:.3f}, {high[i]:.3f}]".rjust(24) for mean, (low, high) in columns.values()]
        print(f"{i + 1:5}{int((tenth == i).sum()):10}" + "".join(cells))
    print("p" + " " * 14 + "".join(f"{chance_of_as_much(found, i):24.3f}" for i in range(3, 3 + len(METHODS))))
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
