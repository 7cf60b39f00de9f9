"""How recall of the matrix alone falls as a state takes more writes than it has dimensions, and what helps.

    python benchmarks/states.py locomo_dev.json longmemeval_s_dev.jsonl.gz --memories FOLDER [--plot states.png]

All conversations and haystacks are one memory. Its matrix is learned again for every size of a state (at most so many
writes, whole sessions where they fit) and for wider word sketches, from the ledger: nothing is encoded again. Reads of
different states are made comparable as in a memory: divided by the norms of the row and of P q, and by α. "flat" is the
inner product with the same keys, no matrix. Turn and session recall of LoCoMo's questions, session recall of
LongMemEval's; KiB is S, F and norms; "learn" seconds for all states; "ask" milliseconds a question for `matrix.gains`,
the part of a question that grows with the number of states.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from made import cases_of, machine, memories_of, memory_of, merged, together
from numpy.typing import NDArray
from recall import Question, evidence_places

from deltamem_cli.build import learn_matrix
from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.memory import keys, matrix
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.first_stage import Ranker

Floats = NDArray[np.float32]

STEPS = ((640, 512), (640, 1024), (640, 2048), (640, 4096), (640, 8192), (640, 16384), (640, 65536), (1280, 2048),
         (1280, 8192), (1280, 65536))  # fmt: skip


class Row(NamedTuple):
    """One setting: words of the sketch, writes a state may take, states, then what was measured."""

    words: int
    writes: int
    states: int
    turn: float
    session: float
    session_mrr: float
    haystack: float
    haystack_mrr: float
    kib: float
    learn: float
    ask: float


class Asked(NamedTuple):
    """All questions, their vectors, and by which messages of LoCoMo (source, ids) they are judged."""

    questions: list[Question]
    vectors: Floats
    ids: list[str]


def prepare(locomo: Path, longmemeval: Path, folder: Path) -> tuple[StoredMemory, Asked]:
    """One memory of everything, and the questions that have an answer."""
    encoder: Encoder = load_encoder()
    talks = together(cases_of(locomo), "locomo")
    haystacks = list(memories_of(longmemeval, folder, encoder))
    parts = [memory_of(talks, folder / "locomo-together.safetensors", encoder), *(memory for _, memory in haystacks)]
    memory = merged(parts, folder / "states.safetensors")
    questions = talks.questions + [
        question for case, _ in haystacks for question in case.questions if question.sessions
    ]
    vectors = np.stack([encoder.encode_query(question.text) for question in questions])
    return memory, Asked(questions, vectors, [message.id for message in talks.messages])


def settle(words: int, writes: int) -> None:
    """Let keys and matrices be made with that sketch and that size of a state."""
    keys.WORDS, keys._STRIPE, matrix.STATE_WRITES = words, words // keys.SPREAD, writes


def reads(memory: StoredMemory, learned: Matrix, queries: Floats) -> tuple[Floats, Floats]:
    """The matrix read at the grain of passages, and flat inner products, of all queries at once: (N, Q) each.

    `query` reads the exchange; the passage is what tells sizes of states apart.
    """
    rows, dimension = memory.rows, memory.header.dimension
    found, flat = np.empty((len(rows), len(queries)), np.float32), np.empty((len(rows), len(queries)), np.float32)
    for state, (first, end) in enumerate(pairwise(learned.states.tolist())):
        known = slice(*learned.known[state : state + 2])
        F = learned.F[known].astype(np.float32) * learned.F_scale[known, None]
        gain = (queries - (queries @ F.T) @ F) / learned.alpha[state]
        key = matrix.row_keys(rows, memory.vocabulary, dimension, first, end)
        together_ = matrix.joined(rows.session[first:end])
        flat[first:end] = key @ queries.T
        found[first:end] = matrix.with_neighbours(key @ gain.T, together_, matrix.NEIGHBOUR)
        found[first:end] /= np.maximum(np.linalg.norm(gain, axis=1), 1e-12) * learned.alpha[state]
    return found / np.maximum(learned.norms.astype(np.float32), 1e-6)[:, None], flat


def judge(memory: StoredMemory, asked: Asked, scores: Floats) -> tuple[float, float, float, float, float]:
    """LoCoMo: turn R@10, session R@10, session MRR. LongMemEval: session R@10, MRR."""
    rows, names = memory.rows, [session.id for session in memory.sessions]
    source = [source.path for source in memory.sources].index("locomo")
    of_locomo = rows.source == source
    message = np.where(of_locomo, rows.line.astype(int) - 1, len(asked.ids) + np.arange(len(rows)))
    ids = asked.ids + [""] * len(rows)
    turn, session, haystack = [], [], []
    for question, score in zip(asked.questions, scores.T, strict=True):
        found = evidence_places(score, rows.session, names, question.sessions)
        (session if question.turns else haystack).append(found)
        if question.turns:
            turn.append(evidence_places(score, message, ids, question.turns))

    def recall(ranks: list[list[int]]) -> float:
        return float(np.mean([np.mean([rank < 10 for rank in some]) for some in ranks]))

    def mrr(ranks: list[list[int]]) -> float:
        return float(np.mean([1 / (1 + min(some)) for some in ranks]))

    return recall(turn), recall(session), mrr(session), recall(haystack), mrr(haystack)


def measure(memory: StoredMemory, asked: Asked) -> Iterator[tuple[Row, Row]]:
    """For each setting: the matrix, and the flat index over the same keys."""
    rows = memory.rows
    for words, writes in STEPS:
        settle(words, writes)
        memory.__dict__.pop("matrix", None)
        started = time.perf_counter()
        learned = learn_matrix.build(rows, memory.vocabulary, memory.header.dimension)
        seconds = time.perf_counter() - started
        memory.__dict__["matrix"] = learned
        ranker = Ranker(memory)
        queries = np.stack([ranker.key(v, q.text) for v, q in zip(asked.vectors, asked.questions, strict=True)])
        started = time.perf_counter()
        for query in queries[:10]:
            matrix.gains(learned, query)
        ask = (time.perf_counter() - started) * 100
        found, flat = reads(memory, learned, queries)
        nbytes = sum(getattr(learned, field.name).nbytes for field in fields(learned)) / 1024
        states = len(learned.alpha)
        yield (
            Row(words, writes, states, *judge(memory, asked, found), nbytes, seconds, ask),
            Row(words, 0, 0, *judge(memory, asked, flat), 0, 0, 0),
        )


def plot(rows: list[Row], flats: dict[int, Row], path: Path) -> None:
    """Recall by writes a state may take, a curve for each width of the sketch."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for axis, name, title in zip(axes, ("turn", "session_mrr"), ("turn R@10", "session MRR"), strict=True):
        for words, flat in flats.items():
            curve = [row for row in rows if row.words == words]
            label = f"{words} + 384 dimensions"
            (line,) = axis.plot([r.writes for r in curve], [getattr(r, name) for r in curve], "o-", label=label)
            axis.axhline(getattr(flat, name), ls=":", lw=1, color=line.get_color())
        axis.set_xscale("log", base=2)
        axis.set(xlabel="writes a state may take (dotted: flat index)", title=f"LoCoMo {title}, matrix alone")
    axes[0].legend()
    figure.savefig(path, dpi=70)


def main() -> None:
    """Print the table; draw it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locomo", type=Path)
    parser.add_argument("longmemeval", type=Path)
    parser.add_argument("--memories", type=Path, default=Path("memories"), help="folder that keeps the memories")
    parser.add_argument("--plot", type=Path, help="where to write the PNG")
    options = parser.parse_args()
    memory, asked = prepare(options.locomo, options.longmemeval, options.memories)
    print(
        f"{len(memory.rows):,} passages, {len(memory.sessions):,} sessions, {len(asked.questions)} questions"
        f"; {machine()}"
    )
    print(" words writes states  turn R@10  session R@10    MRR  haystack R@10    MRR      KiB  learn s  ask ms")
    rows, flats = [], {}
    for row, flat in measure(memory, asked):
        line = "{:6} {:6} {:6} {:10.3f} {:13.3f} {:6.3f} {:14.3f} {:6.3f} {:8,.0f} {:8.1f} {:7.1f}"
        if row.words not in flats:
            print(line.format(*flat).replace("     0      0 ", "        flat "), flush=True)
        print(line.format(*row), flush=True)
        flats.setdefault(row.words, flat)
        rows.append(row)
    if options.plot:
        plot(rows, flats, options.plot)


if __name__ == "__main__":
    main()
