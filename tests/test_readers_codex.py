"""Codex rollouts of all three generations: one small log for each trap."""

from __future__ import annotations

import json
from typing import Any

from oracle_reading import read_bytes

from deltamem_cli.records import Message, ReadReport


def line(kind: str, second: int = 30, /, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-10-02T08:00:{second:02d}.000Z", "type": kind, "payload": payload}


def meta(id: str = "s1", **more: Any) -> dict[str, Any]:
    return line("session_meta", 0, id=id, timestamp="2026-10-02T08:00:00.000Z", cwd="/shop", **more)


def item(role: str, *texts: str, second: int = 30) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text} for text in texts]
    return line("response_item", second, type="message", role=role, content=content)


def event(type: str, **fields: Any) -> dict[str, Any]:
    return line("event_msg", type=type, **fields)


def read(*records: Any) -> tuple[list[Message], ReadReport]:
    format, messages, report = read_bytes("\n".join(map(json.dumps, records)).encode() + b"\n")
    assert format == "codex"
    return messages, report


def told(*records: Any) -> list[str]:
    return [message.text for message in read(*records)[0]]


def test_items_and_events_are_united() -> None:
    assert told(
        meta(),
        item("user", "yes"),
        event("user_message", message="yes"),
        event("agent_message", message="done"),
        item("assistant", "done"),
        item("user", "yes"),
        event("user_message", message="yes"),
        event("user_message", message="only an event"),
    ) == ["yes", "done", "yes", "only an event"]


def test_paginated_items_are_united_too() -> None:
    said = {"type": "UserMessage", "content": [{"type": "text", "text": "List"}]}
    answer = {"type": "AgentMessage", "content": [{"type": "Text", "text": "One."}]}
    messages, _ = read(
        meta(history_mode="paginated"),
        line("turn_context", turn_id="t1", model="gpt-x", cwd="/other"),
        item("user", "List"),
        event("item_completed", turn_id="t1", item=said),
        event("item_completed", turn_id="t1", item=answer),
    )
    assert [(m.text, m.speaker, m.project) for m in messages] == [("List", "", "/other"), ("One.", "gpt-x", "/other")]


def test_bare_generation() -> None:
    context = {"type": "input_text", "text": "<environment_context>\n<cwd>/w</cwd>\n</environment_context>"}
    messages, report = read(
        {"id": "old", "timestamp": "2025-07-01T10:00:00.000Z", "instructions": None, "git": {}},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [context]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix the parser"}]},
        {"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}', "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": '{"output":"a.py","metadata":{"exit_code":0}}'},
    )
    assert [(m.text, m.kind, m.line) for m in messages] == [
        ("Fix the parser", "text", 4),
        ('shell\ncommand: ["ls"]', "tool_call", 5),
        ("a.py", "tool_result", 6),
    ]
    assert {(m.session, m.project, m.time) for m in messages} == {("old", "/w", None)}
    assert report.skipped["injected"] == 1


def test_the_tools_context_is_left_out() -> None:
    prompt = "# Context from my IDE setup:\n\n## Open tabs:\n- a.py\n\n## My request for Codex:\nRename it"
    assert told(
        meta(),
        item("developer", "be nice"),
        item("user", "# AGENTS.md instructions for /shop", "<environment_context>x</environment_context>"),
        item("user", "<image name=[Image #1]>", "</image>", "what is this?"),
        item("user", prompt),
        event("user_message", message=prompt),
    ) == ["what is this?", "Rename it"]


def test_compaction_keeps_the_summary_only() -> None:
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "old"}]}]
    messages, _ = read(
        meta(), item("user", "old"), line("compacted", message="So far: old", replacement_history=history)
    )
    assert [(m.text, m.kind) for m in messages] == [("old", "text"), ("So far: old", "summary")]


def test_rolled_back_turns_are_dropped_and_counted() -> None:
    messages, report = read(
        meta(), item("user", "a"), item("assistant", "b"), item("user", "c"), item("assistant", "d"),
        event("thread_rolled_back", num_turns=1), item("user", "e"),
        event("thread_rolled_back", num_turns=99), item("user", "f"),
    )  # fmt: skip
    assert [m.text for m in messages] == ["f"]
    assert report.skipped["rolled back"] == 5


def test_a_forks_copied_beginning_has_the_parents_ids() -> None:
    parent, _ = read(meta("p"), item("user", "start", second=5), item("assistant", "ok", second=6))
    fork, _ = read(
        meta("f", forked_from_id="p"),
        meta("p"),
        item("user", "start", second=0),
        item("assistant", "ok", second=1),
        item("user", "start", second=40),
    )
    assert [m.session for m in fork] == ["p", "p", "f"]
    assert [m.id for m in fork[:2]] == [m.id for m in parent]
    assert fork[2].id != fork[0].id


def test_other_calls_and_titles() -> None:
    messages, report = read(
        meta(),
        line("response_item", type="local_shell_call", call_id="c1", action={"command": ["ls"]}),
        line("response_item", type="custom_tool_call", call_id="c2", name="apply_patch", input="*** Begin Patch"),
        event("thread_name_updated", thread_name="Parser"),
        line("response_item", type="web_search_call", action={"query": "lentils"}),
        line("response_item", type="ghost_snapshot"),
        line(
            "response_item", type="reasoning", summary=[{"type": "summary_text", "text": "Hm"}], encrypted_content="g"
        ),
        event("agent_reasoning", text="Hm"),
    )
    assert [(m.text, m.title) for m in messages] == [
        ('shell\ncommand: ["ls"]', ""),
        ("apply_patch\n*** Begin Patch", ""),
        ("web_search\nquery: lentils", "Parser"),
        ("Hm", ""),
    ]
    assert len({m.id for m in messages}) == 4
    assert report.skipped["ghost_snapshot"] == 1
