"""Said differently: does the answer stay when the question is put in other words? LoCoMo files, each talk a memory.

    python benchmarks/paraphrase.py locomo_dev.json --memories FOLDER

A question is answered when `deltamem query` finds anything, rightly when its first passage is evidence. The top
passage stays when the question in other words (a share of its words left out, or synonyms in their place, as
`deltamem bench rules` makes them) finds it among the first three; a question that is refused in other words has lost
it. Questions that have no synonym stay as they are and are not counted. "evidence": of the rightly answered, those
that find any of their evidence among the first three.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from capacity.paraphrase import with_synonyms, without_words
from made import machine, memories_of, rows_found

from deltamem_cli.encoders import load_encoder
from deltamem_cli.recall.searcher import Searcher

FIRST = 3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="locomo*.json")
    parser.add_argument("--memories", type=Path, default=Path("memories"), help="folder that keeps the memories")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N questions of each kind that lost it")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth question")
    options = parser.parse_args()
    chance = random.Random(0)
    ways: dict[str, Callable[[str], str]] = {
        "20% dropped": partial(without_words, share=0.2, chance=chance),
        "40% dropped": partial(without_words, share=0.4, chance=chance),
        "synonyms": with_synonyms,
    }
    stays: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)  # rightly answered, top stays, evidence found
    lost: dict[str, list[str]] = defaultdict(list)
    asked = answered = 0
    encoder = load_encoder(query_only=True)
    for case, memory in memories_of(options.file, options.memories, load_encoder()):
        searcher, ids = Searcher(memory, encoder), [message.id for message in case.messages]
        for question in case.questions[:: options.every]:
            asked += 1
            found = rows_found(searcher, question.text, FIRST)
            if not found:
                continue
            answered += 1
            evidence = {row for row, line in enumerate(memory.rows.line.tolist()) if ids[line - 1] in question.turns}
            right = found[0] in evidence
            for way, say in ways.items():
                said = say(question.text)
                if said != question.text:
                    again = rows_found(searcher, said, FIRST)
                    kept = found[0] in again
                    stays[way].append((right, kept, not evidence.isdisjoint(again)))
                    lost[way] += [] if kept else [f"{question.text}  →  {said}"]
    print(f"{options.file.name}: {asked} questions, {answered} answered; {machine()}")
    print(f"{'':14}{'asked':>7}{'stays':>8}{'rightly answered':>19}{'stays':>8}{'evidence':>10}")
    for way, told in stays.items():
        right = [(kept, seen) for was_right, kept, seen in told if was_right]
        top, evidence_seen = np.mean(right, axis=0)
        stay = np.mean([kept for _, kept, _ in told])
        print(f"{way:14}{len(told):7}{stay:8.3f}{len(right):19}{top:8.3f}{evidence_seen:10.3f}")
    for way, examples in lost.items():
        for example in random.Random(0).sample(examples, min(options.show, len(examples))):
            print(f"{way}: {example}")


if __name__ == "__main__":
    main()
