"""JSONL whose lines are damaged: what is whole is kept, the rest is told once."""

from __future__ import annotations

import io
from typing import Any

import pytest

from deltamem_cli.readers.detect import open_log
from deltamem_cli.readers.parse.jsonl import records
from deltamem_cli.records import ReadReport


def taken(text: str) -> tuple[list[tuple[int, dict[str, Any]]], ReadReport]:
    report = ReadReport()
    return list(records(io.BytesIO(text.encode("utf-8", "surrogatepass")), report)), report


def test_records_on_one_line_are_all_kept() -> None:
    found, report = taken('{"a": 1}{"a": 2} {"a": 3}\n{"a": 4}\n')
    assert [(line, record["a"]) for line, record in found] == [(1, 1), (1, 2), (1, 3), (2, 4)]
    assert not report.broken


def test_a_torn_record_before_a_whole_one_is_told_once() -> None:
    found, report = taken(
        '{"type": "x", "in": {"b": [1, 2]}, "text": "He{"type": "x", "text": "Hello"}\n{"type": "y"}\n'
    )
    assert [record for _, record in found] == [{"type": "x", "text": "Hello"}, {"type": "y"}]
    assert [line for line, _ in report.broken] == [1]


def test_an_object_inside_a_torn_record_is_no_record() -> None:
    found, report = taken('{"type": "x", "in": {"type": "y"}, "list": [{"type": "z"}, {"typ\n{"type": "end"}\n')
    assert [record["type"] for _, record in found] == ["end"]
    assert len(report.broken) == 1


def test_raw_line_ends_in_a_string_are_part_of_it() -> None:
    found, report = taken('{"n": 1}\n{"n": 2, "text": "one\n\ntwo {\n}three"}\n{"n": 3}\n')
    assert [(line, record["n"]) for line, record in found] == [(1, 1), (2, 2), (6, 3)]
    assert found[1][1]["text"] == "one\n\ntwo {\n}three"
    assert not report.broken


def test_lines_of_json_inside_such_a_string_do_not_end_it() -> None:
    found, _ = taken('{"kind": 1}\n{"kind": 2, "text": "printed:\n{"x": 1}\ndone"}\n{"kind": 3}\n')
    assert [record["kind"] for _, record in found if "kind" in record][-1] == 3


def test_a_record_that_breaks_off_before_the_next_line_costs_itself_alone() -> None:
    found, report = taken('{"n": 1}\n{"n": 2, "text": "cut\n{"n": 3}\n{"n": 4}\n')
    assert [record["n"] for _, record in found] == [1, 3, 4]
    assert [line for line, _ in report.broken] == [2]


def test_a_last_line_that_is_being_written_is_pending() -> None:
    found, report = taken('{"n": 1}\n{"n": 2}{"n": 3, "te')
    assert [record["n"] for _, record in found] == [1, 2]
    assert report.pending and not report.broken


def test_a_log_of_one_glued_line_is_detected() -> None:
    record = '{"type":"user","sessionId":"s","parentUuid":null,"uuid":"%s","message":{"role":"user","content":"hi"}}'
    format, _ = open_log(io.BytesIO((record % "a" + record % "b" + "\n").encode()), "a.jsonl")
    assert format == "claude-code"


@pytest.mark.parametrize("line", ['{"a":' * 20_000, '{"' * 200_000, '{"a": "' + "{" * 100_000])
def test_hostile_lines_end_soon(line: str) -> None:
    found, report = taken(line + "\n" + '{"n": 1}\n')
    assert [record for _, record in found] == [{"n": 1}]
    assert len(report.broken) == 1
