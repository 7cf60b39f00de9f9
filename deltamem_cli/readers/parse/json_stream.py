"""Parts of a JSON document, one in memory at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import ijson
from ijson.common import ObjectBuilder

from deltamem_cli.errors import LogError
from deltamem_cli.readers.io.streams import repaired
from deltamem_cli.readers.parse.head import Log
from deltamem_cli.readers.parse.jsonl import parse, records
from deltamem_cli.records import ReadReport

_LARGEST = 512 << 20
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
_DEEPEST = 500  # no log nests deeper; ijson's own `items` needs memory in the square of the depth


def items(log: Log, prefix: str) -> Iterator[tuple[int, Any]]:
    """(0-based index, value) of the values at an ijson prefix such as "item" or "messages.item", "" for the whole.

    Bad UTF-8 becomes U+FFFD. Raises LogError where the JSON breaks off or nests too deep, after the values before.
    """
    for index, (_, _, value) in enumerate(parts(log, (prefix,))):
        yield index, value


def parts(log: Log, prefixes: Collection[str]) -> Iterator[tuple[str, str, Any]]:
    """Yield (prefix, JSON pointer, value) of the values at any of the ijson prefixes, in the order of the document.

    Raises LogError as `items` does.
    """
    count = 0
    try:
        for part in _values(log, {tuple(prefix.split(".")) if prefix else () for prefix in prefixes}):
            yield part
            count += 1
    except ijson.JSONError:
        why = f"the JSON breaks off or is invalid after {count} whole entries; write or download the file again"
        raise LogError(log.name, why) from None


def escaped(key: str) -> str:
    """Return a key as a step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


class _Place:
    """Where a parser is in a document, outside the values that are wanted."""

    def __init__(self) -> None:
        self.path: list[str] = []  # keys, and "item" for an array
        self.indexes: list[int | None] = []  # the index in each open array, None for an object

    def begin_value(self) -> None:
        if self.indexes and (index := self.indexes[-1]) is not None:
            self.indexes[-1] = index + 1

    def move(self, event: str, value: object) -> None:
        if event == "map_key":
            self.path[-1] = str(value)
        elif event in ("start_map", "start_array"):
            self.path.append("" if event == "start_map" else "item")
            self.indexes.append(None if event == "start_map" else -1)
        elif event in ("end_map", "end_array"):
            self.path.pop()
            self.indexes.pop()

    def pointer(self) -> str:
        steps = zip(self.path, self.indexes, strict=True)
        return "".join(f"/{escaped(key) if index is None else index}" for key, index in steps)


def _values(log: Log, wanted: set[tuple[str, ...]]) -> Iterator[tuple[str, str, Any]]:
    place = _Place()
    builder = None
    depth = 0  # inside a wanted value: its open objects and arrays
    for event, value in ijson.basic_parse(repaired(log.stream), use_float=True):
        step = _STEPS.get(event, 0)
        if builder is None and step >= 0 and event != "map_key":
            place.begin_value()
            if tuple(place.path) in wanted:
                builder, depth = ObjectBuilder(), 0
        if builder is None:
            place.move(event, value)
        else:
            builder.event(event, value)
            depth += step
            if depth == 0:
                yield ".".join(place.path), place.pointer(), builder.value
                builder = None
        if step > 0 and depth + len(place.path) > _DEEPEST:
            raise LogError(log.name, f"the JSON nests deeper than {_DEEPEST} levels: this is no chat log")


def document(log: Log) -> Any:  # noqa: ANN401 - any JSON value
    """The whole document, for formats that keep one session a file. Raises LogError when it is broken or huge."""
    data = log.stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise LogError(log.name, f"larger than {_LARGEST >> 20} MB, which no session of this format is")
    try:
        return parse(data)
    except ValueError:
        why = "the JSON breaks off or is invalid; let the tool that wrote it save it again"
        raise LogError(log.name, why) from None


def entries(log: Log, report: ReadReport) -> Iterator[tuple[int, str, Any]]:
    """Yield (line, pointer, value) of the records of a log: those of an array, those of JSONL, or the one document."""
    if isinstance(log.head.document, list):
        yield from ((1, f"/{index}", value) for index, value in items(log, "item"))
    elif log.head.is_jsonl:
        yield from ((line, "", record) for line, record in records(log.stream, report))
    else:
        yield 1, "", document(log)
