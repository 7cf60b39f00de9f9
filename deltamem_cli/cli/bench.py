"""`deltamem bench`: what can be measured anywhere."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deltamem_cli import render_bench, terminal
from deltamem_cli.cli.options import Json

app = typer.Typer(no_args_is_help=True, help="Measure how well memories remember, on this machine.")

_SEEDS = 3  # draws, where they are cheap
_RANDOM = 64  # their dimension, and that of the bundled sentences: 512 writes are a load of 8


@app.callback()
def bench() -> None:
    """Measure how well memories remember, on this machine.

    Example: deltamem bench rules
    """


@app.command()
def rules(
    dev: Annotated[
        str, typer.Option(metavar="FILE", help="A LoCoMo file: its turns are written, its questions asked.")
    ] = "",
    plot: Annotated[str, typer.Option(metavar="PNG", help="Draw it, too (needs matplotlib).")] = "",
    json: Json = False,
) -> None:
    """How much fits into a state of each rule, and what happens when a question is worded differently.

    Recall@1 by load (writes / dimensions), and by how the question differs from what was written: noise of a given
    cosine, words left out, synonyms, and with --dev the real questions of a LoCoMo file.

    Example: deltamem bench rules --plot rules.png
    """
    from tqdm import tqdm

    from deltamem_cli.bench import plot as drawing
    from deltamem_cli.bench.pools import locomo_pool, random_pool, sentence_pool
    from deltamem_cli.bench.rules import LOADS, RULES, averaged, measure, steps
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
    for line in (render_bench.rules_json if json else render_bench.rules_text)(rows):
        terminal.out(line)
    if plot:
        drawing.plot(rows, plot)
