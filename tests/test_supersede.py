"""Now, not then: what was said again, differently, later comes first, and the older one says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, WordEncoder, said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.bm25 import Bm25
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.recall.supersede import _USUAL, _crowd, _words, only_asks, superseded
from deltamem_cli.records import Hit, Message

DAY = 86_400.0
MAY = 1_777_593_600.0  # 2026-05-01 UTC
Ask = Callable[[Sequence[Message]], Searcher]

ELSEWHERE = [
    "the kiln fires at nine hundred degrees",
    "tomato seeds want warm soil",
    "bring a violin bow",
    "grep config",
]
QUESTION = "where does jonna live"


def told(*texts: str, **fields: Any) -> list[Message]:
    """Those texts, each in a session of its own, days apart, after some about other things."""
    return [
        said(text, i, id=f"m{i}", session=f"s{i}", time=MAY + i * DAY, **fields)
        for i, text in enumerate([*ELSEWHERE, *texts], 1)
    ]


def best(searcher: Searcher, question: str = QUESTION, **options: Any) -> list[Hit]:
    return [hit for hit in searcher.ask(question, 9, **options).hits if "live" in (hit.text or "")]


def test_the_later_one_comes_first_and_the_older_one_says_so(searcher: Ask) -> None:
    first, second = best(searcher(told("jonna does live in leipzig", "jonna will live in halle")), latest=True)
    assert (first.text, first.superseded_by) == ("jonna will live in halle", None)
    assert second.superseded_by is not None
    assert (second.superseded_by.uid, second.superseded_by.text) == (first.uid, first.text)
    assert first.score >= second.score
    assert first.older == second.older == ()


def test_history_is_the_chain_in_the_order_of_time(searcher: Ask) -> None:
    chain = ["jonna live in leipzig", "jonna live in halle", "jonna live in jena"]
    first, *rest = best(searcher(told(*chain)), history=True)
    assert first.text == chain[-1]
    assert [hit.text for hit in first.older] == chain[:-1]
    assert all(hit.superseded_by is not None and hit.superseded_by.uid == first.uid for hit in rest)


OLD = "jonna does live in leipzig"


@pytest.mark.parametrize(
    ("messages", "question"),
    [
        (told(OLD, "does jonna live in halle?"), QUESTION),
        ([*told(OLD), *told(OLD, "jonna live in halle", role="assistant")[-1:]], QUESTION),
        (told(OLD, "jonna will live in halle"), "where did jonna live"),
        ([*told(OLD, speaker="Ben")[-1:], *told("", "jonna will live in halle", speaker="Ann")[-1:]], QUESTION),
        ([replace(message, session="one") for message in told(OLD, "jonna will live in halle")], QUESTION),
        ([replace(message, time=None) for message in told(OLD, "jonna will live in halle")], QUESTION),
        (told(OLD, "jonna will live in halle"), QUESTION + " in May"),
        (told(OLD, "ben will bake seven loaves for the fair"), QUESTION),
        (told(OLD, OLD + "!"), QUESTION),
    ],
    ids=["a question", "an echo", "asked of the past", "another speaker", "one session", "no times", "of a time",
         "another matter", "the same again"],
)  # fmt: skip
def test_what_takes_no_place(searcher: Ask, messages: list[Message], question: str) -> None:
    hits = searcher(messages).ask(question, 9).hits
    assert hits
    assert [hit.superseded_by for hit in hits] == [None] * len(hits)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Where does Jonna live?", True),
        ("So, is it open? And when?", True),
        ("Jonna has moved to Halle, shall we visit?", False),
        ("I moved. Where is the key?", False),
        ("Where is it? I found it.", False),
        ("", True),
    ],
)
def test_what_only_asks(text: str, asks: bool) -> None:
    assert only_asks(text) is asks


WORDS = st.lists(st.sampled_from(["jonna", "live", "halle", "jena", "port", "kiln", "seed"]), min_size=1, max_size=4)
TALK = st.lists(st.tuples(WORDS, st.integers(0, 4), st.sampled_from(["user", "assistant"])), min_size=2, max_size=9)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(talk=TALK)
def test_laws(searcher: Ask, talk: list[tuple[list[str], int, Any]]) -> None:
    """Times run forward, nothing stands in two chains, nobody but a person takes a person's place, order is kept."""
    messages = [
        said(" ".join(words), i, id=f"m{i}", session=f"s{session}", role=role, time=MAY + (i % 5) * DAY)
        for i, (words, session, role) in enumerate(talk, 1)
    ]
    asking = searcher(messages)
    memory, rows = asking.memory, asking.memory.rows
    found = asking._scores("jonna live halle")
    assert found is not None
    order, score = asking._order("jonna live halle", found, np.arange(len(rows)))
    chains = superseded("jonna live halle", order, score, found.dense, found.share, asking._ranker.idf, memory)
    older = [row for chain in chains.values() for row in chain]
    assert len({*older}) == len(older)
    assert not {*older} & {*chains}
    for newest, chain in chains.items():
        times = rows.time[[*chain, newest]].tolist()
        assert times == sorted(times)
        assert times[-2] < times[-1]
        assert all(rows.role[newest] == 0 or rows.role[row] == rows.role[newest] for row in chain)
    again, raised, _ = asking._newest_first("jonna live halle", found, order, score)
    assert sorted(again.tolist()) == sorted(order.tolist())
    assert (raised >= score).all()
    assert (np.diff(raised[again]) <= 0).all()
    place = {int(row): at for at, row in enumerate(again)}
    assert all(place[newest] < place[row] for newest, chain in chains.items() for row in chain)


