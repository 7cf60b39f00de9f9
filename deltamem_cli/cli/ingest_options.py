"""What `deltamem ingest` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deltamem_cli.errors import UsageError
from deltamem_cli.records import Kind
from deltamem_cli.text.redact import Redactor


@dataclass(frozen=True)
class Job:
    """What the command line asks for; each field is an option, `learning` those of Learning that were given."""

    paths: list[str]
    format: str | None
    kinds: tuple[Kind, ...]
    all_branches: bool
    no_text: bool
    budget: int | None
    redact: bool
    emails: bool
    learning: dict[str, Any]
    model: str | None
    device: str
    jobs: int
    devices: tuple[str, ...]
    dtype: str
    batch_size: int | None
    strict: bool
    quiet: bool
    json: bool

    def redactor(self) -> Redactor | None:
        """A redactor with nothing counted, or None."""
        if self.emails and not self.redact:
            raise UsageError("--no-redact and --redact-emails contradict each other; leave one out")
        return Redactor(self.emails) if self.redact else None
