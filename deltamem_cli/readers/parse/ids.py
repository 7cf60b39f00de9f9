"""Ids for logs that have none: from the content, so that a copy has the same ids and a grown log keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b

from deltamem_cli.records import Message

_OPENING = 2  # messages that name a session


def digest(*fields: object) -> str:
    """blake2b-128 in hex of the fields, each kept apart from its neighbours."""
    pieces: list[bytes] = []
    for field in fields:
        data = str(field).encode("utf-8", "replace")
        pieces += (len(data).to_bytes(8, "little"), data)
    return blake2b(b"".join(pieces), digest_size=16).hexdigest()


def session_id(opening: Iterable[Message]) -> str:
    """Return the id of a session from its first two messages (role, speaker, text)."""
    return digest(*(field for message in opening for field in (message.role, message.speaker, message.text)))


def with_ids(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield the messages, each with a session and an id: those that lack a session are one session of their own.

    A missing id is made of session, role, kind, speaker, time, text and how often that has been said before, so a
    later message changes no earlier id; nor does one that is off the path change one that is on it. Holds at most two
    messages back, and those off the path beside them.
    """
    session = ""
    opening: list[Message] = []
    said: Counter[bytes] = Counter()
    for message in messages:
        if message.session and message.id:
            yield message
        elif message.session or session:
            yield _with_id(message, session, said)
        else:
            opening.append(message)
            if sum(not first.off_path for first in opening) == _OPENING:
                session = _opened_by(opening)
                yield from (_with_id(first, session, said) for first in opening)
    if opening and not session:
        session = _opened_by(opening)
        yield from (_with_id(first, session, said) for first in opening)


def each_with_ids(conversations: Iterable[Iterable[Message]]) -> Iterator[Message]:
    """Return the messages of several conversations of one log, each given sessions and ids on its own."""
    for messages in conversations:
        yield from with_ids(messages)


def _opened_by(opening: list[Message]) -> str:
    return session_id([message for message in opening if not message.off_path] or opening[:_OPENING])


def _with_id(message: Message, session: str, said: Counter[bytes]) -> Message:
    session = message.session or session
    if message.id:
        return replace(message, session=session)
    key = digest(session, message.role, message.kind, message.speaker, message.time, message.text)
    if message.off_path:
        key = digest(key, "off the path")
    short = bytes.fromhex(key)
    said[short] = times = said[short] + 1
    return replace(message, session=session, id=key if times == 1 else digest(key, times))
