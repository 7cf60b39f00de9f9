"""What `formats`, `discover` and `ingest --follow` print: tables of formats, files and tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from deltamem_cli.render import _json
from deltamem_cli.terminal import Style, count, line, short_path, size

if TYPE_CHECKING:
    from deltamem_cli.discover import Found
    from deltamem_cli.formats import Detected
    from deltamem_cli.reading import Summary


def formats_text(titles: dict[str, str], style: Style) -> Iterator[str]:
    """The table of formats."""
    width = max(map(len, titles))
    for name, title in titles.items():
        yield f"{style.bold(name.ljust(width))}  {line(title)}"


def formats_json(titles: dict[str, str]) -> Iterator[str]:
    """The formats, one JSON object each."""
    for name, title in titles.items():
        yield _json({"format": name, "title": title})


def detected_text(detected: Detected, style: Style) -> str:
    """A file and its format, or why it has none."""
    if detected.format is not None:
        return f"{style.bold(detected.format.ljust(12))}  {style.place(short_path(detected.path))}"
    return f"{'-'.ljust(12)}  {style.place(short_path(detected.path))}: {style.dim(line(detected.why))}"


def detected_json(detected: Detected) -> str:
    """The same as a JSON object."""
    return _json(asdict(detected))


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
    return _json(asdict(entry) | {"first": _moment(entry.first), "last": _moment(entry.last)})


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
