"""The bundled logs parse, and every question's evidence is where samples/questions.jsonl says it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from oracle_reading import read_file, resolve

SAMPLES = Path(__file__).parent.parent / "samples"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if question["source"]]
JSON_LINES = sorted(SAMPLES.rglob("*.jsonl"))
STREAMED = ("wire.jsonl", "updates.jsonl", "chat-session.jsonl")  # a message goes on in the lines after its first
LIMIT = 260_000  # bytes: small enough to read in a browser, large enough that retrieval is a task


def evidence(question: dict[str, Any]) -> str:
    """The text that a question's source, line and pointer lead to; without a line the file is one document."""
    text = (SAMPLES / question["source"]).read_text("utf-8")
    if "line" in question:
        text = text.split("\n")[question["line"] - 1]
    return str(resolve(json.loads(text), question["pointer"])) if "pointer" in question else text


@pytest.mark.parametrize("path", JSON_LINES, ids=lambda path: path.name)
def test_each_line_is_one_json_object(path: Path) -> None:
    data = path.read_bytes()
    assert data.endswith(b"\n")
    assert all(isinstance(json.loads(line), dict) for line in data.split(b"\n")[:-1])


@pytest.mark.parametrize("path", JSON_LINES, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_a_message_stands_on_its_line(path: Path) -> None:
    """The line that a message names holds its words; one that comes in pieces begins there."""
    if path.name == "questions.jsonl":
        return
    lines = path.read_bytes().split(b"\n")
    _, messages, _ = read_file(path)
    assert messages
    for message in messages:
        words = [word for word in message.text.split() if word.isascii() and word.isalnum()]
        last = None if path.name in STREAMED else message.line
        source = b"\n".join(lines[message.line - 1 : last]).decode("utf-8", "replace")
        assert all(word in source for word in words[:20])
        assert message.id and message.session


@pytest.mark.parametrize("name", ["chatgpt/conversations.json", "openai/messages.json"])
def test_each_document_is_json(name: str) -> None:
    assert json.loads((SAMPLES / name).read_bytes())


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["question"])
def test_the_evidence_is_there(question: dict[str, Any]) -> None:
    assert question["answer"] in evidence(question)


def test_questions_are_worded_differently_from_their_evidence() -> None:
    quoted = [q["question"] for q in ANSWERABLE if q["question"].rstrip("?").lower() in evidence(q).lower()]
    assert not quoted


def test_there_are_enough_questions_of_both_kinds() -> None:
    assert len(ANSWERABLE) >= 30
    assert len(QUESTIONS) - len(ANSWERABLE) >= 8
    assert len({question["question"] for question in QUESTIONS}) == len(QUESTIONS)


def test_each_log_has_a_question() -> None:
    """In the folders that are asked about; the other samples have expected messages in the tests of their readers."""
    asked = {question["source"] for question in ANSWERABLE}
    folders = {source.split("/")[0] for source in asked}
    logs = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    lists = {"slack/users.json", "slack/channels.json"}
    assert asked == {log for log in logs - lists if log.split("/")[0] in folders}


def test_the_abandoned_branch_differs_from_the_kept_one() -> None:
    """ChatGPT's tree holds a regenerated answer with a wrong oven temperature; only the other one is on the path."""
    conversation = json.loads((SAMPLES / "chatgpt/conversations.json").read_bytes())[0]
    nodes, node, kept = conversation["mapping"], conversation["current_node"], ""
    while node:
        kept += json.dumps(nodes[node]["message"], ensure_ascii=False)
        node = nodes[node]["parent"]
    assert "250 °C" in kept
    assert "160 °C" not in kept
    assert "160 °C" in json.dumps(nodes, ensure_ascii=False)


def test_the_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < LIMIT
