"""Memories of question sets for the benchmarks, made once and kept in a folder; and a chat corpus as noise."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from recall import Case, Question, locomo, longmemeval

from deltamem_cli.algebra.merge import merge
from deltamem_cli.encoders import Encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Message, Source


def cases_of(path: Path) -> list[Case]:
    """What a LoCoMo (.json) or LongMemEval (.jsonl, .jsonl.gz) file asks."""
    return list(longmemeval(path) if "jsonl" in path.name else locomo(path))


def memory_of(case: Case, path: Path, encoder: Encoder) -> StoredMemory:
    """The memory of a case at `path`; it is made if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Draft(path, new_header(encoder, text=True), encoder.mean)
        ingest_messages(case.messages, Source(case.name, "benchmark"), draft, encoder)
    return open_memory(path)


def memories_of(path: Path, folder: Path, encoder: Encoder) -> Iterator[tuple[Case, StoredMemory]]:
    """The cases of a file and the memory of each, FOLDER/STEM-NUMBER.safetensors."""
    stem = path.name.partition(".")[0]
    for number, case in enumerate(cases_of(path)):
        yield case, memory_of(case, folder / f"{stem}-{number}.safetensors", encoder)


def rows_found(searcher: Searcher, question: str, k: int) -> list[int]:
    """The rows of the k passages that `deltamem query` answers with, best first; none where nothing fits."""
    places = {uid.tobytes().hex(): row for row, uid in enumerate(searcher.memory.rows.uid)}
    return [places[hit.uid] for hit in searcher.ask(question, k).hits]


def machine() -> str:
    """What figures were taken on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"


def merged(memories: Sequence[StoredMemory], path: Path) -> StoredMemory:
    """Their union at `path`; it is made if it is not there."""
    if not path.exists():
        merge(memories, path)
    return open_memory(path)


def together(cases: Iterable[Case], name: str) -> Case:
    """Several cases as one; their sessions and messages get the case's name in front, or they would be confused."""
    messages: list[Message] = []
    questions = []
    for case in cases:
        for message in case.messages:
            named = {"session": f"{case.name}/{message.session}", "id": f"{case.name}/{message.id}"}
            messages.append(replace(message, **named, line=len(messages) + 1))
        for asked in case.questions:
            turns, sessions = ([f"{case.name}/{e}" for e in found] for found in (asked.turns, asked.sessions))
            questions.append(Question(asked.text, asked.kind, turns, sessions))
    return Case(name, messages, questions)


def chitchat(path: Path, most: int) -> Case:
    """The first `most` messages of dataset.json of chitchat-dataset 0.9.0 (MIT): chats between strangers."""
    messages: list[Message] = []
    for number, chat in json.loads(path.read_text()).items():
        for place, said in enumerate(part for turn in chat["messages"] for part in turn):
            if len(messages) == most:
                return Case("chitchat", messages, [])
            time = datetime.fromisoformat(said["timestamp"]).timestamp() if said.get("timestamp") else None
            line, session = len(messages) + 1, f"chat {number}"
            messages.append(Message(said["text"], "user", line, session=session, id=f"{number}/{place}", time=time))
    return Case("chitchat", messages, [])
