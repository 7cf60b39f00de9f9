"""A memory kept up to date while tools write their logs: one ingest after another, each of what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deltamem_cli.encoders import Encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import IngestRun, Memo
from deltamem_cli.ingest.read_options import ReadOptions
from deltamem_cli.ingest.summary import Progress, Summary
from deltamem_cli.readers.io.watching import due


def follow(
    paths: list[str],
    opened: Callable[[], Draft],
    encoder: Encoder,
    options: ReadOptions,
    *,
    device: str = "cpu",
    progress: Callable[[Progress], object] | None = None,
) -> Iterator[Summary]:
    """Yield a summary after each pass over what has changed, the first one over everything; ends with an interrupt.

    `opened` gives the draft, again whenever another program has changed its file. Messages that this process has read
    into that draft are not split again.
    """
    draft, memo = opened(), Memo()
    summary = Summary()
    for files in due(paths, summary.problems):
        if draft.stale:
            draft, memo = opened(), Memo()
        IngestRun(draft, encoder, options, summary, device=device, memo=memo).read(files, progress=progress)
        yield summary
        if summary.interrupted:
            return
        summary = Summary()
