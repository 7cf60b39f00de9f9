"""The hand-written sets in benchmarks/sets are complete, free of duplicates, and as hard as their README says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SETS = ROOT / "benchmarks" / "sets"
SYNONYMS_FILE = ROOT / "benchmarks" / "capacity" / "synonyms.json"
STOP_WORDS = set(
    re.findall(
        r"\w+",
        """a about an and any are as at be because been but by can could do does for from had has have he her his i if
        in into is it its my no nor not of off on or our out she since so some than that the their them then there they
        this to up was we were what when which who will with would you your""",
    )
)
FACT_FIELDS = ["question", "old", "old_time", "new", "new_time", "plain"]
NEWS_FIELDS = ["known", "paraphrase", "news"]


def rows(name: str) -> list[dict[str, str]]:
    """The objects of a JSON Lines file, none of them blank."""
    return [json.loads(line) for line in (SETS / name).read_text("utf-8").removesuffix("\n").split("\n")]


def content_words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower())) - STOP_WORDS


def shared(known: str, other: str) -> float:
    """The share of the content words of `known` that `other` repeats."""
    words = content_words(known)
    return len(words & content_words(other)) / len(words)


def repeated(texts: Iterable[str]) -> list[str]:
    """The texts that stand more than once, whatever their case, spacing and punctuation."""
    seen: set[str] = set()
    found = []
    for text in texts:
        form = " ".join(re.findall(r"\w+", text.lower()))
        if form in seen:
            found.append(text)
        seen.add(form)
    return found


NEWS = rows("news.jsonl")
FACTS = rows("facts.jsonl")
SYNONYMS: dict[str, list[str]] = json.loads(SYNONYMS_FILE.read_text("utf-8"))


@pytest.mark.parametrize(
    ("entries", "fields", "least"), [(NEWS, NEWS_FIELDS, 120), (FACTS, FACT_FIELDS, 110)], ids=["news", "facts"]
)
def test_every_entry_has_its_fields_and_is_there_once(
    entries: list[dict[str, Any]], fields: list[str], least: int
) -> None:
    assert len(entries) >= least
    for entry in entries:
        assert list(entry) == fields
        assert all(isinstance(value, str) and value and value == value.strip() for value in entry.values()), entry
    texts = [name for name in fields if not name.endswith("_time")]
    assert repeated(entry[name] for entry in entries for name in texts) == []


def test_statements_have_8_to_40_words() -> None:
    assert [text for entry in NEWS for text in entry.values() if not 8 <= len(text.split()) <= 40] == []


def test_news_repeats_more_words_than_the_paraphrase() -> None:
    paraphrases = [shared(entry["known"], entry["paraphrase"]) for entry in NEWS]
    news = [shared(entry["known"], entry["news"]) for entry in NEWS]
    assert mean(paraphrases) < 0.1
    assert mean(news) > 0.4
    assert sum(p < n for p, n in zip(paraphrases, news, strict=True)) >= 0.95 * len(NEWS)


def test_the_new_fact_comes_days_to_months_after_the_old_one() -> None:
    for fact in FACTS:
        old, new = (datetime.fromisoformat(fact[name]) for name in ("old_time", "new_time"))
        assert fact["old_time"].endswith("Z") and fact["new_time"].endswith("Z")
        assert datetime(2026, 1, 1, tzinfo=UTC) <= old < datetime(2026, 2, 1, tzinfo=UTC)
        assert timedelta(days=1) <= new - old <= timedelta(days=200), fact


@pytest.mark.parametrize("form", ["new", "plain"])
def test_a_new_fact_is_not_marked_by_one_word(form: str) -> None:
    assert [fact[form] for fact in FACTS if "now" in content_words(fact[form])] == []


def test_the_plain_form_names_what_is_asked_about_and_the_new_form_need_not() -> None:
    new, plain = (mean(shared(fact["question"], fact[form]) for fact in FACTS) for form in ("new", "plain"))
    assert new < 0.2 < 0.4 < plain


def test_synonyms_are_other_words_in_lower_case() -> None:
    assert len(SYNONYMS) >= 400
    for word, synonyms in SYNONYMS.items():
        assert re.fullmatch(r"[a-z]+", word)
        assert synonyms and len(set(synonyms)) == len(synonyms)
        assert word not in synonyms


def test_no_word_of_the_synonyms_is_there_twice() -> None:
    pairs = json.loads(SYNONYMS_FILE.read_text("utf-8"), object_pairs_hook=list)
    assert repeated(word for word, _ in pairs) == []


def test_the_readme_counts_what_is_there() -> None:
    counts = dict(re.findall(r"^\| \[?`(\S+)`\S* \| (\d+) \|", (SETS / "README.md").read_text("utf-8"), re.MULTILINE))
    assert counts == {
        "news.jsonl": str(len(NEWS)),
        "facts.jsonl": str(len(FACTS)),
        "synonyms.json": str(len(SYNONYMS)),
    }


@pytest.mark.parametrize("path", sorted((SETS / "languages").glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_language_has_a_chat_and_questions_with_their_lines(path: Path) -> None:
    lines = path.with_suffix(".txt").read_text("utf-8").splitlines()
    asked = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(lines) == 30 and len({item["question"] for item in asked}) == 24
    assert all(1 <= line <= 30 for item in asked for line in item["lines"])
    assert sum(not item["lines"] for item in asked) == sum(item["kind"] == "none" for item in asked) == 4
