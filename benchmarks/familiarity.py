"""Does a memory know what it does not know? Questions asked of the memory they belong to, and of all the others.

    python benchmarks/familiarity.py COLLECTION... locomo_dev.json longmemeval_s_dev.jsonl.gz samples --memories FOLDER

Of every domain (domains.py), with weights.FAMILIAR fitted on the other domains and with those in use: the AUC of own
questions against strange ones (questions of other domains) in whole memories and in cuts of 5 to 80 passages around the
evidence, the share of own and of strange ones under UNFAMILIAR; "near" are questions of the domain itself that
its logs do not answer. A logistic regression of whether the first five hold the evidence; each domain, size and kind
of question weighs the same. FOLDER keeps the memories.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from domains import Collection, collections
from numpy.typing import NDArray

from deltamem_cli.algebra.forget import forget
from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.familiarity import signs
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.rerank import Rereader, rerank
from deltamem_cli.recall.weights import FAMILIAR, UNFAMILIAR

SIZES, CUTS, STRANGE = (5, 12, 30, 80), 10, 8


@dataclass(frozen=True)
class Seen:
    """A question asked of a memory: own, strange or near; its signs (S,); whether the first five hold the evidence."""

    domain: str
    size: int
    kind: str
    signs: NDArray[np.float64]
    right: bool


class Asker:
    """Asks one memory."""

    def __init__(self, memory: StoredMemory, encoder: Encoder) -> None:
        self.memory, self._encoder = memory, encoder
        self._ranker, self._rereader = Ranker(memory), Rereader(memory, encoder)

    def ask(self, domain: str, size: int, kind: str, text: str, rows: NDArray[np.int64]) -> Seen:
        """What the memory makes of the question, whose evidence are the rows."""
        found = self._ranker.scores(text, self._encoder.encode_query(text))
        best = np.argsort(-found.fused, kind="stable")
        again = rerank(found.fused[best], self._rereader.parts(text, best, self._ranker.rarity(text)))
        first = best[np.argsort(-again, kind="stable")][:5]
        told = signs(found, np.arange(len(found.fused)), np.arange(len(found.segments)))
        return Seen(domain, size, kind, np.array([told[name] for name in FAMILIAR]), bool(np.isin(first, rows).any()))


def auc(own: NDArray[np.float64], strange: NDArray[np.float64]) -> float:
    """The chance that an own question scores above a strange one."""
    ranks = np.concatenate([own, strange]).argsort().argsort()[: len(own)]
    return float((ranks.sum() - len(own) * (len(own) - 1) / 2) / max(len(own), 1) / max(len(strange), 1))


def asked_of(collection: Collection, strangers: list[str], encoder: Encoder, chance: random.Random) -> list[Seen]:
    """All questions of a collection, and strange ones, asked of its memory and of cuts of it."""
    memory, domain, nothing = collection.memory, collection.domain, np.zeros(0, np.int64)
    asker, n = Asker(memory, encoder), len(memory.rows)
    kinds = [("own" if len(one.rows) else "near", one) for one in collection.questions]
    seen = [asker.ask(domain, 0, kind, one.text, one.rows) for kind, one in kinds]
    seen += [asker.ask(domain, 0, "strange", text, nothing) for text in chance.sample(strangers, 3 * STRANGE)]
    own = [one for kind, one in kinds if kind == "own"]
    with tempfile.TemporaryDirectory() as folder:
        for number, size in enumerate(size for size in SIZES for _ in range(CUTS) if own and size < n):
            row = int(chance.choice(chance.choice(own).rows.tolist()))
            first = max(0, min(row - chance.randrange(size), n - size))
            kept = (np.arange(n) >= first) & (np.arange(n) < first + size)
            path = Path(folder) / f"{number}.safetensors"
            forget(memory, ~kept, path)
            cut = Asker(open_memory(path), encoder)
            place = {uid.tobytes(): row for row, uid in enumerate(cut.memory.rows.uid)}
            for one in own:
                rows = [place[uid.tobytes()] for uid in memory.rows.uid[one.rows] if uid.tobytes() in place]
                if rows:
                    seen.append(cut.ask(domain, size, "own", one.text, np.array(rows)))
            seen += [cut.ask(domain, size, "strange", text, nothing) for text in chance.sample(strangers, STRANGE)]
    return seen


def fit(seen: list[Seen]) -> NDArray[np.float64]:
    """Logistic regression of `right`, by Newton's method with a slight ridge."""
    seen = [one for one in seen if one.kind != "near"]
    cell = [(one.domain, one.size, one.kind) for one in seen]
    count = Counter(cell)
    weight = np.array([1 / count[key] / len(count) for key in cell])
    x, y = np.array([one.signs for one in seen]), np.array([float(one.right and one.kind == "own") for one in seen])
    ridge, b = 2e-3 * (np.array([*FAMILIAR]) != "offset"), np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        hessian = (x.T * (weight * p * (1 - p))) @ x + np.diag(ridge + 1e-9)
        b -= np.linalg.solve(hessian, x.T @ (weight * (p - y)) + ridge * b)
    return b


