"""What `diff`, `merge`, `forget` and `info` print of whole memories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from deltamem_cli.cli.output.terminal import Style, clean, count, line, short_path, size
from deltamem_cli.cli.output.values import hit_fields, iso, json_line, not_kept, place, when, who
from deltamem_cli.records import Hit

if TYPE_CHECKING:
    from deltamem_cli.algebra.compact import Compacted
    from deltamem_cli.algebra.diff import Change, Difference
    from deltamem_cli.algebra.forget import Forgotten
    from deltamem_cli.algebra.merge import Merged
    from deltamem_cli.memory.info import Info


def difference_text(told: Difference, style: Style, *, stat: bool) -> Iterator[str]:
    """A difference for a person: the changes under their sessions, then the numbers."""
    if not stat:
        session = None
        for change in _by_session(told.changes):
            hit = change.hit
            if hit.session != session:
                session = hit.session
                yield style.bold(clean(hit.title or hit.session)) + style.dim(f"  {when(hit.time)}")
            yield from _change_text(change, style)
        if told.changes:
            yield ""
    yield (
        f"passages: {told.added:,} added, {told.removed:,} gone, {told.shared:,} shared; sessions: "
        f"{told.sessions_added:,} added, {told.sessions_removed:,} gone, {told.sessions_shared:,} shared"
    )
    if told.distance is not None:
        yield f"distance {told.distance:.3f} of the first matrix (Frobenius), effective rank of change {told.rank:.0f}"
    if told.angles is not None:
        yield "principal angles {:.1f}°, {:.1f}°, {:.1f}° (smallest, median, largest)".format(*told.angles)


def _by_session(changes: tuple[Change, ...]) -> list[Change]:
    """Changes of one session together, the sessions in the order of their newest change."""
    first: dict[str, int] = {}
    for number, change in enumerate(changes):
        first.setdefault(change.hit.session, number)
    return sorted(changes, key=lambda change: first[change.hit.session])


def _change_text(change: Change, style: Style) -> Iterator[str]:
    hit = change.hit
    yield f"{style.mark(change.sign)} {change.novelty:.2f}  {style.place(place(hit))}  {style.dim(who(hit))}"
    yield from _excerpt(hit, "    ")
    if change.old is not None:
        yield style.dim(f"    before: {place(change.old)}")
        for line in _excerpt(change.old, "    │ "):
            yield style.dim(line)


def _excerpt(hit: Hit, indent: str, most: int = 6) -> Iterator[str]:
    """The first lines of a passage."""
    lines = clean(hit.text if hit.text is not None else not_kept(hit)).split("\n")
    for shown in lines[:most]:
        yield indent + shown
    if len(lines) > most:
        yield f"{indent}[… {len(lines) - most} more lines]"


def difference_json(told: Difference) -> str:
    """A difference as one JSON object."""
    fields = asdict(told)
    for entry, change in zip(fields["changes"], told.changes, strict=True):
        entry["hit"] = hit_fields(change.hit)
        entry["old"] = hit_fields(change.old) if change.old else None
    return json_line(fields)


def merged_text(merged: Merged, path: str) -> str:
    """What a merge did, for a person."""
    twice = merged.passages_in - merged.passages - merged.removed
    told = (twice, "in more than one"), (merged.removed, "taken away"), (merged.encoded, "encoded anew")
    also = [f"{number:,} {what}" for number, what in told if number]
    return (
        f"{merged.memories} memories with {count(merged.passages_in, 'passage')} → {short_path(path)} "
        f"with {merged.passages:,}" + (f" ({', '.join(also)})" if also else "")
    )


def compacted_text(told: Compacted, path: str, *, done: bool) -> str:
    """What a compact left, or would, for a person."""
    kept = f"{count(told.passages, 'passage')}, {told.texts:,} with text"
    sums = f"; {told.summed:,} more summed into {told.sums:,}" if told.sums else ""
    verb = "→" if done else "would become"
    return f"{short_path(path)}: {size(told.before)} {verb} {size(told.after)}: {kept}{sums}"


def forgotten_text(told: Forgotten, path: str, *, done: bool) -> str:
    """What a forget took out (done) or would, for a person."""
    parts = f"{count(told.passages, 'passage')} of {count(told.sessions, 'session')} from {count(told.sources, 'log')}"
    if done:
        return f"forgot {parts}; {short_path(path)} holds {told.left:,} more"
    return f"{parts} to forget from {short_path(path)}; {told.left:,} stay"


def info_text(info: Info, path: str, style: Style) -> Iterator[str]:
    """What is inside a memory, for a person."""
    header = info.header
    times = " – ".join(when(t / 1000) for t in (header.first, header.last) if t is not None) or "no times"
    total = sum(info.bytes.values())
    parts = ", ".join(f"{part} {size(used)}" for part, used in info.bytes.items())
    formats = ", ".join(f"{number} {line(name)}" for name, number in info.formats.items())
    speakers = ", ".join(f"{line(name) or '(unnamed)'} {number:,}" for name, number in info.speakers.items())
    rows = {
        "memory": short_path(path),
        "holds": f"{count(header.passages, 'passage')} of {count(header.sessions, 'session')} "
        f"from {count(header.sources, 'log')} ({formats})"
        + (f"; a patch: merging it also takes {count(info.removed, 'passage')} away" if header.patch else ""),
        "time": times,
        "speakers": speakers,
        "encoder": f"{line(header.encoder)}, {header.dimension} dimensions, {header.window} tokens",
        "rule": str(header.learning)
        + (f", α = {', '.join(f'{alpha:g}' for alpha in info.alpha)}" if info.alpha else ""),
        "matrix": f"{info.states} state{'s' * (info.states != 1)} of {info.dimension} dimensions, "
        f"{info.directions:,} {info.directions_are}, {info.segments:,} segments, "
        f"load {info.load:.2f} writes a dimension, effective rank {info.rank:.0f}",
        "bytes": f"{size(total)}: {parts}",
        "text": "kept" if header.text else "not kept: read from the logs where they still are",
    }
    if header.budget is not None:
        sums = f", {info.summed:,} more summed into {info.sums:,}" if info.sums else ""
        rows["text"] = f"of {info.texts:,} passages kept{sums}"
        rows["budget"] = size(header.budget)
    for name, value in rows.items():
        yield f"{style.dim(f'{name:>9}')}  {value}"
    if info.largest:
        yield style.dim(f"{'largest':>9}") + "  sessions:"
    for largest in info.largest:
        session = largest.session
        label = line(session.title or session.id)
        yield f"           {largest.passages:>6,}  {when(largest.start) or '-':16}  {label}"


def info_json(info: Info, path: str) -> str:
    """What is inside a memory, as one JSON object."""
    fields = asdict(info) | {"memory": path}
    fields["header"] |= {
        edge: iso(None if moment is None else moment / 1000)
        for edge, moment in (("first", info.header.first), ("last", info.header.last))
    }
    for entry in fields["largest"]:
        entry["start"] = iso(entry["start"])
    return json_line(fields)
