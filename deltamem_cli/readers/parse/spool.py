"""A stream that is read twice, through a temporary copy: what a date or a name means only the whole log tells."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

_IN_MEMORY = 16 << 20  # bytes; the copy of a longer log lies on disk


@contextmanager
def copied(stream: BinaryIO) -> Iterator[BinaryIO]:
    """A copy of a stream, at its first byte, that can seek; it is gone afterwards."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield cast(BinaryIO, copy)
