"""An encoder in a process of its own: lists of texts go in, their vectors come out.

A message is eight bytes of length and a body. Texts go as JSON; an answer begins with a byte that says whether vectors
follow (float32, row after row) or an error (JSON: its class, its sentence). The process ends when its input does, so a
parent that is gone, however it went, leaves none behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import IO, TYPE_CHECKING

from deltamem_cli.errors import BadData, DeltaMemError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deltamem_cli.encoders import Encoder

_VECTORS, _ERROR = b"=", b"!"
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from deltamem_cli.encoders import worker; worker.main()"
)


class Worker:
    """The parent's end. `name` and `device` as `load_encoder` takes them; `threads` of torch."""

    def __init__(self, name: str, device: str, threads: int) -> None:
        self.device = device
        order = json.dumps([name, device])
        command = [sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path), order]
        env = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        with _signals_are_the_parents():
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Encoder.encode`. Raises DeltaMemError with the worker's sentence, or when the worker is gone."""
        import numpy as np

        assert self._process.stdin and self._process.stdout
        answer = None
        with suppress(BrokenPipeError):
            _send(self._process.stdin, json.dumps([*texts]).encode())
            answer = _receive(self._process.stdout)
        if answer is None:
            raise BadData(
                f"an encoding process on {self.device} ended ({self._how_it_ended()}); what was saved is kept: run the "
                "same command again, with fewer --jobs if memory was short"
            )
        if answer[:1] == _ERROR:
            kind, sentence = json.loads(answer[1:])
            raise (UsageError if kind == UsageError.__name__ else BadData)(sentence)
        return np.frombuffer(answer, np.float32, offset=1).reshape(len(texts), -1)

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


@contextmanager
def _signals_are_the_parents() -> Iterator[None]:
    """What is started in this block never sees Ctrl-C or SIGTERM, which a terminal sends to all: the parent ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def main() -> None:
    """The worker's end: encode what comes until nothing does. A bug prints its traceback and ends the process."""
    from deltamem_cli.encoders import load_encoder

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where signals cannot be blocked
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    name, device = json.loads(sys.argv[2])
    load = cache(partial(load_encoder, name, device=device))
    with suppress(DeltaMemError):  # said when it is asked
        load()
    with suppress(BrokenPipeError):
        while (body := _receive(requests)) is not None:
            _send(answers, _answer(load, json.loads(body)))


def _answer(load: Callable[[], Encoder], texts: list[str]) -> bytes:
    try:
        return _VECTORS + load().encode(texts).tobytes()
    except DeltaMemError as error:
        return _ERROR + json.dumps([type(error).__name__, str(error)]).encode()


def _send(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(len(body).to_bytes(8, "little") + body)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """The next message, None when there is none or not all of it."""
    size = pipe.read(8)
    body = pipe.read(int.from_bytes(size, "little")) if len(size) == 8 else b""
    return body if len(size) == 8 and len(body) == int.from_bytes(size, "little") else None
