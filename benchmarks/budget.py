"""What a budget costs: evidence kept and recall against the size of the file, for several ways to choose what goes.

    python benchmarks/budget.py locomo_dev.json longmemeval_s_dev.jsonl.gz --most 12 [--memories FOLDER]

Each conversation or haystack is a memory of its own, compacted to a share of its full file. Rows:

    worth     `deltamem compact`: what is worth least for a byte goes first (deltamem_cli/worth.py)
    mean idf  the same file, but passages of the rarest words stay
    random    the same file, but any passages stay
    recency   the same file, but the latest passages stay
    oldest    no compact: the oldest passages are dropped whole, the rest is an ordinary memory

"text" and "row" are the shares of the evidence passages whose text, and whose own row, is still there (turns of
LoCoMo; LongMemEval names sessions only). A turn without a row of its own is not found; a sum counts for its session.
"first" and "matrix" are recall@10 of `query`'s first reading and of the matrix alone; "second" is that of `query` as it
answers (the best candidates read again, where their text is still there): slow, so with `--second N` for every Nth
question, and for the methods worth and oldest only. "refused" is the share of questions that `query` would not answer
at all. --memories holds the full memories by number (0.safetensors …, one for each case with an answer): they are made
where they are missing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from recall import Case, Recording, evidence_places, locomo, longmemeval

from deltamem_cli.algebra.compact import compact
from deltamem_cli.build import fit_budget as shrink
from deltamem_cli.build import importance as worth
from deltamem_cli.build.assemble import assemble, part_of
from deltamem_cli.encoders import load_encoder
from deltamem_cli.errors import UsageError
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.ledger import Rows
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.familiarity import familiarity, signs
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.recall.weights import UNFAMILIAR
from deltamem_cli.records import Source

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)
FIGURES = ("text", "row", "first", "matrix", "session first", "session matrix", "where", "refused", "second")


def mean_idf(rows: Rows, terms: int) -> np.ndarray:
    """The mean rarity (N,) of the words of each passage."""
    of_row = np.repeat(np.arange(len(rows)), rows.sizes)
    return np.bincount(of_row, worth.rarity(rows, terms)[rows.terms], len(rows)) / np.maximum(rows.sizes, 1)


CHOICES: dict[str, Callable[[Rows, int], np.ndarray]] = {
    "mean idf": mean_idf,
    "random": lambda rows, _: np.random.RandomState(0).permutation(len(rows)) + 1.0,
    "recency": lambda rows, _: np.arange(len(rows)) + 1.0,
}
METHODS = ("worth", *CHOICES, "oldest")


def without_the_oldest(memory: StoredMemory, budget: int, path: Path) -> bool:
    """Write as many of the latest passages as fit, as an ordinary memory. False when none do."""
    keep = round(len(memory.rows) * min(1, budget / Path(memory.name).stat().st_size))
    while keep > 0:
        left = np.arange(len(memory.rows) - keep, len(memory.rows))
        sessions = [memory.sessions[i] for i in np.unique(memory.rows.session[left])]
        assemble(path, memory.header, memory.mean, [part_of(memory)], memory.sources, sessions, chosen=left)
        if path.stat().st_size <= budget:
            return True
        keep = min(keep - 1, int(keep * budget / path.stat().st_size))
    return False


def shrunk(method: str, memory: StoredMemory, budget: int, path: Path) -> StoredMemory | None:
    """The memory within the budget, or None where that cannot be."""
    if method == "oldest":
        return open_memory(path) if without_the_oldest(memory, budget, path) else None
    usual = shrink.per_byte
    if method in CHOICES:
        shrink.per_byte = lambda rows, terms, _: (CHOICES[method](rows, terms),) * 2  # type: ignore[assignment]
    try:
        compact(memory, budget, path)
    except UsageError:
        return None
    finally:
        shrink.per_byte = usual
    return open_memory(path)


def measure(case: Case, memory: StoredMemory, vectors: Recording, second: int = 0) -> Iterator[tuple[str, float]]:
    """(figure, value) of every question; "second" of every so many (0 for none)."""
    searcher = Searcher(memory, vectors)
    ranker, rows = Ranker(memory), memory.rows
    texts = np.array([bool(text) for text in memory.text or [""] * len(rows)])
    number = {message.id: message.line for message in case.messages}
    names = [session.id for session in memory.sessions]
    for asked, question in enumerate(question for question in case.questions if question.sessions):
        scores = ranker.scores(question.text, vectors.encode([question.text])[0])
        level = familiarity(signs(scores, np.arange(len(rows)), np.arange(len(scores.segments))))
        fits = level >= UNFAMILIAR
        yield "refused", float(not fits)
        at = [np.flatnonzero((rows.line == number[turn]) & (rows.summed == 0)) for turn in question.turns]
        for found in at:
            yield "text", float(len(found) > 0 and texts[found].all())
            yield "row", float(len(found) > 0)
        if question.turns and second and asked % second == 0:
            yield "second", found_again(searcher.scores(question.text), at)
        known = [name for name in question.sessions if name in names]
        for what, score in (("first", scores.fused), ("matrix", scores.parts["matrix"])):
            if question.turns:
                yield what, found_again(score, at)
            ranks = evidence_places(score, rows.session, names, known) if known else []
            yield f"session {what}", sum(rank < 10 for rank in ranks) / len(question.sessions)
        first = rows.session[memory.matrix.segments[:-1]]
        ranks = evidence_places(scores.segments, first, names, known) if known else []
        yield "where", sum(rank < 10 for rank in ranks) / len(question.sessions)


def found_again(score: np.ndarray, at: list[np.ndarray]) -> float:
    """recall@10 by the scores (N,), where the rows of each piece of evidence are `at` (none where it has no row)."""
    better = [int((np.delete(score, found) > score[found].max()).sum()) for found in at if len(found)]
    return sum(place < 10 for place in better) / len(at)


def memories(cases: Iterator[Case], folder: Path, most: int, encoder: Recording) -> Iterator[tuple[Case, StoredMemory]]:
    """The first cases that have an answer, each with its full memory, made if it is not in the folder."""
    for number, case in enumerate(cases):
        path = folder / f"{number}.safetensors"
        if most and any(question.sessions for question in case.questions):
            most -= 1
            if not path.exists():
                draft = Draft(path, new_header(encoder, text=True), encoder.mean)
                ingest_messages(case.messages, Source(case.name, "benchmark"), draft, encoder)
            yield case, open_memory(path)


def main() -> None:
    """Read the files, print a table for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="locomo*.json, longmemeval*.jsonl[.gz]")
    parser.add_argument("--most", type=int, default=12, help="memories of a file at most")
    parser.add_argument("--memories", type=Path, help="where full memories are, in a folder for each file")
    parser.add_argument("--shares", default=",".join(map(str, SHARES)), help="shares of the full file")
    parser.add_argument("--second", type=int, default=0, help="read every so manieth question again, 0 for none")
    parser.add_argument("--methods", default=",".join(METHODS))
    arguments = parser.parse_args()
    encoder = Recording(load_encoder("default"))
    for file in arguments.files:
        with tempfile.TemporaryDirectory() as scratch:
            folder = (arguments.memories or Path(scratch)) / file.name.partition(".")[0]
            folder.mkdir(parents=True, exist_ok=True)
            cases = longmemeval(file) if "jsonl" in file.name else locomo(file)
            sums: dict[tuple[float, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
            for case, memory in memories(cases, folder, arguments.most, encoder):
                collect(case, memory, encoder, arguments, sums, Path(scratch) / "compact.safetensors")
        report(file.name, sums)


def collect(case: Case, memory: StoredMemory, encoder: Recording, arguments: Any, sums: Any, path: Path) -> None:
    """Measure one memory at every share and for every method."""
    full = Path(memory.name).stat().st_size
    for figure, value in measure(case, memory, encoder, arguments.second):
        sums[1.0, "full"][figure].append(value)
    for share in map(float, arguments.shares.split(",")):
        whole: list[tuple[str, float]] | None = None  # what was found where nothing had to be chosen
        for method in arguments.methods.split(","):
            found = whole if method != "oldest" else None
            if found is None:
                made = shrunk(method, memory, int(full * share), path)
                second = arguments.second if method in ("worth", "oldest") else 0
                asked = measure(case, made or memory, encoder, second)
                found = list(asked) if made else [(figure, 0.0) for figure, _ in asked]
                chosen = not made or len(made.rows) < len(memory.rows) or not all(made.text or [])
                whole = whole if chosen or method == "oldest" else found
                path.unlink(missing_ok=True)
            for figure, value in found:
                sums[share, method][figure].append(value)


def report(name: str, sums: Any) -> None:
    """Print the table of a file."""
    print(f"\n{name}")
    print(f"{'file':>5}  {'':9}" + "".join(f"{figure:>16}" for figure in FIGURES))
    for (share, method), figures in sorted(sums.items(), key=lambda item: -item[0][0]):
        cells = [f"{np.mean(figures[f]):16.3f}" if figures[f] else f"{'-':>16}" for f in FIGURES]
        print(f"{share:5.0%}  {method:9}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
