"""Questions: what fits is found, filtered, shown with its neighbours; where nothing fits, nothing is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WordEncoder, said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deltamem_cli.errors import MemoryFileError
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import new_header
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall import searcher as query
from deltamem_cli.recall.filters import Filters
from deltamem_cli.recall.searcher import Searcher, marks
from deltamem_cli.records import Message

DAY = 86_400.0
MAY = 1_777_593_600.0  # 2026-05-01 UTC
Ask = Callable[[Sequence[Message]], Searcher]

TALK = [
    said("which port does the proxy use", 1, session="web-1", speaker="Anna", title="Proxy trouble", time=MAY),
    said("the proxy listens on port 8080", 2, session="web-1", role="assistant", speaker="gpt", time=MAY + 60),
    said("thanks that works now", 3, session="web-1", speaker="Anna", time=MAY + 120),
    said("the kiln fires at nine hundred degrees", 1, session="pots-2", id="k1", speaker="Ben", time=MAY + 3 * DAY),
    said(
        "glaze the bowls before the kiln is warm", 2, session="pots-2", id="k2", speaker="Ben", time=MAY + 3 * DAY + 60
    ),
    said("grep port config", 3, session="pots-2", id="k3", role="assistant", kind="tool_call", time=MAY + 4 * DAY),
    said("port 9090 is free as well", 4, session="pots-2", id="k4", speaker="Carla"),
]


@pytest.fixture
def talk(searcher: Ask) -> Searcher:
    return searcher(TALK)


def found(searcher: Searcher, question: str, k: int = 9, **filters: Any) -> list[str]:
    return [hit.text or "" for hit in searcher.ask(question, k, filters=Filters(**filters)).hits]


WEEKLY = [
    said("we moved the launch of the kite", i + 1, session=f"week {i}", id=f"w{i}", time=MAY + 7 * i * DAY)
    for i in range(5)
]  # Fridays, 1 to 29 May 2026


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("did we move the launch on 15 May 2026", [2]),
        ("did we move the launch on May 8", [1]),
        ("did we move the launch last week", [3]),
        ("did we move the launch in the past two weeks", [3, 4]),
        ("did we move the launch in May", [0, 1, 2, 3, 4]),
        ("did we move the launch in June", []),
        ("did we move the launch", []),
    ],
)
def test_what_was_said_at_the_time_that_is_asked_for(searcher: Ask, question: str, rows: list[int]) -> None:
    ranker = searcher(WEEKLY)._ranker
    now = datetime(2026, 5, 31, 12, tzinfo=UTC)
    vector = WordEncoder().encode_query(question)
    found = ranker.scores(question, vector, now)
    assert np.flatnonzero(found.parts["when"]).tolist() == rows
    if rows:
        assert sorted(np.argsort(-found.fused)[: len(rows)].tolist()) == rows


def test_last_week_of_an_old_log_counts_from_its_newest_passage(searcher: Ask) -> None:
    ranker, question = searcher(WEEKLY)._ranker, "what moved last week"
    vector = WordEncoder().encode_query(question)
    later = ranker.scores(question, vector, datetime(2031, 1, 1, tzinfo=UTC))
    assert np.flatnonzero(later.parts["when"]).tolist() == [3]


def test_a_log_without_times_has_no_last_week(searcher: Ask) -> None:
    ranker = searcher([replace(message, time=None) for message in WEEKLY])._ranker
    assert not ranker.scores("last week", WordEncoder().encode_query("last week")).parts["when"].any()


def test_the_passage_that_says_it_comes_first_with_its_place(talk: Searcher) -> None:
    best = talk.ask("kiln degrees", k=3).hits[0]
    assert best.text == TALK[3].text
    assert (best.source, best.line, best.session, best.speaker) == ("/logs/log.jsonl", 1, "pots-2", "Ben")
    assert (best.role, best.kind, best.time) == ("user", "text", MAY + 3 * DAY)
    scores = [hit.score for hit in talk.ask("kiln degrees", k=9).hits]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 7


@pytest.mark.parametrize(
    "filters, places",
    [
        ({"session": "web"}, [0, 1, 2]),
        ({"session": "WEB-1"}, [0, 1, 2]),
        ({"session": "trouble"}, [0, 1, 2]),
        ({"session": "eb-1"}, []),
        ({"speaker": "anna"}, [0, 2]),
        ({"speaker": "[ab]*n*"}, []),
        ({"speaker": "a*n*"}, [0, 2]),
        ({"speaker": "?en"}, [3, 4]),
        ({"role": "assistant"}, [1, 5]),
        ({"kind": "tool_call"}, [5]),
        ({"source": "log.jsonl"}, [*range(7)]),
        ({"source": "*.jsonl"}, [*range(7)]),
        ({"source": "*.json"}, []),
        ({"since": round((MAY + 3 * DAY) * 1000)}, [3, 4, 5]),
        ({"until": round((MAY + 60) * 1000)}, [0, 1]),
        ({"since": round((MAY + 60) * 1000), "until": round((MAY + 120) * 1000)}, [1, 2]),
        ({"session": "pots", "role": "user", "speaker": "Ben"}, [3, 4]),
    ],
    ids=str,
)
def test_filters(talk: Searcher, filters: dict[str, Any], places: list[int]) -> None:
    question = " ".join(message.text for message in TALK)
    assert sorted(found(talk, question, **filters)) == sorted(TALK[i].text for i in places)


def test_neighbours_are_of_the_same_session(talk: Searcher) -> None:
    (hit,) = talk.ask("thanks that works now", k=1, context=2).hits
    assert [near.text for near in hit.before] == [TALK[0].text, TALK[1].text]
    assert hit.after == ()
    (hit,) = talk.ask("kiln degrees", k=1, context=1).hits
    assert (hit.before, [near.text for near in hit.after]) == ((), [TALK[4].text])
    assert hit.after[0].before == ()


def test_what_was_said_again_is_shown_once(searcher: Ask) -> None:
    again = [said("the port is 8080", i, id=f"r{i}", session=f"s{i % 3}") for i in range(1, 30)]
    other = [said(f"the {word} is on the shelf", i, id=f"o{i}") for i, word in enumerate(["cup", "pot", "bowl"], 50)]
    texts = found(searcher([*again, *other]), "the port is 8080", k=3)
    assert texts[0] == "the port is 8080"
    assert len({*texts}) == len(texts) == 3


@pytest.mark.parametrize("question", ["", " \n", "\t", "violin sonata rehearsal"])
def test_nothing_fits(talk: Searcher, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "UNFAMILIAR", 0.9)
    answer = talk.ask(question)
    assert not answer.fits
    assert 0 <= answer.familiarity < 0.9
    assert len(answer.hits) == (5 if question.strip() else 0), "the nearest are shown all the same"
    assert not talk.where(question).fits


def test_where_points_to_the_stretch(searcher: Ask) -> None:
    dice = np.random.RandomState(0)
    topics = ["port proxy server socket", "kiln glaze clay bowl", "violin sonata bow string", "tomato basil seed pot"]
    messages = [
        said(" ".join(dice.choice(topic.split(), 4)), i, id=f"{s}-{i}", session=f"s{s}", time=MAY + s * DAY + i)
        for s, topic in enumerate(topics)
        for i in range(1, 60)
    ]
    answer = searcher(messages).where("glaze the clay bowl", k=3)
    assert answer.familiarity > 0.5
    assert [segment.session for segment in answer.segments] == ["s1"] * 3
    best = answer.segments[0]
    assert best.start is not None
    assert best.end is not None
    assert MAY + DAY < best.start <= best.end < MAY + DAY + 60
    assert best.passages == 1 + round(best.end - best.start)
    assert best.line == round(best.start - MAY - DAY)
    only = searcher(messages).where("glaze the clay bowl", filters=Filters(session="s2"))
    assert {segment.session for segment in only.segments} == {"s2"}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [said("hello")],
        [said("hello"), said("hello", 2)],
        [said("... !!!")],
        [said("the of and")],
        [said("the of and"), said("...", 2, session="t")],
        [said("word " * 400)],
        [said(f"s {i}", i, session=f"{i}") for i in range(1, 40)],
    ],
    ids=["none", "one", "twice", "no word", "stop words", "no words", "one long", "sessions of one"],
)
def test_small_and_odd_memories_answer(
    messages: list[Message], tmp_path: Path, encoder: WordEncoder, remember: Callable[..., StoredMemory]
) -> None:
    Draft(tmp_path / "memory.safetensors", new_header(encoder, text=True), encoder.mean).save()
    memory = remember(messages)
    searcher = Searcher(memory, encoder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for question in ("hello", "word", "the", "...", "nothing of it"):
            for answer in (searcher.ask(question, context=1), searcher.where(question)):
                assert 0 <= answer.familiarity <= 1
                assert all(np.isfinite(hit.score) for hit in answer.hits)
                assert all(segment.start is None for segment in answer.segments)
    if any("hello" in message.text for message in messages):
        assert searcher.ask("hello").hits[0].text == "hello"


@given(st.text(st.characters(exclude_categories=[]), max_size=60), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_question_is_answered(talk: Searcher, question: str, k: int, context: int) -> None:
    answer = talk.ask(question, k, context)
    assert len(answer.hits) <= k
    assert 0 <= answer.familiarity <= 1


def test_another_encoder_is_refused_with_the_right_ones_name(remember: Callable[..., StoredMemory]) -> None:
    memory = remember(TALK)
    with pytest.raises(
        MemoryFileError, match="made with the encoder words, not with others; query it with --model words"
    ):
        Searcher(memory, WordEncoder(name="others", fingerprint="words-2"))
    with pytest.raises(MemoryFileError, match="made with the encoder words"):
        Searcher(memory, WordEncoder(dimension=32))


def test_marks_are_the_words_of_the_question_in_any_form() -> None:
    text = "Ports: the proxy's PORT, exports, parsePortList."
    assert [text[start:end] for start, end in marks("which port?", text)] == ["Ports", "PORT", "Port"]
    assert marks("the of", text) == marks("", text) == []


def test_a_session_without_a_title_is_called_by_words_that_say_something(remember: Callable[..., StoredMemory]) -> None:
    memory = remember([said("q", 1), said("8", 2), said("please mend the tide gauge", 3)])
    assert memory.title(0) == "please mend the tide gauge"
    assert remember([said("yes", 1)], Path(memory.name).with_name("other")).title(0) == "yes"
