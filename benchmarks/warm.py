"""Milliseconds of a warm question to a memory of many passages, part by part.

    python benchmarks/warm.py [--passages 100000] [--memory FILE] [--profile N]

The passages are made from the sentences of the encoders' general.txt, shuffled with a fixed seed, in sessions of
twenty; their vectors are random (nothing is encoded: a vector costs a question the same whatever it says). FILE keeps
the memory. "first" is the first reading, from the question's vector; "encode" what the question's vector takes; "ask"
what `deltamem query` does once it has loaded, with the second reading. Every figure is the median over 12 questions,
the least of three rounds. Quiet machine, two cores.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from made import machine
from numpy.typing import NDArray
from speed import sentences

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Message, Source

QUESTIONS, ROUNDS, SESSION = 12, 3, 20


class Unread:
    """The default encoder's name and tokens, random vectors."""

    def __init__(self, real: Encoder) -> None:
        self.name, self.dimension, self.max_tokens = real.name, real.dimension, real.max_tokens
        self.fingerprint, self.mean = real.fingerprint, real.mean
        self.count_tokens, self.offsets, self.encode_query = real.count_tokens, real.offsets, real.encode_query
        self.token_vectors = real.token_vectors
        self._dice = np.random.RandomState(7)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Random unit vectors."""
        rows = self._dice.standard_normal((len(texts), self.dimension)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def make(path: Path, passages: int, real: Encoder) -> StoredMemory:
    """The memory at `path`; it is made if it is not there."""
    if not path.exists():
        encoder = Unread(real)
        draft = Draft(path, new_header(encoder, text=True), encoder.mean)
        messages = [
            Message(text[:400], "user", i + 1, session=f"s{i // SESSION}", id=str(i))
            for i, text in enumerate(sentences(passages))
        ]
        ingest_messages(messages, Source("made", "benchmark"), draft, encoder)
    return open_memory(path)


def median_ms(run: Callable[[int], object]) -> float:
    """The least of several rounds of the median over all questions."""

    def timed(i: int) -> float:
        started = time.perf_counter()
        run(i)
        return time.perf_counter() - started

    run(0)
    return min(float(np.median([timed(i) for i in range(QUESTIONS)])) for _ in range(ROUNDS)) * 1000


def main() -> None:
    """Make, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--memory", type=Path, default=Path("warm.safetensors"))
    parser.add_argument("--profile", type=int, default=0, metavar="N", help="show the N functions that take longest")
    options = parser.parse_args()
    encoder = load_encoder(query_only=True)
    memory = make(options.memory, options.passages, encoder)
    questions = [f"What was said of this: {text.split(': ')[1].split('. ')[0][:80]}?" for text in sentences(QUESTIONS)]
    vectors = [encoder.encode_query(question) for question in questions]
    ranker, searcher = Ranker(memory), Searcher(memory, encoder)
    print(
        f"{len(memory.rows):,} passages, {len(memory.rows.terms):,} terms, {len(memory.matrix.alpha)} states", end="; "
    )
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    print(f"first  {median_ms(lambda i: ranker.scores(questions[i], vectors[i])):7.1f} ms")
    print(f"encode {median_ms(lambda i: encoder.encode_query(questions[i])):7.1f} ms")
    print(f"ask    {median_ms(lambda i: searcher.ask(questions[i])):7.1f} ms")
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [searcher.ask(question) for question in questions])
        pstats.Stats(profile).sort_stats("tottime").print_stats(options.profile)


if __name__ == "__main__":
    main()
