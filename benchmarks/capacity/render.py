"""What `deltamem bench` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from deltamem_cli.cli.output.values import json_line

if TYPE_CHECKING:
    from capacity.rules import Row

_NAME, _CELL = 32, 14


def rules_text(rows: Sequence[Row]) -> Iterator[str]:
    """Recall@1 in per cent: for each kind of keys, rules by loads, then rules by kinds of question."""
    from capacity.rules import views

    for number, (title, varies, chosen) in enumerate(views(rows)):
        steps = list(dict.fromkeys(getattr(row, varies) for row in chosen))
        width = 7 if varies == "load" else _CELL
        yield from [""] * (number > 0)
        yield title
        yield f"{'writes / d' if varies == 'load' else 'question':{_NAME}}" + "".join(f"{s:>{width}}" for s in steps)
        rules = list(dict.fromkeys(row.rule for row in chosen))
        if varies == "question":
            cosines = (f"{row.cosine:{width}.2f}" for row in chosen if row.rule == rules[0])
            yield f"{'mean cosine with the key':{_NAME}}" + "".join(cosines)
        for rule in rules:
            cells = (f"{100 * row.recall:{width}.0f}" for row in chosen if row.rule == rule)
            yield f"{rule:{_NAME}}" + "".join(cells)


def rules_json(rows: Sequence[Row]) -> Iterator[str]:
    """One JSON object a measurement."""
    for row in rows:
        yield json_line(row._asdict())
