"""Two memories, passage by passage: what only one of them holds, and how new it is to the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.memory import keys, matrix
from deltamem_cli.memory.columns import COLUMNS
from deltamem_cli.memory.matrix import Matrix
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Session, Source
from deltamem_cli.rules import rule_named

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]

_CHUNK = 4096


@dataclass(frozen=True)
class Pairs:
    """Rows of two memories: those only A has, only B has, and the shared ones, place in A beside place in B."""

    only_a: Longs
    only_b: Longs
    shared_a: Longs
    shared_b: Longs


def same_encoder(a: StoredMemory, b: StoredMemory) -> None:
    """Raise MemoryFileError when the memories' keys cannot be compared."""
    if a.header.fingerprint != b.header.fingerprint or not np.array_equal(a.mean, b.mean):
        raise MemoryFileError(
            f"{b.name}: made with the encoder {b.header.encoder}, {a.name} with {a.header.encoder}; "
            "only memories of one encoder compare: bring one to the other's (deltamem merge --re-encode)"
        )


def same_terms(a: StoredMemory, b: StoredMemory) -> None:
    """Raise MemoryFileError when the memories' texts became terms in different ways."""
    if a.header.terms != b.header.terms:
        older = min(a, b, key=lambda memory: memory.header.terms)
        raise MemoryFileError(
            f"{older.name}: its terms are of an older version than the other's; bring it up to date from its text "
            f"(deltamem merge --re-encode {older.name} -o NEW) and compare that"
        )


def same_learning(a: StoredMemory, b: StoredMemory) -> None:
    """Raise MemoryFileError when the memories' matrices learn in different ways, so that they make no common one."""
    if a.header.learning != b.header.learning:
        raise MemoryFileError(
            f"{b.name}: learned by {b.header.learning}, {a.name} by {a.header.learning}; ingest one of them again "
            "with the other's --rule and --half-life: only memories that learn alike can be joined"
        )


def pair_up(a: StoredMemory, b: StoredMemory) -> Pairs:
    """Match the passages of two memories by their uid."""
    uid_a, uid_b = (memory.rows.uid.view("V16").ravel() for memory in (a, b))
    _, shared_a, shared_b = np.intersect1d(uid_a, uid_b, assume_unique=True, return_indices=True)
    only_a = np.setdiff1d(np.arange(len(uid_a)), shared_a)
    only_b = np.setdiff1d(np.arange(len(uid_b)), shared_b)
    return Pairs(only_a, only_b, shared_a.astype(np.int64), shared_b.astype(np.int64))


def moved(a: StoredMemory, b: StoredMemory, pairs: Pairs) -> Longs:
    """Rows of B that A holds too, but under another place, session, speaker or time."""
    differs = np.zeros(len(pairs.shared_b), bool)
    for column in COLUMNS.values():
        if column.from_uid:
            continue
        mine, theirs = a.rows.column(column.name)[pairs.shared_a], b.rows.column(column.name)[pairs.shared_b]
        if column.table:
            names = [_names(getattr(memory, column.table)) for memory in (a, b)]
            number = {name: i for i, name in enumerate(dict.fromkeys([*names[0], *names[1]]))}
            mine, theirs = (
                np.array([number[name] for name in known], np.int64)[places]
                for known, places in zip(names, (mine, theirs), strict=True)
            )
        differs |= np.any(mine != theirs, axis=tuple(range(1, mine.ndim)))
    return pairs.shared_b[differs]


def _names(table: Iterable[Source | Session | str]) -> list[str]:
    """What tells the entries of a table from one another, in any memory."""
    return [
        entry.path if isinstance(entry, Source) else entry.id if isinstance(entry, Session) else entry
        for entry in table
    ]


def all_keys(memory: StoredMemory, rows: Longs) -> Floats:
    """Keys (n, d) of those rows."""
    taken = memory.rows.take(rows)
    words = keys.words(taken.sizes.astype(np.int64), taken.terms, memory.vocabulary)
    return keys.join(keys.decode(taken.code, memory.header.dimension), words)


def meanings(memory: StoredMemory, rows: Longs) -> Floats:
    """The dense part (n, dimension) of the keys of those rows, unit."""
    return keys.decode(memory.rows.code[rows], memory.header.dimension)


def novelty(known: StoredMemory, other: StoredMemory, rows: Longs) -> Floats:
    """The delta-rule error (n,) of reading the memory `known` with those rows of `other`, 0 to 1.

    `1 − ‖F k‖²`, the share of a key that the written keys do not explain, of the state that explains most; by a rule
    without F 1 less the best read. The key is read by its meaning alone, its word part left out: a paraphrase brings
    other words, and is no news.
    """
    errors = np.ones(len(rows), np.float32)
    for at in range(0, len(rows), _CHUNK):
        meaning = meanings(other, rows[at : at + _CHUNK])
        errors[at : at + _CHUNK] -= matrix.explained(known.matrix, rule_named(known.header.rule), meaning)
    return errors


def nearest(known: StoredMemory, other: StoredMemory, rows: Longs) -> tuple[Longs, Floats]:
    """For those rows of `other` the passage of `known` (n,) that is nearest in meaning, and the cosine (n,)."""
    best, cosine = np.zeros(len(rows), np.int64), np.full(len(rows), -1, np.float32)
    wanted = meanings(other, rows)
    for first in range(0, len(known.rows), _CHUNK):
        there = np.arange(first, min(first + _CHUNK, len(known.rows)))
        near = wanted @ meanings(known, there).T
        here = near.argmax(axis=1)
        value = near[np.arange(len(rows)), here]
        better = value > cosine
        best[better], cosine[better] = here[better] + first, value[better]
    return best, cosine


def spread(memory: StoredMemory) -> NDArray[np.float64]:
    """The second moment C = Σ k kᵀ (d, d) of all keys of a memory."""
    d = memory.header.dimension + keys.WORDS
    total = np.zeros((d, d))
    for first in range(0, len(memory.rows), _CHUNK):
        key = all_keys(memory, np.arange(first, min(first + _CHUNK, len(memory.rows))))
        total += key.T @ key
    return total


def principal_angles(a: StoredMemory, b: StoredMemory) -> Floats:
    """Angles in degrees between what two memories know, smallest first (Björck & Golub 1973).

    What it knows are the row spaces that its rule names; by `slots` nothing that can be compared (0,).
    """
    known = [rule_named(memory.header.rule).known(*_rows(memory.matrix)) for memory in (a, b)]
    bases = [_basis(rows) for rows in known if rows is not None]
    if len(bases) < 2:
        return np.zeros(0, np.float32)
    cosines = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, 0, 1))), np.float32)


def _rows(matrix: Matrix) -> tuple[Floats, Floats]:
    """Return S and F as they are."""
    return matrix.S * matrix.S_scale[:, None], matrix.F * matrix.F_scale[:, None]


def _basis(rows: Floats) -> NDArray[np.float64]:
    u, s, _ = np.linalg.svd(rows.T.astype(np.float64), full_matrices=False)
    return np.asarray(u[:, s > 1e-6 * max(float(s.max(initial=0)), 1e-12)])
