"""Answers → text for a person or JSON Lines for a program, and what all results share.

Nothing but this file and its two neighbours formats output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson

from deltamem_cli.cli.output.terminal import UNSAFE, Style, clean, count, line, short_path
from deltamem_cli.records import Answer, Hit, Segment

_NO_TEXT = "(its text is not kept, and its log is gone or has changed)"


def answer_text(answer: Answer, style: Style, *, named: bool = False) -> Iterator[str]:
    """An answer for a person, in lines; `named` for one of many: its question first, an empty line last."""
    if named:
        yield style.bold(f"? {line(answer.question)}")
    yield style.dim(f"familiarity {answer.familiarity:.2f}")
    if not answer.fits:
        yield "nothing here fits well; nearest:"
    for number, hit in enumerate(answer.hits, 1):
        yield ""
        yield from _hit_text(number, hit, answer.question, style)
    for number, segment in enumerate(answer.segments, 1):
        yield ""
        yield from _segment_text(number, segment, style)
    if named:
        yield ""


def nothing_fits(answer: Answer, *, filtered: bool) -> str:
    """What to say when a memory holds nothing that fits well."""
    also = " among the passages that the filters let through" if filtered else ""
    about = f'nothing in this memory fits "{line(answer.question)[:80]}" well'
    return f"{about}{also} (familiarity {answer.familiarity:.2f})"


def _hit_text(number: int, hit: Hit, question: str, style: Style) -> Iterator[str]:
    yield f"{style.bold(str(number))}  {style.place(place(hit))}"
    about = [when(hit.time), who(hit), line(hit.title or hit.session), f"score {hit.score:.2f}"]
    yield style.dim("   " + " · ".join(part for part in about if part))
    if hit.superseded_by is not None:
        yield style.dim(f"   {replaced(hit.superseded_by)}")
    for near in hit.before:
        yield from _indented(near, "", style, near=True)
    yield from _indented(hit, question, style)
    for near in hit.after:
        yield from _indented(near, "", style, near=True)
    for older in hit.older:
        yield style.dim(f"   before: {' · '.join(part for part in (when(older.time), place(older)) if part)}")
        yield from _indented(older, "", style, near=True)


def _indented(hit: Hit, question: str, style: Style, near: bool = False) -> Iterator[str]:
    if hit.text is None:
        yield style.dim(f"   {not_kept(hit) if hit.summed else _NO_TEXT}")
        return
    lead = f"{who(hit)}: " if near else ""
    for shown in (lead + _marked(hit.text, question, style)).split("\n"):
        yield style.dim(f"   ┆ {shown}") if near else f"   {shown}"


def _marked(text: str, question: str, style: Style) -> str:
    """The text, cleaned, with the question's words marked."""
    from deltamem_cli.recall.searcher import marks

    if not (style.on and question):
        return clean(text)
    parts, at = [], 0
    for start, end in marks(question, text):
        parts += [clean(text[at:start]), style.mark(clean(text[start:end]))]
        at = end
    return "".join([*parts, clean(text[at:])])


def _segment_text(number: int, segment: Segment, style: Style) -> Iterator[str]:
    yield f"{style.bold(str(number))}  {style.place(short_path(segment.source) + ':' + str(segment.line))}"
    span = " – ".join(dict.fromkeys(t for t in (when(segment.start), when(segment.end)) if t))
    about = [
        span,
        line(segment.title or segment.session),
        count(segment.passages, "passage"),
        f"score {segment.score:.3f}",
    ]
    yield style.dim("   " + " · ".join(part for part in about if part))


def place(hit: Hit) -> str:
    """Where a passage stands: path:line, and the JSON pointer where the line is not enough."""
    return f"{short_path(hit.source)}:{hit.line}" + (f"#{line(hit.pointer)}" if hit.pointer else "")


def not_kept(hit: Hit) -> str:
    """What stands in place of a text that is not there."""
    return f"({hit.summed} passages from here on, summed)" if hit.summed else "(text not kept)"


def replaced(newer: Hit) -> str:
    """What an answer that was said again, differently, says of itself."""
    return f"superseded by {place(newer)}" + (f" ({said})" if (said := when(newer.time)) else "")


def who(hit: Hit) -> str:
    """Who said it, and as what."""
    return line(f"{hit.speaker} ({hit.role})" if hit.speaker and hit.role != "user" else hit.speaker or hit.role) + (
        "" if hit.kind == "text" else f", {hit.kind.replace('_', ' ')}"
    )


def when(seconds: float | None) -> str:
    """A time where the reader is, "" for none."""
    return "" if seconds is None else _moment(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _moment(seconds: float) -> datetime:
    """UTC; a time outside what a calendar can say (a stranger's number) is pinned to its ends."""
    day = 86_400  # room for the zone of whoever reads it
    return datetime.fromtimestamp(min(max(seconds, -62135596800 + day), 253402300799 - day), UTC)


def iso(seconds: float | None) -> str | None:
    """A time for a program: ISO 8601, UTC."""
    return None if seconds is None else _moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer_json(answer: Answer) -> Iterator[str]:
    """An answer as JSON Lines: one object a hit (or segment), each with the question and how well it is answered."""
    head = {"question": answer.question, "familiarity": round(answer.familiarity, 4), "fits": answer.fits}
    for rank, hit in enumerate(answer.hits, 1):
        yield json_line({**head, "rank": rank, **hit_fields(hit)})
    for rank, segment in enumerate(answer.segments, 1):
        fields = asdict(segment) | {"start": iso(segment.start), "end": iso(segment.end)}
        yield json_line({**head, "rank": rank, **fields})


def hit_fields(hit: Hit) -> dict[str, Any]:
    """A hit, its neighbours, and what it supersedes or is superseded by, for a program."""
    fields = asdict(hit) | {"time": iso(hit.time)}
    for name in ("before", "after", "older"):
        fields[name] = [hit_fields(near) for near in getattr(hit, name)]
    fields["superseded_by"] = hit_fields(hit.superseded_by) if hit.superseded_by is not None else None
    return fields


def json_line(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """A value as JSON on one line, safe to print."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = json.dumps(value)  # a path or question that is no UTF-8
    return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
