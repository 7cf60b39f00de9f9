"""Merge, diff, patch and forget: the laws they keep, byte for byte, and what the commands say."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from conftest import SAMPLES, Ran, WordEncoder, said, turn, write_log
from hypothesis import given, settings
from hypothesis import strategies as st

from deltamem_cli.algebra import merge as merging
from deltamem_cli.algebra.compare import meanings, novelty, pair_up
from deltamem_cli.algebra.diff import diff, save_patch
from deltamem_cli.algebra.forget import forget, measure
from deltamem_cli.algebra.merge import merge
from deltamem_cli.build import row_union as gather
from deltamem_cli.build import scratch
from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.learning import Learning
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.filters import Filters, let_through
from deltamem_cli.records import Source

NAMES = ("ada", "bo", "cy", "di")
CHOICES = st.sets(st.sampled_from(NAMES))
LEARNINGS = (
    Learning(),
    Learning("rls", "7"),
    Learning("rls", "1h", states=3),
    Learning("delta"),
    Learning("slots", states=2),
)
HOW = st.sampled_from(LEARNINGS)
NONEMPTY = st.sets(st.sampled_from(NAMES), min_size=1)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four logs of a few sessions; one session goes on from the first log into the second."""
    folder = tmp_path_factory.mktemp("logs")
    talks = {
        name: [
            turn(f"{name} counts {i * 7 % 11} birds near the {name} bridge", session_id=f"{name}{i % 2}",
                 name=name, timestamp=1.7e9 + 1000 * n + i)
            for i in range(5 + n)
        ]
        for n, name in enumerate(NAMES)
    }  # fmt: skip
    talks["bo"].append(turn("bo goes on where ada stopped", session_id="ada0", name="bo", timestamp=1.7e9 + 4000))
    return {name: write_log(folder / f"{name}.jsonl", talk) for name, talk in talks.items()}


