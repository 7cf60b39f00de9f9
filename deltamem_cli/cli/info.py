"""`deltamem info`: what is inside a memory."""

from __future__ import annotations

import os
import sys

from deltamem_cli.cli.options import Json, MemoryPath
from deltamem_cli.cli.output import memories, terminal


def info(memory: MemoryPath, json: Json = False) -> None:
    """Tell what is inside a memory.

    Example: deltamem info notes.safetensors
    """
    from deltamem_cli.memory.file import open_memory
    from deltamem_cli.memory.info import describe

    told = describe(open_memory(memory))
    path = os.path.abspath(memory)
    if json:
        terminal.out(memories.info_json(told, path))
    else:
        for line in memories.info_text(told, path, terminal.Style(sys.stdout)):
            terminal.out(line)
