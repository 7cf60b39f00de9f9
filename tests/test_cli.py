"""The command line as a person and a program meet it: exit codes, streams, JSON, and what is never loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SAMPLES, Ran, run_cold, said, turn, write_log
from safetensors.numpy import save_file

from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall import searcher as query
from deltamem_cli.records import Message

Invoke = Callable[..., Ran]
ESCAPES = "\x1b[31mred\x1b[0m \x9b2J \x07 \x08 \r \u202e \u2028 \x7f"
UNSAFE = {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u202e", "\u2028", "\u200b"} - {"\n"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    turns = [
        turn("the port of the proxy is 8080", session_id="web", name="Anna", timestamp="2026-05-01T10:00:00Z"),
        turn("the kiln fires at nine hundred degrees", session_id="pots", name="Ben", timestamp="2026-05-03T10:00:00Z"),
        turn("glaze the bowls first", role="assistant", session_id="pots"),
    ]
    return write_log(tmp_path / "logs" / "a.jsonl", turns)


@pytest.fixture
def memory(invoke: Invoke, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory of the log, to which few questions are familiar."""
    monkeypatch.setattr(query, "UNFAMILIAR", 0.5)
    path = tmp_path / "memory.safetensors"
    assert invoke("ingest", log, "-o", path).code == 0
    return path


# Exit codes: docs/exit-codes.md has the table


@pytest.mark.parametrize(
    "words, code, told",
    [
        ("query {memory} 'kiln degrees'", 0, ""),
        ("query {memory} violin --where --strict", 1, "nothing in this memory fits"),
        (
            "query {memory} 'violin sonata' --strict",
            1,
            'nothing in this memory fits "violin sonata" well (familiarity ',
        ),
        ("query {memory} 'violin sonata' --format csv", 1, "these are nearest"),
        ("query {memory} kiln --speaker Nobody", 1, "no passage passes these filters"),
        ("query {memory} kiln --since soon", 2, "'soon' is no date"),
        ("query {memory} kiln --role boss", 2, "no role is called 'boss': choose of user, assistant"),
        ("query {memory} kiln --kind song", 2, "no kind is called 'song'"),
        ("query {memory} kiln -k 0", 2, ""),
        ("query {memory}", 2, ""),
        ("query {none} kiln", 3, "{none}: there is no such file; make it with: deltamem ingest LOGS -o {none}"),
        ("query {log} kiln", 3, "{log}: not a deltamem memory"),
        ("query {model} kiln", 3, "{model}: a safetensors file, but not one that deltamem made"),
        ("info {memory}", 0, ""),
        ("info {none}", 3, "{none}: there is no such file"),
        ("info", 3, "there is no memory yet ("),
        ("ingest {log} -o {memory}", 0, ""),
        ("ingest {log}", 0, ""),
        ("ingest", 2, "nothing to ingest"),
        ("ingest {log} -o {none} --dry-run", 0, ""),
        ("ingest {log} -o {none} --per-project {none}", 2, "--per-project writes a memory for each project"),
        ("ingest {log} -o {memory} --kinds text,song", 2, "no kind is called 'song'"),
        ("ingest {log} -o {memory} --format song", 2, "no log format is called 'song': choose one of "),
        ("ingest {log} -o {memory} --device abacus", 2, "no device 'abacus'"),
        ("ingest {log} -o {memory} --no-text", 2, "{memory}: keeps its text; leave out --no-text"),
        ("ingest {log} -o {none}/x/y", 2, "cannot write here"),
        ("ingest {none} -o {memory}", 3, "{none}: there is no such file or folder"),
        ("ingest {none} {log} -o {memory}", 3, "{none}: there is no such file or folder"),
        ("ingest {memory} -o {memory}2", 3, "{memory}: this is a safetensors file, such as a memory, not a log"),
        ("ingest {log} -o {log}", 3, "{log}: not a deltamem memory"),
        ("", 2, ""),
        ("sing", 2, ""),
        ("--help", 0, ""),
        ("query -h", 0, ""),
    ],
)
def test_exit_codes(invoke: Invoke, memory: Path, log: Path, tmp_path: Path, words: str, code: int, told: str) -> None:
    import shlex

    save_file({}, tmp_path / "model.safetensors")
    places = {"memory": memory, "log": log, "none": tmp_path / "none", "model": tmp_path / "model.safetensors"}
    ran = invoke(*shlex.split(words.format(**places)))
    assert (ran.code, told.format(**places) in ran.err) == (code, True), ran
    assert "Traceback" not in ran.err
    if code in (1, 3):
        assert ran.err.startswith("deltamem: ")
        assert len(ran.err.splitlines()) == 1


