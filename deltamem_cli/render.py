"""Results → text for a person or JSON Lines for a program. Nothing else formats output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from deltamem_cli.records import Answer, Hit, Segment
from deltamem_cli.terminal import UNSAFE, Style, clean, count, line, short_path, size

if TYPE_CHECKING:
    from deltamem_cli.diff import Change, Difference
    from deltamem_cli.forget import Forgotten
    from deltamem_cli.info import Info
    from deltamem_cli.merge import Merged
    from deltamem_cli.reading import Summary


def answer_text(answer: Answer, style: Style, *, named: bool = False) -> Iterator[str]:
    """An answer for a person, in lines; `named` for one of many: its question first, an empty line last."""
    if named:
        yield style.bold(f"? {line(answer.question)}")
    yield style.dim(f"familiarity {answer.familiarity:.2f}")
    for number, hit in enumerate(answer.hits, 1):
        yield ""
        yield from _hit_text(number, hit, answer.question, style)
    for number, segment in enumerate(answer.segments, 1):
        yield ""
        yield from _segment_text(number, segment, style)
    if named:
        yield ""


def nothing_fits(answer: Answer, *, filtered: bool) -> str:
    """What to say when a memory has no answer."""
    also = " among the passages that the filters let through" if filtered else ""
    about = f'nothing in this memory fits "{line(answer.question)[:80]}"'
    return f"{about}{also} (familiarity {answer.familiarity:.2f})"


def _hit_text(number: int, hit: Hit, question: str, style: Style) -> Iterator[str]:
    yield f"{style.bold(str(number))}  {style.place(place(hit))}"
    about = [_when(hit.time), _who(hit), line(hit.title or hit.session), f"score {hit.score:.2f}"]
    yield style.dim("   " + " · ".join(part for part in about if part))
    for near in hit.before:
        yield from _indented(near, "", style, near=True)
    yield from _indented(hit, question, style)
    for near in hit.after:
        yield from _indented(near, "", style, near=True)


def _indented(hit: Hit, question: str, style: Style, near: bool = False) -> Iterator[str]:
    if hit.text is None:
        yield style.dim("   (its text is not kept, and its log is gone or has changed)")
        return
    lead = f"{_who(hit)}: " if near else ""
    for shown in (lead + _marked(hit.text, question, style)).split("\n"):
        yield style.dim(f"   ┆ {shown}") if near else f"   {shown}"


def _marked(text: str, question: str, style: Style) -> str:
    """The text, cleaned, with the question's words marked."""
    from deltamem_cli.query import marks

    if not (style.on and question):
        return clean(text)
    parts, at = [], 0
    for start, end in marks(question, text):
        parts += [clean(text[at:start]), style.mark(clean(text[start:end]))]
        at = end
    return "".join([*parts, clean(text[at:])])


def _segment_text(number: int, segment: Segment, style: Style) -> Iterator[str]:
    yield f"{style.bold(str(number))}  {style.place(short_path(segment.source) + ':' + str(segment.line))}"
    span = " – ".join(dict.fromkeys(t for t in (_when(segment.start), _when(segment.end)) if t))
    about = [
        span,
        line(segment.title or segment.session),
        count(segment.passages, "passage"),
        f"score {segment.score:.3f}",
    ]
    yield style.dim("   " + " · ".join(part for part in about if part))


def place(hit: Hit) -> str:
    """Where a passage stands: path:line, and the JSON pointer where the line is not enough."""
    return f"{short_path(hit.source)}:{hit.line}" + (f"#{line(hit.pointer)}" if hit.pointer else "")


def _who(hit: Hit) -> str:
    return line(f"{hit.speaker} ({hit.role})" if hit.speaker and hit.role != "user" else hit.speaker or hit.role) + (
        "" if hit.kind == "text" else f", {hit.kind.replace('_', ' ')}"
    )


