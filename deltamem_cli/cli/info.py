"""`deltamem info`: what is inside a memory."""

from __future__ import annotations

import os
import sys

from deltamem_cli.cli.memory_path import memory_path, open_named
from deltamem_cli.cli.options import Json, MemoryOption, MemoryPath
from deltamem_cli.cli.output import memories, terminal


def info(memory: MemoryPath = None, named: MemoryOption = None, json: Json = False) -> None:
    """Tell what is inside a memory.

    Example: deltamem info notes.safetensors
    """
    from deltamem_cli.memory.info import describe

    path = os.path.abspath(memory_path(memory, named))
    told = describe(open_named(path))
    if json:
        terminal.out(memories.info_json(told, path))
    else:
        for line in memories.info_text(told, path, terminal.Style(sys.stdout)):
            terminal.out(line)
