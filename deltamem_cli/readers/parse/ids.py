"""Ids for logs that have none: from the content, so that a copy has the same ids and a grown log keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b

from deltamem_cli.records import Message

_OPENING = 2  # messages that name a session
_ENDINGS = {".jsonl", ".json", ".txt", ".md", ".log", ".gz", ".zst", ".xz", ".bz2", ".zip", ".bak", ".traj", ".db"}
_USUAL = set(  # names that tools give every log, and the folders in which they put it
    """
    agents api_conversation_history aider.chat.history brain chat chat_history chats conversation conversations data
    events export history index input log logs main messages output result run session state store subagents
    system_generated task transcript transcripts ui_messages updates wire
    """.split()  # noqa: SIM905
) | {"", "-", "."}


def digest(*fields: object) -> str:
    """blake2b-128 in hex of the fields, each kept apart from its neighbours."""
    pieces: list[bytes] = []
    for field in fields:
        data = str(field).encode("utf-8", "replace")
        pieces += (len(data).to_bytes(8, "little"), data)
    return blake2b(b"".join(pieces), digest_size=16).hexdigest()


def session_id(opening: Iterable[Message], place: str = "") -> str:
    """Return the id of a session from its first two messages (role, speaker, text, time), or its place without times.

    Conversations that open alike have other times, or stand in another place.
    """
    said = [*opening]
    fields: list[object] = [field for message in said for field in (message.role, message.speaker, message.text)]
    times = [message.time for message in said if message.time is not None]
    if not times and place:
        fields.append(place)
    return digest(*fields, *times)


def place_of(path: str) -> str:
    """Return the name in a log's path that tells it from others: the file's, or that of a folder above.

    A copy in another folder keeps it; a compressed one, too. "" for a stream without a name.
    """
    for name in reversed(path.replace("\\", "/").split("/")[-8:]):
        stem = name
        while (at := stem.rfind(".")) > 0 and stem[at:].lower() in _ENDINGS:
            stem = stem[:at]
        if stem.lower().strip("._-") not in _USUAL:
            return stem
    return ""


def with_ids(messages: Iterable[Message], place: str = "") -> Iterator[Message]:
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
                session = _opened_by(opening, place)
                yield from (_with_id(first, session, said) for first in opening)
    if opening and not session:
        session = _opened_by(opening, place)
        yield from (_with_id(first, session, said) for first in opening)


def each_with_ids(conversations: Iterable[Iterable[Message]]) -> Iterator[Message]:
    """Return the messages of several conversations of one log, each given sessions and ids on its own."""
    for messages in conversations:
        yield from with_ids(messages)


def _opened_by(opening: list[Message], place: str) -> str:
    return session_id([message for message in opening if not message.off_path] or opening[:_OPENING], place)


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
