"""A row of a memory as a result."""

from __future__ import annotations

from deltamem_cli.memory.ledger import seconds
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.records import KINDS, ROLES, Hit


def hit(memory: StoredMemory, row: int, score: float, text: str | None = None, *, title: str | None = None) -> Hit:
    """A row of a memory as a result; its text is the memory's own, where it keeps one and none is given.

    title: of its session, where that is known already.
    """
    rows = memory.rows
    session = memory.sessions[rows.session[row]]
    if text is None and memory.text is not None:
        text = memory.text[row] or None
    return Hit(
        score=score,
        uid=rows.uid[row].tobytes().hex(),
        text=text,
        session=session.id,
        title=memory.title(int(rows.session[row])) if title is None else title,
        project=session.project,
        role=ROLES[rows.role[row]],
        kind=KINDS[rows.kind[row]],
        speaker=memory.speakers[rows.speaker[row]],
        time=seconds(int(rows.time[row])),
        source=memory.sources[rows.source[row]].path,
        line=int(rows.line[row]),
        pointer=memory.pointers[row],
        summed=int(rows.summed[row]),
    )