def report(name: str, seen: list[Seen], b: NDArray[np.float64]) -> None:
    """The figures of a domain with those weights."""
    level = {kind: defaultdict(list) for kind in ("own", "strange", "near")}  # type: dict[str, dict[int, list[float]]]
    for one in seen:
        level[one.kind][one.size].append(float(1 / (1 + np.exp(-one.signs @ b))))
    told = []
    for sizes in ((0,), SIZES[:2], SIZES[2:]):
        own, strange = (np.array([v for s in sizes for v in level[kind][s]]) for kind in ("own", "strange"))
        under = f"{np.mean(own < UNFAMILIAR):.3f}/{np.mean(strange < UNFAMILIAR):.2f}"
        told.append(f"AUC {auc(own, strange):.3f}, under {under}" if len(own) and len(strange) else "-")
    near = auc(np.array(level["own"][0]), np.array(level["near"][0])) if level["near"][0] else float("nan")
    print(f"{name:22} whole {told[0]}; to {SIZES[1]} {told[1]}; to {SIZES[-1]} {told[2]}; near {near:.3f}", flush=True)


def calibration(seen: list[Seen], b: NDArray[np.float64]) -> str:
    """Of whole memories' own questions: for each tenth of familiarity how many, and how many are right."""
    own = [(float(1 / (1 + np.exp(-one.signs @ b))), one.right) for one in seen if one.kind == "own" and not one.size]
    tenths: dict[int, list[bool]] = defaultdict(list)
    for level, right in own:
        tenths[min(int(level * 10), 9)].append(right)
    return " ".join(
        f"{tenth / 10:.1f}: {np.mean(rights):.2f} of {len(rights)};" for tenth, rights in sorted(tenths.items())
    )


def main() -> None:
    """Measure the sets that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="+", type=Path, help="folders of logs and questions, locomo*.json, longmemeval*")
    parser.add_argument("--memories", type=Path, required=True, help="where memories are, or are made")
    parser.add_argument("--every", type=int, default=6, help="of LoCoMo every so manieth question")
    arguments = parser.parse_args()
    encoder, chance = load_encoder("default", query_only=True), random.Random(1)
    found = [
        collection
        for path in arguments.sets
        for collection in collections(
            path, arguments.memories, encoder, arguments.every if "locomo" in path.name else 1
        )
    ]
    seen: dict[str, list[Seen]] = defaultdict(list)
    for one in found:
        strangers = [
            asked.text for other in found if other.domain != one.domain for asked in other.questions if len(asked.rows)
        ]
        seen[one.domain] += asked_of(one, strangers, encoder, chance)
    used = np.array([*FAMILIAR.values()])
    for name, of_domain in seen.items():
        report(f"{name}, left out", of_domain, fit([one for other in seen if other != name for one in seen[other]]))
        report(f"{name}, in use", of_domain, used)
        print(f"{'':22} {calibration(of_domain, used)}")
    fitted = fit([one for of_domain in seen.values() for one in of_domain])
    print(", ".join(f"{name} {value:.2f}" for name, value in zip(FAMILIAR, fitted, strict=True)))


if __name__ == "__main__":
    main()
