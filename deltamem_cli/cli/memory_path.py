"""Which memory a command means: the one it names, else the default one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deltamem_cli.cli import settings
from deltamem_cli.errors import MemoryFileError, UsageError

if TYPE_CHECKING:
    from deltamem_cli.memory.memory import StoredMemory

SUFFIX = ".safetensors"


def is_memory(path: str) -> bool:
    """Whether a file begins as a memory does (whether it is one is said when it is opened)."""
    try:
        with open(path, "rb") as file:
            head = file.read(10)
    except (OSError, ValueError):
        return False
    return len(head) == 10 and int.from_bytes(head[:8], "little") < 1 << 28 and head[8:] == b'{"'


def names_memory(word: str) -> bool:
    """Whether a word names a memory file, be it there or not."""
    return word.endswith(SUFFIX) or is_memory(word)


def memory_and_words(words: list[str], option: str | None) -> tuple[str, list[str]]:
    """The memory and the words of the question, of `[MEMORY] WORDS…` and --memory.

    The first word is the memory where it is or names one, or, of two, where it is a path. Raises UsageError where
    the two stand in the wrong order, or where a memory is named twice.
    """
    first, last = (words[0], words[-1]) if words else ("", "")
    if option is not None:
        if len(words) > 1 and names_memory(first):
            raise UsageError(f"{first} and --memory {option} both name a memory; leave one out")
        return option, words
    if names_memory(first):
        return first, words[1:]
    if len(words) > 1 and is_memory(last):
        raise UsageError(f"{last} is a memory and stands last; say: deltamem query {last} {_quoted(words[:-1])}")
    if len(words) == 2 and (os.path.isfile(first) or os.path.isabs(first)):
        return first, words[1:]
    return settings.value("memory"), words


def memory_path(argument: str | None, option: str | None = None) -> str:
    """The memory that a command's argument or --memory names, else the default one."""
    if argument is not None and option is not None:
        raise UsageError(f"{argument} and --memory {option} both name a memory; leave one out")
    named = argument if argument is not None else option
    return settings.value("memory", named)


def open_named(path: str) -> StoredMemory:
    """Open a memory. Raises MemoryFileError that says what was probably meant where it is missing or is a log."""
    from deltamem_cli.memory.file import open_memory

    if not os.path.exists(path) and path == settings.SETTINGS["memory"].default():
        raise MemoryFileError(
            f"there is no memory yet ({path}); make it with: deltamem ingest LOGS, or name one with -m"
        )
    if os.path.isdir(path):
        raise MemoryFileError(f"{path}: a folder, not a memory; read its logs with: deltamem ingest {path}")
    return open_memory(path)


def _quoted(words: list[str]) -> str:
    return '"' + " ".join(words) + '"'