def _when(seconds: float | None) -> str:
    return "" if seconds is None else _moment(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _moment(seconds: float) -> datetime:
    """UTC; a time outside what a calendar can say (a stranger's number) is pinned to its ends."""
    day = 86_400  # room for the zone of whoever reads it
    return datetime.fromtimestamp(min(max(seconds, -62135596800 + day), 253402300799 - day), UTC)


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else _moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer_json(answer: Answer) -> Iterator[str]:
    """An answer as JSON Lines: one object a hit (or segment), each with the question and its familiarity."""
    head = {"question": answer.question, "familiarity": round(answer.familiarity, 4)}
    for rank, hit in enumerate(answer.hits, 1):
        yield _json({**head, "rank": rank, **_hit_fields(hit)})
    for rank, segment in enumerate(answer.segments, 1):
        fields = asdict(segment) | {"start": _iso(segment.start), "end": _iso(segment.end)}
        yield _json({**head, "rank": rank, **fields})


def _hit_fields(hit: Hit) -> dict[str, Any]:
    fields = asdict(hit) | {"time": _iso(hit.time)}
    fields["before"] = [_hit_fields(near) for near in hit.before]
    fields["after"] = [_hit_fields(near) for near in hit.after]
    return fields


def _json(value: Any) -> str:  # noqa: ANN401  # any JSON value
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = json.dumps(value)  # a path or question that is no UTF-8
    return UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def summary_text(summary: Summary, memory: str, style: Style) -> Iterator[str]:
    """What an ingest did, for a person."""
    logs = sum(summary.logs.values())
    formats = ", ".join(f"{number} {name}" for name, number in summary.logs.most_common())
    read = f"read {count(logs, 'log')}" + (f" ({formats})" if formats else "")
    unchanged = f", {summary.unchanged} unchanged" if summary.unchanged else ""
    others = f", passed over {count(summary.not_logs, 'file')} in no format of logs" if summary.not_logs else ""
    yield read + unchanged + others
    if summary.redacted:
        rules = ", ".join(f"{rule} {number:,}" for rule, number in summary.redacted.most_common())
        yield f"redacted {count(summary.redacted.total(), 'secret')}: {rules}"
    if not memory:  # a dry run
        messages = f"{count(summary.messages, 'message')} in {size(summary.bytes_in)} of logs"
        yield f"{messages}, {summary.seconds:.1f} s; nothing was written"
    else:
        yield from _kept_text(summary, memory, style)
    if summary.skipped:
        most = summary.skipped.most_common(6)
        kinds = ", ".join(f"{line(kind)} {number:,}" for kind, number in most)
        rest = summary.skipped.total() - sum(number for _, number in most)
        others = f", {rest:,} of {count(len(summary.skipped) - len(most), 'other type')}" if rest else ""
        yield style.dim(f"not conversation, left out: {kinds}{others} (all of them: --json)")
    for path in summary.pending:
        yield style.dim(f"{short_path(path)}: the last line is still being written; ingest again to get it")


def _kept_text(summary: Summary, memory: str, style: Style) -> Iterator[str]:
    yield (
        f"{count(summary.messages, 'message')} → {count(summary.passages, 'passage')}: "
        f"{style.bold(f'{summary.new:,} new')}, {summary.duplicates:,} known already"
    )
    ratio = summary.bytes_in / summary.bytes_out if summary.bytes_out else 0.0
    saved = "" if summary.saved else ", nothing to change"
    yield (
        f"{size(summary.bytes_in)} of logs → {style.place(short_path(memory))} {size(summary.bytes_out)} "
        f"({ratio:.1f} : 1){saved}, {summary.seconds:.1f} s"
    )


def summary_json(summary: Summary, memory: str) -> str:
    """What an ingest did, as one JSON object."""
    told = {field.name: getattr(summary, field.name) for field in fields(summary)}  # asdict breaks a Counter
    told |= {"memory": memory, "problems": [str(problem) for problem in summary.problems]}
    told["seconds"] = round(summary.seconds, 3)
    return _json(told)


def difference_text(told: Difference, style: Style, *, stat: bool) -> Iterator[str]:
    """A difference for a person: the changes under their sessions, then the numbers."""
    if not stat:
        session = None
        for change in _by_session(told.changes):
            hit = change.hit
            if hit.session != session:
                session = hit.session
                yield style.bold(clean(hit.title or hit.session)) + style.dim(f"  {_when(hit.time)}")
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
    for place, change in enumerate(changes):
        first.setdefault(change.hit.session, place)
    return sorted(changes, key=lambda change: first[change.hit.session])


def _change_text(change: Change, style: Style) -> Iterator[str]:
    hit = change.hit
    yield f"{style.mark(change.sign)} {change.novelty:.2f}  {style.place(place(hit))}  {style.dim(_who(hit))}"
    yield from _excerpt(hit, "    ")
    if change.old is not None:
        yield style.dim(f"    before: {place(change.old)}")
        for line in _excerpt(change.old, "    │ "):
            yield style.dim(line)


def _excerpt(hit: Hit, indent: str, most: int = 6) -> Iterator[str]:
    """The first lines of a passage."""
    lines = clean(hit.text if hit.text is not None else "(text not kept)").split("\n")
    for shown in lines[:most]:
        yield indent + shown
    if len(lines) > most:
        yield f"{indent}[… {len(lines) - most} more lines]"


def difference_json(told: Difference) -> str:
    """A difference as one JSON object."""
    fields = asdict(told)
    for entry, change in zip(fields["changes"], told.changes, strict=True):
        entry["hit"] = _hit_fields(change.hit)
        entry["old"] = _hit_fields(change.old) if change.old else None
    return _json(fields)


def merged_text(merged: Merged, path: str) -> str:
    """What a merge did, for a person."""
    twice = merged.passages_in - merged.passages - merged.removed
    also = [f"{twice:,} in more than one"] * (twice > 0) + [f"{merged.removed:,} taken away"] * (merged.removed > 0)
    return (
        f"{merged.memories} memories with {count(merged.passages_in, 'passage')} → {short_path(path)} "
        f"with {merged.passages:,}" + (f" ({', '.join(also)})" if also else "")
    )


def forgotten_text(told: Forgotten, path: str) -> str:
    """What a forget takes out, for a person."""
    return (
        f"{count(told.passages, 'passage')} of {count(told.sessions, 'session')} from {count(told.sources, 'log')} "
        f"to forget from {short_path(path)}; {told.left:,} stay"
    )


def info_text(info: Info, path: str, style: Style) -> Iterator[str]:
    """What is inside a memory, for a person."""
    header = info.header
    times = " – ".join(_when(t / 1000) for t in (header.first, header.last) if t is not None) or "no times"
    total = sum(info.bytes.values())
    parts = ", ".join(f"{part} {size(used)}" for part, used in info.bytes.items())
    formats = ", ".join(f"{number} {name}" for name, number in info.formats.items())
    speakers = ", ".join(f"{line(name) or '(unnamed)'} {number:,}" for name, number in info.speakers.items())
    rows = {
        "memory": short_path(path),
        "holds": f"{count(header.passages, 'passage')} of {count(header.sessions, 'session')} "
        f"from {count(header.sources, 'log')} ({formats})"
        + (f"; a patch: merging it also takes {count(info.removed, 'passage')} away" if header.patch else ""),
        "time": times,
        "speakers": speakers,
        "encoder": f"{line(header.encoder)}, {header.dimension} dimensions, {header.window} tokens",
        "rule": f"{line(header.rule)}, α = {', '.join(f'{alpha:g}' for alpha in info.alpha)}",
        "matrix": f"{info.states} state{'s' * (info.states != 1)} of {info.dimension} dimensions, "
        f"{info.directions:,} directions known, {info.segments:,} segments, "
        f"load {info.load:.2f} writes a dimension, effective rank {info.rank:.0f}",
        "bytes": f"{size(total)}: {parts}",
        "text": "kept" if header.text else "not kept: read from the logs where they still are",
    }
    for name, value in rows.items():
        yield f"{style.dim(f'{name:>9}')}  {value}"
    if info.largest:
        yield style.dim(f"{'largest':>9}") + "  sessions:"
    for largest in info.largest:
        session = largest.session
        label = line(session.title or session.id)
        yield f"           {largest.passages:>6,}  {_when(largest.start) or '-':16}  {label}"


def info_json(info: Info, path: str) -> str:
    """What is inside a memory, as one JSON object."""
    fields = asdict(info) | {"memory": path}
    fields["header"] |= {
        edge: _iso(None if moment is None else moment / 1000)
        for edge, moment in (("first", info.header.first), ("last", info.header.last))
    }
    for entry in fields["largest"]:
        entry["start"] = _iso(entry["start"])
    return _json(fields)
