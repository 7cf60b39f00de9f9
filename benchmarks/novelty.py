"""Does `deltamem diff` rank news above what was only said again in other words?

    python benchmarks/novelty.py

On benchmarks/sets (own writing). Three measurements, each the chance that a piece of news has a higher novelty than a
paraphrase (AUC):

    news        a memory of half of the statements; paraphrases of them, against the statements of the other half
    same words  a memory of all statements; their paraphrases, which share almost no words with them, against news about
                the very same subject in the very same words. No encoder of sentences sees this difference: it is here
                so that nobody takes the first figure for more than it is
    facts       how near in meaning a fact stands to the one that replaces it, against to the nearest other: what the
                sign ~ goes by
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from familiarity import auc

from deltamem_cli.algebra.compare import meanings, nearest, novelty
from deltamem_cli.algebra.diff import SAID_AGAIN
from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import Message, Source

SETS = Path(__file__).parent / "sets"


def remember(path: Path, texts: list[str], encoder: Encoder) -> StoredMemory:
    """A memory of the texts, ten to a session."""
    messages = [Message(text, "user", i + 1, session=f"s{i // 10}", id=str(i)) for i, text in enumerate(texts)]
    ingest_messages(
        messages,
        Source(path.name, "benchmark"),
        Draft(path, new_header(encoder, text=True), encoder.mean),
        encoder,
    )
    return open_memory(path)


def compare(folder: Path, name: str, known: list[str], again: list[str], news: list[str], encoder: Encoder) -> None:
    """Print the AUC of novelty for news against what was said again."""
    a = remember(folder / f"{name}-a.safetensors", known, encoder)
    b = remember(folder / f"{name}-b.safetensors", again + news, encoder)
    found = novelty(a, b, np.arange(len(b.rows)))[np.argsort(b.rows.line)]
    new, old = found[len(again) :].astype(float), found[: len(again)].astype(float)
    means = f"novelty of {len(new)} news {new.mean():.2f}, of {len(old)} paraphrases {old.mean():.2f}"
    print(f"{name:11} AUC {auc(new, old):.3f}   {means}")


def main() -> None:
    """Measure all three."""
    encoder = load_encoder()
    lines = [json.loads(line) for line in (SETS / "news.jsonl").read_text().splitlines()]
    facts = [json.loads(line) for line in (SETS / "facts.jsonl").read_text().splitlines()]
    half = len(lines) // 2
    known, again, news = ([line[field] for line in lines] for field in ("known", "paraphrase", "news"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare(folder, "news", known[:half], again[:half], known[half:], encoder)
        compare(folder, "same words", known, again, news, encoder)
        old = remember(folder / "old.safetensors", [fact["old"] for fact in facts], encoder)
        new = remember(folder / "new.safetensors", [fact["new"] for fact in facts], encoder)
        rows = np.argsort(new.rows.line)
        near, cosine = nearest(old, new, rows)
        own = np.einsum("ij,ij->i", meanings(new, rows), meanings(old, np.argsort(old.rows.line)))
        right = old.rows.line[near] == new.rows.line[rows]
        low, middle, high = np.quantile(own, [0.1, 0.5, 0.9])
        print(f"facts       the old fact is the nearest of all for {right.mean():.2f} of {len(facts)}", end="; ")
        print(f"cosine to it {low:.2f}, {middle:.2f}, {high:.2f} (tenth, median, ninetieth)")
        for least in sorted({0.3, 0.35, 0.4, 0.5, SAID_AGAIN}):
            shown = cosine >= least
            told = f"{right[shown].mean():.2f} rightly" if shown.any() else ""
            print(f"            ~ from a cosine of {least:.2f} on: {shown.mean():.2f} of the facts, {told}")


if __name__ == "__main__":
    main()
