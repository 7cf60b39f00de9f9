"""Several workers that encode at once, as one `Encoder`: who encodes a list of texts plays no part in its vectors."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from deltamem_cli.encoders.device import pick_device
from deltamem_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from deltamem_cli.encoders import Encoder


class Encodes(Protocol):
    """What a pool needs of a worker."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Encoder.encode`."""
        ...

    def end(self) -> None:
        """End it, whatever it is at."""
        ...


class Pool:
    """`encoder` and workers that have loaded the same one; it serves whatever is no list of passages."""

    def __init__(self, encoder: Encoder, workers: Sequence[Encodes]) -> None:
        self.name, self.dimension, self.max_tokens = encoder.name, encoder.dimension, encoder.max_tokens
        self.count_tokens, self.offsets = encoder.count_tokens, encoder.offsets
        self.encode, self.encode_query = encoder.encode, encoder.encode_query
        self.token_vectors = encoder.token_vectors
        self.workers = workers
        self._encoder = encoder
        self._free: SimpleQueue[Encodes] = SimpleQueue()
        for worker in workers:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(len(workers), "encode", _survive_broken_pipes)

    @property
    def fingerprint(self) -> str:
        """See `Encoder`."""
        return self._encoder.fingerprint

    @property
    def mean(self) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._encoder.mean

    def encode_all(self, lists: Iterable[list[str]]) -> Iterator[NDArray[np.float32]]:
        """The vectors of each list, in order. All are handed to the workers at once; iterating waits for them."""
        waiting = [self._threads.submit(self._encode, texts) for texts in lists]
        return (future.result() for future in waiting)

    def end(self) -> None:
        """End the workers, whatever they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self.workers:
            worker.end()
        self._threads.shutdown()

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        worker = self._free.get()
        try:
            return worker.encode(texts)
        finally:
            self._free.put(worker)


def _survive_broken_pipes() -> None:
    """Writing to a worker that is gone raises in this thread, although SIGPIPE may end the process elsewhere."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})


def places(device: str = "auto", jobs: int = 1) -> list[str]:
    """Return the torch device of each worker: those that `device` names with commas between, or `jobs` times the one.

    Raises UsageError for a device that this machine lacks, and for several devices with a number of jobs.
    """
    named = [pick_device(name.strip()) for name in device.split(",")]
    if len(named) > 1 and jobs > 1:
        raise UsageError("--device names a place for each process: leave out --jobs")
    return named if len(named) > 1 else named * jobs


@contextmanager
def spread(encoder: Encoder, where: Sequence[str]) -> Iterator[Encoder]:
    """Give the encoder itself for one place, for several a pool of that many processes, which end with the block."""
    if len(where) < 2:
        yield encoder
        return
    from deltamem_cli.encoders.worker import Worker

    threads = max(1, (os.cpu_count() or 1) // len(where))
    workers: list[Worker] = []
    with ExitStack() as stack:
        for device in where:
            workers.append(Worker(encoder.name, device, threads))
            stack.callback(workers[-1].end)
        pool = Pool(encoder, workers)
        stack.callback(pool.end)
        yield pool
