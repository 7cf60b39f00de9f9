"""The weights of the second reading (weights.SECOND), fitted to evidence and measured on conversations left out.

    python benchmarks/fit.py locomo_dev.json longmemeval_s_dev.jsonl.gz --memories FOLDER

Every question is asked as `deltamem query` does; what is fitted is a softmax over its candidates, −Σ log p(evidence),
with a small penalty on large weights, in nats; printed are weights in units of the first score, as weights.py has them.
Evidence is messages (LoCoMo) or sessions (LongMemEval). A quarter of the conversations is left out four times, and the
figures are of those; "all" is fitted on everything. A line for each part shows what the fit does without it. FOLDER
keeps the memories.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from made import machine, memories_of
from numpy.typing import NDArray

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.recall.rerank import reread
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.recall.weights import SECOND

FOLDS, PENALTY = 4, 2e-3
PARTS = ("first", *SECOND)
WORTH = {"turns": 1.0, "sessions": 3.0}  # of a question, so that the few of LongMemEval count


class Remembering:
    """An encoder that reads the tokens of each text once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self._read = encoder, dict[str, NDArray[np.float32]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """As the encoder."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._read]
        if fresh:
            self._read.update(zip(fresh, self._encoder.token_vectors(fresh), strict=True))
        return [self._read[text] for text in texts]


@dataclass(frozen=True)
class Asked:
    """One question: the parts (P, m) of the rows (m,) that were read again, the first score (N,), and the evidence.

    group: of every row (N,) the message or session that it belongs to; evidence: those that answer.
    """

    level: str
    fold: int
    rows: NDArray[np.int64]
    parts: NDArray[np.float32]
    first: NDArray[np.float32]
    group: NDArray[np.int64]
    evidence: list[int]

    def places(self, weights: NDArray[np.float32]) -> NDArray[np.int64]:
        """The places (from 0) of the evidence, each group as good as its best row."""
        new = weights @ self.parts
        score = np.full(len(self.first), -np.inf)
        rest = np.ones(len(score), bool)
        rest[self.rows] = False
        score[rest] = self.first[rest] - self.first[rest].max(initial=-np.inf) + new.min(initial=0) - 1
        score[self.rows] = new
        best = np.full(int(self.group.max()) + 1, -np.inf)
        np.maximum.at(best, self.group, score)
        return np.array([(best > best[group]).sum() for group in self.evidence])


def ask_all(files: Sequence[Path], folder: Path, encoder: Encoder) -> Iterator[Asked]:
    """Every question of the files that has evidence, asked of its memory."""
    for file in files:
        for number, (case, memory) in enumerate(memories_of(file, folder, encoder)):
            searcher, ids = Searcher(memory, encoder), [message.id for message in case.messages]
            names = [session.id for session in memory.sessions]
            message = memory.rows.line.astype(np.int64) - 1
            for question in case.questions:
                if not question.sessions:
                    continue
                found = searcher._ranker.scores(question.text, encoder.encode_query(question.text))
                order = np.argsort(-found.fused, kind="stable")
                rarity = searcher._ranker.rarity(question.text)
                read = reread(question.text, order, found.parts, memory, encoder, rarity)
                parts = np.stack([found.fused[read.rows], *(read.parts[part] for part in SECOND)])
                turns = [ids.index(turn) for turn in question.turns]
                sessions = [names.index(session) for session in question.sessions]
                yield Asked(
                    "turns" if turns else "sessions", number % FOLDS, np.array(read.rows), parts, found.fused,
                    message if turns else memory.rows.session.astype(np.int64), turns or sessions,
                )  # fmt: skip


def fit(asked: Sequence[Asked], used: Sequence[int]) -> NDArray[np.float32]:
    """The weights (P,) of the parts `used`, the others 0."""
    weights = torch.zeros(len(used), requires_grad=True)
    known = [
        (torch.from_numpy(one.parts[list(used)]), [at for e in one.evidence if len(at := _at(one, e))], one.level)
        for one in asked
    ]
    known = [one for one in known if one[1]]
    optimizer = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = PENALTY * len(known) * weights.square().sum()
        for parts, places, level in known:
            chance = torch.log_softmax(weights @ parts, 0)
            loss = loss - WORTH[level] * torch.stack([chance[at].logsumexp(0) for at in places]).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    every = np.zeros(len(PARTS), np.float32)
    every[list(used)] = weights.detach().numpy()
    return every


def _at(one: Asked, evidence: int) -> NDArray[np.int64]:
    """Where among the rows that were read the evidence stands."""
    return np.flatnonzero(one.group[one.rows] == evidence)


def figures(places: Sequence[tuple[Asked, NDArray[np.int64]]]) -> str:
    """R@1 R@5 R@10 MRR of turns, any@1 any@5 all@5 MRR of sessions."""
    line = []
    for level in WORTH:
        of = [found for asked, found in places if asked.level == level]
        if level == "turns":
            told = [[np.mean(p < 1), np.mean(p < 5), np.mean(p < 10), 1 / (1 + p.min())] for p in of]
        else:
            told = [[p.min() < 1, p.min() < 5, p.max() < 5, 1 / (1 + p.min())] for p in of]
        line.append(" ".join(f"{value:.3f}" for value in np.mean(told, axis=0)) if told else " ".join(["    -"] * 4))
    return " | ".join(line)


def crossed(asked: Sequence[Asked], used: Sequence[int]) -> str:
    """The figures of every fold under the weights of the others."""
    places = []
    for fold in range(FOLDS):
        weights = fit([one for one in asked if one.fold != fold], used)
        places += [(one, one.places(weights)) for one in asked if one.fold == fold]
    return figures(places)


def main() -> None:
    """Ask, fit, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="locomo*.json, longmemeval*.jsonl[.gz]")
    parser.add_argument("--memories", required=True, type=Path, help="folder that keeps the memories")
    arguments = parser.parse_args()
    asked = list(ask_all(arguments.files, arguments.memories, Remembering(load_encoder())))  # type: ignore[arg-type]
    print(f"{len(asked)} questions; {machine()}")
    print(f"{'':24}turns R@1 R@5 R@10 MRR  | sessions any@1 any@5 all@5 MRR")
    shipped = np.array([1.0, *SECOND.values()], np.float32)
    first = np.array([1.0, *[0.0] * len(SECOND)], np.float32)
    for name, weights in (("first reading", first), ("weights.py", shipped)):
        print(f"{name:24}{figures([(one, one.places(weights)) for one in asked])}")
    every = list(range(len(PARTS)))
    print(f"{'fitted, left out':24}{crossed(asked, every)}")
    for part in every:
        print(f"{'  without ' + PARTS[part]:24}{crossed(asked, [other for other in every if other != part])}")
    weights = fit(asked, every)
    print(f"{'fitted, all':24}{figures([(one, one.places(weights)) for one in asked])}")
    told = ", ".join(f"{part} {weight / weights[0]:.2f}" for part, weight in zip(PARTS, weights, strict=True))
    print(f"weights: {told} (first: {weights[0]:.3f} nats)")


if __name__ == "__main__":
    main()
