"""`benchmarks/rule_capacity.py`: small, but through the same functions as the command."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import rule_capacity
from capacity import paraphrase, plot, pools
from capacity import render as render_bench
from capacity.pools import ITSELF, QUESTIONS, Pool, Questions
from capacity.rules import RULES, Row, averaged, measure, steps, views
from conftest import WordEncoder

from deltamem_cli.errors import LogError, UsageError

TALK = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ann",
            "speaker_b": "Bob",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ann", "dia_id": "D1:1", "text": "The kiln fires at nine hundred degrees"},
                {"speaker": "Bob", "dia_id": "D1:2", "text": "My boat is called Heron"},
                {"speaker": "Ann", "dia_id": "D1:3", "text": "Bread needs a long rest"},
            ],
        },
        "qa": [
            {"question": "What is the boat called?", "evidence": ["D1:2"], "category": 1},
            {"question": "What needs rest or heat?", "evidence": ["D1:1; D1:3", "D9:9"], "category": 1},
            {"question": "What is her car?", "evidence": [], "category": 5},
        ],
    }
]


@pytest.fixture
def dev(tmp_path: Path) -> str:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(TALK))
    return str(path)


# The questions


def test_words_are_left_out_in_order_and_never_all() -> None:
    words = [str(i) for i in range(10)]
    left = paraphrase.without_words(" ".join(words), 0.4, random.Random(1)).split()
    assert len(left) == 6 and left == sorted(left)
    assert paraphrase.without_words("one two", 0.9, random.Random(1)) in ("one", "two")
    assert paraphrase.without_words("one", 0.5, random.Random(1)) == "one"


def test_a_synonym_keeps_the_capital_and_the_rest_stays() -> None:
    assert paraphrase.with_synonyms("Angry? add xyzzy.") == "Furious? include xyzzy."


def test_noise_is_a_cosine() -> None:
    pool = pools.random_pool(50, 16, seed=0)
    for cosine in pools.COSINES:
        vectors = pool.questions[f"cosine {cosine}"].vectors
        np.testing.assert_allclose((pool.keys * vectors).sum(1), cosine, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_locomo_file_is_asked_its_own_questions_and_others_words(dev: str) -> None:
    pool = pools.locomo_pool(dev, WordEncoder())
    assert pool.questions[QUESTIONS].answers == [(1,), (0, 2)]
    assert pool.keys.shape == (3, WordEncoder().dimension + 640)
    near = pool.questions[QUESTIONS].vectors @ pool.keys.T
    assert near[0].argmax() == 1
    assert {len(questions.vectors) for questions in pool.questions.values()} <= {1, 2, 3}


@pytest.mark.parametrize(("text", "told"), [("[{]", "invalid"), ("[]", "no questions about its turns")])
def test_a_file_without_questions_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(LogError, match=told):
        pools.locomo_pool(str(path), WordEncoder())
    with pytest.raises(LogError, match="cannot be read"):
        pools.locomo_pool(str(tmp_path / "none.json"), WordEncoder())


# What is measured


def test_the_exact_rule_holds_what_fits_and_forgets_nothing_by_order() -> None:
    rows = [*measure([pools.random_pool(32, 16, seed=0)])]
    exact = [row for row in rows if row.rule == "rls" and row.load <= 1 and row.question == ITSELF]
    assert [row.recall for row in exact] == [1.0, 1.0, 1.0]
    paper = [row.recall for row in rows if row.rule == "delta, standard, β = 0.18" and row.question == ITSELF]
    assert paper[-1] < 0.5  # its gate lets the old go


def test_a_question_with_several_answers_is_answered_by_any_of_them() -> None:
    keys = np.eye(4, dtype=np.float32)
    pool = Pool("axes", keys, {"either": Questions(keys[:1] * 0.9 + keys[1:2] * 0.4, [(0, 3)])})
    rows = [*measure([pool], loads=(1.0,))]
    assert {row.rule: row.recall for row in rows}["rls"] == 1.0
    assert rows[0].asked == 1 and rows[0].cosine == pytest.approx(0.9)


def test_loads_without_enough_keys_are_left_out() -> None:
    assert steps(pools.random_pool(20, 16, seed=0)) == [0.25, 0.5, 1.0]


def test_draws_are_averaged() -> None:
    rows = [Row("keys", "rls", 1.0, ITSELF, 1.0, 10, 0.5), Row("keys", "rls", 1.0, ITSELF, 0.5, 10, 1.0)]
    assert averaged(rows) == [Row("keys", "rls", 1.0, ITSELF, 0.75, 20, 0.75)]


# What is shown


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return averaged([*measure([pools.random_pool(32, 16, seed=seed) for seed in range(2)])])


def test_the_table_has_every_rule_and_question(rows: list[Row]) -> None:
    printed = "\n".join(render_bench.rules_text(rows))
    assert all(rule in printed for rule in RULES)
    assert all(f"cosine {cosine}" in printed for cosine in pools.COSINES)
    assert [title for title, _, _ in views(rows)] == [
        "random keys, d = 16: by load",
        "random keys, d = 16: by question, load 0.5",
        "random keys, d = 16: by question, load 2",
    ]


def test_json_has_every_measurement(rows: list[Row]) -> None:
    read = [json.loads(line) for line in render_bench.rules_json(rows)]
    assert [Row(**entry) for entry in read] == rows


def test_the_plot_is_a_png(rows: list[Row], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need the extra: pip install 'deltamem[bench]'")
    plot.plot(rows, str(tmp_path / "rules.png"))
    assert (tmp_path / "rules.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="cannot be written"):
        plot.plot(rows, str(tmp_path / "nowhere" / "rules.png"))


def test_without_matplotlib_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError) as raised:
        plot.check()
    assert str(raised.value) == "--plot needs matplotlib; install it with: pip install 'deltamem[bench]'"


def test_the_script_measures_the_bundled_sentences_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dev: str
) -> None:
    monkeypatch.setattr("capacity.rules.LOADS", (0.25, 0.5))
    monkeypatch.setattr("deltamem_cli.encoders.load_encoder", lambda: WordEncoder())
    rule_capacity.main(json=True)
    sets = {json.loads(line)["keys"].split(",")[0] for line in capsys.readouterr().out.splitlines()}
    assert sets == {"random keys", "266 bundled sentences"}
    with pytest.raises(LogError, match="cannot be read"):
        rule_capacity.main(dev=f"{dev}x")
