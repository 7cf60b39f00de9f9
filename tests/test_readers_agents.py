"""The logs in samples/ of assistants and agents: expected messages, and each where its place says it is."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from oracle_reading import read_file, resolve
from test_samples import SAMPLES

IN_PIECES = ("chat-session.jsonl", "wire.jsonl", "updates.jsonl")  # an answer's place is that of its first piece
EXPECTED = (Path(__file__).parent / "expected_messages.txt").read_text("utf-8").strip().split("\n\n")


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.split("  ")[0])
def test_a_sample_says_what_it_should(expected: str) -> None:
    """A block of expected_messages.txt: path, format, what is skipped; then line, pointer, role, kind, first words."""
    headline, *lines = expected.split("\n")
    path, format, skipped = headline.split("  ")
    found, messages, report = read_file(SAMPLES / path)
    assert found == format
    counted = ", ".join(f"{kind} {count}" for kind, count in sorted(report.skipped.items())) or "nothing"
    assert f"skipped: {counted}" == skipped
    assert not report.broken
    told = [f"{m.line} {m.pointer or '-'} {m.role} {m.kind}  {m.text.splitlines()[0][:44]}".rstrip() for m in messages]
    assert told == lines
    assert all(message.session and message.id for message in messages)
    assert len({(message.id, message.kind) for message in messages}) == len(messages)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.split("  ")[0])
def test_a_message_stands_at_its_place(expected: str) -> None:
    """Line and pointer lead to a value with the message's words (compared as letters and digits of plain ASCII)."""
    path = SAMPLES / expected.split("  ")[0]
    for message in read_file(path)[1]:
        value = evidence(path, message.line, message.pointer)
        words = [word for word in message.text.split() if word.isascii() and word.isalnum()]
        if path.name in IN_PIECES:
            words = words[:1]
        assert all(word in value for word in words[:20]), (message.pointer, value)


def evidence(path: Path, line: int, pointer: str) -> str:
    """The value at a place in a log, as text."""
    if path.suffix in (".db", ".vscdb"):
        _, table, rowid, column, *inside = pointer.split("/")
        assert int(rowid) == line
        with closing(sqlite3.connect(path)) as database:
            (value,) = database.execute(f'SELECT "{column}" FROM "{table}" WHERE rowid = ?', (rowid,)).fetchone()
        if isinstance(value, bytes) and value.startswith(b"\x28\xb5\x2f\xfd"):
            value = zstandard.decompress(value)
        return plain(resolve(json.loads(value), "/".join(["", *inside]))) if inside else str(value)
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return "\n".join(text.split("\n")[line - 1 :])
    document = text.split("\n")[line - 1] if path.suffix == ".jsonl" else text
    return plain(resolve(json.loads(document), pointer))


def plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
