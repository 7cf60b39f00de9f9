"""Parts of a JSON document, one in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from deltamem_cli.errors import LogError
from deltamem_cli.readers.source import repaired


def items(stream: BinaryIO, prefix: str, name: str) -> Iterator[tuple[int, Any]]:
    """(0-based index, value) of the values at an ijson prefix such as "item" or "messages.item", "" for the whole.

    Bad UTF-8 becomes U+FFFD. Raises LogError where the JSON breaks off, after the values before that place.
    """
    count = 0
    try:
        for value in ijson.items(repaired(stream), prefix, use_float=True):
            yield count, value
            count += 1
    except ijson.JSONError:
        why = f"the JSON breaks off or is invalid after {count} whole entries; write or download the file again"
        raise LogError(name, why) from None
