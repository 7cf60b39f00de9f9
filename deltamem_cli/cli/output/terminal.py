"""What may be written to a terminal, and how: colours where they are welcome, nothing that a stranger's text could do.

Text from logs and memory files is a stranger's: control characters are shown, never sent to the terminal.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TextIO

from deltamem_cli.errors import BadData

# C0 and C1 controls but line feed and tab, the marks that reorder or hide text (bidi, zero width, line separators), and
# lone surrogates (bytes of a path or an argument that are no UTF-8), which no stream can write.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_BOLD, _DIM, _PLACE, _MARK, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[35m", "\x1b[1;31m", "\x1b[0m"  # grep's colours:
# they can be read on black and on white
COLORS = ("auto", "always", "never")
_WIDEST = 120  # columns of a line that one still reads with ease
_PIPED = 100  # columns where nothing says how many there are


class Style:
    """Colours where they are welcome: a terminal, and no NO_COLOR (no-color.org), or FORCE_COLOR, or where told."""

    def __init__(self, stream: TextIO, color: str = "auto") -> None:
        self.on = wanted(stream, color)
        self.width = min(shutil.get_terminal_size((_PIPED, 24)).columns, _WIDEST)

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{_PLAIN}" if self.on and text else text

    def link(self, text: str, path: str) -> str:
        """Text that leads to a file where the terminal can follow links (OSC 8)."""
        if not self.on or not os.path.isabs(path):
            return text
        from urllib.parse import quote

        target = quote(path.replace(os.sep, "/").encode("utf-8", "surrogatepass"))
        return f"\x1b]8;;file://{'' if target.startswith('/') else '/'}{target}\x1b\\{text}\x1b]8;;\x1b\\"

    def bold(self, text: str) -> str:
        """What a line is about."""
        return self._paint(_BOLD, text)

    def dim(self, text: str) -> str:
        """What matters less."""
        return self._paint(_DIM, text)

    def place(self, text: str) -> str:
        """A path."""
        return self._paint(_PLACE, text)

    def mark(self, text: str) -> str:
        """A word of the question."""
        return self._paint(_MARK, text)


def wanted(stream: TextIO, color: str) -> bool:
    """Whether colours are welcome on a stream, where `color` says auto, always or never."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def clean(text: str) -> str:
    """The text with its control characters made visible (ESC becomes ␛), so that it cannot drive a terminal."""
    return UNSAFE.sub(lambda match: _visible(ord(match.group())), text)


def line(text: str) -> str:
    """The same on one line, for names, titles and paths: a line end is made visible too."""
    return clean(text).replace("\n", "␊").replace("\t", " ")


def _visible(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else f"<U+{code:04X}>"


def short_path(path: str) -> str:
    """The path as a person here would write it: relative below the current folder, with ~ below home, else whole."""
    here, home = _here() + os.sep, os.path.expanduser("~") + os.sep
    if path.startswith(home) and not path.startswith(here):
        return line("~" + os.sep + path[len(home) :])
    return line(path.removeprefix(here))


def _here() -> str:
    """Return the current folder; "" where it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def count(number: int, thing: str) -> str:
    """`1 passage`, `2,000 passages`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def size(number: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    raise AssertionError


def out(line: str) -> None:
    """One line of results. Raises BadData where it cannot be written: a full disk behind `>`."""
    try:
        sys.stdout.write(line + "\n")
    except OSError as error:
        raise BadData(f"standard output cannot be written ({error.strerror})") from error


def err(line: str) -> None:
    """One line of anything else."""
    sys.stderr.write(line + "\n")
