"""Memories of different encoders, brought under one: the same as if it had made them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, WordEncoder, turn, write_log
from numpy.typing import NDArray

from deltamem_cli.algebra.diff import save_patch
from deltamem_cli.algebra.merge import merge
from deltamem_cli.algebra.re_encode import encoder_for, merge_anew
from deltamem_cli.errors import ExitStatus, MemoryFileError, UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.learning import Learning


@dataclass
class OtherEncoder(WordEncoder):
    """Another model: other directions, another dimension, the same window."""

    name: str = "other"
    dimension: int = 41
    fingerprint: str = "other-1"

    @property
    def mean(self) -> NDArray[np.float32]:
        return np.full(self.dimension, -0.02, np.float32)


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(encoder, *names)` is the memory of those logs, made by that encoder."""
    talks = {
        name: [
            turn(f"{name}{' waits' * 7 * i} by bridge {i}", session_id=f"{name}{i % 2}", name=name, timestamp=1.7e9 + i)
            for i in range(9)
        ]
        for name in ("ada", "bo")
    }
    logs = {name: write_log(tmp_path / f"{name}.jsonl", talk) for name, talk in talks.items()}

    def run(encoder: WordEncoder, *names: str, text: bool = True, how: Learning | None = None) -> Path:
        path = tmp_path / f"{encoder.name}-{'-'.join(names)}-{text}.safetensors"
        draft = Draft(path, ingesting.new_header(encoder, text, how), encoder.mean)
        ingesting.ingest([str(logs[name]) for name in names], draft, encoder, DEFAULTS)
        return path

    return run


@pytest.mark.parametrize("how", [Learning(), Learning("delta"), Learning("rls", "7", 2)], ids=str)
def test_a_merge_anew_is_the_ingest_of_both_by_that_encoder(make: Make, tmp_path: Path, how: Learning) -> None:
    words, other = WordEncoder(), OtherEncoder()
    both = make(words, "ada", "bo", how=how)
    parts = [open_memory(make(words, "ada", how=how)), open_memory(make(other, "bo", how=how))]
    told = merge_anew(parts, tmp_path / "union", words)
    assert (tmp_path / "union").read_bytes() == both.read_bytes()
    assert told.encoded == parts[1].header.passages
    merge_anew(parts[::-1], tmp_path / "other", other)
    assert (tmp_path / "other").read_bytes() == make(other, "ada", "bo", how=how).read_bytes()


def test_passages_that_both_hold_count_once(make: Make, tmp_path: Path) -> None:
    words = WordEncoder()
    both = make(words, "ada", "bo")
    merge_anew([open_memory(both), open_memory(make(OtherEncoder(), "bo"))], tmp_path / "union", words)
    assert (tmp_path / "union").read_bytes() == both.read_bytes()


def test_one_memory_is_brought_to_a_new_encoder_and_nothing_is_left_beside_it(make: Make, tmp_path: Path) -> None:
    other = OtherEncoder()
    old, new = make(WordEncoder(), "ada"), make(other, "ada")
    there = {*tmp_path.iterdir()}
    merge_anew([open_memory(old)], tmp_path / "one", other)
    assert (tmp_path / "one").read_bytes() == new.read_bytes()
    assert {*tmp_path.iterdir()} == there | {tmp_path / "one"}


def test_a_patch_is_encoded_anew_too(make: Make, tmp_path: Path) -> None:
    words, other = WordEncoder(), OtherEncoder()
    save_patch(open_memory(make(other, "ada")), open_memory(make(other, "bo")), tmp_path / "patch")
    merge_anew([open_memory(make(words, "ada")), open_memory(tmp_path / "patch")], tmp_path / "bo", words)
    assert (tmp_path / "bo").read_bytes() == make(words, "bo").read_bytes()


def test_what_has_no_text_cannot_be_encoded(make: Make, tmp_path: Path) -> None:
    words = WordEncoder()
    bare = make(OtherEncoder(), "bo", text=False)
    with pytest.raises(
        MemoryFileError, match="15 of its 15 passages have no text to encode anew; ingest their logs again"
    ):
        merge_anew([open_memory(make(words, "ada")), open_memory(bare)], tmp_path / "union", words)
    partly = tmp_path / "partly"
    merge([open_memory(make(OtherEncoder(), "ada")), open_memory(bare)], partly)
    with pytest.raises(MemoryFileError, match="15 of its 30 passages"):
        merge_anew([open_memory(partly)], tmp_path / "union", words)
    assert not (tmp_path / "union").exists()


def test_what_learns_otherwise_is_refused_before_anything_is_encoded(make: Make, tmp_path: Path) -> None:
    other = OtherEncoder()
    slots, rls = open_memory(make(WordEncoder(), "bo", how=Learning("slots"))), open_memory(make(other, "ada"))
    with pytest.raises(MemoryFileError, match=r"words-bo-True.safetensors: learned by slots"):
        merge_anew([rls, slots], tmp_path / "union", other)


def test_an_encoder_that_a_file_names_is_not_loaded_unasked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str, **_: object) -> WordEncoder:
        loaded.append(name)
        return WordEncoder()

    monkeypatch.setattr("deltamem_cli.encoders.load_encoder", load)
    with pytest.raises(UsageError, match="made with the encoder other; say --model other"):
        encoder_for(open_memory(make(OtherEncoder(), "ada")), None)
    assert encoder_for(open_memory(make(OtherEncoder(), "ada")), "words").name == "words"
    assert loaded == ["default", "words"]


def test_the_command(make: Make, tmp_path: Path, invoke: Callable[..., Ran]) -> None:
    both, ada, bo = make(WordEncoder(), "ada", "bo"), make(WordEncoder(), "ada"), make(OtherEncoder(), "bo")
    refused = invoke("merge", ada, bo, "-o", tmp_path / "union")
    assert refused.code == ExitStatus.BAD_DATA
    assert "--re-encode" in refused.err
    done = invoke("merge", ada, bo, "-o", tmp_path / "union", "--re-encode")
    assert done.code == 0, done.err
    assert "15 encoded anew" in done.out
    assert (tmp_path / "union").read_bytes() == both.read_bytes()
    assert "--model" in invoke("merge", bo, ada, "-o", tmp_path / "union", "--re-encode", "--force").err
    assert invoke("merge", bo, ada, "-o", tmp_path / "again", "--re-encode", "--model", "words").code == 0
    assert (tmp_path / "again").read_bytes() == both.read_bytes()
    assert "give both, or neither" in invoke("merge", ada, ada, "-o", tmp_path / "x", "--model", "words").err
