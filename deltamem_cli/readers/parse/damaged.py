"""Lines of a JSONL log that are no record: what is whole of them, found again.

Tools that crash, or two that write at once, leave several records on one line, a torn record before a whole one, and
strings with raw line ends. Work is bounded: what a failed attempt costs is the characters up to the fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deltamem_cli.readers.parse.jsonl import parse, without_lone_surrogates
from deltamem_cli.records import ReadReport

_LARGEST = 16 << 20  # characters of a damaged line that is searched
_MOST = 1000  # places at which a record is looked for
_BUDGET = 64 << 20  # characters that failed attempts may cost
_DECODER = json.JSONDecoder(strict=False)


class Damaged:
    """The lines of one log that are no record as they stand; raw line ends in strings part one over several."""

    def __init__(self, report: ReadReport) -> None:
        self._report = report
        self._begun: _Begun | None = None
        self._ended = True

    @property
    def waiting(self) -> bool:
        """Whether a record has begun and is not whole yet."""
        return self._begun is not None

    def take(self, number: int, line: bytes, before: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Take a line (`before`: the last whole record); yields (line, record) of what is whole with it."""
        self._ended = line.endswith(b"\n")
        begun = self._begun
        if begun and begun.goes_on(line, before):
            if (whole := begun.add(line)) is not None:
                self._begun = None
                yield begun.number, whole
            return
        self.close()
        bare = line.strip(b"\0 \t\r\n")  # zero bytes: the tail of a sparse file after a crash
        if not bare:
            return
        try:
            value = parse(bare)
        except ValueError as error:
            yield from self._salvage(number, line, str(error))
            return
        if isinstance(value, dict):
            yield number, value
        else:
            self._report.skipped["not an object"] += 1

    def close(self) -> None:
        """Give up the record that has begun, with the lines that may have been its rest."""
        if self._begun and self._ended:
            self._report.broken.append((self._begun.number, self._begun.why))
            if rest := self._begun.rest():
                self._report.skipped["line of a broken record"] += rest
        elif self._begun:
            self._report.pending = True
        self._begun = None

    def _salvage(self, number: int, line: bytes, why: str) -> Iterator[tuple[int, dict[str, Any]]]:
        found, torn = whole_records(line)
        yield from ((number, record) for record in found)
        if torn and not self._ended:
            self._report.pending = True
        elif torn and not found and breaks_off(line):
            self._begun = _Begun(number, line, why)
        elif torn:
            self._report.broken.append((number, why))


class _Begun:
    """A record from its first line on, until it is whole."""

    def __init__(self, number: int, line: bytes, why: str) -> None:
        self.number, self.why = number, why
        self._lines = [line]
        self._size, self._attempts = len(line), 0

    def add(self, line: bytes) -> dict[str, Any] | None:
        """Take one more line; the record when it is whole now."""
        self._lines.append(line)
        self._size += len(line)
        if not line.rstrip(b"\0 \t\r\n,").endswith(b"}"):
            return None
        self._attempts += 1
        try:
            value = parse(b"".join(self._lines))
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def rest(self) -> int:
        """Return how many lines beside the first have words."""
        return sum(1 for line in self._lines[1:] if not line.isspace())

    def goes_on(self, line: bytes, before: dict[str, Any]) -> bool:
        """Return whether a line may belong to the record: one that is a record like the one before does not."""
        if self._size + len(line) > _LARGEST or self._attempts > 100 or len(self._lines) > 10_000:
            return False
        if not line.lstrip(b"\0 \t").startswith(b"{"):
            return True
        try:
            value = parse(line)
        except ValueError:
            return not whole_records(line)[0]
        return not (isinstance(value, dict) and (not before or before.keys() & value.keys()))


def whole_records(line: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Return the records that are whole in a line that is not one, and whether something else is left of it.

    A record counts when it begins the line, or when nothing but the next record follows it: an object inside a torn
    record has its rest behind it.
    """
    if len(line) > _LARGEST:
        return [], True
    text = line.decode("utf-8", "replace").strip("\0\ufeff \t\r\n").removesuffix(",")
    records: list[dict[str, Any]] = []
    place, spent, torn = 0, 0, False
    for _ in range(_MOST):
        if place >= len(text) or spent > _BUDGET:
            break
        value, end = _record(text, place)
        following = _after(text, end)
        if value is not None and (following == len(text) or text[following] == "{"):
            records.append(value)
            place = following
        else:
            torn = True
            spent += end - place
            place = text.find('{"', place + 1)
            place = len(text) if place < 0 else place
    return records, torn or place < len(text)


def breaks_off(line: bytes) -> bool:
    """Return whether a line is the beginning of a record that may go on in the next line."""
    text = line.decode("utf-8", "replace").strip("\0\ufeff\r\n")
    try:
        json.loads(text, strict=False)
    except RecursionError:
        return False
    except json.JSONDecodeError as error:
        return text.startswith("{") and (error.msg.startswith("Unterminated string") or error.pos >= len(text))
    except ValueError:
        return False
    return False


def _record(text: str, place: int) -> tuple[dict[str, Any] | None, int]:
    """(the object at a place, where it ends), or (None, where the fault is)."""
    try:
        value, end = _DECODER.raw_decode(text, place)
    except RecursionError:
        return None, len(text)
    except json.JSONDecodeError as error:
        return None, max(error.pos, place + 1)
    except ValueError:
        return None, len(text)
    if not isinstance(value, dict):
        return None, end
    clean = json.loads(without_lone_surrogates(json.dumps(value, ensure_ascii=False)))
    return clean, end


def _after(text: str, place: int) -> int:
    """The next place that is no space."""
    while place < len(text) and text[place] in "\0 \t\r\n":
        place += 1
    return place
