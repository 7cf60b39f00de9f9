"""From what names a passage (its uid, or a place as `places` writes it) to its rows in a memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.places import project_name, session_name
from deltamem_cli.records import Answer, Hit

_GAP = "[…]"


def rows_of(memory: StoredMemory, uids: list[str]) -> list[int]:
    """The rows of those uids (32 hexadecimal digits); -1 for one that the memory does not hold."""
    known = memory.rows.uid.view("V16").ravel()
    order = np.argsort(known)
    wanted = np.array([bytes.fromhex(uid) for uid in uids], "V16")
    at = np.minimum(np.searchsorted(known, wanted, sorter=order), max(len(known) - 1, 0))
    return [int(order[i]) if known[order[i]] == uid else -1 for i, uid in zip(at.tolist(), wanted, strict=True)]


def one_a_message(memory: StoredMemory, answer: Answer) -> Answer:
    """The answer with the passages of one message as one, in the order that they were said in."""
    groups: dict[tuple[object, ...], list[Hit]] = {}
    for hit in answer.hits:
        message = hit.source, hit.line, hit.pointer, hit.session, hit.role, hit.kind
        groups.setdefault(message if not hit.summed else hit.uid, []).append(hit)  # type: ignore[arg-type]
    if len(groups) == len(answer.hits):
        return answer
    return replace(answer, hits=tuple(_joined(memory, hits) for hits in groups.values()))


def _joined(memory: StoredMemory, hits: list[Hit]) -> Hit:
    if len(hits) == 1 or any(hit.text is None for hit in hits):
        return hits[0]
    placed = sorted(zip(rows_of(memory, [hit.uid for hit in hits]), hits, strict=True), key=lambda pair: pair[0])
    pieces: list[str] = []
    for number, (row, hit) in enumerate(placed):
        if number and row != placed[number - 1][0] + 1:
            pieces.append(_GAP)
        pieces.append(hit.text or "")
    taken = {hit.uid for hit in hits}
    before, after = (
        tuple(near for near in beside if near.uid not in taken) for beside in (placed[0][1].before, placed[-1][1].after)
    )
    return replace(hits[0], text="\n".join(pieces), before=before, after=after)


def rows_at(memory: StoredMemory, place: str) -> NDArray[np.int64]:
    """The rows that a place means: `path:line` or the end of one, or `project/session:line`; none where nothing does.

    A line that no message begins at means the message before it in that log.
    """
    name, _, digits = place.partition("#")[0].rpartition(":")
    if not digits.isdigit() or not name:
        return np.zeros(0, np.int64)
    rows, line = memory.rows, int(digits)
    there = _in_source(memory, name)[rows.source] | _in_session(memory, name)[rows.session]
    there &= rows.line <= line
    if not there.any():
        return np.zeros(0, np.int64)
    exact = there & (rows.line == line)
    return np.flatnonzero(exact if exact.any() else there & (rows.line == rows.line[there].max()))


def _in_source(memory: StoredMemory, name: str) -> NDArray[np.bool_]:
    wanted = name.replace("\\", "/").removeprefix("~").removeprefix("./").rstrip("/")
    paths = (source.path.replace("\\", "/") for source in memory.sources)
    return np.array([path == wanted or path.endswith("/" + wanted.lstrip("/")) for path in paths], bool)


def _in_session(memory: StoredMemory, name: str) -> NDArray[np.bool_]:
    """Sessions that are called so in a place, or whose id begins so."""
    first = np.zeros(len(memory.sessions), np.int64)
    first[memory.rows.session[::-1]] = np.arange(len(memory.rows))[::-1]
    fits = np.zeros(len(memory.sessions), bool)
    for number, session in enumerate(memory.sessions):
        path = memory.sources[memory.rows.source[first[number]]].path if len(memory.rows) else ""
        short = session_name(session.id, path)
        fits[number] = name in (short, f"{project_name(session.project, path)}/{short}", session.id)
    return fits
