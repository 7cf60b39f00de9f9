"""The second reading of the best candidates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import WordEncoder
from numpy.typing import NDArray

from deltamem_cli.encoders import load_encoder
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest_messages, new_header
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.rerank import Rereader, rerank
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.recall.weights import CANDIDATES, SECOND
from deltamem_cli.records import Message, Role, Source

Make = Callable[..., StoredMemory]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def memory_of(*texts: str, keep: bool = True, name: str = "talk", apart: bool = False) -> StoredMemory:
        encoder = WordEncoder()
        draft = Draft(tmp_path / f"{name}.safetensors", new_header(encoder, text=keep), encoder.mean)
        messages = [Message(text, "user", i + 1, session=f"s{i * apart}", id=str(i)) for i, text in enumerate(texts)]
        ingest_messages(messages, Source("log", "messages"), draft, encoder)
        return open_memory(draft.path)

    return memory_of


def scored(memory: StoredMemory, question: str, rows: list[int]) -> list[float]:
    return [float(score) for score in again(memory, question, np.array(rows), np.zeros(len(rows), np.float32))]


def again(
    memory: StoredMemory, question: str, rows: NDArray[np.int64], first: NDArray[np.float32]
) -> NDArray[np.float32]:
    return rerank(first, Rereader(memory, WordEncoder()).parts(question, rows, {}))


def test_what_is_looked_at_is_what_has_a_weight(make: Make) -> None:
    found = Rereader(make("red", "blue", "green"), WordEncoder()).parts("red", np.array([2, 0]), {})
    assert found.keys() == SECOND.keys()
    assert {len(part) for part in found.values()} == {2}


def test_what_one_question_has_read_serves_the_next(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    rereader = Rereader(make("red", "blue", "green"), WordEncoder())
    rows, read = np.arange(3), list[list[str]]()
    old = WordEncoder.token_vectors

    def recording(self: WordEncoder, texts: list[str]) -> list[NDArray[np.float32]]:
        read.append(texts)
        return old(self, texts)

    before = rereader.parts("red", rows, {})
    rereader.parts("blue", rows, {})
    monkeypatch.setattr(WordEncoder, "token_vectors", recording)
    rereader.parts("red", rows, {})
    assert read == [["red"]]
    assert before["maxsim"].argmax() == 0


def test_where_an_assistant_answers_no_token_is_read(make: Make) -> None:
    talk: list[tuple[str, Role]] = [("the door stands open", "user"), ("is it open?", "assistant"), ("it is", "user")]
    memory = make()
    draft = Draft(memory.name, memory.header, memory.mean)
    messages = [Message(text, role, i, session="s", id=str(i)) for i, (text, role) in enumerate(talk, 1)]
    ingest_messages(messages, Source("log", "messages"), draft, WordEncoder())
    found = Rereader(open_memory(memory.name), WordEncoder()).parts("red door", np.arange(3), {})
    assert not any(part.any() for part in found.values())


def test_a_passage_is_read_with_the_end_of_the_one_before(make: Make) -> None:
    memory = make("where did the kettle go", "it fell in the river", "lamps", "it fell in the pond")
    follows, other = scored(memory, "kettle", [1, 3])
    assert follows > other


def test_a_question_is_no_answer_but_what_follows_it_may_be(make: Make) -> None:
    memory = make("the red door stands open", "is the red door open?", "the red door stands open")
    alone, asks, after = scored(memory, "red door", [0, 1, 2])
    assert after > alone > asks


def test_a_question_of_time_wants_a_time(make: Make) -> None:
    memory = make("we moved the boat yesterday", "we moved the boat ourselves")
    dated, plain = (scored(memory, asked, [0, 1]) for asked in ("when was the boat moved", "how was the boat moved"))
    assert dated[0] - dated[1] > plain[0] - plain[1]


def test_the_words_meet_one_by_one(make: Make) -> None:
    memory = make("kettle lamp river stone", "kettle and much else besides", "nothing of it", apart=True)
    both, one, none = scored(memory, "kettle river", [0, 1, 2])
    assert both > one > none


def test_of_what_lost_its_text_only_the_rest_is_read(make: Make) -> None:
    memory = make("kettle lamp river stone", "kettle and much else besides", "nothing of it", apart=True)
    whole = scored(memory, "kettle river", [0, 1, 2])
    memory.__dict__["text"] = ["kettle lamp river stone", "", "nothing of it"]
    both, lost, none = scored(memory, "kettle river", [0, 1, 2])
    assert both > lost == 0 > none
    assert whole[0] > whole[1] > whole[2]
    memory.__dict__["text"] = ["", "", "nothing of it"]
    assert scored(memory, "kettle river", [0, 1, 2]) == [0, 0, 0]


def test_who_was_not_read_passes_nobody_who_was(make: Make) -> None:
    memory = make(*(f"word{i} here" for i in range(CANDIDATES + 5)))
    first = np.linspace(1, 0, CANDIDATES + 5, dtype=np.float32)
    new = again(memory, "word3 here", np.arange(CANDIDATES + 5), first)
    assert new[CANDIDATES:].max() <= new[:CANDIDATES].min()


def test_without_text_or_tokens_the_order_stays(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first = np.array([2.0, 1.0], np.float32)
    bare = make("a b", "b c", keep=False, name="bare")
    assert np.array_equal(again(bare, "b c", np.arange(2), first), first)
    monkeypatch.setattr(WordEncoder, "token_vectors", lambda self, texts: [])
    assert np.array_equal(again(make("a b", "b c"), "b c", np.arange(2), first), first)


def test_what_ask_ranks_by(make: Make) -> None:
    memory = make("the kettle is by the river", "lamps", "stones", "is the old kettle near rivers?")
    searcher = Searcher(memory, WordEncoder())
    scores = searcher.scores("where is the kettle by the river")
    hits = searcher.ask("where is the kettle by the river", k=4).hits
    assert [hit.score for hit in hits] == sorted(scores.tolist(), reverse=True)
    assert scores.argmax() == 0


def test_numpy_and_torch_have_the_same_states_however_texts_are_packed() -> None:
    texts = ["The red door.", "x", "a much longer text about lamps, kettles and rivers " * 9]
    packed = load_encoder(query_only=True).token_vectors(texts)
    in_torch = load_encoder().token_vectors(texts)
    encoder = load_encoder(query_only=True)
    assert [len(states) for states in packed] == encoder.count_tokens(texts)
    for text, one, other in zip(texts, packed, in_torch, strict=True):
        assert np.abs(one - encoder.token_vectors([text])[0]).max() < 1e-5
        assert np.abs(one - other).max() < 1e-4
