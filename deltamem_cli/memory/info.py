"""What is inside a memory, from its header and its small tensors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory import keys
from deltamem_cli.memory.columns import COLUMNS
from deltamem_cli.memory.file import nbytes
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.ledger import NO_TIME, seconds
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Session
from deltamem_cli.rules import rule_named


@dataclass(frozen=True, slots=True)
class SessionSize:
    """A session and how many passages of it are in the memory."""

    session: Session
    passages: int
    start: float | None


@dataclass(frozen=True, slots=True)
class Info:
    """What `deltamem info` tells.

    bytes: part of the file → bytes. load: writes of a state for each dimension of its keys (mean over the states);
    rank: the effective rank of the fullest state, tr(C)² / tr(C²), C = Σ k kᵀ. alpha: the ridges of the states,
    [] where the rule has none.
    texts: passages whose text is kept; sums: rows that stand for several passages, summed: for how many.
    """

    header: Header
    bytes: dict[str, int]
    formats: dict[str, int]
    sources_largest: list[tuple[str, int]]
    speakers: dict[str, int]
    states: int
    segments: int
    directions: int
    directions_are: str
    dimension: int
    load: float
    rank: float
    alpha: list[float]
    largest: list[SessionSize]
    removed: int
    texts: int
    sums: int
    summed: int


def describe(memory: StoredMemory, most: int = 5) -> Info:
    """Look into a memory; of its ledger only columns are read, and its text only where a budget may have taken some."""
    header = memory.header
    session, time = memory.column("session"), memory.column("time")
    sizes = np.bincount(session, minlength=header.sessions)
    start = np.full(header.sessions, NO_TIME)
    np.minimum.at(start, session, time)
    largest = np.argsort(-sizes, kind="stable")[:most]
    speakers = np.bincount(memory.column("speaker"), minlength=len(memory.speakers))
    sources = np.bincount(memory.column("source"), minlength=header.sources)
    states = len(memory.state("states")) - 1
    dimension = header.dimension + keys.WORDS
    texts, sums, summed = held(memory)
    return Info(
        texts=texts,
        sums=sums,
        summed=summed,
        removed=len(memory.removed),
        header=header,
        bytes=by_part(nbytes(memory)),
        formats=dict(Counter(source.format for source in memory.sources).most_common()),
        sources_largest=[(memory.sources[i].path, int(sources[i])) for i in np.argsort(-sources, kind="stable")[:most]],
        speakers={memory.speakers[i]: int(speakers[i]) for i in np.argsort(-speakers, kind="stable")[: 2 * most]},
        states=states,
        segments=len(memory.state("segments")) - 1,
        directions=len(memory.state("F_scale")),
        directions_are=rule_named(header.rule).directions_are,
        dimension=dimension,
        load=header.passages / max(states, 1) / dimension,
        rank=float(memory.state("rank").max(initial=0.0)),
        alpha=sorted({float(alpha) for alpha in memory.state("alpha")}) if rule_named(header.rule).has_gain else [],
        largest=[
            SessionSize(replace(memory.sessions[i], title=memory.title(i)), int(sizes[i]), seconds(int(start[i])))
            for i in largest.tolist()
        ],
    )


def by_part(sizes: dict[str, int]) -> dict[str, int]:
    """Bytes by what they are for: the matrix, the codes, the text, the index of words, and the rest of the ledger."""
    parts = {"matrix": 0, "codes": 0, "text": 0, "index": 0, "ledger": 0}
    for name, size in sizes.items():
        parts[_part(name)] += size
    return parts


def _part(tensor: str) -> str:
    """The part of the file that a tensor counts to."""
    of, name, *_ = tensor.split(".")
    if of == "state":
        return "matrix"
    return COLUMNS[name].part if name in COLUMNS else {"text": "text", "vocabulary": "index"}.get(name, "ledger")


def held(memory: StoredMemory) -> tuple[int, int, int]:
    """How many passages have their text in the memory, how many rows are sums, and of how many passages."""
    summed: NDArray[np.uint32] = memory.column("summed")
    texts = 0 if memory.text is None else memory.header.passages
    if memory.text is not None and memory.header.budget is not None:
        texts = sum(bool(text) for text in memory.text)
    return texts, int(np.count_nonzero(summed)), int(summed.sum(dtype=np.int64))
