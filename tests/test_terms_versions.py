"""Memories whose texts became terms in an older way: asked and extended so, merged from their texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import WordEncoder, said

from deltamem_cli.algebra.diff import diff
from deltamem_cli.algebra.merge import merge
from deltamem_cli.errors import MemoryFileError
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.header import Header
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Source
from deltamem_cli.text import terms

Make = Callable[..., Path]
TALKS = {"ada": "Die Waschmaschinen laufen wieder", "bo": "Der Zahnarzt hat den Termin verschoben"}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(version, names)` is a memory of those talks with terms of that version, extended talk by talk."""

    def made(version: int, *names: str, text: bool = True) -> Path:
        path, encoder = tmp_path / f"{version}{'-'.join(names)}{text}", WordEncoder()
        for name in names:
            header = replace(new_header(encoder, text), terms=version)
            draft = Draft(path, header, encoder.mean)
            ingest_messages([said(TALKS[name], session=name)], Source(name, "turns"), draft, encoder)
        return path

    return made


@pytest.mark.parametrize("version", terms.VERSIONS)
def test_a_memory_is_extended_and_asked_with_the_terms_it_has(make: Make, version: int) -> None:
    memory = open_memory(make(version, "ada", "bo"))
    assert memory.header.terms == version
    assert set(memory.vocabulary.tolist()) == {t for text in TALKS.values() for t in terms.count(text, version)}
    [first, *_] = Searcher(memory, WordEncoder()).ask("Zahnarzt Termin").hits
    assert first.text == TALKS["bo"]


def test_memories_of_two_versions_merge_to_what_the_newer_makes_of_their_texts(make: Make, tmp_path: Path) -> None:
    old, new = open_memory(make(1, "ada")), open_memory(make(2, "bo"))
    for parts, to in (((old, new), "one"), ((new, old), "other")):
        merge(parts, tmp_path / to)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert (tmp_path / "one").read_bytes() == make(2, "ada", "bo").read_bytes()


def test_an_old_memory_without_text_does_not_merge_with_a_new_one(make: Make, tmp_path: Path) -> None:
    old, new = open_memory(make(1, "ada", text=False)), open_memory(make(2, "bo"))
    with pytest.raises(MemoryFileError, match="1 of its 1 passages have no text"):
        merge([old, new], tmp_path / "union")
    with pytest.raises(MemoryFileError, match="older version"):
        diff(old, new)


def test_a_header_without_a_version_of_terms_is_of_the_first() -> None:
    told = new_header(WordEncoder(), True).as_dict()
    assert Header.parse(told, "m").terms == terms.VERSION
    del told["terms"]
    assert Header.parse(told, "m").terms == 1
    with pytest.raises(MemoryFileError, match="later deltamem"):
        Header.parse(told | {"terms": 99}, "m")
