"""ChatGPT exports: the tree, hidden content, and where a message stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from oracle_reading import Pipe, read_bytes

from deltamem_cli.errors import LogError
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.records import Message, ReadReport


def node(
    id: str, parent: str | None, role: str, content: Any, time: float | None = None, **message: Any
) -> dict[str, Any]:
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    told = {"id": id, "author": {"role": role}, "create_time": time, "content": content, "metadata": {}, **message}
    return {"id": id, "parent": parent, "children": [], "message": told}


def conversation(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": "Soup", "id": "c1", "mapping": {each["id"]: each for each in nodes}, **more}


def read(document: Any) -> tuple[list[Message], ReadReport]:
    format, messages, report = read_bytes(json.dumps(document).encode())
    assert format == "chatgpt"
    return messages, report


def test_the_current_branch_is_read_and_the_other_counted() -> None:
    root = {"id": "root", "message": None, "parent": None, "children": ["n1"]}
    soup = conversation(
        root,
        node("n1", "root", "user", "How long?", 1760000001.0),
        node("n/3", "n1", "assistant", "Twenty minutes.\ue200cite\ue202turn0\ue201【1†a】", 1760000008.0),
        node("n2", "n1", "assistant", "An hour.", 1760000003.0),
        current_node="n/3",
    )
    messages, report = read([conversation(node("x", None, "user", "hi"), id="c0"), soup])
    assert [(m.text, m.id, m.title, m.pointer) for m in messages] == [
        ("hi", "c0/x", "Soup", "/0/mapping/x/message"),
        ("How long?", "c1/n1", "Soup", "/1/mapping/n1/message"),
        ("Twenty minutes.", "c1/n/3", "", "/1/mapping/n~13/message"),
    ]
    assert messages[1].time == 1760000001.0
    assert report.skipped["other branch"] == 1
    assert [m.text for m in read({"conversations": [soup]})[0]] == [m.text for m in read(soup)[0]]


@pytest.mark.parametrize("current", [None, "gone", 7])
def test_without_a_current_node_the_newest_leaf_counts(current: Any) -> None:
    nodes = [node("a", None, "user", "q", 1760000001.0), node("c", "a", "assistant", "new", 1760000009.0)]
    messages, _ = read([conversation(*nodes, node("b", "a", "assistant", "old", 1760000002.0), current_node=current)])
    assert [m.text for m in messages] == ["q", "new"]


def test_circles_and_dangling_parents_end() -> None:
    assert [m.text for m in read([conversation(node("a", "b", "user", "x"), node("b", "a", "user", "y"))])[0]] == [
        "x",
        "y",
    ]
    assert [m.text for m in read([conversation(node("a", "gone", "user", "x"))])[0]] == ["x"]


def test_hidden_and_wordless_messages_are_counted() -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://x"}
    voice = {"content_type": "audio_transcription", "text": "spoken"}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Plan", "content": "think"}]}
    messages, report = read(
        [
            conversation(
                node("a", None, "system", "secret"),
                node("b", "a", "user", "hidden", metadata={"is_visually_hidden_from_conversation": True}),
                node("c", "b", "user", {"content_type": "multimodal_text", "parts": [picture, voice, "typed"]}),
                node("d", "c", "assistant", thoughts),
                node("e", "d", "assistant", {"content_type": "code", "text": "1+1"}, recipient="python"),
                node("f", "e", "tool", {"content_type": "execution_output", "text": "2"}),
                node("g", "f", "assistant", {"content_type": "reasoning_recap", "content": "Thought for 8 s"}),
                node("h", "g", "assistant", "Two."),
            )
        ]
    )
    assert [(m.text, m.role, m.kind) for m in messages] == [
        ("spoken\ntyped", "user", "text"),
        ("Plan\nthink", "assistant", "thinking"),
        ("1+1", "assistant", "tool_call"),
        ("2", "tool", "tool_result"),
        ("Two.", "assistant", "text"),
    ]
    assert report.skipped == {"hidden": 2, "no text in reasoning_recap": 1}


def test_a_cut_export_gives_what_is_whole_and_says_so() -> None:
    data = json.dumps([conversation(node("a", None, "user", "x"))] * 2).encode()[:-30]
    messages = read_log(*open_log(Pipe(data), "conversations.json"), ReadReport())
    assert next(messages).text == "x"
    with pytest.raises(LogError, match="after 1 whole entries"):
        list(messages)
