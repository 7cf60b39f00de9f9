"""Help that a person reads: no types where a name says it, examples on lines of their own, nothing cut off."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r" <[^<>]+>")
_RANGE = re.compile(r"\s?\[x>=\d{1,9}\]|; x>=\d{1,9}(?=\])|; \d{1,9}<=x<=\d{1,9}(?=\])")
_EXAMPLE = re.compile(r"^Example: ", re.MULTILINE)


class PlainCommand(TyperCommand):
    """A command whose help is laid out by click, with what only a programmer wants left out."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # typer keeps a click of its own
        """Write the help."""
        rows, text, usage = formatter.write_dl, formatter.write_text, formatter.write_usage
        formatter.write_dl = lambda told, *how, **options: rows(
            [(_named(name), _RANGE.sub("", about)) for name, about in told], *how, **options
        )
        formatter.write_text = lambda told: text(_EXAMPLE.sub("\b\nExample: ", told))
        formatter.write_usage = lambda program, told="", *how: usage(program, _usage(told), *how)
        super().format_help(ctx, formatter)


def _named(name: str) -> str:
    """An option with a letter for its value, an argument by its name alone."""
    if not name.startswith("-"):
        return _TYPE.sub("", name)
    return _TYPE.sub(lambda kind: " N" if "int" in kind.group() else " TEXT", name)


def _usage(told: str) -> str:
    """Arguments as people write them: `[MEMORY]`, `ANSWER`, `PATHS…`."""
    told = re.sub(r"\{(\S+?)\}(?:\.\.\.)?", r"\1", told)
    return re.sub(r"\[(\[?[A-Z][^\[\]]*\]?(?: [A-Z]+…)?)\](?:\.\.\.)?(?=\s|$)", _inner, told)


def _inner(match: re.Match[str]) -> str:
    inner = match[1]
    return inner if inner.startswith("[") else f"[{inner}]"


def brief(doc: str | None) -> str:
    """What a command does, in the list of all: the first sentence of its help, to the colon."""
    first = (doc or "").strip().partition("\n")[0].partition(":")[0].partition(". ")[0]
    return first.rstrip(".") + "."
