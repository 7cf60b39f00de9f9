"""Answers to hand on: prompts within a budget, Markdown, CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, WordEncoder, said

from deltamem_cli.cli.output import excerpts as render_excerpts
from deltamem_cli.cli.output.answer_formats import ANSWER_FORMATS, AnswerFormat
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Answer, Hit


@pytest.fixture
def answer(remember: Callable[..., StoredMemory], encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Ten passages about boats, the newest written first."""
    monkeypatch.setattr("deltamem_cli.recall.searcher.UNFAMILIAR", 0.0)
    messages = [said(f"boat {i} sails at {i} bells", i + 1, time=1.7e9 - 60 * i, speaker="ann") for i in range(10)]
    return Searcher(remember(messages), encoder).ask("boat sails", k=10, context=1)


@pytest.mark.parametrize("most", [50, 90, 1000])
def test_a_prompt_keeps_to_its_budget_and_to_the_order_of_time(answer: Answer, encoder: WordEncoder, most: int) -> None:
    told = "\n".join(render_excerpts.prompt(answer, most, encoder.count_tokens))
    assert encoder.count_tokens([told])[0] <= most
    boats = [int(n) for n in re.findall(r"boat (\d)", told)]
    assert boats == sorted(boats, reverse=True)
    assert len(boats) == len(set(boats)) > 1
    assert [int(n) for n in re.findall(r"^\[(\d+)\]", told, re.MULTILINE)] == list(range(1, len(boats) + 1))
    assert (len(boats) == 10) == (most == 1000)
    assert all(f"/logs/log.jsonl:{boat + 1}" in told for boat in boats)


def test_markdown_quotes_the_neighbours_in_order(answer: Answer) -> None:
    told = list(render_excerpts.markdown(answer))
    assert told[0] == "## boat sails"
    first = answer.hits[0]
    assert [line for line in told if line.startswith("> ")][: len(first.before) + 1][-1] == f"> {first.text}"


def test_csv_can_be_read_back_and_runs_no_formula() -> None:
    hit = Hit(
        1.5, "00", '=HYPERLINK("x"),\n"two"\x1b[31m', "s", "@title", "", "user", "text", "-3", None, "a,b.jsonl", 7, ""
    )
    first, row = csv.reader("\n".join(render_excerpts.table(Answer("q", 0.5, (hit,)), heading=True)).splitlines(True))
    told = dict(zip(first, row, strict=True))
    assert told["text"] == '\'=HYPERLINK("x"),\n"two"␛[31m'
    assert (told["title"], told["speaker"], told["source"], told["time"]) == ("'@title", "-3", "a,b.jsonl", "")


def test_the_command_prints_each_format(
    invoke: Callable[..., Ran], remember: Callable[..., StoredMemory], tmp_path: Path
) -> None:
    remember([said("boat", 1)], tmp_path / "m.safetensors")
    assert invoke("query", tmp_path / "m.safetensors", "boat", "--format", "xml").code == 2
    assert invoke("query", tmp_path / "m.safetensors", "boat", "--where", "--format", "csv").code == 2
    assert invoke("query", tmp_path / "m.safetensors", "boat", "--json", "--format", "md").code == 2


def test_a_format_of_answers_is_one_row(
    invoke: Callable[..., Ran],
    remember: Callable[..., StoredMemory],
    encoder: WordEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deltamem_cli.encoders.load_encoder", lambda *_, **__: encoder)
    shout = AnswerFormat(lambda answer, page: iter([f"{len(answer.hits)} {page.first} {page.many}"]), passages=2)
    monkeypatch.setitem(ANSWER_FORMATS, "shout", shout)
    remember([said("boat", 1), said("boat, red", 2), said("boat, blue", 3)], tmp_path / "m.safetensors")
    ran = invoke("query", tmp_path / "m.safetensors", "boat", "--format", "shout")
    assert (ran.code, ran.out) == (0, "2 True False\n")
