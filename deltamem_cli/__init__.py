"""deltamem: conversation logs in, one memory file, answers with file and line.

    from deltamem_cli import Memory

    memory = Memory("notes.safetensors")
    memory.ingest("logs/")
    for hit in memory.query("why did we drop the cache?").hits:
        print(hit.source, hit.line, hit.text)

Everything here is imported when it is first used, so that `import deltamem_cli` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deltamem_cli.api import Memory
    from deltamem_cli.errors import DeltaMemError, LogError, MemoryFileError, UsageError
    from deltamem_cli.ingest.read_options import ReadOptions
    from deltamem_cli.memory.learning import Learning
    from deltamem_cli.recall.filters import Filters
    from deltamem_cli.records import Answer, Hit, Message, Segment

__all__ = [
    "Answer",
    "DeltaMemError",
    "Filters",
    "Hit",
    "Learning",
    "LogError",
    "Memory",
    "MemoryFileError",
    "Message",
    "ReadOptions",
    "Segment",
    "UsageError",
]

__version__ = "0.1.0"

_WHERE = {
    "Memory": "api",
    "Filters": "recall.filters",
    "Learning": "memory.learning",
    "ReadOptions": "ingest.read_options",
} | dict.fromkeys(("DeltaMemError", "LogError", "MemoryFileError", "UsageError"), "errors")


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE.get(name, 'records')}"), name)
