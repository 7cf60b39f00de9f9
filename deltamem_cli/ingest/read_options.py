"""How logs are read: one value that goes whole from the command line, or from a program, down to the readers."""

from __future__ import annotations

from dataclasses import dataclass

from deltamem_cli.errors import UsageError
from deltamem_cli.records import DEFAULT_KINDS, Kind
from deltamem_cli.text.redact import Redactor


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is taken of the logs. Raises UsageError for what contradicts itself.

    format:        the format that every log is read as; None detects it.
    kinds:         the kinds of messages to keep. all_branches: keep regenerated answers and edited prompts, too.
    strict:        raise the first LogError instead of going on with the other logs.
    redact:        replace secrets before anything is split, encoded or stored. redact_emails: e-mail addresses, too.
    """

    format: str | None = None
    kinds: tuple[Kind, ...] = DEFAULT_KINDS
    all_branches: bool = False
    strict: bool = False
    redact: bool = True
    redact_emails: bool = False

    def __post_init__(self) -> None:
        if self.redact_emails and not self.redact:
            raise UsageError("--no-redact and --redact-emails contradict each other; leave one out")

    def redactor(self) -> Redactor | None:
        """Return a redactor with nothing counted, or None."""
        return Redactor(self.redact_emails) if self.redact else None

    @property
    def settings(self) -> str:
        """The choices that a memory keeps of each log: one that was read with others is read again."""
        redaction = str(self.redactor() or "")
        return ";".join(filter(None, (",".join(self.kinds), redaction, "all-branches" if self.all_branches else "")))


DEFAULTS = ReadOptions()
