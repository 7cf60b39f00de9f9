"""A budget: the file never exceeds it, what goes first, and that what is left is an ordinary memory."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ingest, Ran, WordEncoder, turn, write_log
from hypothesis import given, settings
from hypothesis import strategies as st

from deltamem_cli.algebra.compact import compact
from deltamem_cli.algebra.forget import forget
from deltamem_cli.algebra.merge import merge
from deltamem_cli.build import learn_matrix
from deltamem_cli.build.fit_budget import LEAN
from deltamem_cli.build.importance import Said, per_byte, worth
from deltamem_cli.build.summary_rows import sum_rows, together
from deltamem_cli.cli.options import budget_of
from deltamem_cli.errors import UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.memory import keys
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.learning import Learning
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.filters import Filters, let_through
from deltamem_cli.recall.searcher import Searcher

THINGS = [
    *("anchor", "basil", "copper", "dahlia", "ember", "falcon", "granite", "harbor"),
    *("indigo", "juniper", "kettle", "lantern", "marble", "nectar"),
]
NEWS = "I bought a purple zeppelin in Ostrava for my grandmother Ludmila"


def talk(name: str, sessions: int, turns: int) -> list[dict[str, object]]:
    """Sessions of two people; every turn has words of its own."""
    dice = random.Random(name)
    return [
        turn(
            f"I keep the {' '.join(dice.sample(THINGS, 5))} {name}{session}x{i % 100}" if i % 2 else f"really {i % 3}?",
            session_id=f"{name}{session}",
            name=("ada", "bo")[i % 2],
            timestamp=1.7e9 + 1e5 * session + 10 * i,
        )
        for session in range(sessions)
        for i in range(turns)
    ]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two logs of several sessions."""
    folder = tmp_path_factory.mktemp("logs")
    return [write_log(folder / f"{name}.jsonl", talk(name, 3, 40)) for name in ("north", "south")]


@pytest.fixture(scope="module")
def full(logs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The memory of both."""
    return made(tmp_path_factory.mktemp("full") / "full.safetensors", logs)


def made(path: Path, logs: list[Path], budget: int | None = None, how: Learning | None = None) -> Path:
    encoder = WordEncoder()
    draft = Draft(path, ingesting.new_header(encoder, text=True, learning=how), encoder.mean)
    draft.keep_to(budget)
    ingesting.ingest([str(log) for log in logs], draft, encoder, DEFAULTS)
    return path


@pytest.fixture(scope="module")
def least(full: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The smallest budget that is possible, as the error tells it."""
    with pytest.raises(UsageError, match="one row for each session; give it at least --budget") as told:
        compact(open_memory(full), 1000, tmp_path_factory.mktemp("least") / "none.safetensors")
    return int(str(told.value).rpartition(" ")[2])


def small(full: Path, budget: int, path: Path) -> StoredMemory:
    compact(open_memory(full), budget, path)
    return open_memory(path)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8MiB", 8 << 20), ("500KB", 500_000), ("1GiB", 1 << 30), ("4096", 4096), ("1.5 kib", 1536), ("2m", 2_000_000)],
)
def test_sizes(text: str, size: int) -> None:
    assert budget_of(text) == size


