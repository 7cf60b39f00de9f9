"""Answers on a screen: of each a line that says where, when and who, then what was said, wrapped and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deltamem_cli.cli.output.layout import bound, cells, paragraph, shorten, shorten_middle
from deltamem_cli.cli.output.terminal import Style, count, line, short_path
from deltamem_cli.cli.output.values import NO_TEXT, not_kept, place, replaced, when, who
from deltamem_cli.recall.places import short_place
from deltamem_cli.records import Answer, Hit, Segment

STRONG = 0.5  # of familiarity
_LINES, _NEAR_LINES = 10, 3  # of a passage, of a neighbour
_NAME = 28  # columns of who said it
_INDENT = "   "


@dataclass(frozen=True, slots=True)
class Detail:
    """How much an answer tells. full: whole paths and texts; scores: the numbers it is ranked by."""

    full: bool = False
    scores: bool = False


BRIEF = Detail()


def answer_text(answer: Answer, style: Style, detail: Detail, *, named: bool = False) -> Iterator[str]:
    """An answer for a person, in lines; `named` for one of many: its question first, an empty line last.

    Passages of one session stand together, the best one's first; each keeps its number.
    """
    if named:
        yield style.bold(f"? {line(answer.question)}")
    yield style.dim(familiar(answer, detail))
    if not answer.fits:
        yield "nothing here fits well; nearest:"
    seen = ""
    for number, hit in _by_session(answer.hits):
        yield ""
        yield headline(str(number), hit, style, detail, titled=hit.session != seen)
        yield from _hit_text(number, hit, answer.question, style=style, detail=detail)
        seen = hit.session
    for number, segment in enumerate(answer.segments, 1):
        yield ""
        yield from _segment_text(number, segment, style, detail)
    if named:
        yield ""


def familiar(answer: Answer, detail: Detail) -> str:
    """How well a memory knows what is asked about, in words."""
    told = "strong" if answer.familiarity >= STRONG else "weak" if answer.fits else "none"
    return f"familiarity: {told}" + (f" ({answer.familiarity:.2f})" if detail.scores else "")


def _by_session(hits: tuple[Hit, ...]) -> list[tuple[int, Hit]]:
    best: dict[str, int] = {}
    for number, hit in enumerate(hits, 1):
        best.setdefault(hit.session, number)
    return sorted(enumerate(hits, 1), key=lambda entry: (best[entry[1].session], entry[0]))


def headline(number: str, hit: Hit, style: Style, detail: Detail, *, titled: bool) -> str:
    """The line over a passage: its number, where, when, who; and the session's title where that is `titled`."""
    room = style.width - cells(number) - 2
    said_by = who(hit) if detail.full else shorten(who(hit), _NAME)
    about = [when(hit.time), said_by] + ([f"score {hit.score:.2f}"] if detail.scores else [])
    told = " · ".join(part for part in about if part)
    where = line(place(hit) if detail.full else short_place(hit))
    if not detail.full:
        told = shorten(told, max(room // 2, room - cells(where) - 3))
        where = shorten_middle(where, room - cells(told) - 3)
    left = room - cells(where) - cells(told) - 6
    title = line(hit.title)
    title = f" · {title if detail.full else shorten(title, left)}" if titled and title and left > 8 else ""
    painted = style.link(style.place(where), hit.source)
    return f"{style.bold(number)}  {painted}{style.dim(f' · {told}{title}' if told else title)}"


def _hit_text(number: int, hit: Hit, question: str, style: Style, detail: Detail) -> Iterator[str]:
    if hit.superseded_by is not None:
        yield style.dim(_INDENT + replaced(hit.superseded_by, full=detail.full))
    for near in hit.before:
        yield from _beside(near, style, detail)
    yield from _body(hit, question, f"deltamem show {number}", style=style, detail=detail)
    for near in hit.after:
        yield from _beside(near, style, detail)
    for older in hit.older:
        where = place(older) if detail.full else short_place(older)
        yield style.dim(f"{_INDENT}before: {' · '.join(part for part in (when(older.time), line(where)) if part)}")
        yield from _beside(older, style, detail)


def _body(hit: Hit, question: str, more: str, *, style: Style, detail: Detail) -> Iterator[str]:
    from deltamem_cli.recall.searcher import marks

    if hit.text is None:
        yield style.dim(_INDENT + (not_kept(hit) if hit.summed else NO_TEXT))
        return
    asked = marks(question, hit.text)
    lines = paragraph(hit.text, asked, style.width - len(_INDENT), style)
    if detail.full:
        yield from (_INDENT + shown for shown in lines)
        return
    marked = paragraph(hit.text, asked, style.width - len(_INDENT), MARKING)
    cut = bound(lines, _LINES, [MARKING.sign in shown for shown in marked])
    if cut.before:
        yield style.dim(f"{_INDENT}[… {count(cut.before, 'line')} before]")
    yield from (_INDENT + shown for shown in cut.lines)
    if cut.after or cut.before:
        yield style.dim(f"{_INDENT}[… {count(cut.after, 'more line')}: {more}]")


class _Marking(Style):
    """Tells which lines have a mark."""

    sign = "\x01"

    def __init__(self) -> None:
        self.on, self.width = False, 0

    def mark(self, text: str) -> str:
        return self.sign + text


MARKING = _Marking()


def _beside(hit: Hit, style: Style, detail: Detail) -> Iterator[str]:
    """A neighbour, or what a passage supersedes: dim, and shorter."""
    text = not_kept(hit) if hit.text is None else hit.text
    lines = paragraph(f"{who(hit)}: {text}", (), style.width - len(_INDENT) - 2, style)
    kept = len(lines) if detail.full else _NEAR_LINES
    if len(lines) > kept:
        lines = [*lines[: kept - 1], shorten(lines[kept - 1], style.width - len(_INDENT) - 4) + " …"]
    yield from (style.dim(f"{_INDENT}┆ {shown}") for shown in lines)


def _segment_text(number: int, segment: Segment, style: Style, detail: Detail) -> Iterator[str]:
    span = " – ".join(dict.fromkeys(t for t in (when(segment.start), when(segment.end)) if t))
    told = [span, count(segment.passages, "passage")] + ([f"score {segment.score:.3f}"] if detail.scores else [])
    about = " · ".join(part for part in told if part)
    where = short_path(segment.source) + f":{segment.line}" if detail.full else segment_place(segment)
    if not detail.full:
        where = shorten_middle(line(where), style.width - cells(about) - len(str(number)) - 5)
    painted = style.link(style.place(line(where)), segment.source)
    yield f"{style.bold(str(number))}  {painted}{style.dim(' · ' + about)}"
    if segment.title:
        title = line(segment.title)
        yield _INDENT + (title if detail.full else shorten(title, style.width - len(_INDENT)))


def segment_place(segment: Segment) -> str:
    """Where a stretch begins, in short."""
    from deltamem_cli.recall.places import project_name, session_name

    names = project_name(segment.project, segment.source), session_name(segment.session, segment.source)
    return "/".join(name for name in names if name) + f":{segment.line}"
