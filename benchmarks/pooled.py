"""One big memory: every haystack of a LongMemEval file in one, then 50,000 messages of strangers' chats mixed in.

    pip install chitchat-dataset==0.9.0
    python benchmarks/pooled.py longmemeval_s_dev.jsonl.gz chitchat_dataset/dataset.json --memories FOLDER

Each question is asked of all sessions at once. any@k: an evidence session is among the first k; all@5: every one is;
R@10: their share among the first ten. A session scores as its best passage. Rows as in recall.py; all of them see the
same passages ("flat keys": the keys that the matrix learned from; "BM25 sessions": whole sessions as documents).
How long a question takes: `python benchmarks/warm.py --memory FOLDER/noisy.safetensors`.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from made import chitchat, machine, memories_of, memory_of, merged
from numpy.typing import NDArray
from recall import Bm25s, Question, places

from deltamem_cli.encoders import load_encoder
from deltamem_cli.memory import matrix
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher

NOISE = 50_000
METHODS = ("query", "first reading", "matrix", "flat keys", "BM25", "BM25 sessions")


def flat_keys(memory: StoredMemory, queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inner products of all passages' keys with the queries (Q, d): (N, Q)."""
    rows, step = memory.rows, 1 << 14
    bounds = [(first, min(first + step, len(rows))) for first in range(0, len(rows), step)]
    of = memory.vocabulary, memory.header.dimension
    return np.concatenate([matrix.row_keys(rows, *of, first, end) @ queries.T for first, end in bounds])


def recalls(
    memory: StoredMemory, questions: Sequence[Question], vectors: NDArray[np.float32]
) -> dict[str, list[float]]:
    """any@1, any@5, all@5 and R@10 of every method."""
    import bm25s

    searcher = Searcher(memory, load_encoder(query_only=True))
    ranker, rows, names = Ranker(memory), memory.rows, [session.id for session in memory.sessions]
    texts = list(memory.text or [])
    whole: dict[int, list[str]] = defaultdict(list)
    for session, text in zip(rows.session, texts, strict=True):
        whole[int(session)].append(text)
    passages, sessions = Bm25s(bm25s, texts), Bm25s(bm25s, [" ".join(whole[i]) for i in range(len(names))])
    queries = np.stack([ranker.key(v, q.text) for v, q in zip(vectors, questions, strict=True)])
    flat = flat_keys(memory, queries)
    sums: dict[str, list[list[float]]] = defaultdict(list)
    for i, question in enumerate(questions):
        found = ranker.scores(question.text, vectors[i])
        scores = (
            searcher.scores(question.text),
            found.fused,
            found.parts["matrix"],
            flat[:, i],
            passages.scores(question.text),
        )
        by_session = [best_of_session(score, rows.session, len(names)) for score in scores]
        by_session.append(sessions.scores(question.text))
        for method, score in zip(METHODS, by_session, strict=True):
            place = places(score)
            ranks = [int(place[names.index(name)]) for name in question.sessions]
            tenth = float(np.mean([rank < 10 for rank in ranks]))
            sums[method].append([min(ranks) < 1, min(ranks) < 5, max(ranks) < 5, tenth])
    return {method: np.mean(values, axis=0).tolist() for method, values in sums.items()}


def best_of_session(scores: NDArray[np.float32], session: NDArray[np.uint32], sessions: int) -> NDArray[np.float64]:
    """The best score of each session."""
    best = np.full(sessions, -np.inf)
    np.maximum.at(best, session, scores)
    return best


def main() -> None:
    """Print a table for each memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("longmemeval", type=Path)
    parser.add_argument("chats", type=Path, help="dataset.json of chitchat-dataset")
    parser.add_argument("--memories", type=Path, default=Path("memories"), help="folder that keeps the memories")
    options = parser.parse_args()
    encoder = load_encoder()
    haystacks = list(memories_of(options.longmemeval, options.memories, encoder))
    pooled = merged([memory for _, memory in haystacks], options.memories / "pooled.safetensors")
    noise = memory_of(chitchat(options.chats, NOISE), options.memories / "chitchat.safetensors", encoder)
    noisy = merged([pooled, noise], options.memories / "noisy.safetensors")
    questions = [question for case, _ in haystacks for question in case.questions if question.sessions]
    vectors = np.stack([encoder.encode_query(question.text) for question in questions])
    print(f"{len(questions)} questions; {machine()}")
    for name, memory in (("pooled", pooled), ("with chats", noisy)):
        print(f"\n{name}: {len(memory.rows):,} passages, {len(memory.sessions):,} sessions")
        print(f"{'':14} any@1 any@5 all@5  R@10")
        for method, values in recalls(memory, questions, vectors).items():
            print(f"{method:14}" + "".join(f"{value:6.3f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
