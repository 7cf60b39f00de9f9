"""Answers as something to hand on: a block of context for a language model, Markdown, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence

from deltamem_cli.cli.output.terminal import clean, line
from deltamem_cli.cli.output.values import iso, not_kept, place, replaced, when, who
from deltamem_cli.records import Answer, Hit

OPENING = "Excerpts from conversation logs, oldest first. Cite them as [1], [2] and so on."

_ACTIVE = re.compile(r"<(?=[A-Za-z/!?])|\]\(|\]\[|\]:")
_FORMULA = tuple("=+-@\t\r＝＋－＠﹢﹣﹦﹫−‐‑–—")
Count = Callable[[Sequence[str]], list[int]]


def prompt(answer: Answer, most: int, count: Count) -> Iterator[str]:
    """The best passages that fit into `most` tokens, in the order of time, each with a number and its place.

    `count` tells the tokens of each text. A passage and its neighbours count; one that was taken is not repeated.
    """
    kept: list[Hit] = []
    left = most - count([OPENING])[0]
    seen = set[str]()
    for hit in (near for found in answer.hits for near in (found, *found.before, *found.after)):
        if hit.uid in seen or hit.text is None:
            continue
        seen.add(hit.uid)
        (cost,) = count([f"[00] {_about(hit)}\n{quoted(hit.text)}\n\n"])
        if cost <= left:
            kept.append(hit)
            left -= cost
    yield OPENING
    for number, hit in enumerate(sorted(kept, key=_age), 1):
        yield f"\n[{number}] {_about(hit)}"
        yield quoted(hit.text or "")


def markdown(answer: Answer) -> Iterator[str]:
    """The question as a heading, the passages as quotes under their places."""
    yield f"## {inert(line(answer.question))}"
    for hit in answer.hits:
        yield f"\n**{inert(_about(hit))}**\n"
        for near in (*hit.before, hit, *hit.after):
            yield quoted(inert(near.text or not_kept(near)))


def table(answer: Answer, *, heading: bool) -> Iterator[str]:
    """CSV (RFC 4180, but for the line end): a row a passage, the first of all with the names of the columns."""
    columns = ("question", "familiarity", "rank", "score", "time", "role", "speaker", "kind", "session", "title",
               "source", "line", "pointer", "text")  # fmt: skip
    if heading:
        yield ",".join(columns)
    for rank, hit in enumerate(answer.hits, 1):
        found = answer.question, f"{answer.familiarity:.4f}", rank, f"{hit.score:.4f}"
        said = iso(hit.time), hit.role, hit.speaker, hit.kind, hit.session, hit.title
        row = io.StringIO()
        csv.writer(row).writerow(  # with its line end, so that it quotes texts that hold one
            map(_harmless, (*found, *said, hit.source, hit.line, hit.pointer, hit.text))
        )
        yield row.getvalue().removesuffix("\r\n")


def quoted(text: str) -> str:
    """Return the text with `> ` before every line, so that none can pass for a heading of what quotes it."""
    return "\n".join(f"> {shown}".rstrip() for shown in clean(text).split("\n"))


def inert(text: str) -> str:
    """Return Markdown in which nothing of the text is HTML, a link or a picture."""
    return _ACTIVE.sub(lambda found: "&lt;" if found[0] == "<" else f"{found[0][0]}\\{found[0][1]}", text)


def _about(hit: Hit) -> str:
    newer = replaced(hit.superseded_by) if hit.superseded_by is not None else ""
    return " · ".join(part for part in (when(hit.time), who(hit), place(hit), newer) if part)


def _age(hit: Hit) -> tuple[float, str, int]:
    return (float("inf") if hit.time is None else hit.time), hit.source, hit.line


def _harmless(value: object) -> object:
    """Text without control characters, and none that a spreadsheet would take for a formula."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = clean(value)
    return (
        f"'{text}"
        if text.lstrip(" \n").startswith(_FORMULA) and not text.replace(".", "").lstrip("-").isdigit()
        else text
    )
