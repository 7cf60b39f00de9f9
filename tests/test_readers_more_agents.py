"""Formats of agents and assistants that came later: small logs, and who says what in them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from oracle_reading import read_file

from deltamem_cli.records import Message

ASKED, THOUGHT, ANSWERED = "Where is the boat shed key?", "The hook list names it.", "On hook nine."


def told(folder: Path, name: str, *records: Any) -> tuple[str, list[Message], Any]:
    """(format, messages, report) of a log: one document, or several records a line."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return read_file(file)


def said(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(message.role, message.kind, message.text) for message in messages]


TALK = [("user", "text", ASKED), ("assistant", "thinking", THOUGHT), ("assistant", "text", ANSWERED)]
BLOCKS = [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": ANSWERED}]
TIME = "2026-03-04T05:06:07Z"
LOGS: dict[str, list[Any]] = {
    "agent-runs": [
        {"type": "system", "subtype": "init", "session_id": "s", "uuid": "0", "model": "m"},
        {"type": "user", "session_id": "s", "uuid": "1", "message": {"role": "user", "content": ASKED}},
        {"type": "assistant", "session_id": "s", "uuid": "2", "message": {"role": "assistant", "content": BLOCKS}},
        {"type": "result", "session_id": "s", "uuid": "3", "result": ANSWERED},
    ],
    "droid": [
        {"type": "session_start", "id": "s", "title": "Keys", "cwd": "/srv/boats"},
        {"type": "message", "id": "1", "timestamp": TIME, "message": {"role": "user", "content": ASKED}},
        {"type": "message", "id": "2", "timestamp": TIME, "message": {"role": "assistant", "content": BLOCKS}},
    ],
    "deepseek-web": [
        [
            {
                "id": "s",
                "mapping": {
                    "r": {"id": "r", "parent": None, "message": None},
                    "1": {"parent": "r", "message": {"fragments": [{"type": "REQUEST", "content": ASKED}]}},
                    "2": {
                        "parent": "1",
                        "message": {
                            "fragments": [
                                {"type": "THINK", "content": THOUGHT},
                                {"type": "RESPONSE", "content": ANSWERED},
                            ]
                        },
                    },
                },
            }
        ]
    ],
    "ui-message": [
        [
            {"id": "1", "role": "user", "createdAt": TIME, "parts": [{"type": "text", "text": ASKED}]},
            {
                "id": "2",
                "role": "assistant",
                "parts": [{"type": "reasoning", "text": THOUGHT}, {"type": "text", "text": ANSWERED}],
            },
        ]
    ],
    "gemini-parts": [
        [
            {"role": "user", "parts": [{"text": "This is the Gemini CLI. We are setting up the context."}]},
            {"role": "model", "parts": [{"text": "Got it."}]},
            {"role": "user", "parts": [{"text": ASKED}]},
            {"role": "model", "parts": [{"text": THOUGHT, "thought": True}, {"text": ANSWERED}]},
        ]
    ],
    "lm-studio": [
        {
            "name": "Keys",
            "messages": [
                {
                    "versions": [{"role": "user", "content": [{"type": "text", "text": ASKED}]}],
                    "currentlySelected": 0,
                },
                {
                    "versions": [
                        {
                            "role": "assistant",
                            "steps": [
                                {"content": [{"type": "text", "text": THOUGHT}], "style": {"type": "thinking"}},
                                {"content": [{"type": "text", "text": ANSWERED}]},
                            ],
                        }
                    ],
                    "currentlySelected": 0,
                },
            ],
        }
    ],
    "librechat": [
        {
            "conversationId": "s",
            "messages": [
                {"messageId": "1", "parentMessageId": "0", "isCreatedByUser": True, "text": ASKED},
                {
                    "messageId": "2",
                    "parentMessageId": "1",
                    "isCreatedByUser": False,
                    "content": [{"type": "think", "think": THOUGHT}, {"type": "text", "text": ANSWERED}],
                },
            ],
        }
    ],
    "continue": [
        {
            "sessionId": "s",
            "title": "Keys",
            "history": [
                {"message": {"role": "user", "content": ASKED}},
                {"message": {"role": "thinking", "content": THOUGHT}},
                {"message": {"role": "assistant", "content": ANSWERED}},
            ],
        }
    ],
    "typingmind": [
        {
            "data": {
                "chats": [
                    {
                        "id": "s",
                        "chatTitle": "Keys",
                        "messages": [
                            {"role": "user", "content": ASKED, "createdAt": TIME},
                            {"role": "assistant", "content": BLOCKS},
                        ],
                    }
                ]
            }
        }
    ],
    "sillytavern": [
        {"user_name": "Bo", "character_name": "Warden"},
        {"name": "Bo", "is_user": True, "send_date": "March 4, 2026 5:06am", "mes": ASKED},
        {"name": "Warden", "is_user": False, "mes": ANSWERED, "extra": {"reasoning": THOUGHT}},
    ],
}


@pytest.mark.parametrize("format", LOGS)
def test_each_format_says_who_says_what(tmp_path: Path, format: str) -> None:
    found, messages, report = told(tmp_path, "log.jsonl", *LOGS[format])
    assert found == format
    assert said(messages) == TALK
    assert len({message.session for message in messages}) == 1
    assert all(message.session and message.id for message in messages)
    assert not report.broken


def test_a_prompt_of_google_ai_studio_names_its_model(tmp_path: Path) -> None:
    chunks = [{"role": "user", "text": ASKED}, {"role": "model", "text": THOUGHT, "isThought": True}]
    chunks.append({"role": "model", "text": ANSWERED})
    prompt = {"runSettings": {"model": "models/gemini-3"}, "chunkedPrompt": {"chunks": chunks}}
    found, messages, _ = told(tmp_path, "prompt", prompt)
    assert found == "gemini-parts" and said(messages) == TALK
    assert messages[-1].speaker == "gemini-3"


def test_codex_exec_tells_its_tools(tmp_path: Path) -> None:
    item = {"type": "command_execution", "command": "ls", "aggregated_output": "key.md"}
    events = [{"type": "thread.started", "thread_id": "t"}, {"type": "item.completed", "item": item}]
    events.append({"type": "item.completed", "item": {"type": "agent_message", "text": ANSWERED}})
    found, messages, _ = told(tmp_path, "run.jsonl", *events)
    assert found == "agent-runs"
    assert said(messages) == [
        ("assistant", "tool_call", "shell\ncommand: ls"),
        ("tool", "tool_result", "key.md"),
        ("assistant", "text", ANSWERED),
    ]


def test_the_environment_of_swe_agent_is_no_person(tmp_path: Path) -> None:
    history = [{"role": "system", "content": "x"}, {"role": "user", "content": ASKED}]
    history += [{"role": "assistant", "thought": "Look.", "action": "ls"}, {"role": "user", "content": "key.md"}]
    run = {"trajectory": [{"action": "ls", "observation": "key.md"}], "history": history}
    _, messages, _ = told(tmp_path, "a.traj", run)
    assert [message.role for message in messages] == ["user", "assistant", "assistant", "tool"]


def test_amp_threads_keep_times_models_and_results(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": [{"type": "text", "text": ASKED}], "meta": {"sentAt": 1772600767000}},
        {"role": "user", "content": [{"type": "tool_result", "run": {"result": "hook 9"}}]},
        {"role": "assistant", "content": BLOCKS, "usage": {"model": "m", "timestamp": TIME}},
    ]
    _, messages, _ = told(tmp_path, "T-1.json", {"id": "T-1", "title": "Keys", "messages": turns})
    assert ("tool", "tool_result", "hook 9") in said(messages)
    assert messages[0].time == 1772600767.0 and messages[-1].speaker == "m" and messages[-1].time is not None


def test_two_timeless_logs_that_open_alike_are_two_sessions(tmp_path: Path) -> None:
    def transcript(last: str) -> list[Any]:
        talk = [("user", "hi"), ("assistant", "Hello!"), ("user", last), ("assistant", "Done.")]
        return [{"role": role, "message": {"content": [{"type": "text", "text": text}]}} for role, text in talk]

    first = told(tmp_path, "a/one.jsonl", *transcript("Paint it."))[1]
    second = told(tmp_path, "a/two.jsonl", *transcript("Sell it."))[1]
    copy = told(tmp_path, "backup/one.jsonl", *transcript("Paint it."))[1]
    assert not {message.id for message in first} & {message.id for message in second}
    assert [message.id for message in first] == [message.id for message in copy]


def test_timed_logs_that_open_alike_are_told_apart_by_their_times(tmp_path: Path) -> None:
    def log(time: int) -> list[Any]:
        return [{"role": "user", "content": "hi", "ts": time}, {"role": "assistant", "content": "Hello!", "ts": time}]

    sessions = {told(tmp_path, f"{time}/chat.jsonl", *log(time))[1][0].session for time in (1772600767, 1772600999)}
    assert len(sessions) == 2


def test_a_fork_of_claude_code_repeats_nothing(tmp_path: Path) -> None:
    def record(uuid: str, session: str, text: str, **more: object) -> dict[str, Any]:
        message = {"role": "user", "content": text}
        return {"type": "user", "uuid": uuid, "parentUuid": None, "sessionId": session, "message": message} | more

    first = told(tmp_path, "1.jsonl", record("u1", "s1", ASKED))[1]
    origin = {"sessionId": "s1", "messageUuid": "u1"}
    forked = told(tmp_path, "2.jsonl", record("v1", "s2", ASKED, forkedFrom=origin), record("v2", "s2", "Next."))[1]
    assert (forked[0].session, forked[0].id) == (first[0].session, first[0].id)
    assert forked[1].session == "s2"


def test_results_of_server_tools_are_kept(tmp_path: Path) -> None:
    results = [
        {"type": "web_search_tool_result", "content": [{"type": "web_search_result", "title": "T", "url": "u"}]},
        {"type": "advisor_tool_result", "content": {"type": "advisor_result", "text": "Wait."}},
        {"type": "mcp_tool_result", "content": [{"type": "text", "text": "low tide"}]},
    ]
    message = {"role": "assistant", "content": results}
    record = {"type": "assistant", "uuid": "1", "parentUuid": None, "sessionId": "s", "message": message}
    messages = told(tmp_path, "s.jsonl", record)[1]
    assert said(messages) == [("tool", "tool_result", text) for text in ("T\nu", "Wait.", "low tide")]


def test_items_of_codex_hold_call_and_result(tmp_path: Path) -> None:
    item = {"type": "McpToolCall", "id": "e1", "server": "tides", "tool": "low", "arguments": {"day": "fri"}}
    item["result"] = {"content": [{"type": "text", "text": "04:12"}]}
    records = [{"type": "session_meta", "payload": {"id": "s"}}]
    records.append({"type": "event_msg", "payload": {"type": "item_completed", "item": item}})
    messages = told(tmp_path, "rollout-1.jsonl", *records, records[-1])[1]
    assert said(messages) == [("assistant", "tool_call", "tides.low\nday: fri"), ("tool", "tool_result", "04:12")]


def test_a_broken_chain_of_pi_loses_nothing(tmp_path: Path) -> None:
    def entry(own: str, **more: object) -> dict[str, Any]:
        return {"type": "message", "id": own, "message": {"role": "user", "content": own}} | more

    header = {"type": "session", "version": 3, "id": "s", "timestamp": TIME}
    log = [header, entry("a", parentId=None), entry("b", parentId="a"), entry("loose"), entry("c", parentId="gone")]
    log += [entry("d", parentId=None), entry("e", parentId="d")]
    assert [message.text for message in told(tmp_path, "s.jsonl", *log)[1]] == ["a", "b", "loose", "c", "d", "e"]


def test_the_steps_of_antigravity_are_its_tools(tmp_path: Path) -> None:
    log = [
        {"step_index": 0, "source": "USER_EXPLICIT", "type": "USER_INPUT", "content": ASKED},
        {
            "step_index": 1,
            "source": "MODEL",
            "type": "PLANNER_RESPONSE",
            "thinking": THOUGHT,
            "tool_calls": [{"name": "ls"}],
        },
        {"step_index": 2, "source": "MODEL", "type": "LIST_DIRECTORY", "content": "key.md"},
        {"step_index": 3, "source": "MODEL", "type": "PLANNER_RESPONSE", "content": ANSWERED},
    ]
    kinds = [message.kind for message in told(tmp_path, "transcript.jsonl", *log)[1]]
    assert kinds == ["text", "thinking", "tool_call", "tool_result", "text"]


def test_what_kimi_injects_is_not_the_persons(tmp_path: Path) -> None:
    def added(text: str, origin: str) -> dict[str, Any]:
        message = {"role": "user", "content": text, "origin": {"kind": origin}}
        return {"type": "context.append_message", "message": message}

    log = [added(ASKED, "user"), added("exit 0", "background_task"), added("Earlier …", "compaction_summary")]
    messages, report = told(tmp_path, "wire.jsonl", *log)[1:]
    assert said(messages) == [("user", "text", ASKED), ("system", "summary", "Earlier …")]
    assert report.skipped["injected background_task"] == 1


def test_thoughts_and_tools_of_open_webui_are_no_answer(tmp_path: Path) -> None:
    html = '<details type="reasoning" done="true">\n<summary>x</summary>\n&gt; The hook list names it.\n</details>\n'
    nodes = {
        "1": {"role": "user", "content": ASKED, "parentId": None},
        "2": {"role": "assistant", "content": html + ANSWERED, "parentId": "1"},
    }
    chat = {"id": "s", "chat": {"history": {"messages": nodes, "currentId": "2"}}}
    assert said(told(tmp_path, "export.json", [chat])[1]) == TALK


def test_both_generations_of_opencode_are_read(tmp_path: Path) -> None:
    path = tmp_path / "opencode.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE session(id TEXT, directory TEXT, title TEXT);
            CREATE TABLE message(id TEXT, session_id TEXT, time_created INTEGER, data TEXT);
            CREATE TABLE part(id TEXT, message_id TEXT, data TEXT);
            CREATE TABLE session_v2(id TEXT, directory TEXT, title TEXT);
            CREATE TABLE session_message(id TEXT, session_id TEXT, type TEXT, seq INT, time_created INT, data TEXT);
            INSERT INTO message VALUES ('m1', 'old', 1772600767000, '{"role": "user"}');
            INSERT INTO part VALUES ('p1', 'm1', '{"type": "text", "text": "Before."}');
            INSERT INTO session_v2 VALUES ('new', '/srv', 'Keys');
            """)
        parts = [{"type": "reasoning", "text": THOUGHT}, {"type": "text", "text": ANSWERED}]
        rows = [("b", 2, "assistant", {"content": parts}), ("a", 1, "user", {"text": ASKED})]
        for own, seq, kind, data in rows:
            values = (own, "new", kind, seq, 1772600767000, json.dumps(data))
            database.execute("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?)", values)
        database.commit()
    _, messages, _ = read_file(path)
    assert said(messages) == [*TALK, ("user", "text", "Before.")]
    assert messages[0].title == "Keys" and messages[0].session == "new"
