"""Sessions, digests and timelines: for a person in lines that fit, for a program as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from deltamem_cli.cli.output.layout import cells, paragraph, shorten, shorten_middle
from deltamem_cli.cli.output.terminal import Style, count, line
from deltamem_cli.cli.output.values import hit_fields, iso, json_line, not_kept, when
from deltamem_cli.recall.places import project_name, resume_command, session_name, short_place
from deltamem_cli.records import Hit

if TYPE_CHECKING:
    from deltamem_cli.recall.sessions import Conversation, Digest
    from deltamem_cli.recall.timeline import Period

_LINES = 4  # of what was asked or concluded
_BAR = 20  # columns of the bar of the busiest period


def sessions_text(told: Iterable[Conversation], style: Style) -> Iterator[str]:
    """The table of sessions: last said, passages, place, title."""
    rows = [(when(one.end) or "-", f"{one.passages:,}", line(_name(one)), one) for one in told]
    size = max((len(number) for _, number, _, _ in rows), default=0)
    width = min(max((cells(name) for _, _, name, _ in rows), default=0), style.width // 3)
    for last, number, name, one in rows:
        shown = shorten_middle(name, width)
        title = shorten(line(one.title), style.width - 16 - size - width - 6)
        where = style.link(style.place(shown), one.source) + " " * (width - cells(shown))
        yield f"{style.dim(last.ljust(16))}  {number.rjust(size)}  {where}  {title}".rstrip()


def sessions_json(told: Iterable[Conversation]) -> Iterator[str]:
    """The sessions, an object each."""
    return (json_line(_fields(one)) for one in told)


def digest_text(told: Iterable[Digest], style: Style) -> Iterator[str]:
    """The digest: each session, what was asked in it, what came out."""
    for number, one in enumerate(told):
        if number:
            yield ""
        session = one.conversation
        yield style.bold(shorten(line(session.title or session.session), style.width))
        span = _span(session)
        about = " · ".join(part for part in (line(_name(session)), span, count(session.passages, "passage")) if part)
        yield style.dim(shorten(about, style.width))
        for hit in one.asked:
            yield from _cited("asked", hit, style)
        if one.concluded is not None:
            yield from _cited("told", one.concluded, style)
        command = resume_command(session.format, session.session)
        if command:
            yield style.dim(f"   to go on with it: {' '.join(command)}")


def digest_json(told: Iterable[Digest]) -> Iterator[str]:
    """The digest, an object a session."""
    for one in told:
        concluded = hit_fields(one.concluded) if one.concluded is not None else None
        asked = [hit_fields(hit) for hit in one.asked]
        yield json_line(_fields(one.conversation) | {"asked": asked, "concluded": concluded})


def timeline_text(told: Iterable[Period], style: Style, period: str) -> Iterator[str]:
    """The timeline: each period with a bar, its busiest sessions, and what was new."""
    periods = list(told)
    most = max((one.passages for one in periods), default=1)
    for one in periods:
        name = _period_name(one.start, period)
        amount = f"{count(one.passages, 'passage')}, {count(one.sessions, 'session')}"
        room = min(_BAR, style.width - cells(name) - cells(amount) - 3)
        bar = style.place("█" * max(round(room * one.passages / most), 1)) + " " if room > 4 else ""
        told_of = shorten(amount, style.width - cells(name) - 2) if not bar else amount
        yield f"{style.bold(name)}  {bar}{style.dim(told_of)}"
        for session in one.busiest:
            number = f"   {session.passages:>6,}  "
            title = shorten(line(session.title or session.session), style.width - len(number))
            yield number + title
        for hit in one.novel:
            yield from _cited("new", hit, style, lines=2)


def timeline_json(told: Iterable[Period]) -> Iterator[str]:
    """The timeline, an object a period."""
    for one in told:
        busiest = [_fields(session) for session in one.busiest]
        novel = [hit_fields(hit) for hit in one.novel]
        fields = {"start": iso(one.start), "passages": one.passages, "sessions": one.sessions}
        yield json_line(fields | {"busiest": busiest, "novel": novel})


def session_lines(told: Iterable[Conversation]) -> Iterator[str]:
    """The sessions for a language model, a short line each; at most 100 characters of a title."""
    for one in told:
        place = f"{line(_name(one))}:{one.line}"
        yield f"{when(one.end) or '-'} · {count(one.passages, 'passage')} · [{place}] {shorten(line(one.title), 100)}"


def timeline_lines(told: Iterable[Period], period: str) -> Iterator[str]:
    """The newest 60 periods for a language model, with their busiest sessions."""
    for one in list(told)[-60:]:
        yield f"{_period_name(one.start, period)}: {count(one.passages, 'passage')}, {count(one.sessions, 'session')}"
        yield from (f"  {told}" for told in session_lines(one.busiest))


def _cited(label: str, hit: Hit, style: Style, *, lines: int = _LINES) -> Iterator[str]:
    """A passage under a label, its place last."""
    lead = f"   {label:<5} "
    text = not_kept(hit) if hit.text is None else " ".join(hit.text.split())
    wrapped = paragraph(text[: lines * style.width], (), style.width - len(lead), style)
    where = line(short_place(hit))
    cut = len(wrapped) > lines or len(text) > lines * style.width
    kept = wrapped[:lines]
    if cut and kept:
        kept[-1] = shorten(kept[-1], style.width - len(lead) - 2).rstrip("…") + "…"
    for number, shown in enumerate(kept):
        yield (style.dim(lead) if number == 0 else " " * len(lead)) + shown
    yield " " * len(lead) + style.link(style.place(shorten_middle(where, style.width - len(lead))), hit.source)


def _name(one: Conversation) -> str:
    names = project_name(one.project, one.source), session_name(one.session, one.source)
    return "/".join(name for name in names if name)


def _span(one: Conversation) -> str:
    start, end = when(one.start), when(one.end)
    if start[:10] == end[:10] and start:
        return f"{start} – {end[11:]}" if start != end else start
    return " – ".join(dict.fromkeys(moment for moment in (start, end) if moment))


def _fields(one: Conversation) -> dict[str, Any]:
    command = " ".join(resume_command(one.format, one.session))
    return asdict(one) | {"start": iso(one.start), "end": iso(one.end), "resume": command or None}


def _period_name(start: float, period: str) -> str:
    day = datetime.fromtimestamp(start)
    if period == "month":
        return f"{day:%Y-%m}"
    return f"{day:%Y-%m-%d}" + (f" – {day + timedelta(days=6):%m-%d}" if period == "week" else "")
