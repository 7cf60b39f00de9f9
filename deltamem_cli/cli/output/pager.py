"""What is longer than a screen goes through a pager, as git has it."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NONE = ("", "off", "never", "cat")


@contextmanager
def paged(command: str | None, *, wanted: bool = True) -> Iterator[None]:
    """Send what is printed within through a pager, where standard output is a terminal.

    command: the pager with its arguments, "off" for none; None for $PAGER, or less. A pager that cannot be started is
    done without.
    """
    words = _words(command) if wanted and sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else []
    environ = {"LESS": "FRX", "LV": "-c", **os.environ}  # less ends by itself where all fits, and lets colours through
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environ) if words else None
    except OSError:
        process = None
    if process is None or process.stdin is None:
        yield
        return
    terminal, interrupt = sys.stdout, signal.getsignal(signal.SIGINT)
    terminal.flush()
    sys.stdout = io.TextIOWrapper(process.stdin, "utf-8", errors="replace")
    try:
        yield
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's now
    finally:
        with suppress(BrokenPipeError):  # its reader had seen enough
            sys.stdout.close()
        sys.stdout = terminal
        process.wait()
        signal.signal(signal.SIGINT, interrupt)


def _words(command: str | None) -> list[str]:
    told = os.environ.get("PAGER", "less") if command is None else command
    if told.strip().lower() in _NONE:
        return []
    try:
        words = shlex.split(told)
    except ValueError:
        return []
    return words if words and shutil.which(words[0]) else []
