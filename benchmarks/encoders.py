"""What the choice of an encoder costs and brings: recall on LoCoMo, time, bytes.

    python benchmarks/encoders.py locomo_dev.json default FOLDER [FOLDER ...] [--conversations 2]

Each conversation is a memory of its own, made and asked as by `deltamem ingest` and `deltamem query`. "first" is the
first reading (nothing but the question is encoded), "query" what `deltamem query` ranks by. Encoding: milliseconds of
the processor a passage, the least of three runs over the same 256 turns, and as a ratio to the first encoder named,
which runs in turn with it. Bytes: of the whole memory, a passage. Cold: the fastest of three `deltamem query` in a
new process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from made import cases_of, machine, memory_of
from recall import Case, evidence_places

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.memory.file import nbytes
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher

ROUNDS, PASSAGES = 3, 256


class Found(NamedTuple):
    """Turn recall of the first reading and of `query`, bytes a passage, seconds of a cold question."""

    first: tuple[float, float]
    query: tuple[float, float]
    nbytes: float
    cold: float


def judge(cases: list[Case], encoder: Encoder) -> Found:
    """Make the memories, ask the questions."""
    asking = load_encoder(encoder.name, query_only=True)
    ranks: tuple[list[list[int]], list[list[int]]] = [], []
    size = passages = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            memory = memory_of(case, Path(folder) / f"{case.name}.safetensors", encoder)
            ranker, searcher = Ranker(memory), Searcher(memory, asking)
            size, passages = size + sum(nbytes(memory).values()), passages + len(memory.rows)
            message, ids = memory.rows.line.astype(int) - 1, [said.id for said in case.messages]
            for question in case.questions:
                if question.turns:
                    first = ranker.scores(question.text, asking.encode_query(question.text)).fused
                    for scores, found in zip((first, searcher.scores(question.text)), ranks, strict=True):
                        found.append(evidence_places(scores, message, ids, question.turns))
        command = [sys.executable, "-m", "deltamem_cli", "query", memory.name, cases[-1].questions[0].text]
        command += ["--model", encoder.name]
        cold = min(seconds(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(ROUNDS))
    first, query = ((recall(found, 1), recall(found, 10)) for found in ranks)
    return Found(first, query, size / passages, cold)


def recall(ranks: list[list[int]], k: int) -> float:
    """The share of a question's evidence among the first k, averaged over questions."""
    return float(np.mean([np.mean([rank < k for rank in some]) for some in ranks]))


def spent(encoder: Encoder, texts: list[str]) -> float:
    """Seconds of the processor that encoding them takes."""
    return seconds(lambda: encoder.encode(texts), time.process_time)


def seconds(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long a call takes."""
    started = clock()
    run()
    return clock() - started


def main() -> None:
    """Print a row for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locomo", type=Path)
    parser.add_argument("models", nargs="+", help="what --model takes; the first is what the others are compared with")
    parser.add_argument("--conversations", type=int, default=4)
    options = parser.parse_args()
    cases = cases_of(options.locomo)[: options.conversations]
    asked = sum(bool(question.turns) for case in cases for question in case.questions)
    print(f"{len(cases)} conversations, {asked} questions; {machine()}")
    print(f"{'':32}  dim window  first R@1  R@10  query R@1  R@10  ms a passage  ratio  bytes a passage  cold s")
    texts = [message.text for message in cases[0].messages[:PASSAGES]]
    reference = load_encoder(options.models[0])
    for name in options.models:
        encoder = load_encoder(name)
        encoder.encode(texts[:8])
        pairs = [(spent(encoder, texts), spent(reference, texts)) for _ in range(ROUNDS)]
        ours, theirs = (min(times) / len(texts) * 1000 for times in zip(*pairs, strict=True))
        found = judge(cases, encoder)
        print(
            f"{Path(name).name:32} {encoder.dimension:4} {encoder.max_tokens:6}"
            f" {found.first[0]:10.3f} {found.first[1]:5.3f} {found.query[0]:10.3f} {found.query[1]:5.3f}"
            f" {ours:13.2f} {ours / theirs:6.3f} {found.nbytes:16,.0f} {found.cold:7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
