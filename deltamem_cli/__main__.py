"""`python -m deltamem_cli` and the command `deltamem`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence, a bug keeps its traceback."""
    _streams()
    from deltamem_cli.cli import app

    status: int | str | None = 0
    try:
        app(prog_name="deltamem")
    except SystemExit as ended:
        status = ended.code
    try:
        sys.stdout.flush()
    except OSError as error:  # a full disk behind `>`
        _end(f"standard output cannot be written ({error.strerror})", 3)
    sys.exit(status)


def _streams() -> None:
    """Make the standard streams safe to use: closed ones are opened, no letter is refused."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        _end("standard output is closed; send it to a file or to /dev/null", 2)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _end(why: str, status: int) -> None:
    sys.stderr.write(f"deltamem: {why}\n")
    sys.stderr.flush()
    os._exit(status)  # not by sys.exit: Python would try to write the rest once more


if __name__ == "__main__":
    main()
