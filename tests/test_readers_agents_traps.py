"""The traps of assistants' and agents' logs, one small log for each."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from oracle_reading import read_bytes, read_file

from deltamem_cli.errors import LogError
from deltamem_cli.records import Message, ReadReport


def read(format: str, *records: Any, document: bool = False) -> tuple[list[Message], ReadReport]:
    """Messages and report of JSONL records, or of one document, that must be found to be in that format."""
    data = json.dumps(records[0]) if document else "".join(json.dumps(record) + "\n" for record in records)
    found, messages, report = read_bytes(data.encode())
    assert found == format
    return messages, report


def texts(format: str, *records: Any, document: bool = False) -> list[str]:
    return [message.text for message in read(format, *records, document=document)[0]]


# Claude.ai


def claude(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"uuid": "k", "name": "", "chat_messages": list(messages), **more}


def human(uuid: str, text: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    told = {"uuid": uuid, "sender": "human", "text": text, "created_at": "2026-05-01T10:00:00Z", **more}
    return told if parent is None else told | {"parent_message_uuid": parent}


def test_claude_ai_takes_the_text_only_where_there_are_no_blocks() -> None:
    unsupported = {"type": "tool_use", "name": "x", "input": {}}
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes."}]
    messages = [human("a", "old"), human("b", "hmYes.", content=blocks), human("c", "typed", content=[])]
    conversation = claude(*messages, human("d", "This block is not supported", content=[unsupported]))
    assert texts("claude-ai", [conversation], document=True) == ["old", "hm", "Yes.", "typed", "x"]
    assert texts("claude-ai", conversation, document=True) == ["old", "hm", "Yes.", "typed", "x"]


@pytest.mark.parametrize(("leaf", "expected"), [(None, ["q", "new"]), ("b", ["q", "old"]), ("gone", ["q", "new"])])
def test_claude_ai_follows_the_path_to_its_leaf(leaf: str | None, expected: list[str]) -> None:
    messages = [human("a", "q", "root"), human("b", "old", "a"), human("c", "new", "a")]
    assert texts("claude-ai", [claude(*messages, current_leaf_message_uuid=leaf)], document=True) == expected


def test_claude_ai_circles_and_missing_parents_end() -> None:
    assert texts("claude-ai", [claude(human("a", "x", "b"), human("b", "y", "a"))], document=True) == ["x", "y"]
    flat = [human("a", "x", "root"), human("b", "y")]
    assert texts("claude-ai", [claude(*flat)], document=True) == ["x", "y"]


# Gemini CLI

HEADER = {"sessionId": "g", "projectHash": "h", "startTime": "2026-10-01T09:00:00Z", "lastUpdated": "x"}


def gem(id: str, content: Any, type: str = "user", **more: Any) -> dict[str, Any]:
    return {"id": id, "timestamp": "2026-10-01T09:00:01Z", "type": type, "content": content, **more}


def test_gemini_the_last_version_counts_at_the_first_place() -> None:
    records = [HEADER, gem("a", "Hel", "gemini"), gem("b", "later"), gem("a", "Hello.", "gemini")]
    messages, _ = read("gemini", *records)
    assert [(m.text, m.line, m.role) for m in messages] == [("Hello.", 4, "assistant"), ("later", 3, "user")]


@pytest.mark.parametrize(("to", "expected"), [("b", ["a", "d"]), ("nowhere", ["d"])])
def test_gemini_rewinds(to: str, expected: list[str]) -> None:
    before = [gem(name, name) for name in "abc"]
    assert texts("gemini", HEADER, *before, {"$rewindTo": to}, gem("d", "d")) == expected


def test_gemini_a_snapshot_replaces_what_was_before() -> None:
    snapshot = {"$set": {"messages": [gem("x", [{"text": "new"}, {"thought": True, "text": "no"}, {"inlineData": 1}])]}}
    messages, _ = read("gemini", HEADER, gem("a", "old"), snapshot)
    assert [(m.text, m.line, m.pointer) for m in messages] == [("new", 3, "/$set/messages/0/content")]


def test_gemini_the_typed_text_counts_not_what_was_put_into_it() -> None:
    context = "<session_context>today</session_context>"
    records = [HEADER, gem("a", context), gem("b", f"{context} hi"), gem("c", "@a\n--- file ---", displayContent="@a")]
    messages, report = read("gemini", *records)
    assert [m.text for m in messages] == ["hi", "@a"]
    assert report.skipped["injected"] == 1


def test_gemini_keys_may_be_sorted_and_the_document_long() -> None:
    """The session's id stands after megabytes of messages."""
    document = {"lastUpdated": "x", "messages": [gem(str(n), "word " * 200) for n in range(200)], **HEADER}
    messages, _ = read("gemini", document, document=True)
    assert {m.session for m in messages} == {"g"}
    with pytest.raises(LogError, match="breaks off"):
        read_bytes(json.dumps(document, indent=1).encode()[:-20])


