"""Memories of different encoders → their union: what another encoder has made is encoded anew, from its text.

Passages stay as they were cut, and keep their names: what two encoders' windows cut alike counts once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deltamem_cli import encoders
from deltamem_cli.algebra.compare import same_learning
from deltamem_cli.algebra.merge import Merged, merge
from deltamem_cli.algebra.re_term import part_with_terms
from deltamem_cli.build.assemble import assemble
from deltamem_cli.encoders import Encoder
from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.memory import keys
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.text import terms

_STEP = 256  # texts encoded at once
_WINDOW = 2048  # passages that are sorted by length before they are encoded


def encoder_for(memory: StoredMemory, model: str | None, device: str = "cpu") -> Encoder:
    """The encoder that all are to have: that of the memory, or `model`. What a file names is never loaded unasked.

    Raises UsageError when the memory was made with another than the built-in one and no model is given.
    """
    encoder = encoders.load_encoder(model or "default", device=device)
    if model is None and encoder.fingerprint != memory.header.fingerprint:
        raise UsageError(
            f"{memory.name}: made with the encoder {memory.header.encoder}; "
            f"say --model {memory.header.encoder} to encode the others with it, or another model to encode all anew"
        )
    return encoder


def merge_anew(
    memories: Sequence[StoredMemory], path: str | Path, encoder: Encoder, device: str = "cpu", budget: int | None = None
) -> Merged:
    """As `merge`, after all that another encoder has made was encoded anew by this one.

    One memory alone is enough: it is then brought to the encoder. Raises MemoryFileError for a memory that lacks the
    text of passages that must be encoded.
    """
    for other in memories[1:]:
        same_learning(memories[0], other)
    others = [memory for memory in memories if not _made_with(memory, encoder)]
    for memory in others:
        _check_text(memory, encoder)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.realpath(path)), prefix=".deltamem-") as folder:
        alike = [
            re_encode(memory, encoder, Path(folder) / str(number), device) if memory in others else memory
            for number, memory in enumerate(memories)
        ]
        merged = merge(alike, path, device, budget)
    return replace(merged, encoded=sum(len(memory.rows) for memory in others))


def re_encode(memory: StoredMemory, encoder: Encoder, path: Path, device: str = "cpu") -> StoredMemory:
    """Write the memory with the codes that this encoder gives to its texts, and with the terms of new memories."""
    part = part_with_terms(memory, terms.VERSION)
    rows = part.rows.replaced(code=_codes(memory, encoder))
    header = replace(
        memory.header,
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        window=encoder.max_tokens,
        budget=None,
        terms=terms.VERSION,
    )
    removed = memory.removed if memory.header.patch else None
    part = replace(part, rows=rows)
    tables = memory.sources, memory.sessions
    assemble(path, header, encoder.mean, [part], *tables, removed=removed, device=device)
    return open_memory(path)


def _made_with(memory: StoredMemory, encoder: Encoder) -> bool:
    return memory.header.fingerprint == encoder.fingerprint and np.array_equal(memory.mean, encoder.mean)


def _check_text(memory: StoredMemory, encoder: Encoder) -> None:
    missing = memory.header.passages if memory.text is None else sum(not text for text in memory.text)
    if missing:
        raise MemoryFileError(
            f"{memory.name}: {missing:,} of its {memory.header.passages:,} passages have no text to encode anew; "
            f"ingest their logs again with --model {encoder.name}"
        )


def _codes(memory: StoredMemory, encoder: Encoder) -> NDArray[np.uint8]:
    """The codes (N, ⌈d/4⌉) of all passages; long texts are encoded with long ones."""
    count, text = memory.header.passages, memory.text
    assert text is not None
    codes = np.empty((count, -(-encoder.dimension // 4)), np.uint8)
    for first in range(0, count, _WINDOW):
        rows = range(first, min(first + _WINDOW, count))
        said = sorted(((memory.spoken(row, text[row]), row) for row in rows), key=lambda one: (len(one[0]), one[0]))
        for at in range(0, len(said), _STEP):
            texts, places = zip(*said[at : at + _STEP], strict=True)
            codes[list(places)] = keys.encode(keys.centre(encoder.encode(texts), encoder.mean))
    return codes
