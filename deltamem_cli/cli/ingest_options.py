"""What `deltamem ingest` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deltamem_cli.ingest.read_options import ReadOptions


@dataclass(frozen=True)
class IngestOptions:
    """What the command line asks for; `read` is how logs are read, `learning` those fields of Learning that it gives.

    device: one place, or several with commas between them: a process for each.
    """

    paths: list[str]
    read: ReadOptions
    text: bool
    budget: int | None
    learning: dict[str, Any]
    model: str
    device: str
    jobs: int
    quiet: bool
    json: bool
