"""What a question asks for, as far as its own words tell; and whether a text only asks itself."""

from __future__ import annotations

import re

from deltamem_cli.text import terms
from deltamem_cli.text.time_expressions import names_time

_READ = 4096  # characters of a question: what it asks for stands in its first lines

_OF_TIME = re.compile(r"\s*(when|how long|(in |on |at )?(what|which) (date|day|month|year|time))\b", re.I)
_OF_ONESELF = re.compile(
    r"\b(?:I|I['’](?:ve|d|m|ll)|[Mm]y|mine"  # English; "i" and "me" in small letters say too little
    r"|ich|mein(?:e[nmrs]?)?|mir|mich|j['’]\w+|je|mon|moi|yo|eu|meu|minha|mio|mia"
    r"|я|мне|меня|мой|моя|моё|мои|моих)\b|[我私]"
)

_NUMBER = re.compile(r"\d+(?:st|nd|rd|th)?", re.I)
_TALK = frozenset(
    terms.count(
        "said say says saying talk talked talking told tell discuss discussed mention mentioned happen happened"
        " happening news did do done going conversation conversations chat chats message messages passage passages"
        " everything anything something thing things show list summary recap us me im on of at"
        " speak spoke spoken write wrote written there then time day days weeks months years"
        " one two three four five six seven couple",
        1,
    )
)


def asks_when(question: str) -> bool:
    """Whether the question is one of time: `when …`, `how long …` (English)."""
    return _OF_TIME.match(question[:_READ]) is not None


def asks_of_oneself(question: str) -> bool:
    """Whether the one who asks speaks of themselves: `what did I …`, `my …`; in a few languages."""
    return _OF_ONESELF.search(question[:_READ]) is not None


def names_matter(question: str) -> bool:
    """Whether a question has words besides those of time and of talking: `what was said in May?` has none (English)."""
    asked = question[:_READ]
    words = ((asked[start:end], term) for start, end, term in terms.spans(asked, 1))
    return any(term not in _TALK and not _NUMBER.fullmatch(word) and not names_time(word) for word, term in words)


def ends_asking(text: str) -> bool:
    """Whether a text ends with a question."""
    return text.rstrip().endswith(("?", "？", "؟"))
