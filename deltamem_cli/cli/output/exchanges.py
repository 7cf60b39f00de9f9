"""Exchanges on a screen: who, when, and the whole of what was said; and everything as JSON Lines or Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from deltamem_cli.cli.output.layout import cells, paragraph, shorten, shorten_middle, shown
from deltamem_cli.cli.output.terminal import Style, clean, count, line
from deltamem_cli.cli.output.values import NO_TEXT, hit_fields, json_line, not_kept, place, when, who
from deltamem_cli.recall.places import resume_command, short_place
from deltamem_cli.records import Hit

if TYPE_CHECKING:
    from deltamem_cli.recall.exchange import Exchange

_INDENT = "  "
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)[ \t]*([\w+.#-]{0,20})[^\n]*$")
_LONGEST = 20_000  # characters of code that are coloured: a lexer may take long


def exchange_text(told: Exchange, style: Style) -> Iterator[str]:
    """An exchange for a person: the session, then its messages; the one that was asked for has a mark."""
    first = told.turns[0].hit
    title = line(first.title or first.session)
    yield style.bold(shorten(title, style.width))
    source = shorten_middle(line(place(told.turns[0].hit)), style.width)
    yield style.link(style.place(source), first.source)
    if told.before:
        yield style.dim(f"[… {count(told.before, 'message')} before: --session]")
    for turn in told.turns:
        yield ""
        mark = "▶ " if turn.asked else "  "
        about = " · ".join(part for part in (when(turn.hit.time), f"line {turn.hit.line}") if part)
        name = shorten(who(turn.hit), max(style.width - cells(about) - 5, 8))
        yield style.bold(mark + name) + style.dim(f"  {about}")
        yield from _body(turn.hit, style)
    if told.after:
        yield ""
        yield style.dim(f"[… {count(told.after, 'more message')}: --session]")
    command = resume_command(told.format, first.session)
    if command:
        yield ""
        yield style.dim(f"to go on with it: {' '.join(command)}")


def _body(hit: Hit, style: Style) -> Iterator[str]:
    if hit.text is None:
        yield style.dim(_INDENT + (not_kept(hit) if hit.summed else NO_TEXT))
        return
    width = style.width - len(_INDENT)
    for language, text in _blocks(hit.text) if hit.kind in ("text", "summary") else [("", hit.text)]:
        lines = paragraph(text, (), width, style)
        if language and style.on and len(text) <= _LONGEST:
            lines = _coloured(text, language, width)
        for told in lines:
            yield _INDENT + (style.dim(told) if hit.kind in ("thinking", "tool_result") and style.on else told)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with the language of its code, "" for prose; fences stay with the prose."""
    prose: list[str] = []
    code: list[str] = []
    fence = language = ""
    for told in text.split("\n"):
        found = _FENCE.match(told)
        if fence and found and found[1].startswith(fence) and not found[2]:
            yield language or "text", "\n".join(code)
            code, fence, prose = [], "", [told]
        elif fence:
            code.append(told)
        else:
            prose.append(told)
            if found:
                fence, language = found[1], found[2]
                yield "", "\n".join(prose)
                prose = []
    if code:
        yield language or "text", "\n".join(code)
    if prose:
        yield "", "\n".join(prose)


def _coloured(text: str, language: str, width: int) -> list[str]:
    """Code in the terminal's own colours, each line of at most `width` columns."""
    import io

    from rich.console import Console
    from rich.syntax import Syntax

    code, _ = shown(text)
    page = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="standard", legacy_windows=False)
    page.print(Syntax(code, language, theme="ansi_dark", word_wrap=True, background_color="default"), end="")
    assert isinstance(page.file, io.StringIO)
    return [told.rstrip() for told in page.file.getvalue().rstrip("\n").split("\n")]


def exchange_json(told: Exchange) -> Iterator[str]:
    """An exchange as JSON Lines: an object a message."""
    for turn in told.turns:
        command = " ".join(resume_command(told.format, turn.hit.session))
        yield json_line(_fields(turn.hit) | {"asked": turn.asked, "resume": command or None})


def export_json(told: Iterable[Hit]) -> Iterator[str]:
    """Messages as JSON Lines."""
    for hit in told:
        yield json_line(_fields(hit))


def export_markdown(told: Iterable[Hit]) -> Iterator[str]:
    """Messages to read: a heading a session, the place over each."""
    session = None
    for hit in told:
        if hit.session != session:
            session = hit.session
            yield f"## {line(hit.title or hit.session)}\n"
        about = " · ".join(part for part in (when(hit.time), who(hit), line(short_place(hit))) if part)
        yield f"**{about}**\n"
        text = clean(hit.text if hit.text is not None else not_kept(hit))
        if hit.kind in ("tool_call", "tool_result"):
            fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
            text = f"{fence}\n{text}\n{fence}"
        yield text + "\n"


def _fields(hit: Hit) -> dict[str, Any]:
    left_out = ("score", "before", "after", "older", "superseded_by")
    return {name: value for name, value in hit_fields(hit).items() if name not in left_out}
