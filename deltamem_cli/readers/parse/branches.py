"""Conversations that are trees: the path that is shown, and the branches beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def paths(parents: Mapping[str, str], leaf: str | None) -> tuple[list[str], list[str]]:
    """(keys from the root to the leaf, all other keys), for nodes given as key → parent's key, in the file's order.

    The others come branch by branch, each downwards from where it leaves the path. A parent that is missing or that
    closes a circle ends the path.
    """
    path: dict[str, None] = {}
    while leaf is not None and leaf in parents and leaf not in path:
        path[leaf] = None
        leaf = parents[leaf]
    if len(path) == len(parents):
        return [*reversed(path)], []
    return [*reversed(path)], [*dict.fromkeys(_downwards(parents, path))]


def _downwards(parents: Mapping[str, str], path: Mapping[str, None]) -> Iterator[str]:
    children: dict[str, list[str]] = {}
    for key, parent in parents.items():
        if key not in path:
            children.setdefault(parent, []).append(key)
    forks = [key for parent, keys in children.items() if parent in path or parent not in parents for key in keys]
    for stack in ([*reversed(forks)], [*children]):  # the second holds what hangs on no root: circles
        while stack:
            key = stack.pop()
            if key in parents and key not in path:
                yield key
            stack += reversed(children.pop(key, []))
