"""Parts of a JSON document, one in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson
from ijson.common import ObjectBuilder

from deltamem_cli.errors import LogError
from deltamem_cli.readers.head import Head
from deltamem_cli.readers.jsonl import parse, records
from deltamem_cli.readers.source import repaired
from deltamem_cli.records import ReadReport

_LARGEST = 512 << 20
_DEEPEST = 500  # no log nests deeper; ijson's own `items` needs memory in the square of the depth


def items(stream: BinaryIO, prefix: str, name: str) -> Iterator[tuple[int, Any]]:
    """(0-based index, value) of the values at an ijson prefix such as "item" or "messages.item", "" for the whole.

    Bad UTF-8 becomes U+FFFD. Raises LogError where the JSON breaks off or nests too deep, after the values before.
    """
    wanted = prefix.split(".") if prefix else []
    count = 0
    try:
        for value in _values(stream, wanted, name):
            yield count, value
            count += 1
    except ijson.JSONError:
        why = f"the JSON breaks off or is invalid after {count} whole entries; write or download the file again"
        raise LogError(name, why) from None


def _values(stream: BinaryIO, wanted: list[str], name: str) -> Iterator[Any]:
    path: list[str] = []  # outside a wanted value: where we are
    builder = None
    depth = 0  # inside a wanted value: its open objects and arrays
    for event, value in ijson.basic_parse(repaired(stream), use_float=True):
        step = 1 if event.startswith("start_") else -1 if event.startswith("end_") else 0
        if builder is None and step >= 0 and event != "map_key" and path == wanted:
            builder, depth = ObjectBuilder(), 0
        if builder is not None:
            builder.event(event, value)
            depth += step
            if depth == 0:
                yield builder.value
                builder = None
        elif event == "map_key":
            path[-1] = value
        elif step > 0:
            path.append("" if event == "start_map" else "item")
        elif step < 0:
            path.pop()
        if depth + len(path) > _DEEPEST:
            raise LogError(name, f"the JSON nests deeper than {_DEEPEST} levels: this is no chat log")


def document(stream: BinaryIO, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """The whole document, for formats that keep one session a file. Raises LogError when it is broken or huge."""
    data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise LogError(name, f"larger than {_LARGEST >> 20} MB, which no session of this format is")
    try:
        return parse(data)
    except ValueError:
        why = "the JSON breaks off or is invalid; let the tool that wrote it save it again"
        raise LogError(name, why) from None


def entries(head: Head, stream: BinaryIO, name: str, report: ReadReport) -> Iterator[tuple[int, str, Any]]:
    """(line, pointer, value) of the records of a log: those of an array, those of JSONL, or the one document."""
    if isinstance(head.document, list):
        yield from ((1, f"/{index}", value) for index, value in items(stream, "item", name))
    elif head.is_jsonl:
        yield from ((line, "", record) for line, record in records(stream, report))
    else:
        yield 1, "", document(stream, name)
