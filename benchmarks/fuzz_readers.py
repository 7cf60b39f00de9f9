"""Every reader against broken input: no exception but LogError, no hang, bounded memory.

    python benchmarks/fuzz_readers.py samples --seconds 240 [--seed 1] [--keep FOLDER]

Each input is a real file of the paths, cut, spliced with another, nested, repeated or filled with what breaks parsers
(lone surrogates, NaN, duplicate keys, huge numbers, BOM, bad UTF-8, deep nesting, wrong types at every key), and goes
to detection and to the reader of its own format or of another, then to redaction. With `atheris` installed, `--atheris`
lets coverage guide the bytes instead. A failing input is printed as its seed and number, and saved below --keep.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from deltamem_cli.errors import LogError
from deltamem_cli.readers import READERS
from deltamem_cli.readers.detect import detect, open_log, read_log
from deltamem_cli.readers.parse.head import HEAD_BYTES, Head
from deltamem_cli.records import KINDS, ROLES, Message, ReadReport
from deltamem_cli.text.redact import Redactor

LIMIT = 10.0  # seconds that one input may take
_MOST = 1 << 18  # bytes of an input, but for the ones that are made large
_EVIL = [b"\xff\xfe", b"\xef\xbb\xbf", b"\\ud800", b"NaN", b"-Infinity", b"\0\0\0", b"1e999", b"9" * 400, b"{" * 3000]
_EVIL += [
    b"[" * 3000,
    b'{"a":' * 3000,
    b'"' + b"\\" * 99,
    b"\r\n",
    b"\x85\xe2\x80\xa8",
    b"null",
    b'{"a":1,"a":2}',
    b"\x1b[2J",
]
_VALUES: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1e308,
    "",
    "\ud800",
    "x" * 5000,
    [],
    {},
    [[[]]],
    {"type": []},
    [None],
    "2026-13-45",
]


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """A broken version of the data."""
    data = data[: chance.choice((200, 5000, _MOST))] if chance.random() < 0.5 else data[:_MOST]
    for _ in range(chance.randint(1, 4)):
        at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        kind = chance.randrange(8)
        if kind == 0:
            data = data[:at] + data[min(end, at + chance.choice((1, 10, 1000))) :]
        elif kind == 1:
            data = data[:at] + chance.choice(_EVIL) + data[at:]
        elif kind == 2:
            other = chance.choice(others)
            data = data[:at] + other[chance.randrange(len(other) + 1) :][: chance.choice((50, 5000))] + data[at:]
        elif kind == 3:
            data = data[:at] + data[at : at + chance.choice((1, 100))] * chance.choice((2, 300)) + data[at:]
        elif kind == 4 and data:
            flipped = bytearray(data)
            for _ in range(chance.randint(1, 20)):
                flipped[chance.randrange(len(flipped))] = chance.randrange(256)
            data = bytes(flipped)
        else:
            data = _retyped(data, chance)
        data = data[: 2 * _MOST]
    return data


def _retyped(data: bytes, chance: random.Random) -> bytes:
    """JSON, a record a line or one document, with a value somewhere replaced by one of another type."""
    lines = data.split(b"\n")
    places = [i for i, line in enumerate(lines) if line[:1] in (b"{", b"[")][:400]
    for i in chance.sample(places, min(len(places), 3)):
        try:
            value = orjson.loads(lines[i])
        except orjson.JSONDecodeError:
            continue
        _replace_one(value, chance)
        lines[i] = _dumps(value)
    return b"\n".join(lines)


def _replace_one(value: Any, chance: random.Random) -> None:
    """Go down a random way and change what is there."""
    while isinstance(value, dict | list) and value:
        key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        inner = value[key]
        if chance.random() < 0.3 or not (isinstance(inner, dict | list) and inner):
            value[key] = chance.choice(_VALUES)
            return
        value = inner


def _dumps(value: Any) -> bytes:
    import json

    return json.dumps(value).encode("utf-8", "surrogatepass")


def try_one(data: bytes, format: str | None, counts: Counter[str]) -> None:
    """Detect, read and redact one input. Any exception but LogError is a bug; so is a message out of its type."""
    found = detect(Head(data[:HEAD_BYTES]))
    redactor = Redactor(emails=True)
    try:
        for message in read_log(*open_log(io.BytesIO(data), "input", format or found), ReadReport()):
            _check(redactor.message(message))
            counts["messages"] += 1
    except LogError:
        counts["refused"] += 1


def _check(message: Message) -> None:
    assert message.role in ROLES and message.kind in KINDS and message.line >= 1
    assert message.session and message.id
    for text in (message.text, message.session, message.id, message.speaker, message.title, message.project):
        text.encode()  # a lone surrogate could not be stored
    assert message.time is None or 0 <= message.time < 253_402_300_800  # the year 10000


def _stopped(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {LIMIT:.0f} seconds")


def inputs(files: list[bytes], seed: int) -> Iterator[tuple[int, bytes, str | None]]:
    """(number, input, format or None for what is detected), without end; the same for the same seed."""
    number = 0
    while True:
        chance = random.Random(f"{seed}-{number}")
        format = chance.choice(list(READERS)) if chance.random() < 0.3 else None
        yield number, mutated(chance.choice(files), files, chance), format
        number += 1


def fuzz(files: list[bytes], seconds: float, seed: int, keep: Path | None) -> int:
    """Try inputs for so long; the number of different bugs."""
    signal.signal(signal.SIGALRM, _stopped)
    counts: Counter[str] = Counter()
    bugs: Counter[str] = Counter()
    slowest, end = 0.0, time.monotonic() + seconds
    for number, data, format in inputs(files, seed):
        if time.monotonic() > end:
            break
        started = time.process_time()
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        try:
            try_one(data, format, counts)
        except Exception as error:  # this is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            bug = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno} ({format or 'detected'})"
            bugs[bug] += 1
            if bugs[bug] == 1:
                print(f"BUG seed {seed} number {number}: {bug}: {str(error)[:100]}", flush=True)
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{seed}-{number}").write_bytes(data)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        counts["inputs"] += 1
        slowest = max(slowest, time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (30 if sys.platform == "darwin" else 20))
    print(
        f"{counts['inputs']:,} inputs, {counts['refused']:,} refused, {counts['messages']:,} messages; "
        f"{len(bugs)} bugs; slowest {slowest:.2f} s of CPU, peak {peak:.2f} GiB"
    )
    return len(bugs)


def guided(corpus: Path, seconds: float, one: Callable[[bytes], None]) -> None:
    """Let atheris choose the bytes. It ends the process itself."""
    import atheris

    atheris.instrument_all()
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={seconds:.0f}", "-timeout=10", "-rss_limit_mb=2048", str(corpus)], one
    )
    atheris.Fuzz()


def main() -> None:
    """Fuzz and print what was found; exit code 1 with bugs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="files, or folders of files, to start from")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--atheris", action="store_true", help="guided by coverage; needs one folder of files")
    arguments = parser.parse_args()
    if arguments.atheris:
        guided(arguments.paths[0], arguments.seconds, lambda data: try_one(data, None, Counter()))
    found = [file for path in arguments.paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    files = [data for file in found if file.is_file() and (data := file.read_bytes())]
    raise SystemExit(min(fuzz(files, arguments.seconds, arguments.seed, arguments.keep), 1))


if __name__ == "__main__":
    main()
