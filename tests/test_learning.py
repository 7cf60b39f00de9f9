"""Memories of every rule: what is learned, what a half-life does to it, how it is cut, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ran, WordEncoder, said, turn, write_log
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deltamem_cli.algebra.compare import novelty, pair_up
from deltamem_cli.algebra.diff import diff, save_patch
from deltamem_cli.algebra.merge import merge
from deltamem_cli.build import learn_matrix
from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.memory import keys, ledger, matrix
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.header import Header
from deltamem_cli.memory.learning import Learning, weights
from deltamem_cli.memory.ledger import NO_TIME
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.first_stage import Ranker
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Message, Source
from deltamem_cli.rules import RULES, delta, rls, rule_named, slots

pytestmark = pytest.mark.usefixtures("poisoned")
Make = Callable[..., StoredMemory]
TOPICS = {
    "birds": "a wren sleeps under the bridge and robins sing at dawn",
    "money": "the invoice of the plumber is due on monday",
    "bread": "dough rises overnight in a cold kitchen with rye flour",
    "trains": "the night train to vienna leaves from platform nine",
}


def talk(each: int = 5, days: int = 30) -> list[Message]:
    """A session a topic, `days` apart."""
    return [
        said(f"{text} {topic}{i}", line=i + 1, session=topic, id=f"{topic}{i}", time=1e9 + n * days * 86_400 + i)
        for n, (topic, text) in enumerate(TOPICS.items())
        for i in range(each)
    ]


@pytest.fixture
def make(tmp_path: Path, encoder: WordEncoder) -> Make:
    """`make(messages, Learning(…))` is a memory that learned so; `path` lets one grow."""

    def run(messages: list[Message], learning: Learning | None = None, path: str = "m") -> StoredMemory:
        to = tmp_path / f"{path}.safetensors"
        draft = Draft(to, ingesting.new_header(encoder, text=True, learning=learning), encoder.mean)
        ingesting.ingest_messages(messages, Source("/logs/log.jsonl", "openai"), draft, encoder)
        return open_memory(to)

    return run


def keys_of(memory: StoredMemory) -> NDArray[np.float32]:
    rows = memory.rows
    return matrix.row_keys(rows, memory.vocabulary, memory.header.dimension, 0, len(rows))


def values_of(memory: StoredMemory) -> torch.Tensor:
    segments = memory.matrix.segments
    return torch.eye(len(segments) - 1).repeat_interleave(torch.from_numpy(np.diff(segments)), 0).double()


def stored(rows: NDArray[Any], scale: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(rows * scale[:, None].astype(np.float64))


# Every rule


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_finds_what_was_said(rule: str, make: Make, encoder: WordEncoder) -> None:
    memory = make(talk(), Learning(rule))
    searcher = Searcher(memory, encoder)
    for topic, text in TOPICS.items():
        question = " ".join(text.split()[:6])
        assert searcher.ask(question).hits[0].session == topic
        found = searcher.where(question)
        assert found.segments[0].session == topic
        assert found.familiarity > searcher.where("violin sonata rehearsal tonight").familiarity
        read = Ranker(memory).scores(question, encoder.encode_query(question)).segments
        first = memory.matrix.segments[int(read.argmax())]
        assert topic in memory.sessions[memory.rows.session[first]].id


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_tells_news_from_what_is_known(rule: str, make: Make) -> None:
    known = make(talk(), Learning(rule), "a")
    said_again = [said(TOPICS["birds"] + " again", line=80, id="old")]
    other = make([*talk(), *said_again, said("quartz crystals hum softly", line=90, id="new")], Learning(rule), "b")
    pairs = pair_up(known, other)
    texts = [(other.text or [])[int(row)] for row in pairs.only_b]
    new = dict(zip(texts, novelty(known, other, pairs.only_b).tolist(), strict=True))
    assert new["quartz crystals hum softly"] > new[TOPICS["birds"] + " again"] + 0.2
    told = diff(known, other, numbers=True)
    assert (told.added, told.removed) == (2, 0)
    assert (told.angles is None) == (rule == "slots")


@pytest.mark.parametrize("rule", RULES)
def test_a_memory_that_grows_keeps_its_old_states(rule: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "STATE_WRITES", 10)
    learned: list[int] = []
    learn = learn_matrix.learn

    def counting(rule: Any, writes: Any, *rest: Any, **how: Any) -> Any:
        learned.append(len(writes[0]))
        return learn(rule, writes, *rest, **how)

    monkeypatch.setattr(learn_matrix, "learn", counting)
    how = Learning(rule, "3d" if rule == "rls" else "")
    make(talk()[:10], how)
    learned.clear()
    grown = make(talk(), how)
    assert learned == [10]
    fresh = learn_matrix.build(grown.rows, grown.vocabulary, grown.header.dimension, learning=how)
    for field in fields(fresh):
        assert np.array_equal(getattr(fresh, field.name), getattr(grown.matrix, field.name)), field.name


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_memory_of_any_rule_is_read(rule: str, make: Make) -> None:
    memory = make(talk(1)[:1], Learning(rule))
    assert memory.matrix.states.tolist() == [0, 1]
    nothing = learn_matrix.build(
        memory.rows.take(np.zeros(0, np.int64)), memory.vocabulary, 30, learning=Learning(rule)
    )
    query = np.zeros(30 + keys.WORDS, np.float32)
    assert matrix.read_segments(nothing, rule_named(rule), query).shape == (0,)
    assert matrix.explained(nothing, rule_named(rule), query[None]).tolist() == [0.0]


# What each state holds


def test_a_delta_state_is_the_stream_of_its_passages_in_time_order(make: Make) -> None:
    memory = make([*talk()[10:], *talk()[:10]], Learning("delta"))
    K, V = torch.from_numpy(keys_of(memory)).double(), values_of(memory)
    gates = delta.gates("no_lambda", torch.full((len(K), 1), delta.BETA, dtype=torch.float64))
    S = delta.write_reference(delta.empty(V.shape[1], K.shape[1], dtype=torch.float64), K, V, gates).state.numpy()
    learned = memory.matrix
    assert memory.rows.time.tolist() == sorted(memory.rows.time.tolist())
    assert np.abs(stored(learned.S, learned.S_scale) - S).max() <= np.abs(S).max() / 200
    assert (len(learned.F), len(learned.norms)) == (0, 0)
    q = K[7].numpy()
    expected = S @ q / np.linalg.norm(S, axis=1) / np.linalg.norm(q)
    assert matrix.read_segments(learned, delta.rule, q.astype(np.float32)) == pytest.approx(expected, abs=0.01)


def test_a_slots_state_reads_as_its_slots_do(make: Make) -> None:
    memory = make(talk(4), Learning("slots"))
    K, V = torch.from_numpy(keys_of(memory)).double(), values_of(memory)
    d = K.shape[1]
    begun = slots.empty(slots.SLOTS, d, V.shape[1], sharpness=slots.SHARPNESS, dtype=torch.float64)
    written = slots.write_reference(begun, K, V, torch.full((len(K),), slots.STRENGTH, dtype=torch.float64))
    q = K[12][None]
    usual = written.M[:, d:].mean(0)  # what a question that every slot takes part in alike would read
    expected = (slots.read(written, q)[0, d:] - usual).numpy()
    expected /= (written.M[:, d:] - usual).norm(dim=0).numpy()
    found = matrix.read_segments(memory.matrix, slots.rule, q[0].numpy().astype(np.float32))
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert found.argmax() == expected.argmax() == 12 // 4
    assert memory.matrix.S.shape == (4, slots.SLOTS)


def test_a_state_that_fades_is_the_weighted_solution(make: Make) -> None:
    memory = make(talk(), Learning("rls", "4"))
    K, V = torch.from_numpy(keys_of(memory)).double(), values_of(memory)
    left = torch.exp2(-torch.arange(len(K) - 1, -1, -1, dtype=torch.float64) / 4)
    learned = memory.matrix
    S = rls.solve(K, V, float(learned.alpha[0]), left).S.numpy()
    assert np.abs(stored(learned.S, learned.S_scale) - S).max() <= np.abs(S).max() / 100
    lasting = make(talk(), path="lasting").matrix
    assert np.linalg.norm(learned.S_scale[0]) < np.linalg.norm(lasting.S_scale[0])  # the oldest has faded
    assert learned.rank[0] < lasting.rank[0]


def test_the_ridge_grows_once_the_writes_exceed_the_dimensions() -> None:
    """Not before; and what has faded counts as much as is left of it."""
    dice = np.random.RandomState(0)
    keys_ = dice.standard_normal((60, 20)).astype(np.float32)
    keys_ /= np.linalg.norm(keys_, axis=1, keepdims=True)

    def ridge(n: int, left: float) -> tuple[float, float]:
        K, weight = keys_[:n], np.full(n, left, np.float32)
        firsts = np.arange(0, n + 1, 5, dtype=np.int64)
        root = torch.from_numpy(K * np.sqrt(left, dtype=np.float32))
        V = torch.from_numpy(np.eye(n // 5, dtype=np.float32).repeat(5, axis=0) * np.sqrt(left, dtype=np.float32))
        learned = learn_matrix.learn(rls.rule, (K, K, weight), firsts, rank_cap=20)
        return learned.numbers[0], rls.choose_alpha(rls.spectrum(root), root, V)

    for n, left, times in ((20, 1.0, 1), (60, 1.0, 3), (60, 0.25, 1), (60, 0.5, 1.5)):
        found, chosen = ridge(n, left)
        assert found == pytest.approx(times * chosen)


# Half-life


def test_weights_count_from_the_end_in_writes_or_in_time() -> None:
    day = 86_400_000
    time, once = np.array([0, 9 * day, NO_TIME, 10 * day]), np.zeros(4, np.uint32)
    assert weights("", time, once).tolist() == [1, 1, 1, 1]
    assert weights("1", time, once).tolist() == [0.125, 0.25, 0.5, 1]
    assert weights("1", time, np.array([0, 0, 3, 0], np.uint32)).tolist() == [2**-5, 2**-4, 0.5, 1], "a sum of three"
    assert weights("10d", time, once) == pytest.approx([0.5, 2**-0.1, 1, 1])
    assert weights("24h", time, once) == pytest.approx([2**-10, 0.5, 1, 1])
    assert weights("5d", np.full(2, NO_TIME), once[:2]).tolist() == [1, 1]
    assert (
        weights("1", np.zeros(5000, np.int64), np.zeros(5000, np.uint32))[0] == 0
    )  # fades to nothing, not to an error
    assert weights("1d", np.zeros(0, np.int64), once[:0]).shape == (0,)


@given(st.lists(st.integers(0, 10**13) | st.just(NO_TIME)), st.sampled_from(["3", "7d", "5000", "1h"]))
def test_weights_are_shares(times: list[int], half_life: str) -> None:
    left = weights(half_life, np.array(times, np.int64), np.zeros(len(times), np.uint32))
    assert np.all((left >= 0) & (left <= 1))
    assert not times or left.max() == 1


def test_of_two_that_say_the_same_the_newer_reads_better(make: Make, encoder: WordEncoder) -> None:
    old, new = (
        [said(f"{TOPICS['birds']} {i}", line=i + 1, session=f"{when}", id=f"{when}{i}", time=1e9 + when * 86_400)
         for i in range(3)]
        for when in (1, 400)
    )  # fmt: skip
    question = TOPICS["birds"]

    def reads(learning: Learning) -> NDArray[np.float32]:
        memory = make([*old, *new], learning, str(learning))
        return Ranker(memory).scores(question, encoder.encode_query(question)).segments

    lasting, fading = reads(Learning()), reads(Learning("rls", "100d"))
    assert lasting[0] / lasting[1] == pytest.approx(1, abs=0.1)
    assert fading[0] < 0.2 * fading[1]


def test_a_passage_that_faded_to_nothing_breaks_nothing(make: Make, encoder: WordEncoder) -> None:
    memory = make(talk(each=60), Learning("rls", "1"))
    found = Ranker(memory).scores(TOPICS["birds"], encoder.encode_query(TOPICS["birds"]))
    for scores in (found.fused, found.segments):
        assert np.isfinite(scores).all()
    assert 0 <= memory.matrix.fit[0] <= 1


# How it is cut


@given(st.lists(st.integers(1, 30), max_size=30), st.integers(1, 12))
def test_states_are_stretches_of_whole_sessions(sizes: list[int], wanted: int) -> None:
    session = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
    bounds = ledger.cut(session, wanted, matrix.STATE_WRITES)
    edges = {0, *np.cumsum(sizes).tolist()}
    assert bounds[0] == 0
    assert bounds[-1] == len(session)
    assert {*bounds.tolist()} <= edges
    assert np.all(np.diff(bounds) > 0)
    assert len(bounds) - 1 <= wanted
    if sizes and max(sizes) * wanted <= len(session):  # no session is larger than a state: each bound has its own edge
        assert len(bounds) - 1 == wanted
        assert np.diff(bounds).max() <= len(session) / wanted + max(sizes)


def test_no_state_is_larger_than_states_may_be() -> None:
    session = np.repeat(np.arange(6, dtype=np.uint32), [3, 3, 3, 3, 20, 3])
    assert ledger.cut(session, 1, 8).tolist() == [0, 6, 12, 20, 28, 35]
    assert ledger.cut(session, 3, 8).tolist() == [0, 6, 12, 20, 28, 32, 35]
    assert ledger.cut(session, 1, 8).tolist() == ledger.gather(ledger.stretches(session, 8), 8).tolist()


def test_states_as_many_as_asked_for(make: Make, encoder: WordEncoder) -> None:
    for rule in RULES:
        memory = make(talk(), Learning(rule, states=4), rule)
        assert memory.matrix.states.tolist() == [0, 5, 10, 15, 20]
        assert all(bound in memory.matrix.segments for bound in memory.matrix.states)
        assert Searcher(memory, encoder).where("the night train to vienna").segments[0].session == "trains"


# The header, and what is refused


def test_the_header_keeps_how_it_learned_and_old_files_open(make: Make) -> None:
    how = Learning("rls", "90d", 3)
    header = make(talk(), how).header
    assert header.learning == how
    assert Header.parse(header.as_dict(), "m") == header
    old = {name: value for name, value in header.as_dict().items() if name not in ("half_life", "states")}
    assert Header.parse(old, "m").learning == Learning()


@pytest.mark.parametrize(
    ("field", "value"), [("rule", "hebb"), ("half_life", "soon"), ("half_life", 5), ("states", 0), ("states", "2")]
)
def test_a_header_that_says_what_cannot_be_is_refused(field: str, value: object, make: Make) -> None:
    with pytest.raises(MemoryFileError, match="ingest again"):
        Header.parse({**make(talk()).header.as_dict(), field: value}, "m")


@pytest.mark.parametrize("half_life", ["0", "-3", "5 d", "d", "1.5d", "90 days", "9999999999"])
def test_a_half_life_is_a_number_of_writes_or_a_time(half_life: str) -> None:
    with pytest.raises(UsageError, match="half-life"):
        Learning("rls", half_life)


def test_what_cannot_be_is_one_sentence(make: Make, tmp_path: Path) -> None:
    for wrong in (("hebb",), ("delta", "90d"), ("slots", "5000"), ("rls", "", 0)):
        with pytest.raises(UsageError):
            Learning(*wrong)
    memories = [make(talk(), how, str(i)) for i, how in enumerate((Learning(), Learning("delta"), Learning(states=2)))]
    for a, b in pairwise(memories):
        for act in (lambda a=a, b=b: merge([a, b], tmp_path / "x"), lambda a=a, b=b: save_patch(a, b, tmp_path / "x")):
            with pytest.raises(MemoryFileError, match="learned by"):
                act()
        assert diff(a, b).changes == ()


def test_a_damaged_matrix_of_any_rule_is_refused(make: Make) -> None:
    for rule in RULES:
        memory = make(talk(), Learning(rule), rule)
        for other in {*RULES} - {rule}:
            wrong = StoredMemory(replace(memory.header, rule=other), memory.tensors, "m")
            with pytest.raises(MemoryFileError):
                wrong.matrix  # noqa: B018


def test_the_command(invoke: Callable[..., Ran], tmp_path: Path) -> None:
    turns = [turn(text, session_id=topic) for topic, text in TOPICS.items()]
    log, path = write_log(tmp_path / "log.jsonl", turns), tmp_path / "m.safetensors"
    assert invoke("ingest", log, "-o", path, "--rule", "delta").code == 0
    told = json.loads(invoke("info", path, "--json").out)
    assert (told["header"]["rule"], told["header"]["states"], told["states"]) == ("delta", 1, 1)
    assert "delta" in invoke("info", path).out
    assert "wren" in invoke("query", path, "where does the wren sleep").out
    assert "a wren" in invoke("query", path, "wren sleeps under the bridge", "--where", "-k", 1).out
    before = path.read_bytes()
    assert invoke("ingest", log, "-o", path).code == 0
    assert invoke("ingest", log, "-o", path, "--rule", "delta").code == 0
    for wrong in (("--rule", "slots"), ("--half-life", "90d"), ("--rule", "hebb")):
        refused = invoke("ingest", log, "-o", path, *wrong)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert path.read_bytes() == before
    fading = tmp_path / "f.safetensors"
    assert invoke("ingest", log, "-o", fading, "--half-life", "90d").code == 0
    assert "rls, half-life 90d, α" in invoke("info", fading).out
    assert invoke("merge", path, fading, "-o", tmp_path / "x").code != 0
