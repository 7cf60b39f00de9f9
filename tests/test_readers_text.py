"""OpenAI-style messages, and text with speaker labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oracle_reading import Pipe, read_bytes

from deltamem_cli.errors import LogError
from deltamem_cli.readers.detect import open_log

TALK = [{"role": "user", "content": "Soup?"}, {"role": "assistant", "content": "Lentils."}]
CALL = {"id": "c", "function": {"name": "find", "arguments": '{"what": "salt"}'}}


def test_openai_turns() -> None:
    turns = [
        {"role": "developer", "content": "Be kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {}}],
            "name": "Ana",
        },
        {"role": "assistant", "content": None, "tool_calls": [CALL], "model": "gpt-x"},
        {"role": "tool", "tool_call_id": "c", "content": "shelf 3"},
        {"role": "narrator", "content": "…"},
    ]
    format, messages, report = read_bytes(json.dumps({"messages": turns, "title": "Salt", "id": "9"}).encode())
    assert format == "openai"
    assert [(m.text, m.role, m.kind, m.speaker, m.pointer) for m in messages] == [
        ("Be kind.", "system", "text", "", "/messages/0"),
        ("Look", "user", "text", "Ana", "/messages/1"),
        ("find\nwhat: salt", "assistant", "tool_call", "gpt-x", "/messages/2/tool_calls/0"),
        ("shelf 3", "tool", "tool_result", "", "/messages/3"),
    ]
    assert report.skipped == {"role narrator": 1}
    assert [m.title for m in messages] == ["Salt", "", "", ""]


def test_a_conversation_a_line_is_a_session_a_line() -> None:
    other = [{"role": "user", "content": "Bread?"}]
    _, messages, _ = read_bytes("\n".join(json.dumps({"messages": turns}) for turns in (TALK, other, TALK)).encode())
    assert [m.line for m in messages] == [1, 1, 2, 3, 3]
    assert len({m.session for m in messages}) == 2
    assert [m.id for m in messages[:2]] == [m.id for m in messages[3:]]
    array = read_bytes(json.dumps([{"messages": TALK}, {"messages": other}]).encode())[1]
    assert [(m.id, m.pointer) for m in array[:1]] == [(messages[0].id, "/0/messages/0")]


def test_turns_a_line_name_their_sessions() -> None:
    turns = [{**TALK[0], "session_id": "x", "timestamp": 1760000001}, {**TALK[1], "session_id": "y"}]
    _, messages, _ = read_bytes("\n".join(map(json.dumps, turns)).encode())
    assert [(m.session, m.time) for m in messages] == [("x", 1760000001.0), ("y", None)]


STYLES = {
    "plain": "User: Soup?\nwith salt\n\nAssistant: Lentils.\nUser: Thanks\n",
    "names": "Alice: Soup?\nwith salt\n\nBob: Lentils.\nAlice: Thanks\nBob: Fine\n",
    "bold": "# Soup\n\n**Alice:** Soup?\nwith salt\n\n**Bob:** Lentils.\n\n**Alice:** Thanks\n\n**Bob:** Fine\n",
    "bold outside": "**Alice**: Soup?\nwith salt\n**Bob**: Lentils.\n**Alice**: Thanks\n**Bob**: Fine\n",
    "stamped": "[2026-01-02 10:02] Alice: Soup?\nwith salt\n[2026-01-02 10:03] Bob: Lentils.\n"
    "[10:04] Alice: Thanks\n[10:05] Bob: Fine",
    "timed": "Alice (10:02): Soup?\nwith salt\nBob (10:03): Lentils.\nAlice (10:04): Thanks\nBob (10:05): Fine",
    "heading": "---\ntitle: x\n---\n## 🧑 User\n\nSoup?\nwith salt\n\n## Assistant\n\nLentils.\n\n## User\n\nThanks\n",
    "said": "You said:\nSoup?\nwith salt\nChatGPT said:\nLentils.\nYou said:\nThanks\n",
    "copied": "Alice  10:02 AM\nSoup?\nwith salt\n\nBob  [10:03]\nLentils.\nAlice\t10:04\nThanks\nBob  10:05\nFine\n",
    "otter": "Ann Lee  0:05\nSoup?\nwith salt\n\nBob  0:11\nLentils.\n\nAnn Lee  1:00:02\nThanks\nBob  1:00:09\nFine",
    "zoom": "10:02:13\t From Alice to Everyone : Soup?\nwith salt\n10:02:20\t From Bob to Alice (Direct Message):\n"
    "Lentils.\n10:03:00\t From Alice to Everyone:\tThanks\n10:03:09\t From Bob to Everyone : Fine",
    "human": "\n\nHuman: Soup?\nwith salt\n\nAssistant: Lentils.\n\nHuman: Thanks",
}


@pytest.mark.parametrize("style", STYLES)
def test_every_style_of_label(style: str) -> None:
    format, messages, _ = read_bytes(STYLES[style].encode())
    assert format == "text"
    assert [m.text for m in messages][:3] == ["Soup?\nwith salt", "Lentils.", "Thanks"]
    lines = STYLES[style].split("\n")
    assert all(m.text.split("\n")[0] in lines[m.line - 1] for m in messages)
    assert len({m.session for m in messages}) == 1


def test_speakers_times_and_titles_are_the_logs_own() -> None:
    _, stamped, _ = read_bytes(STYLES["stamped"].encode())
    assert [(m.speaker, m.time) for m in stamped[:3]] == [
        ("Alice", 1767348120.0),
        ("Bob", 1767348180.0),
        ("Alice", None),
    ]
    assert read_bytes(STYLES["bold"].encode())[1][0].title == "Soup"
    assert [(m.role, m.speaker) for m in read_bytes(STYLES["said"].encode())[1][:2]] == [
        ("user", ""),
        ("assistant", "ChatGPT"),
    ]


def test_labels_in_code_and_of_another_style_belong_to_the_answer() -> None:
    text = "## User\nhow?\n## Assistant\n```\n## User\nfake\n```\nUser: is no label here\n## User\nok\n"
    _, messages, _ = read_bytes(text.encode())
    assert [m.text for m in messages] == ["how?", "```\n## User\nfake\n```\nUser: is no label here", "ok"]


@pytest.mark.parametrize(
    "text",
    [
        "# Project\n\nInstall: pip\nUsage: run it\nInstall: pip\nUsage: again\n",
        "def f():\n    try:\n        pass\n    finally:\n        pass\n",
        "INFO: started\nERROR: broke\nINFO: again\nERROR: broke\n",
        "2026-01-02 10:02:03,1 INFO Alice: hi\n2026-01-02 10:02:04 INFO Bob: hi\n",
        "Name: Ann\nAge: 3\n\nName: Bob\nAge: 4\n",
        "name,age\nAnn,3\nBob,4\n",
        "public:\n  int a;\nprivate:\n  int b;\npublic:\n  int c;\nprivate:\n  int d;\n",
        "From: a@b.c\nTo: d@e.f\nSubject: hi\n\nUser: quoted\nAssistant: quoted\nUser: x\n",
        "\n".join(["words"] * 20) + "\nUser: quoted\nAssistant: quoted\n",
        "http://a.b\nhttps://c.d\nhttp://a.b\nhttps://c.d\n",
    ],
)
def test_texts_that_are_no_dialogue_are_refused(text: str) -> None:
    with pytest.raises(LogError, match="--format"):
        open_log(Pipe(text.encode()), "a.txt")


def test_the_readers_own_source_is_no_dialogue() -> None:
    for path in Path(__file__).parents[1].glob("deltamem_cli/**/*.py"):
        with pytest.raises(LogError):
            open_log(Pipe(path.read_bytes()), path.name)
