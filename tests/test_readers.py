"""What all readers share: detection, streams, broken lines, and calm in the face of garbage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_reading import Pipe, read_bytes

from deltamem_cli.errors import LogError, UsageError
from deltamem_cli.readers import READERS
from deltamem_cli.readers.detect import open_log
from deltamem_cli.readers.parse import jsonl
from deltamem_cli.readers.parse.head import Head
from deltamem_cli.readers.parse.ids import with_ids
from deltamem_cli.readers.parse.values import call_text, seconds, without_base64
from deltamem_cli.records import Message

LINE = '{"role": "user", "content": "soup\u2028of the day: \\u00e9"}'
ANSWER = '{"role": "assistant", "content": "lentils"}'


def told(data: bytes) -> list[str]:
    return [message.text for message in read_bytes(data)[1]]


@pytest.mark.parametrize(
    "data",
    [
        f"{LINE}\n{ANSWER}\n".encode(),
        f"{LINE}\n{ANSWER}".encode(),
        f"{LINE}\r\n\r\n{ANSWER}\r\n".encode(),
        f"\ufeff{LINE}\n{ANSWER}\n".encode(),
        f"{LINE}\n{ANSWER}\n".encode() + b"\0" * 5000,
        f"{LINE}\n{ANSWER}\n".encode("utf-16"),
        f"[{LINE},\n{ANSWER}]".encode(),
        f'{{"messages": [\n{LINE},\n{ANSWER}\n]}}'.encode(),
        f'{{"messages": [{LINE},{ANSWER}]}}\n'.encode(),
    ],
    ids=["LF", "no last LF", "CRLF", "BOM", "zero tail", "UTF-16", "array", "document", "conversation a line"],
)
def test_line_ends_marks_and_encodings_change_no_word(data: bytes) -> None:
    assert told(data) == ["soup\u2028of the day: é", "lentils"]


def test_lenient_records() -> None:
    """Lone surrogates, NaN, bad UTF-8 and raw control characters cost a character, not the record."""
    lines = [LINE.encode(), b'{"role":"user","content":"a\\ud83d b"}', b'{"role":"user","content":"a\xff b","n":NaN}']
    assert told(b"\n".join([*lines, b'{"role":"user","content":"a\tb"},'])) == [
        "soup\u2028of the day: é",
        "a\ufffd b",
        "a\ufffd b",
        "a\tb",
    ]


def test_torn_last_line_is_pending_and_a_broken_one_is_named() -> None:
    data = f'{LINE}\n{{"role": "user", "cont\n42\n{ANSWER}\n{{"role": "assis'.encode()
    _, messages, report = read_bytes(data)
    assert [message.line for message in messages] == [1, 4]
    assert report.pending
    assert [line for line, _ in report.broken] == [2]
    assert report.skipped["line of a broken record"] == 1


def test_an_oversized_line_is_stepped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE", 100)
    _, messages, report = read_bytes(f"{LINE}\n{'x' * 100_000}\n{ANSWER}\n".encode())
    assert [message.line for message in messages] == [1, 3]
    assert report.skipped["oversized line"] == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\n \n\0", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        ((64).to_bytes(8, "little") + b'{"__metadata__":{}}', "safetensors"),
        (b"SQLite format 3\0" + bytes(80), "SQLite"),
        (b"WEBVTT\n\nNOTE nobody spoke\n", "without captions"),
        (b'{"name": "a package", "version": "1.0"}', "--format"),
        (b'{"version": 1, "files": [{"name": "conversations-000.json"}]}', "--format"),
        (b"PK\3\4" + bytes(80), "ZIP archive"),
        (b"# A README\n\nNote: read this.\nNote: and this.\n", "--format"),
        (b"\x1b]0;title\x07 plain words", "speaker labels"),
        (b"{" * 100, "JSON"),
    ],
)
def test_a_refusal_says_why_in_one_printable_sentence(data: bytes, why: str) -> None:
    with pytest.raises(LogError, match=why) as refusal:
        open_log(Pipe(data), "a.log")
    assert str(refusal.value).isprintable()


def test_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="claude-code, codex"):
        open_log(Pipe(b"x"), "a.log", "clod")


def test_head_shows_what_is_open_at_the_cut() -> None:
    assert Head(b'[{"a": {"b": [1, 2, "x').document == [{"a": {"b": [1, 2]}}]


def test_derived_ids_survive_copying_and_growth() -> None:
    first = [Message(text=text, role="user", line=line) for line, text in enumerate(["hi", "yes", "yes"], 1)]
    grown = list(with_ids([*first, Message(text="more", role="user", line=4)]))
    assert grown[:3] == list(with_ids(first))
    assert len({message.id for message in grown}) == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-10-01T09:00:00.000Z", 1790845200.0),
        ("2026-10-01T11:00:00+02:00", 1790845200.0),
        ("2026-10-01 09:00", 1790845200.0),
        (1790845200, 1790845200.0),
        (1790845200000, 1790845200.0),
        ("1790845200.5", 1790845200.5),
        ("09:00", None),
        (float("nan"), None),
        (True, None),
        (12, None),
        pytest.param(10**400, None, id="huge"),
        pytest.param("9" * 400, None, id="long"),
        ({"a": 1}, None),
    ],
)
def test_times(value: object, expected: float | None) -> None:
    assert seconds(value) == expected


def test_base64_never_reaches_text() -> None:
    url = "data:image/png;base64," + "A" * 500
    assert len(without_base64(f"see {url} there")) < 60
    assert call_text("Write", json.dumps({"path": "a", "text": "two\nlines"})) == "Write\npath: a\ntext: two\nlines"


KEYS = [
    "type",
    "message",
    "content",
    "role",
    "payload",
    "sessionId",
    "uuid",
    "timestamp",
    "mapping",
    "messages",
    "text",
    *[
        "chat_messages",
        "conversations",
        "from",
        "value",
        "event",
        "params",
        "update",
        "requests",
        "response",
        "kind",
        "v",
        "k",
        "i",
        "data",
    ],
    *[
        "id",
        "parentId",
        "parts",
        "say",
        "ts",
        "source",
        "info",
        "part",
        "inlineReference",
        "toolCalls",
        "thoughts",
        "$set",
        "$rewindTo",
    ],
]
WORDS = [
    "user",
    "assistant",
    "text",
    "session_meta",
    "response_item",
    "event_msg",
    "item_completed",
    "tool_result",
    "x",
    *[
        "human",
        "gpt",
        "gemini",
        "say",
        "session",
        "message",
        "tool.call",
        "content.part",
        "user.message",
        "USER_EXPLICIT",
    ],
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
LINES = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES).map(json.dumps) | st.text() | VALUES.map(json.dumps))


@pytest.mark.parametrize("format", READERS)
@settings(max_examples=60, deadline=None)
@given(lines=LINES, tail=st.binary(max_size=20))
def test_garbage_never_ends_in_anything_but_a_log_error(format: str, lines: list[str], tail: bytes) -> None:
    data = "\n".join(lines).encode("utf-8", "surrogatepass") + tail
    try:
        _, messages, _ = read_bytes(data, format)
    except LogError:
        return
    assert all(message.id and message.session and message.text.strip() for message in messages)
    for message in messages:
        message.text.encode()


@pytest.mark.parametrize(
    "format", ["chatgpt", "openai", "slack", "discord", "telegram", "teams", "people", "locomo", "longmemeval"]
)
def test_deep_nesting_is_an_error_and_no_memory_bomb(format: str) -> None:
    data = b'[{"mapping": ' + b"[" * 200_000
    with pytest.raises(LogError, match="nests deeper"):
        read_bytes(data, format)


@pytest.mark.parametrize(
    "text", ["9025-06-30T12:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2200-06-01"]
)
def test_a_time_outside_1970_to_2200_is_none(text: str) -> None:
    """Found by benchmarks/fuzz_readers.py: one flipped digit made a message of the year 9025."""
    assert seconds(text) is None
