"""How familiar a question is to what may answer it: the odds that the best passages are about it, 0 to 1.

    familiarity = 1 / (1 + exp(−Σ FAMILIAR[sign] · sign)), with the weights of weights.py and these signs:

share       the most that one of the passages holds of the question's words, by rarity
dense       the highest inner product of a passage's vector with the question's
matrix      the best read of an exchange
size        the logarithm of how many passages there are to choose from: among many something is always near
offset      1
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.recall.first_stage import Scores
from deltamem_cli.recall.weights import FAMILIAR


def signs(found: Scores, rows: NDArray[np.int64], segments: NDArray[np.int64]) -> dict[str, float]:
    """The signs, where those `rows` may answer, and those `segments` that hold one of them."""
    return {
        "share": float(found.share[rows].max(initial=0)),
        "dense": float(found.dense[rows].max(initial=0)),
        "matrix": float(found.segments[segments].max(initial=0)),
        "size": math.log(max(len(rows), 1)),
        "offset": 1.0,
    }


def familiarity(of: dict[str, float]) -> float:
    """What the signs come to."""
    return 1 / (1 + math.exp(-sum(weight * of[sign] for sign, weight in FAMILIAR.items())))
