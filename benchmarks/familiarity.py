"""Does a memory know what it does not know? Questions asked of the memory they belong to, and of all the others.

    python benchmarks/familiarity.py locomo_dev.json longmemeval_s_dev.jsonl.gz samples

Prints, for each set, how well familiarity tells the two apart (AUC), how many questions `deltamem query` refuses of
either kind, and the logistic regression of weights.py fitted to these sets (each set, and each kind in it, counts the
same). Of a set with many memories, at most --most are made. A question counts as a stranger to a memory that holds none
of its evidence sessions. "near": LoCoMo's category 5 and LongMemEval's `_abs`, which ask a memory for what was never
said there, about the very people and things that are; their AUC is against the own questions; nothing is fitted to
them.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recall import locomo, longmemeval

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest, ingest_messages, new_header
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.memory import matrix
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.learning import Learning
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall import weights
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.records import Source


@dataclass
class Asked:
    """Memories, and for each the questions that belong there, those that do not, and those that only seem to."""

    memories: list[StoredMemory]
    own: list[list[str]]
    strangers: list[list[str]]
    near: list[list[str]]


def question_set(path: Path, encoder: Encoder, folder: Path, most: int, rule: str) -> Asked:
    """Make the memories of a file (or of the folder `samples`) and sort its questions."""
    header = new_header(encoder, text=True, learning=Learning(rule))
    if path.is_dir():
        draft = Draft(folder / "samples.safetensors", header, encoder.mean)
        ingest([str(path)], draft, encoder, DEFAULTS)
        items = [json.loads(line) for line in (path / "questions.jsonl").read_text().splitlines()]
        known, unknown = ([i["question"] for i in items if (i["source"] is None) is absent] for absent in (False, True))
        return Asked([open_memory(draft.path)], [known], [unknown], [[]])
    cases = list(islice(longmemeval(path) if "jsonl" in path.name else locomo(path), None))
    chance = random.Random(1)
    cases = cases if len(cases) <= most else chance.sample(cases, most)
    asked = Asked([], [], [], [])
    everyone = [(question, case) for case in cases for question in case.questions]
    everyone = [(question, case) for question, case in everyone if question.sessions and question.kind != "category 5"]
    for number, case in enumerate(cases):
        draft = Draft(folder / f"{path.stem}{number}.safetensors", header, encoder.mean)
        ingest_messages(case.messages, Source(case.name, "benchmark"), draft, encoder)
        asked.memories.append(open_memory(draft.path))
        there = {message.session for message in case.messages}
        shared = "longmemeval" in path.name  # its session ids mean the same in every haystack
        own = [q.text for q, its in everyone if its is case]
        strange = [q.text for q, its in everyone if its is not case and not (shared and there & {*q.sessions})]
        asked.own.append(own if len(own) <= 60 else chance.sample(own, 60))
        asked.strangers.append(strange if len(strange) <= 60 else chance.sample(strange, 60))
        asked.near.append([q.text for q in case.questions if not q.sessions or q.kind == "category 5"])
    return asked


def measure(asked: Asked, encoder: Encoder) -> list[NDArray[np.float64]]:
    """Of own, strange and near questions (n, 4): ratio, ln of the best read, familiarity, 1 where it is refused."""
    found: list[list[list[float]]] = [[], [], []]
    for memory, *kinds in zip(asked.memories, asked.own, asked.strangers, asked.near, strict=True):
        ranker = Ranker(memory)
        for questions, into in zip(kinds, found, strict=True):
            for text in questions:
                vector = encoder.encode_query(text)
                scores = ranker.scores(text, vector)
                _, share = matrix.gains(memory.matrix, ranker.key(vector, text))
                refused = scores.familiarity < weights.UNFAMILIAR and scores.share.max() < weights.MOST_WORDS
                into.append([matrix.familiarity_ratio(memory.matrix, share), np.log(max(scores.matrix.max(), 0.02)),
                             scores.familiarity, float(refused)])  # fmt: skip
    return [np.array(kind).reshape(-1, 4) for kind in found]


def auc(own: NDArray[np.float64], strange: NDArray[np.float64]) -> float:
    """The chance that an own question scores above a strange one."""
    ranks = np.concatenate([own, strange]).argsort().argsort()[: len(own)]
    return float((ranks.sum() - len(own) * (len(own) - 1) / 2) / len(own) / len(strange))


def fit(sets: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Logistic regression (ratio, ln of the best read, 1), by Newton's method with a slight ridge."""
    x = np.concatenate([part[:, :2] for one in sets for part in one])
    x = np.c_[x, np.ones(len(x))]
    y = np.concatenate([np.full(len(part), float(kind == 0)) for one in sets for kind, part in enumerate(one)])
    weight = np.concatenate([np.full(len(part), 1 / len(part)) for one in sets for part in one])
    b = np.zeros(3)
    for _ in range(100):
        p = 1 / (1 + np.exp(-x @ b))
        gradient = x.T @ (weight * (p - y)) + 1e-3 * b * [1, 1, 0]
        b -= np.linalg.solve((x.T * (weight * p * (1 - p))) @ x + 1e-3 * np.eye(3), gradient)
    return b


def main() -> None:
    """Measure the sets that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="+", type=Path, help="locomo*.json, longmemeval*.jsonl[.gz] or samples")
    parser.add_argument("--most", type=int, default=12, help="memories made of a set, at most")
    parser.add_argument("--rule", default="rls", help="how the matrices learn")
    arguments = parser.parse_args()
    encoder = load_encoder()
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.sets:
            own, strange, near = measure(
                question_set(path, encoder, Path(folder), arguments.most, arguments.rule), encoder
            )
            measured.append((own, strange))
            told = f"{path.name:28} own {len(own):4}  strange {len(strange):4}  AUC {auc(own[:, 2], strange[:, 2]):.3f}"
            print(f"{told}  refused: own {own[:, 3].mean():.3f}, strange {strange[:, 3].mean():.3f}")
            if len(near):
                told = f"near {len(near):4}  AUC {auc(own[:, 2], near[:, 2]):.3f}, refused {near[:, 3].mean():.3f}"
                print(f"{'':28} {told}")
    print("fitted EXPLAINED, FOUND, OFFSET:", " ".join(f"{value:.2f}" for value in fit(measured)))


if __name__ == "__main__":
    main()
