"""How fast the default encoder is beside sentence-transformers with its defaults: passages, and one cold question.

    python benchmarks/encode_speed.py [--passages N] [--texts FILE] [--rounds N]

Both sides encode the same texts, in turns, after their vectors were found equal; the best round of each counts.
`--texts` is a text file, a passage a line; without it, passages are put together from encoders/general.txt.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from deltamem_cli.encoders import load_encoder
from deltamem_cli.encoders.mean import general_sentences
from deltamem_cli.encoders.resolve import resolve

QUESTION = "When did we decide to move the release, and who asked for it?"
OURS_COLD = f"""
from deltamem_cli.encoders import load_encoder
load_encoder(query_only=True).encode_query({QUESTION!r})
"""
THEIRS_COLD = """
from sentence_transformers import SentenceTransformer
SentenceTransformer({path!r}, device="cpu").encode({question!r}, show_progress_bar=False)
"""


def made_up_passages(count: int) -> list[str]:
    """Passages of 1 to 12 sentences, most of them short, as messages are; the same ones each time."""
    chance, sentences = random.Random(0), general_sentences()
    return [" ".join(chance.choices(sentences, k=min(12, 1 + int(chance.expovariate(0.5))))) for _ in range(count)]


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The best time of each, run alternately so that a busy machine is unfair to neither."""
    times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return min(a for a, _ in times), min(b for _, b in times)


def passages(texts: list[str], rounds: int) -> None:
    """Print (a): passages a second, the torch forward beside SentenceTransformer.encode."""
    from sentence_transformers import SentenceTransformer

    encoder = load_encoder()
    model = SentenceTransformer(str(resolve("default").path), device="cpu")
    apart = np.abs(encoder.encode(texts[:64]) - model.encode(texts[:64], show_progress_bar=False)).max()
    if apart > 1e-6:
        sys.exit(f"the vectors differ by {apart:.1e}: no speed is reported")
    ours, theirs = in_turns(lambda: encoder.encode(texts), lambda: model.encode(texts, show_progress_bar=False), rounds)
    tokens = sum(encoder.count_tokens(texts)) / len(texts)
    print(f"{len(texts)} passages of {tokens:.0f} tokens on average, vectors equal to {apart:.1e}")
    print(
        f"(a) passages: ours {len(texts) / ours:.0f}/s, SentenceTransformer.encode {len(texts) / theirs:.0f}/s, "
        f"ratio of the times {ours / theirs:.2f}"
    )


def cold_question(rounds: int) -> None:
    """Print (b): a new process that encodes one question, numpy beside sentence-transformers."""
    script = THEIRS_COLD.format(path=str(resolve("default").path), question=QUESTION)

    def process(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    ours, theirs = in_turns(process(OURS_COLD), process(script), rounds)
    print(f"(b) cold question: ours {ours:.2f} s, sentence-transformers {theirs:.2f} s, ratio {ours / theirs:.3f}")


def main() -> None:
    """Parse the arguments and print both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1000)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    texts = options.texts.read_text().splitlines() if options.texts else made_up_passages(options.passages)
    passages(texts[: options.passages], options.rounds)
    cold_question(options.rounds)


if __name__ == "__main__":
    main()
