"""The weights of the ranking (weights.FIRST, weights.SECOND), fitted to evidence and measured on domains left out.

    python benchmarks/fit.py COLLECTION... locomo_dev.json longmemeval_s_dev.jsonl.gz --memories FOLDER

What is fitted is a softmax over the passages of a memory, −Σ log p(any evidence), in nats, with a small penalty on
large weights; every domain (domains.py) weighs the same. Printed are hit@1, hit@5, hit@10 and MRR of each domain: with
the weights as they are, with those fitted on the other domains, and with those fitted on all. With --without a line for
each part shows the same left out without it. `--fixed edge=1` holds a weight. FOLDER keeps the memories.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from domains import Collection, collections
from numpy.typing import NDArray

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.rerank import Rereader
from deltamem_cli.recall.weights import FIRST, SECOND

PARTS = (*FIRST, *SECOND)
PENALTY = 3e-3

Question = tuple[NDArray[np.float32], NDArray[np.int64]]  # parts of every passage (N, P), rows of the evidence


def parts_of(collection: Collection, encoder: Encoder) -> list[Question]:
    """What the ranking sees of every question that has an answer; the second parts of the candidates alone."""
    ranker, rereader, seen = Ranker(collection.memory), Rereader(collection.memory, encoder), []
    for asked in collection.questions:
        if not len(asked.rows):
            continue
        found = ranker.scores(asked.text, encoder.encode_query(asked.text))
        best = np.argsort(-found.fused, kind="stable")
        told = np.zeros((len(best), len(PARTS)), np.float32)
        for column, part in enumerate(FIRST):
            told[:, column] = found.parts[part]
        for part, values in rereader.parts(asked.text, best, ranker.rarity(asked.text)).items():
            told[best[: len(values)], PARTS.index(part)] = values
        seen.append((told, asked.rows))
    return seen


def fit(domains: Sequence[Sequence[Question]], fixed: dict[str, float], used: Sequence[str]) -> NDArray[np.float32]:
    """The weights (P,) of the parts; those that are not used are 0, and `fixed` ones as they are given."""
    asked = [question for domain in domains for question in domain]
    worth = torch.tensor([1 / len(domain) / len(domains) for domain in domains for _ in domain])
    parts = torch.from_numpy(np.concatenate([told for told, _ in asked]))
    of = torch.tensor(np.repeat(np.arange(len(asked)), [len(told) for told, _ in asked]))
    starts = np.cumsum([0] + [len(told) for told, _ in asked[:-1]])
    evidence = torch.tensor(np.concatenate([start + rows for start, (_, rows) in zip(starts, asked, strict=True)]))
    free = torch.tensor([float(part in used and part not in fixed) for part in PARTS])
    held = torch.tensor([fixed.get(part, 0.0) if part in used else 0.0 for part in PARTS])
    weights = torch.zeros(len(PARTS), requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=80, line_search_fn="strong_wolfe")

    def of_all(scores: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Log Σ exp of each question's scores."""
        most = torch.full((len(asked),), -1e9).scatter_reduce(0, places, scores.detach(), "amax")
        return most + torch.log(torch.zeros(len(asked)).index_add(0, places, torch.exp(scores - most[places])))

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        scores = parts @ (weights * free + held)
        missed = of_all(scores, of) - of_all(scores[evidence], of[evidence])
        total = (worth * missed).sum() + PENALTY * (weights * free).square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)
    return np.asarray((weights * free + held).detach().numpy(), np.float32)


def measure(domain: Sequence[Question], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """hit@1, hit@5, hit@10 and MRR of the best evidence."""
    places = []
    for told, rows in domain:
        scores = told @ weights
        places.append(int((scores > scores[rows].max()).sum()))
    place = np.array(places)
    return np.array([*((place < k).mean() for k in (1, 5, 10)), (1 / (1 + place)).mean()])


def left_out(domains: dict[str, list[Question]], fixed: dict[str, float], used: Sequence[str]) -> NDArray[np.float64]:
    """The figures of every domain (D, 4) with the weights of the others."""
    found = []
    for name, domain in domains.items():
        others = [other for another, other in domains.items() if another != name]
        found.append(measure(domain, fit(others, fixed, used)))
    return np.array(found)


def line(name: str, figures: NDArray[np.float64]) -> str:
    """A row of the table: the mean, then each domain."""
    rows = (figures.mean(axis=0), *figures)
    return f"{name:24}" + "  ".join("/".join(f"{value:.3f}" for value in row) for row in rows)


def main() -> None:
    """Read the sets, print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="+", type=Path, help="folders of logs and questions, locomo*.json, longmemeval*")
    parser.add_argument("--memories", type=Path, required=True, help="where memories are, or are made")
    parser.add_argument("--fixed", nargs="*", default=[], metavar="PART=WEIGHT", help="weights that are held")
    parser.add_argument("--every", type=int, default=1, help="of LoCoMo every so manieth question")
    parser.add_argument("--without", action="store_true", help="also without each part")
    arguments = parser.parse_args()
    fixed = {name: float(value) for name, _, value in (one.partition("=") for one in arguments.fixed)}
    encoder, domains = load_encoder("default", query_only=True), dict[str, list[Question]]()
    for path in arguments.sets:
        every = arguments.every if "locomo" in path.name else 1
        for collection in collections(path, arguments.memories, encoder, every):
            domains.setdefault(collection.domain, []).extend(parts_of(collection, encoder))
    domains = {name: domain for name, domain in domains.items() if domain}
    print(f"{'hit@1/@5/@10/MRR':24}mean, then " + ", ".join(f"{name} ({len(d)})" for name, d in domains.items()))
    now = np.array([(FIRST | SECOND)[part] for part in PARTS], np.float32)
    print(line("as they are", np.array([measure(domain, now) for domain in domains.values()])), flush=True)
    print(line("left out", left_out(domains, fixed, PARTS)), flush=True)
    all_of_them = fit([*domains.values()], fixed, PARTS)
    print(line("fitted on all", np.array([measure(domain, all_of_them) for domain in domains.values()])), flush=True)
    print(", ".join(f"{part} {weight:.2f}" for part, weight in zip(PARTS, all_of_them, strict=True)))
    for gone in PARTS if arguments.without else ():
        used = [part for part in PARTS if part != gone]
        print(line(f"  without {gone}", left_out(domains, fixed, used)), flush=True)


if __name__ == "__main__":
    main()
