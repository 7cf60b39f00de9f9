"""Answers → JSON Lines for a program, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from deltamem_cli.cli.output.terminal import line
from deltamem_cli.cli.output.values import hit_fields, iso, json_line
from deltamem_cli.records import Answer


def nothing_fits(answer: Answer, *, filtered: bool) -> str:
    """What to say when a memory holds nothing that fits well."""
    also = " among the passages that the filters let through" if filtered else ""
    about = f'nothing in this memory fits "{line(answer.question)[:80]}" well'
    return f"{about}{also} (familiarity {answer.familiarity:.2f})"


def answer_json(answer: Answer) -> Iterator[str]:
    """An answer as JSON Lines: one object a hit (or segment), each with the question and how well it is answered."""
    head = {"question": answer.question, "familiarity": round(answer.familiarity, 4), "fits": answer.fits}
    for rank, hit in enumerate(answer.hits, 1):
        yield json_line({**head, "rank": rank, **hit_fields(hit)})
    for rank, segment in enumerate(answer.segments, 1):
        fields = asdict(segment) | {"start": iso(segment.start), "end": iso(segment.end)}
        yield json_line({**head, "rank": rank, **fields})


def no_answer_json(answer: Answer) -> str:
    """The line of a question that has no answer, so that a batch has a line a question."""
    told = {"question": answer.question, "familiarity": round(answer.familiarity, 4), "fits": False}
    told |= {"rank": None, "text": None}
    return json_line(told)