@pytest.fixture(scope="module")
def make(logs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`make(names)` is a memory of those logs, made in one go."""
    folder, encoder = tmp_path_factory.mktemp("memories"), WordEncoder()
    known: dict[tuple[frozenset[str], bool, Learning], Path] = {}

    def run(names: set[str], learning: Learning = LEARNINGS[0], *, text: bool = True) -> Path:
        key = frozenset(names), text, learning
        if key not in known:
            known[key] = folder / f"{len(known)}.safetensors"
            draft = Draft(known[key], ingesting.new_header(encoder, text, learning), encoder.mean)
            ingesting.ingest([str(logs[name]) for name in sorted(names)], draft, encoder, DEFAULTS)
        return known[key]

    return run


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """`fresh()` is a path where nothing is yet."""
    folder, numbers = tmp_path_factory.mktemp("results"), count()
    return lambda: folder / f"{next(numbers)}.safetensors"


def merged(fresh: Callable[[], Path], *paths: Path) -> Path:
    path = fresh()
    merge([open_memory(one) for one in paths], path)
    return path


@settings(max_examples=30, deadline=None)
@given(a=NONEMPTY, b=NONEMPTY, how=HOW)
def test_the_merge_of_two_is_the_ingest_of_both(
    a: set[str], b: set[str], how: Learning, make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    both = merged(fresh, make(a, how), make(b, how)).read_bytes()
    assert both == make(a | b, how).read_bytes()
    assert both == merged(fresh, make(b, how), make(a, how)).read_bytes()


@settings(max_examples=6, deadline=None)
@given(a=NONEMPTY, b=NONEMPTY, rows=st.integers(1, 7))
def test_columns_in_files_and_in_chunks_are_the_same_bytes(
    a: set[str], b: set[str], rows: int, make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    paths = [make(a), make(b, text=False), make(a | b)]
    plain = merged(fresh, *paths).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch, "_SMALL", 0)
        patch.setattr(gather, "_CHUNK", rows)
        patch.setattr(merging, "_AT_ONCE", rows)
        assert merged(fresh, *paths).read_bytes() == plain


def test_the_copy_with_text_is_taken_from_whichever_memory_has_it(
    make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    """A merged memory may lack the text of some passages; merging brings it back."""
    partly = merged(fresh, make({"ada"}), make({"bo"}, text=False))
    assert "" in list(open_memory(partly).text or [])
    for order in ((partly, make({"bo"})), (make({"bo"}), partly)):
        assert "" not in list(open_memory(merged(fresh, *order)).text or [])


def test_a_full_disk_is_a_sentence(
    make: Callable[..., Path], fresh: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scratch, "_SMALL", 0)
    monkeypatch.setattr(scratch, "_reserve", full)
    path = fresh()
    with pytest.raises(UsageError, match="no room for"):
        merge([open_memory(make({"ada"}))], path)
    assert not path.exists()


@settings(max_examples=12, deadline=None)
@given(a=NONEMPTY, b=NONEMPTY, c=NONEMPTY, how=HOW)
def test_grouping_plays_no_part(
    a: set[str], b: set[str], c: set[str], how: Learning, make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    one, two, three = make(a, how), make(b, how), make(c, how)
    at_once = merged(fresh, one, two, three).read_bytes()
    assert at_once == merged(fresh, merged(fresh, one, two), three).read_bytes()
    assert at_once == merged(fresh, one, merged(fresh, three, two)).read_bytes()


@pytest.mark.parametrize("how", LEARNINGS, ids=str)
def test_a_memory_merged_with_itself_is_itself(
    how: Learning, make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    path = make({"ada", "cy"}, how)
    assert merged(fresh, path, path).read_bytes() == path.read_bytes()


@settings(max_examples=16, deadline=None)
@given(names=st.sets(st.sampled_from(NAMES), min_size=2), gone=st.sampled_from(NAMES), how=HOW)
def test_what_is_forgotten_was_never_seen(
    names: set[str], gone: str, how: Learning, make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    if gone not in names:
        return
    memory, path = open_memory(make(names, how)), fresh()
    rows = let_through(memory, Filters(source=f"{gone}.jsonl"))
    assert forget(memory, rows, path) == measure(memory, rows)
    assert path.read_bytes() == make(names - {gone}, how).read_bytes()


def test_no_byte_of_what_is_forgotten_stays(make: Callable[..., Path], fresh: Callable[[], Path]) -> None:
    memory, path = open_memory(make(set(NAMES))), fresh()
    forget(memory, let_through(memory, Filters(speaker="bo")), path)
    left = open_memory(path)
    raw = path.read_bytes()
    kept = "\n".join([*(left.text or []), *left.pointers, *left.speakers, *(s.path for s in left.sources)])
    assert b"bo bridge" not in raw
    assert "bo" not in left.speakers
    assert "bo bridge" not in kept
    assert "bo.jsonl" not in kept
    assert len(left.vocabulary) == len(np.unique(left.rows.terms)) < len(memory.vocabulary)


def test_passages_are_forgotten_by_their_text(make: Callable[..., Path], fresh: Callable[[], Path]) -> None:
    memory, path = open_memory(make({"ada", "bo"})), fresh()
    gone = let_through(memory, Filters(match="Counts 0 BIRDS"))
    texts = list(memory.text or [])
    assert [texts[i] for i in np.flatnonzero(gone)] == [text for text in texts if "counts 0 birds" in text]
    forget(memory, gone, path)
    assert sorted(open_memory(path).text or []) == sorted(text for text in texts if "counts 0 birds" not in text)
    with pytest.raises(UsageError, match="no text"):
        let_through(open_memory(make({"ada"}, text=False)), Filters(match="x"))


def test_a_log_that_lost_passages_is_read_again(
    make: Callable[..., Path], fresh: Callable[[], Path], logs: dict[str, Path], encoder: WordEncoder
) -> None:
    memory, path = open_memory(make({"ada", "bo"})), fresh()
    forget(memory, let_through(memory, Filters(session="bo1")), path)
    assert open_memory(path).header.passages < memory.header.passages
    draft = Draft(path, memory.header, memory.mean)
    ingesting.ingest([str(logs["ada"]), str(logs["bo"])], draft, encoder, DEFAULTS)
    assert path.read_bytes() == make({"ada", "bo"}).read_bytes()


@settings(max_examples=20, deadline=None)
@given(a=NONEMPTY, b=NONEMPTY, how=HOW)
def test_a_patch_takes_one_to_the_other(
    a: set[str], b: set[str], how: Learning, make: Callable[..., Path], fresh: Callable[[], Path]
) -> None:
    patch, old, new = fresh(), make(a, how), make(b, how)
    save_patch(open_memory(old), open_memory(new), patch)
    assert merged(fresh, old, patch).read_bytes() == new.read_bytes()
    assert merged(fresh, patch, old).read_bytes() == new.read_bytes()


def test_patches_alone_make_no_memory(make: Callable[..., Path], fresh: Callable[[], Path]) -> None:
    patch = fresh()
    save_patch(open_memory(make({"ada"})), open_memory(make({"bo"})), patch)
    with pytest.raises(UsageError, match="patch"):
        merged(fresh, patch, patch)


def test_text_that_one_side_kept_is_kept(make: Callable[..., Path], fresh: Callable[[], Path]) -> None:
    path = merged(fresh, make({"ada", "bo"}, text=False), make({"bo", "cy"}))
    memory = open_memory(path)
    bare = {
        memory.sources[memory.rows.source[i]].path.rsplit("/", 1)[1]
        for i, text in enumerate(memory.text or [])
        if not text
    }
    assert bare == {"ada.jsonl"}


def test_memories_of_two_encoders_stay_apart(make: Callable[..., Path], tmp_path: Path) -> None:
    other = WordEncoder(fingerprint="words-2")
    draft = Draft(tmp_path / "other.safetensors", ingesting.new_header(other, text=True), other.mean)
    ingesting.ingest_messages([said("hello")], Source("x", "openai"), draft, other)
    ada, stranger = open_memory(make({"ada"})), open_memory(draft.path)
    for act in (lambda: merge([ada, stranger], tmp_path / "m"), lambda: diff(ada, stranger)):
        with pytest.raises(MemoryFileError, match="encoder"):
            act()


def test_a_difference_counts_and_ranks(remember: Callable[..., StoredMemory], tmp_path: Path) -> None:
    facts = "a wren sleeps under bridges", "robins eat worms daily", "the finch sits on our roof"
    old = [said(fact, i, id=fact) for i, fact in enumerate(facts, 1)]
    again, news = "the finch sits upon our roof", "invoices are due every monday"
    new = [*old[1:], said(again, 9, id="again"), said(news, 10, id="news")]
    a = remember(old, tmp_path / "a.safetensors")
    b = remember(new, tmp_path / "b.safetensors")
    told = diff(a, b, numbers=True)
    assert (told.added, told.removed, told.shared, told.sessions_shared) == (2, 1, 2, 1)
    told_of = [(change.sign, change.hit.text) for change in told.changes]
    assert {*told_of} == {("+", news), ("~", again), ("-", facts[0])}
    assert told_of.index(("+", news)) < told_of.index(("~", again))
    assert told.distance is not None
    assert told.distance > 0
    nothing = diff(a, a, numbers=True)
    assert (nothing.changes, nothing.distance, nothing.rank) == ((), 0.0, 0.0)
    assert nothing.angles == pytest.approx((0, 0, 0), abs=0.1)


def test_novelty_is_what_the_known_directions_do_not_explain(make: Callable[..., Path]) -> None:
    a, b = open_memory(make({"ada"})), open_memory(make({"cy"}))
    rows = pair_up(a, b).only_b
    F = a.matrix.F.astype(np.float64) * a.matrix.F_scale[:, None].astype(np.float64)
    slow = [1 - float(np.sum((F[:, : a.header.dimension] @ k) ** 2)) for k in meanings(b, rows).astype(np.float64)]
    assert novelty(a, b, rows) == pytest.approx(np.clip(slow, 0, 1), abs=1e-5)


def test_what_another_program_saved_is_not_forgotten(make: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(make({"ada", "bo"}).read_bytes())
    memory = open_memory(path)
    gone = let_through(memory, Filters(source="bo.jsonl"))
    merge([memory, open_memory(make({"cy"}))], path)  # meanwhile
    now = path.read_bytes()
    with pytest.raises(UsageError, match="meanwhile"):
        forget(memory, gone, path)
    assert path.read_bytes() == now


def test_a_bad_place_is_one_sentence(invoke: Callable[..., Ran], make: Callable[..., Path], tmp_path: Path) -> None:
    a = make({"ada"})
    for ran in (invoke("merge", a, "-o", tmp_path / "no" / "b"), invoke("diff", a, a, "-o", tmp_path / "no" / "b")):
        assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_the_commands(invoke: Callable[..., Ran], make: Callable[..., Path], tmp_path: Path) -> None:
    a, b, c = make({"ada"}), make({"bo"}), tmp_path / "c.safetensors"
    assert "2 memories" in invoke("merge", a, b, "-o", c).out
    assert c.read_bytes() == make({"ada", "bo"}).read_bytes()
    assert invoke("diff", a, a, "--exit-code").code == 0
    assert invoke("diff", a, c, "--exit-code").code == 1
    assert len(json.loads(invoke("diff", a, c, "--json").out)["changes"]) == open_memory(b).header.passages
    assert invoke("forget", c).code == 2
    assert invoke("forget", c, "--source", "nowhere", "--yes").code == 1
    before = c.read_bytes()
    assert invoke("forget", c, "--source", "bo.jsonl", "--dry-run").code == 0
    refused = invoke("forget", c, "--source", "bo.jsonl")
    assert (refused.code, c.read_bytes()) == (2, before)
    assert invoke("forget", c, "--source", "bo.jsonl", "--yes").code == 0
    assert c.read_bytes() == a.read_bytes()
    assert (
        "patch" in invoke("diff", a, b, "-o", tmp_path / "p").err + invoke("ingest", SAMPLES, "-o", tmp_path / "p").err
    )
