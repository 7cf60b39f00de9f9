"""What each part of the ranking is worth: recall without it, on questions with known evidence.

    python benchmarks/ablation.py locomo_dev.json longmemeval_s_dev.jsonl.gz --memories FOLDER

The weight of one part is set to 0 at a time (weights.FIRST, weights.SECOND), nothing is fitted anew. Figures as of
`fit.py`: turns R@1 R@5 R@10 MRR, sessions any@1 any@5 all@5 MRR. FOLDER keeps the memories.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from fit import Asked, Remembering, ask_all, figures
from made import machine

from deltamem_cli.encoders import load_encoder
from deltamem_cli.recall.weights import FIRST, SECOND


@contextmanager
def without(weights: dict[str, float], part: str) -> Iterator[None]:
    """The weights, that of one part 0."""
    kept, weights[part] = weights[part], 0.0
    try:
        yield
    finally:
        weights[part] = kept


def told(asked: list[Asked], *, second: bool = True) -> str:
    """The figures under the weights as they are now."""
    weights = np.array([1.0, *(weight * second for weight in SECOND.values())], np.float32)
    return figures([(one, one.places(weights)) for one in asked])


def main() -> None:
    """Ask with every part away in turn, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="locomo*.json, longmemeval*.jsonl[.gz]")
    parser.add_argument("--memories", required=True, type=Path, help="folder that keeps the memories")
    arguments = parser.parse_args()
    encoder = Remembering(load_encoder())

    def asked() -> list[Asked]:
        return list(ask_all(arguments.files, arguments.memories, encoder))  # type: ignore[arg-type]

    whole = asked()
    print(f"{len(whole)} questions; {machine()}")
    print(f"{'':28}turns R@1 R@5 R@10 MRR  | sessions any@1 any@5 all@5 MRR")
    print(f"{'everything':28}{told(whole)}")
    print(f"{'no second reading':28}{told(whole, second=False)}")
    for part in SECOND:
        with without(SECOND, part):
            print(f"{'second, without ' + part:28}{told(whole)}")
    for part in FIRST:
        with without(FIRST, part):
            print(f"{'without ' + part:28}{told(asked())}", flush=True)


if __name__ == "__main__":
    main()