# Operation logs of VS Code


def test_copilot_operations_that_fit_nowhere_change_nothing() -> None:
    asked = {"requestId": "r", "message": {"text": "hi"}, "response": [{"value": "one"}]}
    start = {"kind": 0, "v": {"version": 3, "sessionId": "s", "requests": [asked]}}
    odd = [
        {"kind": 1, "k": ["requests", 7, "message"], "v": 1},
        {"kind": 1, "k": ["requests", "0"], "v": 1},
        {"kind": 1, "k": [], "v": 1},
        {"kind": 1, "k": [{"a": 1}], "v": 1},
        {"kind": 2, "k": ["version"], "v": [1]},
        {"kind": 3, "k": ["requests", 0]},
        {"kind": 9, "k": ["requests"]},
        {},
    ]
    messages, report = read("copilot", start, *odd)
    assert [m.text for m in messages] == ["hi", "one"]
    assert report.skipped["operation that fits nowhere"] == len(odd)


def test_copilot_the_place_of_a_text_is_where_it_was_written_last() -> None:
    start = {"kind": 0, "v": {"version": 3, "sessionId": "s", "requests": []}}
    asked = {"requestId": "r", "message": {"text": "hi"}, "response": []}
    log = [
        start,
        {"kind": 2, "k": ["requests"], "v": [asked, {**asked, "requestId": "r2", "message": {"text": "bye"}}]},
        {"kind": 2, "k": ["requests", 0, "response"], "v": [{"value": "a"}, {"kind": "undoStop"}]},
        {"kind": 2, "k": ["requests", 0, "response"], "v": [{"value": "b"}], "i": 0},
        {"kind": 1, "k": ["requests", 0, "response", 0, "value"], "v": "c"},
        {"kind": 1, "k": ["requests", 1, "message"], "v": {"text": "ciao"}},
        {"kind": 3, "k": ["requests", 1, "modelId"]},
    ]
    messages, _ = read("copilot", *log)
    assert [(m.text, m.line, m.pointer) for m in messages] == [
        ("hi", 2, "/v/0/message/text"),
        ("c", 5, "/v"),
        ("ciao", 6, "/v/text"),
    ]


# aider


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_aider_headings_and_quotations_of_the_model_stay_its_own(end: str) -> None:
    """aider ends the lines it writes with two spaces; an answer broken off within a fence ends at the next prompt."""
    lines = ["# aider chat started at 2026-01-01 10:00:00", "", "#### fix it  ", "", "#### Plan", "> quoted", "```"]
    lines += ["#### in code  ", "", "#### go on  ", "", "Done.", "", "> Applied edit to a.py  "]
    messages = read_bytes(end.join(lines).encode())[1]
    assert [(m.role, m.line, m.text) for m in messages] == [
        ("user", 3, "fix it"),
        ("assistant", 5, "#### Plan\n> quoted\n```\n#### in code"),
        ("user", 10, "go on"),
        ("assistant", 12, "Done."),
        ("tool", 14, "Applied edit to a.py"),
    ]


def test_aider_runs_are_sessions_that_survive_growth() -> None:
    run = "# aider chat started at 2026-01-01 10:0{}:00\n\n#### hello\n\nHi.\n"
    first = read_bytes(("junk\n" + run.format(0)).encode())
    grown = read_bytes(("junk\n" + run.format(0) + run.format(1)).encode())
    assert first[2].skipped == {"line before the first run": 1}
    assert grown[1][:2] == first[1]
    assert len({m.session for m in grown[1]}) == 2
    assert [m.title[-19:] for m in grown[1]] == ["2026-01-01 10:00:00", "", "2026-01-01 10:01:00", ""]