def test_results_and_troubles_go_their_own_ways(invoke: Invoke, memory: Path, log: Path, tmp_path: Path) -> None:
    ran = invoke("query", memory, "kiln degrees")
    assert ("logs/pots:2 ·" in ran.out, ran.err) == (True, "")
    ran = invoke("query", memory, "violin sonata")
    assert ("nothing here fits well; nearest:" in ran.out, ran.err, ran.code) == (True, "", 1)
    ran = invoke("query", memory, "violin sonata", "--strict")
    assert (ran.out, len(ran.err.splitlines())) == ("", 1)
    ran = invoke("ingest", log, tmp_path / "none", "-o", tmp_path / "new")
    assert ("3 new" in ran.out, "none: there is" in ran.err, ran.code) == (True, True, 3)
    ran = invoke("ingest", log, "-o", tmp_path / "quiet", "--quiet")
    assert (ran.out, ran.err) == ("", "")


def test_paths_below_the_current_folder_are_short(
    invoke: Invoke, memory: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(log.parent)
    assert "1  a.jsonl:2 ·" in invoke("query", memory, "kiln degrees", "--full").out


# JSON


def test_json_of_a_query(invoke: Invoke, memory: Path, log: Path) -> None:
    ran = invoke("query", memory, "kiln degrees", "--json", "-C", "1", "-k", "1")
    (hit,) = map(json.loads, ran.out.splitlines())
    assert 0 <= hit.pop("familiarity") <= 1
    assert hit.pop("fits") is True
    assert hit.pop("score") > hit["after"][0].pop("score")
    assert len(bytes.fromhex(hit.pop("uid"))) == len(bytes.fromhex(hit["after"][0].pop("uid"))) == 16
    common: dict[str, object] = {"session": "pots", "project": "", "kind": "text", "source": str(log), "pointer": ""}
    common |= {"before": [], "summed": 0, "superseded_by": None, "older": []}
    title = hit["title"]
    assert hit == common | {
        "question": "kiln degrees",
        "rank": 1,
        "text": "the kiln fires at nine hundred degrees",
        "title": title,
        "role": "user",
        "speaker": "Ben",
        "time": "2026-05-03T10:00:00.000Z",
        "line": 2,
        "after": [
            common
            | {"text": "glaze the bowls first", "title": title, "role": "assistant", "speaker": "", "time": None}
            | {"line": 3, "after": []}
        ],
    }


def test_json_of_ingest_and_info(invoke: Invoke, log: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    told = json.loads(invoke("ingest", log, "-o", path, "--json").out)
    assert (told["messages"], told["new"], told["logs"], told["problems"]) == (3, 3, {"openai": 1}, [])
    assert (told["bytes_in"], told["bytes_out"]) == (log.stat().st_size, path.stat().st_size)
    told = json.loads(invoke("info", path, "--json").out)
    assert (told["header"]["passages"], told["header"]["first"]) == (3, "2026-05-01T10:00:00.000Z")
    assert told["memory"] == str(path)
    assert {*told["bytes"]} >= {"matrix", "codes", "text", "index"}
    assert sum(told["bytes"].values()) < path.stat().st_size
    assert [(entry["session"]["id"], entry["passages"]) for entry in told["largest"]] == [("pots", 2), ("web", 1)]


def test_many_questions_from_standard_input(invoke: Invoke, memory: Path) -> None:
    asked = b"kiln degrees\n\n  \nviolin sonata\nport proxy\xff\n"
    ran = invoke("query", memory, "-", "--json", "-k", "1", stdin=asked)
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [entry["question"] for entry in told] == ["kiln degrees", "violin sonata", "port proxy\ufffd"]
    assert [entry["fits"] for entry in told] == [True, False, True]
    assert (ran.code, ran.err) == (0, "")
    ran = invoke("query", memory, "-", "--json", "--strict", "-k", "1", stdin=asked)
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [entry["rank"] for entry in told] == [1, None, 1]  # a line a question, also where there is no answer
    assert ran.err.count("nothing in this memory fits") == 1
    assert invoke("query", memory, "-", stdin=b"").code == 1


def test_a_question_that_is_no_utf8_has_an_answer(invoke: Invoke, memory: Path) -> None:
    ran = invoke("query", memory, "kiln degrees \udce9", "--json", "-k", "1")
    assert json.loads(ran.out)["line"] == 2


# Terminals


def hostile() -> list[Message]:
    names = {"session": ESCAPES, "title": f"{ESCAPES}\nfalse line", "project": ESCAPES, "speaker": ESCAPES + "\nx"}
    return [said(f"kiln degrees {i} {ESCAPES}", i, id=f"{i}", pointer=ESCAPES, **names) for i in range(1, 4)]


def test_no_output_carries_escape_codes(
    invoke: Invoke, remember: Callable[..., StoredMemory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "memory.safetensors"
    remember(hostile())
    odd = write_log(tmp_path / "dir\x1b[2J\x9b" / "odd\n\x07.jsonl", ["violin sonata in E", "a bow and strings"])
    runs = [
        invoke("ingest", odd, odd.parent, tmp_path / "no\x1bne", "-o", path),
        invoke("query", path, "kiln degrees", "-C", "2"),
        invoke("query", path, "kiln degrees", "--json"),
        invoke("query", path, "violin sonata in E", "-k", "1"),
        invoke("query", path, "kiln degrees", "--where"),
        invoke("query", path, "kiln", "--speaker", "\x1b"),
        invoke("query", path, "kiln", "--since", "\x1b[2J"),
        invoke("info", path),
        invoke("info", path, "--json"),
        invoke("info", tmp_path / "no\x1bne"),
        invoke("query", tmp_path / "no\x1bne\x9b", "x"),
    ]
    for number, ran in enumerate(runs):
        assert not {*ran.out, *ran.err} & UNSAFE, number
    assert "␛[31mred" in runs[1].out
    assert not any(line.startswith("false line") for ran in runs for line in ran.out.splitlines())


def terminal(*words: object, **variables: str) -> str:
    """What the command writes to a terminal."""
    import pty

    master, slave = pty.openpty()
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    env |= {"PYTHONPATH": str(ROOT), "TERM": "xterm", **variables}
    command = [sys.executable, "-m", "deltamem_cli", *map(str, words)]
    with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env=env) as process:
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not piece:
                break
            seen += piece
        process.wait(60)
    os.close(master)
    return seen.decode("utf-8", "replace")


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_colours_only_where_they_are_welcome(memory: Path, invoke: Invoke) -> None:
    assert "\x1b[" in terminal("info", memory)
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b[" not in terminal("info", memory, **variables)
    assert "\x1b[" not in invoke("info", memory).out


# Processes


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples in a memory, by the command itself with the built-in encoder."""
    path = tmp_path_factory.mktemp("samples") / "samples.safetensors"
    ran = run_cold("ingest", SAMPLES / "text", SAMPLES / "openai", "-o", path)
    assert (ran.code, ran.err) == (0, "")
    return path


def test_the_samples_answer_with_the_built_in_encoder(samples: Path) -> None:
    ran = run_cold("query", samples, "To which date did we move the launch?", "--json", "-k", "3")
    hits = [json.loads(line) for line in ran.out.splitlines()]
    assert any("9 April" in hit["text"] for hit in hits)
    ran = run_cold("query", samples, "Which enzyme digests lactose in mammals?", "--json", "-k", "1")
    assert json.loads(ran.out)["familiarity"] < hits[0]["familiarity"] / 2


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_leaves_early_ends_it_quietly(samples: Path) -> None:
    command = f"'{sys.executable}' -m deltamem_cli query '{samples}' 'launch date' -k 50 --json | head -c 1"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=env, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (b"{", b"")


LOADED = """
import sys
from deltamem_cli.__main__ import main
sys.argv[0] = "deltamem"
try:
    main()
except SystemExit as ended:
    code = ended.code
heavy = {"torch", "sentence_transformers", "transformers", "tokenizers", "scipy", "sklearn", "pandas", "tqdm", "ijson"}
heavy |= {"numpy", "safetensors"} if sys.argv[1:2] in (["--help"], ["sing"]) else set()
print("loaded:", code, sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words, code",
    [
        (["--help"], 0),
        (["ingest", "--help"], 0),
        (["sing"], 2),
        (["info", "MEMORY"], 0),
        (["info", "none"], 3),
        (["query", "none", "x"], 3),
        (["query", "MEMORY", "x", "--since", "soon"], 2),
        (["query", "MEMORY", "x", "-k", "0"], 2),
        (["ingest", "x", "-o", "y", "--kinds", "song"], 2),
        (["ingest", "x", "-o", "y", "--format", "song"], 2),
        (["ingest"], 2),
    ],
    ids=str,
)
def test_nothing_heavy_is_loaded_before_it_is_needed(samples: Path, words: list[str], code: int) -> None:
    words = [str(samples) if word == "MEMORY" else word for word in words]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == f"loaded: {code} []"


def test_a_query_loads_no_torch(samples: Path) -> None:
    done: Any = subprocess.run(
        [sys.executable, "-c", LOADED, "query", str(samples), "launch date"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "loaded: 0 ['tokenizers']"
