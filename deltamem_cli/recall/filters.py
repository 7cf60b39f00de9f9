"""Which passages of a memory a person means: by session, speaker, role, kind, source and time."""

from __future__ import annotations

import fnmatch
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.errors import UsageError
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import KINDS, ROLES

Names = str | Sequence[str]

_PATIENCE = 5  # seconds that a pattern may take in all


@dataclass(frozen=True, slots=True)
class Filters:
    """Which passages may answer. Empty fields let everything through; times in milliseconds since 1970 UTC.

    A field that names several lets through what any of them does. session: the beginning of a session's id, or part of
    its title. speaker, source, project: part of the name, or a pattern with * and ?; as a speaker also a role. match:
    in the passage's text as it stands. Letter case plays no part. exact: each of these must stand in the text; regex: a
    pattern that must be found in it.
    """

    session: Names = ()
    speaker: Names = ()
    role: Names = ()
    kind: Names = ()
    source: Names = ()
    since: int | None = None
    until: int | None = None
    match: str = ""
    project: Names = ()
    exact: Names = ()
    regex: str = ""

    def __post_init__(self) -> None:
        for name in ("session", "speaker", "role", "kind", "source", "project", "exact"):
            told = getattr(self, name)
            object.__setattr__(self, name, ((told,) if told else ()) if isinstance(told, str) else tuple(told))


EVERYTHING = Filters()


def let_through(memory: StoredMemory, filters: Filters, *, cautious: bool = False) -> NDArray[np.bool_]:
    """Which passages (N,) the filters let through. Raises UsageError for `match` where the memory keeps no text.

    `cautious` lets through what a budget has made unclear, too: a sum of passages that may hold one
    that fits, and for `match` a passage without text that has all its words.
    """
    rows = memory.rows
    passing = np.ones(len(rows), bool)
    unclear = (rows.summed > 0) & cautious
    if filters.session:
        wanted = [name.lower() for name in filters.session]
        hits = [any(s.id.lower().startswith(name) or name in s.title.lower() for name in wanted)
                for s in memory.sessions]  # fmt: skip
        passing &= np.array(hits, bool)[rows.session]
    if filters.project:
        passing &= _any_like([s.project for s in memory.sessions], filters.project)[rows.session]
    if filters.speaker:
        named = _any_like(memory.speakers, filters.speaker)[rows.speaker]
        named |= np.isin(rows.role, [ROLES.index(name) for name in ROLES if name in filters.speaker])
        nobody = np.array([not name for name in memory.speakers], bool)[rows.speaker]
        passing &= named | (unclear & nobody)
    if filters.source:
        passing &= _any_like([s.path for s in memory.sources], filters.source)[rows.source]
    if filters.role:
        passing &= np.isin(rows.role, [[*ROLES].index(name) for name in filters.role]) | unclear  # type: ignore[arg-type]
    if filters.kind:
        passing &= np.isin(rows.kind, [[*KINDS].index(name) for name in filters.kind]) | unclear  # type: ignore[arg-type]
    passing &= _dated(memory, filters, unclear)
    for phrase in (*([filters.match] if filters.match else []), *filters.exact):
        passing &= _matching(memory, phrase, cautious)
    if filters.regex:
        passing &= _fitting(memory, filters.regex, passing)
    return passing


def _dated(memory: StoredMemory, filters: Filters, unclear: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows = memory.rows
    passing = np.ones(len(rows), bool)
    if filters.since is not None:
        passing &= ((rows.time >= filters.since) & (rows.time != NO_TIME)) | unclear
    if filters.until is not None:
        passing &= rows.time <= filters.until
    return passing


def _matching(memory: StoredMemory, match: str, cautious: bool) -> NDArray[np.bool_]:
    if memory.text is None:
        raise UsageError(f"{memory.name}: keeps no text to match; choose by --session, --source, --speaker or date")
    wanted, texts = match.lower(), list(memory.text)
    found = np.array([wanted in text.lower() for text in texts], bool)
    words = np.array(sorted(memory.asked(match)), np.uint64)
    if cautious and len(words):
        rows = memory.rows
        asked = np.isin(memory.vocabulary, words)[rows.terms]
        held = np.bincount(np.repeat(np.arange(len(rows)), rows.sizes), asked, len(rows))
        found |= np.array([not text for text in texts], bool) & (held == len(words))
    return found


def _fitting(memory: StoredMemory, pattern: str, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which passages (N,) of those `among` a pattern is found in. Raises UsageError for one that is none or is slow."""
    import regex

    if memory.text is None:
        raise UsageError(f"{memory.name}: keeps no text to match; choose by --session, --source, --speaker or date")
    try:
        compiled = regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        raise UsageError(f"--regex {pattern!r} is no pattern: {error}") from error
    found = np.zeros(len(among), bool)
    until = time.monotonic() + _PATIENCE
    for row in np.flatnonzero(among).tolist():
        try:
            left = max(until - time.monotonic(), 1e-3)
            found[row] = compiled.search(memory.text[row], timeout=left) is not None
        except TimeoutError as error:
            raise UsageError(
                f"--regex {pattern!r} takes more than {_PATIENCE} seconds: write it without nested repeats"
            ) from error
    return found


def _any_like(names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the names (n,) are like any of those that are wanted."""
    return np.array([any(_like(name, one) for one in wanted) for name in names], bool)


def _compared(name: str) -> str:
    """A name in one Unicode form and small letters, any blanks as one, without marks of writing direction."""
    name = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(character for character in name if unicodedata.category(character) != "Cf").split())


def _like(name: str, wanted: str) -> bool:
    name, wanted = _compared(name), _compared(wanted)
    if not any(c in wanted for c in "*?"):
        return wanted in name
    return fnmatch.fnmatchcase(name, wanted.replace("[", "[[]"))
