"""A JSON document written as a log of operations (VS Code's chat sessions), replayed; and where each value came from.

{"kind": 0, "v": document}                      the beginning
{"kind": 1, "k": path, "v": value}              set
{"kind": 2, "k": path, "v": values, "i"?: n}    append to an array, after cutting it to n
{"kind": 3, "k": path}                          delete
"""

from __future__ import annotations

from typing import Any

from deltamem_cli.readers.parse.values import sequence


class Origin:
    """The line and pointer that a value was written at; the values inside it that came later have their own."""

    def __init__(self, line: int, pointer: str) -> None:
        self.line, self.pointer = line, pointer
        self.inside: dict[str | int, Origin] = {}


class Replayed:
    """The document as it stands after the operations so far."""

    def __init__(self) -> None:
        self.document: Any = None
        self._origin = Origin(1, "")

    def take(self, line: int, operation: dict[str, Any]) -> bool:
        """Apply one operation; False for one that fits nowhere."""
        kind, value = operation.get("kind"), operation.get("v")
        if kind == 0:
            self.document, self._origin = value, Origin(line, "/v")
            return True
        path = sequence(operation.get("k"))
        if not path or not all(isinstance(step, str | int) for step in path):
            return False
        parent = self._at(path[:-1])
        if kind == 1:
            return _put(parent, path[-1], value) and self._came_from(path, line, "/v")
        if kind == 2:
            return self._push(path, sequence(value), operation.get("i"), line)
        if kind == 3 and isinstance(parent, dict):  # arrays are cut, never thinned out
            return parent.pop(path[-1], parent) is not parent
        return False

    def origin(self, *path: str | int) -> tuple[int, str]:
        """Return (line, pointer) of the value at a path."""
        place, rest = self._origin, list(path)
        while rest and rest[0] in place.inside:
            place = place.inside[rest.pop(0)]
        return place.line, place.pointer + "".join(f"/{step}" for step in rest)

    def _at(self, path: list[Any]) -> Any:  # noqa: ANN401 - any JSON value
        value = self.document
        for step in path:
            if not _has(value, step):
                return None
            value = value[step]
        return value

    def _push(self, path: list[Any], values: list[Any], cut: object, line: int) -> bool:
        array = self._at(path)
        if array is None:
            array = []
            if not _put(self._at(path[:-1]), path[-1], array):
                return False
            self._came_from(path, line, "/v")
        if not isinstance(array, list):
            return False
        if isinstance(cut, int) and 0 <= cut < len(array):
            del array[cut:]
        for index, value in enumerate(values):
            array.append(value)
            self._came_from([*path, len(array) - 1], line, f"/v/{index}")
        return True

    def _came_from(self, path: list[Any], line: int, pointer: str) -> bool:
        place = self._origin
        for step in path[:-1]:
            if step not in place.inside:
                place.inside[step] = Origin(place.line, f"{place.pointer}/{step}")
            place = place.inside[step]
        place.inside[path[-1]] = Origin(line, pointer)
        return True


def _has(parent: object, step: object) -> bool:
    if isinstance(parent, list):
        return isinstance(step, int) and 0 <= step < len(parent)
    return isinstance(parent, dict) and step in parent


def _put(parent: Any, step: str | int, value: object) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(parent, dict) and not _has(parent, step):
        return False
    parent[step] = value
    return True