def test_crowd_and_words_as_a_slow_reference_has_them(remember: Callable[..., StoredMemory]) -> None:
    dice = np.random.RandomState(0)
    vocabulary = ["port", "proxy", "kiln", "glaze", "violin", "sonata", "tomato", "basil", "seed"]
    texts = [" ".join(dice.choice(vocabulary, 4)) for _ in range(40)]
    memory = remember([said(text, i, id=f"m{i}", session=f"s{i // 2}") for i, text in enumerate(texts, 1)])
    pool = np.arange(30)
    idf = Bm25(memory.rows, memory.vocabulary, 20).idf
    fast, kept = _words(memory, pool, idf), memory.text
    assert kept is not None
    held = [{*kept[i].split()} for i in range(len(memory.rows))]
    rarity = {word: np.log1p((40 - n + 0.5) / (n + 0.5)) for word in vocabulary if (n := sum(word in h for h in held))}
    for a, b in [(0, 1), (3, 17), (29, 4)]:
        both, one, other = (sum(rarity[w] for w in s) for s in (held[a] & held[b], held[a], held[b]))
        assert fast[a, b] == pytest.approx(both / np.sqrt(one * other), abs=1e-5)
    session, counts = memory.rows.session[pool], dice.rand(30) < 0.8
    crowd = _crowd(fast, session, counts)
    for a in range(30):
        others = {
            s: max([fast[a, b] for b in range(30) if session[b] == s and counts[b]], default=0) for s in {*session}
        }
        del others[session[a]]
        assert crowd[a] == pytest.approx(sum(sorted(others.values(), reverse=True)[2:8]) / 6, abs=1e-5)


def test_too_few_sessions_are_no_empty_crowd() -> None:
    alike = np.full((3, 3), 0.8, np.float32)
    assert _crowd(alike, np.arange(3), np.ones(3, bool)) == pytest.approx(_USUAL)


def test_a_memory_without_text_calls_nothing_superseded(tmp_path: Path) -> None:
    from deltamem_cli.ingest.draft import Draft
    from deltamem_cli.ingest.pipeline import ingest_messages, new_header
    from deltamem_cli.memory.file import open_memory
    from deltamem_cli.records import Source

    encoder = WordEncoder()
    draft = Draft(tmp_path / "m.safetensors", new_header(encoder, text=False), encoder.mean)
    ingest_messages(told(OLD, "jonna will live in halle"), Source("log", "messages"), draft, encoder)
    hits = Searcher(open_memory(draft.path), encoder).ask(QUESTION, 9).hits
    assert [hit.superseded_by for hit in hits] == [None] * len(hits)


@pytest.fixture
def notes(remember: Callable[..., StoredMemory]) -> str:
    return remember(told("jonna does live in leipzig", "jonna will live in halle")).name


def test_a_person_sees_it(invoke: Callable[..., Ran], notes: str) -> None:
    ran = invoke("query", notes, QUESTION, "--history")
    first, second = ran.out.split("\n\n")[1:3]
    assert "   before: 2026-05-0" in first
    assert "   ┆ user: jonna does live in leipzig" in first
    assert "   superseded by logs/s6:6 (2026-05-0" in second
    assert "before:" not in invoke("query", notes, QUESTION).out


def test_a_program_and_a_model_see_it(invoke: Callable[..., Ran], notes: str) -> None:
    first, second = map(json.loads, invoke("query", notes, QUESTION, "--json", "--history").out.splitlines()[:2])
    assert (first["superseded_by"], second["older"]) == (None, [])
    assert second["superseded_by"]["uid"] == first["uid"]
    assert first["older"][0]["text"] == second["text"]
    assert first["older"][0]["time"] == "2026-05-06T00:00:00.000Z"
    assert invoke("query", notes, QUESTION, "--format", "prompt", "--latest").out.count("superseded by") == 1
