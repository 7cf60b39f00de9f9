"""Every domain in one command: what `deltamem query` ranks by beside its rivals, with bootstrap intervals.

    python benchmarks/suite.py --memories FOLDER SETS…        [--every N] [--model multilingual]

SETS are as in domains.py (a folder with logs/ and questions.jsonl, a LoCoMo or LongMemEval file) or `languages`, the
sets in benchmarks/sets. Each conversation is a memory. Every method ranks the same passages, and nothing is refused;
any row of the evidence is a hit. "+ neighbours" adds half of the score of the passage before and after, in its
session, as the matrix has it. Rows are means over a domain's questions, with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from domains import Asked, Collection, collections
from made import machine
from numpy.typing import NDArray
from recall import Bm25s

from deltamem_cli.api import Memory as Maker
from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.matrix import joined, with_neighbours
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher

Floats = NDArray[np.float32]
SETS = Path(__file__).parent / "sets" / "languages"
AT = (1, 5, 10)
SEED, RESAMPLES = 0, 1000


def languages(memories: Path, model: str) -> Iterator[Collection]:
    """The sets of benchmarks/sets/languages, a memory each."""
    for path in sorted(SETS.glob("*.jsonl")):
        made = memories / f"language-{model}-{path.stem}.safetensors"
        if not made.exists():
            Maker(made, model=model).ingest(path.with_suffix(".txt"))
        memory = open_memory(made)
        items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        asked = [
            Asked(item["question"], item["kind"], np.flatnonzero(np.isin(memory.rows.line, item["lines"])))
            for item in items
        ]
        yield Collection(f"language {path.stem}", path.stem, memory, asked)


def scores(collection: Collection, encoder: Encoder) -> Iterator[tuple[Asked, dict[str, Floats]]]:
    """Every answerable question, and what each method gives every passage."""
    import bm25s

    memory = collection.memory
    texts = [memory.spoken(row, text) for row, text in enumerate(memory.text or [])]
    index, vectors = Bm25s(bm25s, texts), _vectors(memory, texts, encoder)
    searcher, same = Searcher(memory, encoder), joined(memory.rows.session)
    for asked in collection.questions:
        if not len(asked.rows):
            continue
        flat = np.asarray(vectors @ encoder.encode_query(asked.text), np.float32)
        words = _lexical(index, asked.text, len(texts))
        told = {"BM25": words, "vectors": flat, "BM25 and vectors": _z(words) + _z(flat)}
        for name, score in list(told.items()):
            told[f"{name} + neighbours"] = with_neighbours(_z(score), same, 0.5)
        yield asked, told | {"query": searcher.scores(asked.text)}


def _vectors(memory: StoredMemory, texts: list[str], encoder: Encoder) -> Floats:
    """Vectors of the passages, float32, kept beside the memory's file."""
    cache = Path(f"{memory.name}.npy")
    if not cache.exists():
        np.save(cache, encoder.encode(texts))
    kept: Floats = np.load(cache, allow_pickle=False)
    return kept


def _lexical(index: Bm25s, question: str, passages: int) -> Floats:
    try:
        return np.asarray(index.scores(question), np.float32)
    except IndexError:  # bm25s knows none of its words
        return np.zeros(passages, np.float32)


def _z(score: Floats) -> Floats:
    return np.asarray((score - score.mean()) / max(float(score.std()), 1e-6), np.float32)


def interval(hits: NDArray[np.bool_]) -> str:
    """The mean of the hits and its 95 % interval."""
    drawn = np.random.default_rng(SEED).integers(0, len(hits), (RESAMPLES, len(hits)))
    low, high = np.quantile(hits[drawn].mean(axis=1), [0.025, 0.975])
    return f"{hits.mean():.3f} ({low:.2f}–{high:.2f})"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--memories", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="every so manieth question")
    parser.add_argument("--model", default="default", help="of the languages' memories")
    given = parser.parse_args()
    given.memories.mkdir(parents=True, exist_ok=True)
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name in given.sets:
        spoken = name == "languages"
        encoder = load_encoder(given.model if spoken else "default", query_only=True)
        made = (
            languages(given.memories, given.model)
            if spoken
            else collections(Path(name), given.memories, encoder, given.every)
        )
        for collection in made:
            for asked, told in scores(collection, encoder):
                for method, score in told.items():
                    order = np.argsort(-score, kind="stable")
                    places[collection.domain][method].append(int(np.isin(order, asked.rows).argmax()))
    print(f"{machine()}\n\n| domain | questions | method | hit@1 | hit@5 | hit@10 |\n|---|---|---|---|---|---|")
    for domain, methods in places.items():
        for method, found in methods.items():
            ranks = np.array(found)
            cells = " | ".join(interval(ranks < k) for k in AT)
            print(f"| {domain} | {len(ranks)} | {method} | {cells} |")


if __name__ == "__main__":
    main()
