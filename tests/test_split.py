"""Passages: nothing is lost, none is longer than the window, code stays whole, huge texts stay cheap."""

from __future__ import annotations

import time
from functools import cache

import pytest
from conftest import WordEncoder, said
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.text import split as splitting
from deltamem_cli.text.split import brief, passages, split, spoken

ANYTHING = st.characters(exclude_categories=[])
PIECES = st.sampled_from(
    ["word ", "Sentence. ", "\n\n", "\n", "```\n", "~~~py\n", "日本。", "a-b_c.d", "x" * 300, "\ud800", "\0", "🙂"]
)
TEXTS = st.lists(PIECES | st.text(ANYTHING, max_size=40), max_size=60).map("".join)
words = WordEncoder().offsets


@cache
def real() -> Encoder:
    return load_encoder(query_only=True)


@given(TEXTS, st.integers(1, 20))
@example("日本。word word ", 1)
@settings(deadline=None)
def test_nothing_but_white_space_is_lost(text: str, window: int) -> None:
    pieces = split(text, window, words)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() != "" for piece in pieces)
    assert all(len(words(piece)) <= window for piece in pieces)


@given(TEXTS, st.integers(1, 6))
@settings(deadline=None)
def test_tokens_of_one_place_do_not_stop_the_cut(text: str, window: int) -> None:
    """A byte-level tokenizer gives several tokens the place of one character."""
    pieces = split(text, window, lambda part: [(i, i + 1) for i in range(len(part)) for _ in range(3)])
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(TEXTS, st.integers(160, 254))
@settings(deadline=None, max_examples=60)
def test_no_piece_is_over_the_window_of_the_real_tokenizer(text: str, window: int) -> None:
    text *= 8
    pieces = split(text, window, real().offsets)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert max(real().count_tokens(pieces or [""])) <= window


@pytest.mark.parametrize(
    "text, expected",
    [
        ("one two three\n\nfour five six", ["one two three", "four five six"]),
        ("one two three\nfour five six", ["one two three", "four five six"]),
        ("One two three. Four five six.", ["One two three.", "Four five six."]),
        ("one two three four five six", ["one two three four", "five six"]),
        ("a. b c\n\nd e f g", ["a. b c", "d e f g"]),
    ],
    ids=["paragraph", "line", "sentence", "words", "the best of two"],
)
def test_the_best_place_is_chosen(text: str, expected: list[str]) -> None:
    assert split(text, 4, words) == expected


def test_a_block_of_code_that_fits_stays_whole() -> None:
    code = "```py\nx = 1\n\ny = 2\n\nz = 3\n```"
    found = split(f"Here is the code that you asked me for:\n\n{code}\n\nand that is all of it.", 14, words)
    assert code in found
    assert len(found) == 3


def test_a_block_of_code_that_does_not_fit_is_cut() -> None:
    code = "```\n" + "x = 1\n" * 30 + "```"
    found = split(code, 10, words)
    assert len(found) > 8
    assert "".join("".join(found).split()) == "".join(code.split())


def test_a_huge_text_costs_time_and_memory_by_its_length() -> None:
    asked: list[int] = []

    def offsets(text: str) -> list[tuple[int, int]]:
        asked.append(len(text))
        return [(i, i + 5) for i in range(0, len(text), 5)]

    started = time.monotonic()
    found = splitting._slabs("word " * 10_000_000)
    assert max(len(slab) for slab in found) <= splitting._SLAB
    assert time.monotonic() - started < 5  # quadratic: minutes
    assert len(split("word " * 20_000, 254, offsets)) == pytest.approx(20_000 / 254, rel=0.1)
    assert max(asked) <= splitting._SLAB


def test_a_slab_ends_between_words() -> None:
    assert all(slab.endswith(" ") for slab in list(splitting._slabs("twelve chars " * 9000))[:-1])


def test_a_persons_name_counts_into_the_window() -> None:
    message = said("word " * 100, speaker="Anna Maria")
    found = list(passages(message, 32, words))
    assert all(len(words(spoken(message, passage.text))) <= 32 for passage in found)
    assert spoken(message, "hi") == "Anna Maria: hi"
    assert spoken(said("hi", role="assistant", speaker="gpt"), "hi") == "hi"


def test_uids_tell_id_kind_part_and_text_apart() -> None:
    told = [
        said("word " * 50),
        said("word " * 50, id="other"),
        said("word " * 50, kind="thinking"),
        said("text " * 50),
    ]
    uids = [passage.uid for message in told for passage in passages(message, 32, words)]
    assert len({*uids}) == len(uids) == 8
    again = [passage.uid for passage in passages(said("word " * 50, session="copied", time=5.0), 32, words)]
    assert again == uids[:2]


def test_half_characters_in_text_and_name_are_taken() -> None:
    assert [p.text for p in passages(said("a \ud800", speaker="b\udfff", id="\ud800"), 32, words)] == ["a \ud800"]


@given(st.text(ANYTHING, max_size=3000))
def test_tools_output_is_bounded(text: str) -> None:
    assert len(brief(text * 20)) < 25 * 170


def test_tools_output_keeps_head_errors_and_tail() -> None:
    lines = [f"line {i}" for i in range(100)]
    lines[50] = "Error: no such table"
    shown = brief("\n".join(lines)).split("\n")
    assert shown == [*lines[:6], "[…]", lines[50], "[…]", *lines[-6:]]
    assert brief("\n".join(lines[:18])) == "\n".join(lines[:18])
    assert brief("x" * 1000) == "x" * 160 + "…"
    assert brief("") == ""


@pytest.mark.parametrize(
    "text", ["electroencephalographically-" * 90, "https://exämple.org/übermäßig/" * 60, "0x3fa9c1e77b" * 900]
)
def test_text_without_spaces_is_cut_between_words(text: str) -> None:
    """Half a word may be more tokens than it was in the whole."""
    for window in range(200, 255, 6):
        assert max(real().count_tokens(split(text, window, real().offsets))) <= window