# Cline, Roo Code


def test_cline_what_the_extension_writes_is_not_the_persons() -> None:
    said = [
        "<task>\nfix it\n</task>\n<environment_details>x</environment_details>",
        "<environment_details>x</environment_details>",
        "[read_file for 'a.py'] Result:\nline",
        "[ERROR] You did not use a tool in your previous response!",
        "I quote <task>this</task> myself",
    ]
    messages, report = read("cline", [{"role": "user", "content": text} for text in said], document=True)
    assert [(m.role, m.kind, m.text) for m in messages] == [
        ("user", "text", "fix it"),
        ("tool", "tool_result", said[2]),
        ("user", "text", said[4]),
    ]
    assert report.skipped["injected"] == 2


def test_cline_the_window_is_left_out_beside_the_history(tmp_path: Path) -> None:
    window = [{"ts": 1767225600000, "type": "say", "say": "text", "text": "fix it"}]
    (tmp_path / "ui_messages.json").write_text(json.dumps(window))
    assert len(read_file(tmp_path / "ui_messages.json")[1]) == 1
    (tmp_path / "api_conversation_history.json").write_text("[]")
    _, messages, report = read_file(tmp_path / "ui_messages.json")
    assert not messages
    assert report.skipped == {"told in api_conversation_history.json": 1}


# opencode's older tree


def test_opencode_a_part_finds_its_message(tmp_path: Path) -> None:
    part = {"id": "prt_1", "messageID": "msg_1", "sessionID": "ses_1", "type": "text", "text": "hi"}
    path = tmp_path / "storage/part/msg_1/prt_1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(part))
    assert read_file(path)[2].skipped == {"part without its message": 1}
    message = tmp_path / "storage/message/ses_1/msg_1.json"
    message.parent.mkdir(parents=True)
    message.write_text(json.dumps({"id": "msg_1", "role": "user", "time": {"created": 1767225600000}}))
    format, (told,), _ = read_file(path)
    assert (format, told.text, told.role, told.session, told.time) == ("opencode", "hi", "user", "ses_1", 1767225600.0)
    with pytest.raises(LogError, match="--format"):
        read_file(message)
    path.write_text(json.dumps(part | {"sessionID": "../message/ses_1"}))
    assert read_file(path)[2].skipped


# Databases


def test_cursor_values_may_be_null_broken_or_of_older_shapes(tmp_path: Path) -> None:
    path = tmp_path / "state.vscdb"
    bubbles = [{"type": 1, "text": "old", "bubbleId": "b"}, {"type": 3}, "x", {"type": [1], "text": "y"}]
    inline = json.dumps({"conversation": bubbles})
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table cursorDiskKV (key text unique, value blob)")
        values = [
            ("composerData:a", inline),
            ("composerData:b", None),
            ("composerData:c", b"\xff{"),
        ]
        values += [("composerData:d", '{"fullConversationHeadersOnly": [{}, 7]}'), ("composerDataX", "{}")]
        database.executemany("insert into cursorDiskKV values (?, ?)", values)
        database.commit()
    _, messages, report = read_file(path)
    assert [(m.text, m.session, m.id, m.pointer) for m in messages] == [
        ("old", "a", "b/text", "/cursorDiskKV/1/value/conversation/0/text")
    ]
    assert report.skipped == {"chat without messages": 2, "bubble that is gone": 2, "no text": 3}


@pytest.mark.parametrize(
    ("format", "schema"),
    [
        ("goose", "sessions(id); messages(id, content_json, role, session_id)"),
        ("opencode", "session(id); message(id, session_id, time_created, data); part(id, message_id, data)"),
        ("llm", "conversations(id); responses(id, prompt, response, conversation_id, datetime_utc)"),
        ("cursor", "cursorDiskKV(key, value); ItemTable(key, value)"),
        ("zed", "threads(id, summary, data_type, data, updated_at)"),
        ("hermes", "messages(session_id, role, content, tool_calls, timestamp)"),
    ],
)
def test_rows_of_any_type_are_borne(format: str, schema: str, tmp_path: Path) -> None:
    """Every column holds, in turn, a number, nothing, a blob, JSON of every shape, and text that is no UTF-8."""
    path = tmp_path / "hostile.db"
    odd = [
        7,
        None,
        -1.5,
        b"\xff\0",
        b"\x28\xb5\x2f\xfd",
        "zstd",
        "[]",
        "{}",
        '[{"type": 7}]',
        '{"role": [], "type": {}}',
        '"x"',
        "composerData:x",
    ]
    with closing(sqlite3.connect(path)) as database:
        for table in schema.split("; "):
            name, _, columns = table.partition("(")
            database.execute(f"create table {table}")
            count = columns.count(",") + 1
            for value in odd:
                database.execute(f"insert into {name} values ({','.join('?' * count)})", [value] * count)
            broken = ",".join(["cast(x'ff41' as text)"] * count)
            database.execute(f"insert into {name} values ({broken})")
        database.commit()
    found, messages, _ = read_file(path)
    assert found == format
    for message in messages:
        assert message.text.encode()
        assert message.session
        assert message.id


