"""Lines and JSON records of a stream, with bounded memory and without giving up at the first bad byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from deltamem_cli.records import ReadReport

MAX_LINE = 64 << 20  # a longer line is stepped over, so that one line cannot fill the memory
_PIECE = 1 << 20


def lines(stream: BinaryIO, report: ReadReport, *, blank: bool = False) -> Iterator[tuple[int, bytes]]:
    r"""Yield (1-based number, line) for every line, with its line end if it has one; blank lines only on demand.

    Only `\n` ends a line. A line over MAX_LINE is counted under "oversized line" and never held in memory.
    """
    number = 0
    readline = stream.readline
    while line := readline(MAX_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) >= MAX_LINE and not line.endswith(b"\n"):
            report.skipped["oversized line"] += 1
            while (piece := readline(_PIECE)) and not piece.endswith(b"\n"):
                pass
        elif blank or not line.isspace():
            yield number, line


def records(stream: BinaryIO, report: ReadReport) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (1-based line, object) for every JSON object of a JSONL stream.

    Of a damaged line what is whole is kept (`parse/damaged.py`), the rest goes to `report.broken`, once. Values that
    are no objects are counted; a last line that has no line end and is no whole JSON sets `report.pending`.
    """
    from deltamem_cli.readers.parse.damaged import Damaged

    loads = orjson.loads
    damaged = Damaged(report)
    before: dict[str, Any] = {}
    for number, line in lines(stream, report, blank=True):
        try:
            value = None if damaged.waiting else loads(line)
        except orjson.JSONDecodeError:
            value = None
        if isinstance(value, dict):
            before = value
            yield number, value
        elif value is None:
            yield from damaged.take(number, line, before)
        else:
            report.skipped["not an object"] += 1
    damaged.close()


def parse(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value of a line: strict and fast first, then lenient.

    Lenient: bad UTF-8 and lone surrogates become U+FFFD, NaN and control characters in strings pass, a comma at the
    end is dropped. Raises ValueError, saying why, for what is still no JSON.
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    text = line.decode("utf-8", "replace").strip("\0\ufeff \t\r\n").removesuffix(",")
    try:
        value = json.loads(text, strict=False)
        return json.loads(without_lone_surrogates(json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        raise ValueError("nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"no valid JSON: {error.msg.lower().removesuffix(' at')} at column {error.colno}") from None
    except ValueError:
        raise ValueError("a number of more digits than can be read") from None


def without_lone_surrogates(text: str) -> str:
    """Return the text in which halves of surrogate pairs become U+FFFD, whole pairs the character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
