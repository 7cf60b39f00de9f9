"""Every regular expression of the package takes linear time, whatever it is given."""

from __future__ import annotations

import importlib
import pkgutil
import re
import re._constants as ops  # type: ignore[import-not-found,unused-ignore]
import re._parser as parser  # type: ignore[import-not-found,unused-ignore]
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import deltamem_cli
from deltamem_cli.text import secret_shapes

_SECONDS = 0.6  # for 20,000 characters; what is linear takes some milliseconds
_LENGTHS = (60, 2_000, 20_000)
_CASES = 14  # hostile texts for each pattern


def patterns() -> dict[str, re.Pattern[str]]:
    """Return where it stands → pattern, for each that a module of the package keeps, also in tables."""
    found: dict[int, tuple[str, re.Pattern[str]]] = {}

    def look(value: object, name: str) -> None:
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
            found.setdefault(id(value), (name, value))
        elif isinstance(value, (list, tuple, dict)):
            for key, each in value.items() if isinstance(value, dict) else enumerate(value):
                look(each, f"{name}[{key}]")

    for module in pkgutil.walk_packages(deltamem_cli.__path__, "deltamem_cli."):
        if "__main__" not in module.name:
            look(vars(importlib.import_module(module.name)), module.name.removeprefix("deltamem_cli."))
    tables = (*secret_shapes.BY_ENDING.values(), *secret_shapes.BY_OPENING.values())
    for prefix, rule, written in (row for rows in tables for row in rows):
        look(secret_shapes.tail(written), f"text.secret_shapes.{rule} {prefix}")
    return dict(found.values())


def _one(items: Any) -> str:
    """Return a text that these items of a parsed pattern match, each repeat as short as it may be."""
    return "".join(_sample(op, value) for op, value in items)


def _sample(op: Any, value: Any) -> str:
    if op is ops.LITERAL:
        return chr(value)
    if op in (ops.NOT_LITERAL, ops.ANY):
        return "a" if value != ord("a") else "b"
    if op is ops.IN:
        return _of_set(value)
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
        return _one(value[2]) * max(int(value[0]), 1 if value[0] else 0)
    if op is ops.SUBPATTERN:
        return _one(value[3])
    if op is ops.ATOMIC_GROUP:
        return _one(value)
    return _one(value[1][0]) if op is ops.BRANCH else ""


def _of_set(items: Any) -> str:
    negated = items[0][0] is ops.NEGATE
    for sign in " a0\t\n-_.:/<>[]()\\\"'=@~A|,;!?*#":
        if bool(re.match(_written(items), sign)) and (not negated or sign not in "\n"):
            return sign
    return next((chr(value) for op, value in items if op is ops.LITERAL), chr(0x2014))


def _written(items: Any) -> re.Pattern[str]:
    classes = {
        "CATEGORY_DIGIT": r"\d",
        "CATEGORY_NOT_DIGIT": r"\D",
        "CATEGORY_SPACE": r"\s",
        "CATEGORY_NOT_SPACE": r"\S",
    }
    classes |= {"CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W"}
    inside = ""
    for op, value in items:
        if op is ops.NEGATE:
            inside = "^" + inside
        elif op is ops.LITERAL:
            inside += re.escape(chr(value))
        elif op is ops.RANGE:
            inside += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        elif op is ops.CATEGORY:
            inside += classes.get(str(value), "")
    return re.compile(f"[{inside}]")


def hostile(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return (what comes first, what is repeated): each repeat of the pattern pumped, and its whole beginning."""
    found: dict[tuple[str, str], None] = {}

    def walk(items: Any, before: str) -> None:
        for op, value in items:
            if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
                inner = _one(value[2]) or "a"
                found[before, inner] = None
                found["", before + inner] = None
                if before:
                    found[before + inner, " " if not inner.isspace() else "x"] = None
                walk(value[2], before)
            elif op is ops.SUBPATTERN:
                walk(value[3], before)
            elif op is ops.ATOMIC_GROUP:
                walk(value, before)
            elif op is ops.BRANCH:
                for branch in value[1]:
                    walk(branch, before)
            before += _sample(op, value)
        if before:
            found["", before[:200]] = None
            found["", before[: max(len(before) // 2, 1)]] = None

    walk(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), "")
    found["", " "] = found["", "a"] = found["", "\n"] = None
    return list(found)


class TooLong(Exception):
    """A search was stopped."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


_MATCHED = (
    "text.redact[_JWT]",
    "text.secret_names[_WORDS]",
    "text.secret_shapes.",
    "readers.parse.label_shapes[",
)  # never searched for: only at a place


def slow(
    pattern: re.Pattern[str], search: bool = True, lengths: tuple[int, ...] = _LENGTHS, cases: int = _CASES
) -> str:
    """Return the text that takes too long, described; "" where none does."""
    for first, pump in hostile(pattern)[:cases]:
        for length in lengths:
            for end in ("", "\x00"):
                text = (first + pump * (length // len(pump) + 1))[:length] + end
                started = time.process_time()
                try:
                    with _at_most(_SECONDS):
                        _ = pattern.search(text) if search else pattern.match(text)
                        pattern.fullmatch(text)
                except TooLong:
                    return f"{first[:40]!r} + {pump[:40]!r} × {length // len(pump)}"
            if time.process_time() - started > _SECONDS / 4:
                break  # it would only be stopped
    return ""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that can stop a search")
@pytest.mark.parametrize("name", sorted(patterns()))
def test_a_pattern_takes_linear_time(name: str) -> None:
    assert not slow(patterns_once()[name], not name.startswith(_MATCHED))


def patterns_once() -> dict[str, re.Pattern[str]]:
    """Return the same as `patterns`, gathered once."""
    if not _FOUND:
        _FOUND.update(patterns())
    return _FOUND


_FOUND: dict[str, re.Pattern[str]] = {}
