#!/usr/bin/env python3
"""How much fits into a state of each rule, and what it finds when a question is not worded as the key is.

python benchmarks/rule_capacity.py [--dev LOCOMO.json] [--plot PNG] [--json]
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from capacity import render as render

from deltamem_cli.cli.options import Json
from deltamem_cli.cli.output import terminal

_SEEDS = 3  # draws, where they are cheap
_RANDOM = 64  # their dimension, and that of the bundled sentences: 512 writes are a load of 8


def main(
    dev: Annotated[
        str, typer.Option(metavar="FILE", help="A LoCoMo file: its turns are written, its questions asked.")
    ] = "",
    plot: Annotated[str, typer.Option(metavar="PNG", help="Draw it, too (needs matplotlib).")] = "",
    json: Json = False,
) -> None:
    """How much fits into a state of each rule, and what happens when a question is worded differently.

    Recall@1 by load (writes / dimensions), and by how the question differs from what was written: noise of a given
    cosine, words left out, synonyms, and with --dev the real questions of a LoCoMo file.

    Example: python benchmarks/rule_capacity.py --plot rules.png
    """
    from capacity import plot as drawing
    from capacity.pools import locomo_pool, random_pool, sentence_pool
    from capacity.rules import LOADS, RULES, averaged, measure, steps
    from tqdm import tqdm

    from deltamem_cli.encoders import load_encoder

    if plot:
        drawing.check()
    encoder = load_encoder()
    pools = [random_pool(round(LOADS[-1] * _RANDOM), _RANDOM, seed) for seed in range(_SEEDS)]
    pools += [sentence_pool(encoder, _RANDOM)] * _SEEDS
    pools += [locomo_pool(dev, encoder)] if dev else []
    total = sum(len(steps(pool)) * len(RULES) * len(pool.questions) for pool in pools)
    with tqdm(total=total, disable=not sys.stderr.isatty(), file=sys.stderr, leave=False) as bar:
        rows = []
        for row in measure(pools):
            rows.append(row)
            bar.update()
    rows = averaged(rows)
    for line in (render.rules_json if json else render.rules_text)(rows):
        terminal.out(line)
    if plot:
        drawing.plot(rows, plot)


if __name__ == "__main__":
    typer.run(main)
