"""What a memory file says of itself before any tensor is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.memory.learning import Learning
from deltamem_cli.text import terms

_WIDEST = 65536  # dimensions of an encoder: more is no encoder, but an attack on memory


@dataclass(frozen=True)
class Header:
    """What a memory is made with and how much it holds: all that `info` must know before it reads a tensor.

    encoder, fingerprint, dimension, window: the sentence encoder, a hash of its weights, its vectors' size, its tokens.
    text: whether the passages' text is kept (a merged memory may lack it for some). patch: it also names passages that
    merging it takes away. first, last: milliseconds since 1970 UTC, None where no log says. rule, half_life, states:
    how the matrix learns (learning.py). budget: the bytes that the file never exceeds, None where nothing bounds it.
    terms: the version of what makes terms of a text (terms.py).
    """

    encoder: str
    fingerprint: str
    dimension: int
    window: int
    text: bool
    passages: int = 0
    sessions: int = 0
    sources: int = 0
    first: int | None = None
    last: int | None = None
    rule: str = "rls"
    half_life: str = ""
    states: int = 1
    patch: bool = False
    budget: int | None = None
    terms: int = 1

    @classmethod
    def parse(cls, values: Mapping[str, Any], name: str) -> Header:
        """From the JSON of a file. Raises MemoryFileError when a field is missing or of another type."""
        later = {"half_life": "", "states": 1, "terms": 1}  # fields that the first files did not have
        known: dict[str, Any] = {field.name: values.get(field.name, later.get(field.name)) for field in fields(cls)}
        texts = all(isinstance(known[name], str) for name in ("encoder", "fingerprint", "rule", "half_life"))
        least = {"dimension": 1, "window": 8, "passages": 0, "sessions": 0, "sources": 0, "states": 1, "terms": 1}
        counts = all(type(known[name]) is int and known[name] >= lowest for name, lowest in least.items())
        counts = counts and known["dimension"] <= _WIDEST
        counts = counts and (known["budget"] is None or (type(known["budget"]) is int and known["budget"] > 0))
        times = all(known[name] is None or type(known[name]) is int for name in ("first", "last"))
        flags = isinstance(known["text"], bool) and isinstance(known["patch"], bool)
        if not (texts and counts and times and flags):
            raise MemoryFileError(f"{name}: its header is damaged; restore the file or ingest again")
        header = cls(**known)
        if header.terms not in terms.VERSIONS:
            raise MemoryFileError(
                f"{name}: its terms are of version {header.terms}, made by a later deltamem; upgrade it"
            )
        try:
            header.learning  # noqa: B018  # says what is wrong with it
        except UsageError as error:
            raise MemoryFileError(f"{name}: {error}; or upgrade deltamem, or ingest again") from error
        return header

    @property
    def learning(self) -> Learning:
        """How the matrix learns."""
        return Learning(self.rule, self.half_life, self.states)

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)
