"""Two memories → what changed between them, in meaning first; and the difference as a memory of its own.

    +  B knows it, A does not and would not have predicted it
    ~  B says again, differently, what A holds near the same key
    −  A knows it, B does not

Each change has a novelty: the delta-rule error of reading the other memory with its key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deltamem_cli.algebra.compare import (
    Longs,
    moved,
    nearest,
    novelty,
    pair_up,
    principal_angles,
    same_encoder,
    same_learning,
    same_terms,
    spread,
)
from deltamem_cli.build.assemble import assemble, part_of, state_before
from deltamem_cli.memory.hit import hit
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Hit

SAID_AGAIN = 0.4  # cosine of two meanings from which one passage says the other's thing again: benchmarks/novelty.py


@dataclass(frozen=True, slots=True)
class Change:
    """One passage that only one of the memories holds; `old` is what it says differently (sign "~")."""

    sign: str
    novelty: float
    hit: Hit
    old: Hit | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How two memories differ, in numbers, and the changes that weigh most.

    added, removed, shared: passages; the same of sessions. distance: ‖C_B − C_A‖ / ‖C_A‖ (Frobenius), C = Σ k kᵀ.
    angles: principal angles in degrees between what A and what B knows (smallest, median, largest).
    rank: effective rank of C_B − C_A. None of the last three where they were not asked for.
    """

    added: int
    removed: int
    shared: int
    sessions_added: int
    sessions_removed: int
    sessions_shared: int
    changes: tuple[Change, ...] = ()
    distance: float | None = None
    angles: tuple[float, float, float] | None = None
    rank: float | None = None


def diff(a: StoredMemory, b: StoredMemory, k: int = 20, *, numbers: bool = False) -> Difference:
    """What changed from A to B: the k newest changes (by novelty), and with `numbers` the measures of the matrices.

    Raises MemoryFileError when the memories were made with different encoders.
    """
    same_encoder(a, b)
    same_terms(a, b)
    pairs = pair_up(a, b)
    sessions_a, sessions_b = ({session.id for session in memory.sessions} for memory in (a, b))
    told = Difference(
        len(pairs.only_b),
        len(pairs.only_a),
        len(pairs.shared_a),
        len(sessions_b - sessions_a),
        len(sessions_a - sessions_b),
        len(sessions_a & sessions_b),
        tuple(_changes(a, b, pairs.only_a, pairs.only_b, k)),
    )
    return _with_numbers(told, a, b) if numbers else told


def _changes(a: StoredMemory, b: StoredMemory, only_a: Longs, only_b: Longs, k: int) -> list[Change]:
    """The k changes of highest novelty, of either side; what replaces something is shown once, with the old."""
    new, gone = novelty(a, b, only_b), novelty(b, a, only_a)
    top_b, top_a = np.argsort(-new, kind="stable")[: 4 * k], np.argsort(-gone, kind="stable")[: 4 * k]
    near, cosine = nearest(a, b, only_b[top_b])
    found: list[Change] = []
    replaced: set[int] = set()
    for place, old, close in zip(top_b.tolist(), near.tolist(), cosine.tolist(), strict=True):
        again = close >= SAID_AGAIN
        replaced |= {old} if again else set()
        found.append(
            Change(
                "~" if again else "+",
                float(new[place]),
                hit(b, int(only_b[place]), float(new[place])),
                hit(a, old, close) if again else None,
            )
        )
    for place in top_a.tolist():
        row = int(only_a[place])
        if row not in replaced:
            found.append(Change("-", float(gone[place]), hit(a, row, float(gone[place]))))
    return sorted(found, key=lambda change: -change.novelty)[:k]


def _with_numbers(told: Difference, a: StoredMemory, b: StoredMemory) -> Difference:
    before, after = spread(a), spread(b)
    between = after - before
    size = float(np.linalg.norm(before))
    angles = principal_angles(a, b)
    square = float((between * between).sum())
    return replace(
        told,
        distance=float(np.linalg.norm(between)) / size if size else float("inf") if square else 0.0,
        angles=(float(angles[0]), float(np.median(angles)), float(angles[-1])) if len(angles) else None,
        rank=float(np.abs(np.linalg.eigvalsh(between)).sum() ** 2 / square) if square else 0.0,
    )


def save_patch(a: StoredMemory, b: StoredMemory, path: str | Path, device: str = "cpu") -> None:
    """Write the difference as a memory: what B adds, and the names of what it takes away; `merge(a, patch)` is b.

    It can be queried and inspected like any memory. It holds B's tables of logs and sessions, and the passages that
    both hold but at another place.
    """
    same_encoder(a, b)
    same_terms(a, b)
    same_learning(a, b)
    pairs = pair_up(a, b)
    chosen = np.sort(np.concatenate([pairs.only_b, moved(a, b, pairs)]))
    header = replace(b.header, patch=True, budget=None)
    gone = a.rows.uid[pairs.only_a]
    assemble(
        path,
        header,
        b.mean,
        [part_of(b)],
        b.sources,
        b.sessions,
        chosen=chosen,
        removed=gone,
        device=device,
        expected=state_before(path, [a, b]),
    )