@pytest.mark.parametrize("text", ["much", "-1", "0", "5i", "1e9", "8 MiB of it"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match=r"say for example 8MiB"):
        budget_of(text)


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0, 1))
def test_the_file_never_exceeds_its_budget(
    share: float, full: Path, least: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    budget = least + int(share * (full.stat().st_size - least))
    path = tmp_path_factory.mktemp("any") / "small.safetensors"
    memory = small(full, budget, path)
    assert path.stat().st_size <= budget
    assert memory.header.budget == budget
    summed = memory.rows.summed.astype(int)
    assert summed.sum() + (summed == 0).sum() == open_memory(full).header.passages
    found = Searcher(memory, WordEncoder()).ask("who keeps the copper lantern?", k=3)
    again = compact(memory, budget, other := path.with_name("again.safetensors"))
    assert other.read_bytes() == path.read_bytes(), "compact is idempotent"
    assert again.after == path.stat().st_size
    assert found.hits or found.familiarity < 0.15


def test_the_least_that_is_told_is_possible(full: Path, least: int, tmp_path: Path) -> None:
    memory = small(full, least, tmp_path / "least.safetensors")
    assert memory.header.passages == memory.header.sessions == 6
    with pytest.raises(UsageError, match="cannot be made smaller"):
        compact(open_memory(full), least - 1, tmp_path / "less.safetensors")
    assert not (tmp_path / "less.safetensors").exists()


@pytest.mark.parametrize("part", [0.15, 0.3, 0.6])
def test_the_order_of_the_logs_plays_no_part(part: float, logs: list[Path], tmp_path: Path, full: Path) -> None:
    budget = int(full.stat().st_size * part)
    there = small(made(tmp_path / "ab", logs), budget, tmp_path / "there")
    back = small(made(tmp_path / "ba", logs[::-1]), budget, tmp_path / "back")
    assert Path(there.name).read_bytes() == Path(back.name).read_bytes()
    alone = [made(tmp_path / f"{i}", [log]) for i, log in enumerate(logs)]
    merge([open_memory(path) for path in alone], tmp_path / "merged", budget=budget)
    assert (tmp_path / "merged").read_bytes() == Path(there.name).read_bytes()


@pytest.mark.parametrize(
    "how",
    [Learning("delta"), Learning("slots", states=2), Learning("rls", "50"), Learning("rls", "1d", states=3)],
    ids=str,
)
def test_every_way_of_learning_keeps_a_budget(how: Learning, logs: list[Path], tmp_path: Path) -> None:
    """The matrix is learned anew, in the same way, from the rows that are left; only `rls` can do with less of it."""
    full = made(tmp_path / "full", logs, how=how)
    with pytest.raises(UsageError, match="give it at least --budget") as told:
        compact(open_memory(full), 1000, tmp_path / "none")
    least = int(str(told.value).rpartition(" ")[2])
    budget = (least + full.stat().st_size) // 2
    memory = small(full, budget, path := tmp_path / "small")
    assert least <= path.stat().st_size <= budget < full.stat().st_size
    assert memory.header.learning == how
    assert (len(memory.matrix.S) == 0) == (how.rule == "rls")
    of = memory.rows, memory.vocabulary, memory.header.dimension
    leans = LEAN if how.rule == "rls" else (None,)
    anew = [learn_matrix.build(*of, learning=how, lean=lean) for lean in leans]
    assert any(np.array_equal(a.F, memory.matrix.F) and np.array_equal(a.S, memory.matrix.S) for a in anew)
    searcher = Searcher(memory, WordEncoder())
    assert searcher.where("I keep the copper lantern", k=1).segments
    assert searcher.ask("I keep the copper lantern", k=3).hits
    assert made(tmp_path / "on the way", logs, budget, how).stat().st_size <= budget


def test_what_is_worth_least_goes_first(full: Path, tmp_path: Path) -> None:
    """Half of the turns say nothing; they go, and the others keep their text."""
    memory = small(full, full.stat().st_size * 30 // 100, tmp_path / "small")
    rows, texts = memory.rows, list(memory.text or [])
    said = [text for text in texts if text]
    assert 0 < len(said) < 240
    assert sum("I keep" in text for text in said) > 0.9 * len(said)
    assert (rows.summed > 0).any()
    assert all(not text for text, summed in zip(texts, rows.summed, strict=True) if summed)


def test_a_log_a_hundred_times_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved many times on the way, whatever comes; every saved file is within the budget."""
    log = write_log(tmp_path / "long.jsonl", talk("long", 4, 2000))
    budget = log.stat().st_size // 100
    monkeypatch.setattr(ingesting, "_SAVE_ROWS", 1500)
    sizes: list[int] = []
    save = ingesting.IngestRun.save

    def watched(run: ingesting.IngestRun) -> None:
        save(run)
        sizes.append(run.draft.path.stat().st_size)

    monkeypatch.setattr(ingesting.IngestRun, "save", watched)
    path = made(tmp_path / "m.safetensors", [log], budget)
    assert len(sizes) > 3
    assert max(sizes) <= budget
    assert path.stat().st_size <= budget
    memory = open_memory(path)
    assert {session.id for session in memory.sessions} == {f"long{i}" for i in range(4)}
    assert int(np.maximum(memory.rows.summed, 1).sum()) == 8000, "every passage is there, or in a sum"


def test_what_was_dropped_counts_as_read(tmp_path: Path, logs: list[Path], full: Path, ingest: Ingest) -> None:
    path = made(tmp_path / "m.safetensors", logs, full.stat().st_size // 5)
    before = path.read_bytes()
    told = ingest(path, *logs)
    assert (told.unchanged, told.new, told.saved) == (2, 0, False)
    assert path.read_bytes() == before


def test_a_log_that_grew_is_read_again_within_the_budget(tmp_path: Path, ingest: Ingest) -> None:
    log = write_log(tmp_path / "log.jsonl", talk("grows", 2, 40))
    full = made(tmp_path / "full.safetensors", [log]).stat().st_size
    path = made(tmp_path / "m.safetensors", [log], full // 3)
    write_log(log, [*talk("grows", 2, 40), turn(NEWS, session_id="grows1")])
    ingest(path, log)
    assert path.stat().st_size <= full // 3
    memory = open_memory(path)
    assert NEWS in list(memory.text or [])
    assert int(np.maximum(memory.rows.summed, 1).sum()) == 81, "no passage counts twice"


def test_dropped_text_is_read_from_the_log(full: Path, tmp_path: Path) -> None:
    memory = small(full, full.stat().st_size * 30 // 100, tmp_path / "small")
    bare = [i for i, text in enumerate(memory.text or []) if not text and not memory.rows.summed[i]]
    whole = open_memory(full)
    text_of = dict(zip((uid.tobytes() for uid in whole.rows.uid), whole.text or [], strict=True))
    texts = Searcher(memory, WordEncoder())._texts(bare)
    assert texts == {row: text_of[memory.rows.uid[row].tobytes()] for row in bare}


def test_nothing_of_what_is_forgotten_stays(full: Path, tmp_path: Path) -> None:
    """A sum that may hold what is to be forgotten goes, too; what has lost its text is found by its words."""
    memory = small(full, full.stat().st_size * 20 // 100, tmp_path / "small")
    gone = let_through(memory, Filters(speaker="ada"), cautious=True)
    forget(memory, gone, tmp_path / "left")
    left = open_memory(tmp_path / "left")
    assert left.speakers == ["bo"]
    assert not left.rows.summed.any() or "ada" not in left.speakers
    word = next(text for text in memory.text or [] if text).split()[-1]
    named = let_through(memory, Filters(match=word), cautious=True)
    assert named.any()
    forget(memory, named, tmp_path / "without")
    assert not any(word in text for text in open_memory(tmp_path / "without").text or [])
    assert Path(tmp_path / "without").stat().st_size <= (memory.header.budget or 0)


def test_a_merge_prefers_the_copy_with_text(full: Path, tmp_path: Path) -> None:
    memory = small(full, full.stat().st_size * 40 // 100, tmp_path / "small")
    merge([memory, open_memory(full)], tmp_path / "both")
    both = open_memory(tmp_path / "both")
    assert both.header.budget is None
    assert all(text for text, summed in zip(both.text or [], both.rows.summed, strict=True) if not summed)


@pytest.mark.parametrize("share", [0, 0.1, 0.2, 0.4])
def test_sums_give_way_to_the_passages_themselves(
    share: float, full: Path, least: int, logs: list[Path], tmp_path: Path
) -> None:
    small_one = small(full, least + int(share * (full.stat().st_size - least)), tmp_path / "small")
    for both in ([small_one, open_memory(full)], [open_memory(full), small_one]):
        merge(both, tmp_path / "both")
        assert (tmp_path / "both").read_bytes() == full.read_bytes()
    north = open_memory(made(tmp_path / "north", logs[:1]))
    merge([small_one, north], tmp_path / "both")
    rows = open_memory(tmp_path / "both").rows
    assert {open_memory(tmp_path / "both").sources[i].path for i in np.unique(rows.source[rows.summed > 0])} <= {
        str(logs[1])
    }
    assert int(np.maximum(rows.summed, 1).sum()) == 240, "what north does not hold stays summed"


def test_a_sum_stays_where_a_passage_of_it_is_missing(full: Path, tmp_path: Path) -> None:
    small_one, whole = small(full, full.stat().st_size // 5, tmp_path / "small"), open_memory(full)
    mine = {uid.tobytes() for uid in small_one.rows.uid}
    dropped = next(row for row, uid in enumerate(whole.rows.uid) if uid.tobytes() not in mine)
    gone = np.arange(len(whole.rows)) == dropped
    forget(whole, gone, tmp_path / "lacks")
    merge([small_one, open_memory(tmp_path / "lacks")], tmp_path / "both")
    assert np.count_nonzero(open_memory(tmp_path / "both").rows.summed) == 1


def test_worth_is_the_textbook_product(full: Path) -> None:
    """The slow form, passage by passage."""
    memory = open_memory(full)
    rows, texts = memory.rows, list(memory.text or [])
    said = Said.of(texts)
    n, at = len(rows), 0
    df = np.bincount(rows.terms, minlength=len(memory.vocabulary))
    values = worth(rows, len(memory.vocabulary), said)
    for row, size in enumerate(rows.sizes.tolist()):
        idf = [np.log1p((n - df[rows.terms[i]] + 0.5) / (df[rows.terms[i]] + 0.5)) for i in range(at, at + size)]
        assert values[row] == pytest.approx(np.exp(np.mean(idf) / 2) * (2 if "I keep" in texts[row] else 1))
        at += size
    row_worth, text_worth = per_byte(rows, len(memory.vocabulary), said)
    assert (text_worth <= row_worth).all()


def test_what_people_tell_of_themselves_and_when_is_worth_more() -> None:
    _, told = Said.of(
        ["a kettle", "my kettle", "your kettle", "a kettle since May", "I told you my kettle broke last week", ""]
    )
    assert told == pytest.approx([1, 2, 2 ** (-1 / 3), 2, 3 * 2 ** (2 / 3), 1])


def test_a_sum_is_the_sum(full: Path) -> None:
    """The code is that of the summed vectors; sums of sums weigh what they stand for."""
    memory = open_memory(full)
    rows, d = memory.rows, memory.header.dimension
    kept = np.ones(len(rows), bool)
    kept[3:9] = False
    gone, into = together(rows, kept, 64)
    summed, places = sum_rows(rows, len(memory.vocabulary), d, 9, gone, into)
    assert len(summed) == len(rows) - 5
    assert places[3] == 3
    assert summed.summed[3] == 6
    vectors = keys.decode(rows.code[3:9], d).sum(0)
    assert (summed.code[3] == keys.encode((vectors / np.linalg.norm(vectors))[None])[0]).all()
    assert summed.speaker[3] == 9
    assert summed.length[3] == rows.length[3:9].sum()
    kept = np.ones(len(summed), bool)
    kept[3:5] = False
    twice, _ = sum_rows(summed, len(memory.vocabulary), d, 9, *together(summed, kept, 64))
    assert twice.summed[3] == 7


def test_the_commands(full: Path, tmp_path: Path, invoke: Callable[..., Ran], logs: list[Path]) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(full.read_bytes())
    would = invoke("compact", path, "--budget", "25KB", "--dry-run")
    assert would.code == 0
    assert "would become" in would.out
    assert path.read_bytes() == full.read_bytes()
    done = invoke("compact", path, "--budget", "25KB")
    assert done.code == 0
    assert "→" in done.out
    assert path.stat().st_size <= 25_000
    told = json.loads(invoke("info", path, "--json").out)
    assert told["header"]["budget"] == 25_000
    assert 0 < told["texts"] < 240
    assert told["summed"] > 0
    assert "budget  24.4 KiB" in invoke("info", path).out
    found = invoke("query", path, "who keeps basil and copper?", "-k", "200")
    assert "passages from here on, summed)" in found.out
    assert invoke("ingest", *logs, "-o", path, "--budget", "20KB").code == 0
    assert path.stat().st_size <= 20_000
    assert invoke("merge", path, full, "-o", tmp_path / "x.safetensors", "--budget", "50KB").code == 0
    assert (tmp_path / "x.safetensors").stat().st_size <= 50_000
    refused = invoke("compact", path, "--budget", "lots")
    assert refused.code == 2
    assert "is no size" in refused.err
    assert invoke("compact", path, "--budget", "1KB").code == 2
