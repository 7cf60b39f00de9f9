"""How much memory a merge takes for each passage.

    python benchmarks/merge_memory.py --passages 25000 100000

For each size: makes two memories of that many passages (random codes, 20 of 50,000 terms each, 100 characters of text;
their sessions of 25 passages take turns in time, so the union mixes them and no state can be copied), merges them in a
process of its own, and prints its peaks: of resident memory, and of the anonymous part of it (Linux), which is what
the system cannot take back. The last line is the slope between the first and the last size.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from deltamem_cli.build.assemble import Part, assemble
from deltamem_cli.encoders import load_encoder
from deltamem_cli.ingest.pipeline import new_header
from deltamem_cli.memory import ledger
from deltamem_cli.memory.text_blocks import BlockReader, pack
from deltamem_cli.records import Session, Source

SESSION, TERMS, VOCABULARY = 25, 20, 50_000


def make(path: Path, seed: int, passages: int) -> None:
    """A memory without meaning."""
    chance = np.random.default_rng(seed)
    encoder = load_encoder("default", query_only=True)
    session = np.arange(passages) // SESSION
    terms = chance.integers(0, VOCABULARY, (passages, TERMS)).astype(np.uint32)
    rows = ledger.blank(passages, encoder.dimension).replaced(
        uid=chance.integers(0, 256, (passages, 16), np.uint8),
        session=session.astype(np.uint32),
        time=1_700_000_000_000 + session * 2000 + seed * 1000 + np.arange(passages) % SESSION,
        line=np.arange(passages, dtype=np.uint32),
        seq=np.arange(passages, dtype=np.uint32),
        code=chance.integers(0, 256, (passages, encoder.dimension // 4), np.uint8),
        length=np.full(passages, TERMS, np.uint16),
        sizes=np.full(passages, TERMS, np.uint16),
        terms=terms.ravel(),
        counts=np.ones(passages * TERMS, np.uint8),
    )
    names = [f"{seed}-{number}" for number in range(int(session[-1]) + 1)]

    def column(strings: list[str]) -> BlockReader:
        bounds, frames = pack(strings)
        return BlockReader(bounds, lambda first, end: frames[first:end], "here")

    text = [f"passage {number} of memory {seed} ".ljust(100, "x") for number in range(passages)]
    vocabulary = np.sort(chance.integers(0, 2**63, VOCABULARY).astype(np.uint64))
    part = Part(rows, vocabulary, [f"/{seed}"], names, [""], column(text), column([""] * passages))
    sources, sessions = [Source(f"/{seed}", "text")], [Session(name) for name in names]
    assemble(path, new_header(encoder, text=True), encoder.mean, [part], sources, sessions)


def merge(folder: Path) -> None:
    """Merge a and b, and print the peaks in bytes."""
    from deltamem_cli.algebra.merge import merge as verb
    from deltamem_cli.memory.file import open_memory

    peaks = {"VmHWM": 0, "RssAnon": 0}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            for line in Path("/proc/self/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in peaks:
                    peaks[name] = max(peaks[name], int(value.split()[0]) * 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    verb([open_memory(folder / name) for name in "ab"], folder / "c")
    ended.set()
    watcher.join()
    print(peaks["VmHWM"], peaks["RssAnon"])


def main() -> None:
    """Make, merge, measure; or, in the process that is measured, merge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[25_000, 100_000])
    parser.add_argument("--merge", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.merge:
        return merge(arguments.merge)
    found = []
    for passages in arguments.passages:
        with tempfile.TemporaryDirectory() as name:
            for seed, path in enumerate("ab"):
                make(Path(name) / path, seed, passages)
            started = time.monotonic()
            told = subprocess.run(
                [sys.executable, __file__, "--merge", name], stdout=subprocess.PIPE, check=True, text=True
            ).stdout
            taken, size = time.monotonic() - started, (Path(name) / "c").stat().st_size
        resident, anonymous = (int(number) for number in told.split())
        found.append((2 * passages, resident, anonymous))
        peaks = f"resident {resident / 2**20:,.0f} MiB, anonymous {anonymous / 2**20:,.0f} MiB"
        print(f"2 × {passages:,} passages: {peaks}, {taken:.0f} s, a file of {size / 2**20:,.0f} MiB")
    (few, *less), (many, *more) = found[0], found[-1]
    if many > few:
        slopes = [(b - a) / (many - few) for a, b in zip(less, more, strict=True)]
        print(f"bytes for each passage of the union: resident {slopes[0]:,.0f}, anonymous {slopes[1]:,.0f}")


if __name__ == "__main__":
    main()
