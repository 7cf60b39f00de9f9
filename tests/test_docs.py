"""The documentation says what the program does: its commands, options, files, figures and output.

`DELTAMEM_UPDATE_DOCS=1 pytest tests/test_docs.py` puts the present output into the README's examples.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import Ingest, Ran, turn, write_log
from safetensors import safe_open

from deltamem_cli.algebra.diff import SAID_AGAIN, save_patch
from deltamem_cli.cli import app
from deltamem_cli.errors import ExitStatus
from deltamem_cli.memory import exchanges, keys, matrix
from deltamem_cli.memory.file import open_memory
from deltamem_cli.memory.header import Header
from deltamem_cli.recall import supersede, weights
from deltamem_cli.rules import rls

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM: Any = typer.main.get_command(app)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of that language."""
    return [body for name, body in BLOCK.findall(page.read_text("utf-8")) if name == language]


def table(page: Path, first: str) -> list[list[str]]:
    """The cells of the table whose first column is called so, without its head."""
    _, _, rest = page.read_text("utf-8").partition(f"\n| {first} |")
    assert rest, f"{page.name} has no table {first!r}"
    rows = rest.partition("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def quoted(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


# The commands that a newcomer copies


def test_readme_install_page_and_ci_run_the_same_two_lines() -> None:
    install, test = blocks(ROOT / "docs" / "install.md", "sh")[:2]
    assert blocks(README, "sh")[:2] == [install, test]
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    for theirs, ours in (('"$work/venv"', ".venv"), ('"$work/venv/bin/activate"', ".venv/bin/activate"),
                         ('"$memory"', "samples.safetensors"), ("pytest -q", "pytest")):  # fmt: skip
        ci = ci.replace(theirs, ours)
    assert [line for line in ci.splitlines() if line.endswith(" || exit")] == [
        f"{line.strip()} || exit" for line in (install, test)
    ]


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    """(page, words after `deltamem`) of every command that a shell block shows."""
    for page in PAGES:
        for body in (*blocks(page, "sh"), *blocks(page, "console")):
            for line in body.splitlines():
                for part in re.split(r"&&|\|", line.removeprefix("$ ").partition(" #")[0]):
                    words = shlex.split(re.sub(r"[<>].*", "", part)) if "deltamem" in part else []
                    if words[:1] == ["deltamem"]:
                        yield page.name, words[1:]


@pytest.mark.parametrize(("page", "words"), [*shown_commands()], ids=str)
def test_every_command_shown_can_be_typed(page: str, words: list[str]) -> None:
    if words[0].startswith("-"):
        return
    assert words[0] in PROGRAM.commands, f"{page} shows a command that there is not"
    name, command, rest = words[0], PROGRAM.commands[words[0]], list(words[1:])
    if hasattr(command, "commands"):
        assert rest and rest[0] in command.commands, f"{page} shows a command that there is not"
        name, command, rest = rest[0], command.commands[rest[0]], rest[1:]
    command.make_context(name, rest)  # raises for a wrong option or a missing one


# What the command line offers


def every_command() -> Iterator[tuple[str, Any]]:
    """(name, command) of all commands, and of those of a group as `bench rules`."""
    for name, command in PROGRAM.commands.items():
        yield name, command
        yield from ((f"{name} {inner}", of) for inner, of in getattr(command, "commands", {}).items())


def offered() -> Iterator[tuple[str, Any]]:
    """(command, parameter) of everything but --help."""
    for name, command in (("deltamem", PROGRAM), *every_command()):
        yield from ((name, parameter) for parameter in command.params if parameter.name != "help")


@pytest.mark.parametrize(("name", "command"), [*every_command()], ids=str)
def test_every_command_has_help_and_is_in_the_docs(name: str, command: Any) -> None:
    assert command.help, f"{name} says nothing of itself"
    assert any(f"deltamem {name}" in page.read_text("utf-8") for page in DOCS)


@pytest.mark.parametrize(("command", "parameter"), [*offered()], ids=lambda value: getattr(value, "name", value))
def test_every_option_has_help_and_is_in_the_docs(command: str, parameter: Any) -> None:
    assert parameter.help, f"{command} {parameter.name} has no help"
    if parameter.param_type_name == "option":
        told = "\n".join(page.read_text("utf-8") for page in DOCS)
        for option in parameter.opts:
            assert re.search(rf"`(deltamem )?{option}\b", told), f"no page of docs/ explains {command} {option}"


def test_exit_codes_are_all_listed() -> None:
    listed = {int(code): quoted(name)[0] for code, name, _ in table(ROOT / "docs" / "exit-codes.md", "code")}
    assert listed == {int(status): status.name for status in ExitStatus}


# The memory file


def agenda(path: Path, points: int, ingest: Ingest) -> Path:
    """A memory of that many turns."""
    turns = [turn(f"point {i} of the agenda", session_id=f"s{i // 20}") for i in range(points)]
    ingest(path, write_log(path.with_suffix(".jsonl"), turns))
    return path


@pytest.fixture
def memory(tmp_path: Path, ingest: Ingest) -> Path:
    return agenda(tmp_path / "samples.safetensors", 40, ingest)


@pytest.fixture
def patch(tmp_path: Path, memory: Path, ingest: Ingest) -> Path:
    shorter = agenda(tmp_path / "shorter.safetensors", 37, ingest)
    save_patch(open_memory(memory), open_memory(shorter), tmp_path / "patch.safetensors")
    return tmp_path / "patch.safetensors"


@pytest.mark.parametrize("made", ["memory", "patch"])
def test_every_tensor_is_listed_with_its_type_and_shape(made: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(made)
    opened = open_memory(path)
    header, learned = opened.header, opened.matrix
    lengths = {"N": header.passages, "M": len(opened.rows.terms), "W": len(opened.vocabulary), "D": header.dimension,
               "d": header.dimension + keys.WORDS, "T": len(learned.alpha), "T + 1": len(learned.alpha) + 1,
               "G": len(learned.S), "G + 1": len(learned.S) + 1, "R": len(learned.F), "16": 16,
               "K": len(opened.removed), "⌈D/4⌉": -(-header.dimension // 4)}  # fmt: skip
    short = {"uint8": "U8", "int8": "I8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "int64": "I64",
             "float16": "F16", "float32": "F32"}  # fmt: skip
    listed = {quoted(name)[0]: (short[dtype], shape) for name, dtype, shape, _ in
              table(ROOT / "docs" / "memory-file.md", "tensor")}  # fmt: skip
    with safe_open(str(path), framework="numpy") as file:
        elsewhere = {"ledger.summed", "ledger.removed"} if made == "memory" else {"ledger.summed"}
        assert set(listed) - set(file.keys()) == elsewhere
        for name in file.keys():  # noqa: SIM118
            dtype, shape = listed[name]
            piece = file.get_slice(name)
            assert piece.get_dtype() == dtype, name
            if shape != "*":
                assert piece.get_shape() == [lengths[part] for part in shape.split(", ")], name


def test_every_field_of_the_metadata_is_listed() -> None:
    listed = {name for row in table(ROOT / "docs" / "memory-file.md", "key") for name in quoted(row[0])}
    assert listed == {"format", *(field.name for field in fields(Header))}


@pytest.mark.parametrize("page", [page for page in DOCS if blocks(page, "python")], ids=lambda page: page.name)
def test_python_in_the_docs_runs(page: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(memory.parent)
    if not Path("samples").exists():
        Path("samples").symlink_to(ROOT / "samples")
    for body in blocks(page, "python"):
        exec(compile(body, page.name, "exec"), {})


# Figures and names


def test_numbers_that_were_chosen_are_the_ones_in_use() -> None:
    told = (ROOT / "docs" / "how-it-works.md").read_text("utf-8")
    for sentence in (
        *(f"| `{part}` | {weight} |" for part, weight in (weights.FIRST | weights.SECOND).items()),
        f"The best {weights.CANDIDATES} passages are looked at again",
        f"at most {weights.READ_TOKENS}\ntokens are read",
        f"in the last {weights.BESIDE}\ntokens of the one before it",
        f"among the best {supersede.COMPARED} answers",
        f"{weights.MEANING} · cos(a, b) + {weights.WORDS} · cos(words of a, words of b) − {weights.CROWD} · (crowd",
        f"{weights.FITS} · dense(b) + {weights.HOLDS} · share(b) − {weights.BEHIND} · behind(a)"
        f" − {weights.TRAILS} · behind(b) + {-weights.DOUBT}\n",
        "{share} · share + {dense} · dense + {matrix} · matrix − {size} · ln n − {offset}".format(
            **{name: abs(weight) for name, weight in weights.FAMILIAR.items()}
        ),
        f"Below {weights.UNFAMILIAR} `query`",
        f"at most {matrix.STATE_WRITES:,} passages",
        f"(at\nmost {exchanges.LONGEST} passages); where no assistant answers, runs of {exchanges.TURNS} passages",
        f"under {rls.LEAST_KNOWN}\n",
    ):
        assert sentence in told, sentence
    assert f"(cosine {SAID_AGAIN} or more)" in (ROOT / "docs" / "merge-diff-forget.md").read_text("utf-8")
    assert f"below {weights.UNFAMILIAR} and nothing fits" in (ROOT / "docs" / "query.md").read_text("utf-8")


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        to = (page.parent / name).resolve() if name else page
        assert to.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in {slug(head) for head in re.findall(r"^#+ (.+)$", to.read_text("utf-8"), re.MULTILINE)}


# What a person sees


def unmeasured(text: str) -> str:
    """The text without digits of scores and familiarity: machines round differently."""
    return re.sub(r"((?:score|familiarity) )\d+\.\d+", r"\1…", text).strip()


@pytest.fixture
def in_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ran]]:
    """The command line in a folder with the samples and their memory, with the built-in encoder, at UTC."""
    import signal

    from typer.testing import CliRunner

    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    pipe = signal.getsignal(signal.SIGPIPE)

    def run(*words: str) -> Ran:
        result = CliRunner().invoke(app, [*words])
        return Ran(result.exit_code, result.stdout, result.stderr)

    assert run("ingest", "samples", "-o", "samples.safetensors").code == 0
    yield run
    signal.signal(signal.SIGPIPE, pipe)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_the_readme_shows_what_the_program_prints(in_a_clone: Callable[..., Ran]) -> None:
    text = README.read_text("utf-8")
    for example in blocks(README, "console"):
        command, _, output = example.partition("\n")
        ran = in_a_clone(*shlex.split(command)[2:])
        printed = ran.out + ran.err
        if os.environ.get("DELTAMEM_UPDATE_DOCS"):
            text = text.replace(example, f"{command}\n{printed}")
            README.write_text(text, "utf-8")
        else:
            assert unmeasured(output) == unmeasured(printed), command