# Turns under other names, ShareGPT, pi


def test_turns_under_other_names_keep_their_speakers() -> None:
    turns = [{"user": "ana", "text": "hi", "ts": 1760000001}, {"user": "Assistant", "text": "hello"}] * 2
    messages, report = read("turns", *turns, {"user": "ana"})
    assert [(m.speaker, m.role, m.text) for m in messages[:2]] == [("ana", "user", "hi"), ("", "assistant", "hello")]
    assert report.skipped == {"no speaker or no text": 1}


@pytest.mark.parametrize(
    "records",
    [
        [{"user": "U1", "text": "hi", "ts": "1760000001.000200", "type": "message"}] * 3,
        [{"author": "Ana", "title": "A book", "isbn": "1"}] * 3,
        [{"level": "info", "message": "started"}] * 3,
        [{"user": "ana", "text": "only one"}],
    ],
    ids=["slack", "books", "server log", "one"],
)
def test_records_that_are_no_turns_are_refused(records: list[dict[str, Any]]) -> None:
    with pytest.raises(LogError, match="--format"):
        read_bytes("".join(json.dumps(record) + "\n" for record in records).encode())


def test_sharegpt_in_all_its_containers() -> None:
    talk = {"conversations": [{"from": "human", "value": "soup?"}, {"from": "gpt", "value": "lentils"}]}
    for document in ([talk], talk):
        assert texts("sharegpt", document, document=True) == ["soup?", "lentils"]
    assert texts("sharegpt", talk, {"conversations": []}, talk) == ["soup?", "lentils"] * 2
    other = {
        "dialog": [{"from": "narrator", "value": "…"}, {"from": "user", "value": 7}, {"from": "bard", "value": "x"}]
    }
    messages, report = read("sharegpt", other)
    assert [m.text for m in messages] == ["x"]
    assert report.skipped == {"turn of narrator": 1, "no text": 1}


def test_pi_circles_and_missing_parents_end() -> None:
    header = {"type": "session", "version": 3, "id": "s", "timestamp": "2026-01-01T00:00:00Z"}

    def entry(id: str, parent: str | None) -> dict[str, Any]:
        return {"type": "message", "id": id, "parentId": parent, "message": {"role": "user", "content": id}}

    assert texts("pi", header, entry("a", None), entry("b", "a"), entry("c", "gone")) == ["a", "b", "c"]
    assert texts("pi", header, entry("a", "b"), entry("b", "a")) == ["a", "b"]
    flat = [{key: value for key, value in entry(id, None).items() if key != "parentId"} for id in "ab"]
    assert texts("pi", header, *flat) == ["a", "b"]


@pytest.mark.parametrize(("current", "expected"), [("c", ["a", "c"]), ("b/1", ["a", "b/1"]), (None, ["a", "c"])])
def test_open_webui_follows_the_path_to_its_current_message(current: str | None, expected: list[str]) -> None:
    nodes = {id: {"id": id, "parentId": "a", "role": "user", "content": id} for id in ("a", "b/1", "c")}
    nodes["a"]["parentId"] = "c" if current is None else ""
    chat = {"id": "s", "chat": {"history": {"currentId": current, "messages": nodes}}}
    messages, report = read("open-webui", [chat], document=True)
    assert [m.text for m in messages] == expected
    assert report.skipped == {"other branch": 1}
    if current == "b/1":
        assert messages[1].pointer == "/0/chat/history/messages/b~11"
