"""Words as hashes: the same for all forms of a word, the same in every memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.text import terms


def of(text: str) -> set[int]:
    return set(terms.count(text))


@pytest.mark.parametrize(
    "word, hashes",
    [
        ("ports", [8268348573333033759]),
        ("8080", [7983417185665987624]),
        ("Größe", [16832822397561338100]),
        ("parseConfig", [1867751480269284804, 4086910370041335029, 8604435941486735450]),
    ],
)
def test_hashes_never_change(word: str, hashes: list[int]) -> None:
    """They are stored in memory files: a change of any of these makes every old memory deaf to its words."""
    assert sorted(of(word)) == hashes


@pytest.mark.parametrize(
    "one, other",
    [
        ("running", "run"),
        ("Ports", "PORT"),
        ("Anna's", "anna"),
        ("Anna’s", "Anna's"),
        ("naïve", "NAÏVE"),
        ("caches", "cache"),
    ],
)
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    assert of(one) == of(other) != set()


@pytest.mark.parametrize("name", ["parseConfig", "parse_config", "ParseConfig"])
def test_an_identifier_is_found_whole_and_by_its_words(name: str) -> None:
    assert of(name) > of("parse") | of("config")
    assert len(of(name)) == 3


def test_characters_of_scripts_without_spaces_are_words() -> None:
    assert of("日本語") == of("日") | of("本") | of("語")
    assert len(of("日本語")) == 3


@pytest.mark.parametrize("text", ["", " \n", "the of and", "...!?", "\ud800\udfff", "\0"])
def test_what_has_no_words_has_no_terms(text: str) -> None:
    assert terms.count(text) == {}


def test_an_endless_word_counts_by_its_beginning() -> None:
    assert of("a1" * 5000) == of("a1" * 6000)


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=200))
def test_terms_and_their_places_agree(text: str) -> None:
    found = list(terms.spans(text))
    assert terms.count(text) == {term: sum(t == term for _, _, t in found) for _, _, term in found}
    assert all(0 <= start < end <= len(text) for start, end, _ in found)
    assert [start for start, _, _ in found] == sorted(start for start, _, _ in found)
    assert all(0 <= term < 2**64 for _, _, term in found)
