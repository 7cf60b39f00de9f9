"""Messages that a log tells in pieces, as they were streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from deltamem_cli.records import Message

_LONGEST = 4 << 20  # characters of one message; a longer one becomes several


def joined(pieces: Iterable[tuple[str, Message]]) -> Iterator[Message]:
    """Yield consecutive text pieces of one group, role and kind as one message, with the place of its first piece."""
    first: Message | None = None
    group, size = "", 0
    texts: list[str] = []
    for key, piece in pieces:
        if first and key == group and size < _LONGEST and _goes_on(first, piece):
            texts.append(piece.text)
            size += len(piece.text)
            continue
        yield from _whole(first, texts)
        first, group, texts, size = piece, key, [piece.text], len(piece.text)
    yield from _whole(first, texts)


def _goes_on(first: Message, piece: Message) -> bool:
    same = (first.session, first.role, first.kind) == (piece.session, piece.role, piece.kind)
    return same and piece.kind in ("text", "thinking")


def _whole(first: Message | None, texts: list[str]) -> Iterator[Message]:
    text = "".join(texts)
    if first and text.strip():
        yield replace(first, text=text)
