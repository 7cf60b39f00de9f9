"""Memory files: what is saved is what is opened; what is damaged or hostile is refused in a sentence."""

from __future__ import annotations

import json
import os
import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WordEncoder, memorise, said
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from deltamem_cli.errors import MemoryFileError, UsageError
from deltamem_cli.ingest import pipeline as ingesting
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.memory import file as store
from deltamem_cli.memory.info import describe
from deltamem_cli.memory.memory import StoredMemory
from deltamem_cli.recall.searcher import Searcher
from deltamem_cli.records import Source

Remember = Callable[..., StoredMemory]
MESSAGES = [said(f"message {i} about topic {i % 7}", i + 1, session=f"s{i // 9}", time=1e9 + i) for i in range(40)]


def use(path: Path) -> None:
    """All that the commands do with a memory that they open."""
    memory = store.open_memory(path)
    describe(memory)
    searcher = Searcher(memory, WordEncoder())
    searcher.ask("topic 3", context=2)
    searcher.where("topic 3")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A memory of MESSAGES, as bytes."""
    path = tmp_path_factory.mktemp("made") / "memory.safetensors"
    memorise(MESSAGES, path, WordEncoder())
    return path.read_bytes()


@pytest.fixture
def saved(made: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "memory.safetensors"
    path.write_bytes(made)
    return path


def parts(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and tensors of a file, by safetensors alone."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["deltamem"]), load_file(path)


def write(path: Path, header: Any, tensors: dict[str, NDArray[Any]]) -> None:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file({k: np.array(v, order="C") for k, v in tensors.items()}, path, metadata={"deltamem": text})


def test_safetensors_alone_opens_it_and_finds_one_metadata_key(saved: Path) -> None:
    with safe_open(saved, framework="numpy") as file:
        assert list(file.metadata()) == ["deltamem"]
        header = json.loads(file.metadata()["deltamem"])
        assert header["format"] == store.FORMAT
        assert file.metadata()["deltamem"] == json.dumps(header, sort_keys=True, separators=(",", ":"))
        assert {name.partition(".")[0] for name in file.keys()} == {"state", "ledger"}  # noqa: SIM118
        assert file.get_tensor("ledger.uid").shape == (40, 16)


def test_every_tensor_begins_at_a_multiple_of_its_width(saved: Path) -> None:
    data = saved.read_bytes()
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    del entries["__metadata__"]
    widths = {"I64": 8, "U64": 8, "F32": 4, "U32": 4, "F16": 2, "U16": 2, "U8": 1, "I8": 1}
    assert (8 + length) % 8 == 0
    assert all(entry["data_offsets"][0] % widths[entry["dtype"]] == 0 for entry in entries.values())


def test_opening_is_the_inverse_of_saving(remember: Remember, tmp_path: Path) -> None:
    memory = remember(MESSAGES)
    assert memory.text is not None
    assert list(memory.text) == [message.text for message in MESSAGES]
    assert [memory.sessions[i].id for i in memory.rows.session] == [message.session for message in MESSAGES]
    assert (memory.rows.time / 1000).tolist() == [message.time for message in MESSAGES]
    again = tmp_path / "again.safetensors"
    store.save(again, memory.header, {name: memory.tensors[name] for name in memory.tensors}, {})
    assert again.read_bytes() == Path(memory.name).read_bytes()


def test_the_same_memory_is_the_same_bytes(remember: Remember, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in range(2)]
    for path in paths:
        remember(MESSAGES, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_bytes_of_every_tensor_are_told_from_the_header(saved: Path) -> None:
    assert store.nbytes(store.open_memory(saved)) == {name: array.nbytes for name, array in load_file(saved).items()}


@pytest.mark.parametrize("content", [b"", b"\0", b"hello", b"\xff" * 400, b"{}" * 99], ids=range(5))
def test_files_of_others_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(MemoryFileError, match=r"x\.safetensors: not a deltamem memory"):
        store.open_memory(path)


def test_a_missing_file_a_folder_and_another_tools_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(MemoryFileError, match=r"no such file; make it with"):
        store.open_memory(tmp_path / "none")
    with pytest.raises(MemoryFileError, match="not a file"):
        store.open_memory(tmp_path)
    save_file({"weight": np.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(MemoryFileError, match="not one that deltamem made"):
        store.open_memory(tmp_path / "model.safetensors")


@pytest.mark.parametrize("kept", [1, 7, 8, 100, 1000, -5000, -1], ids=str)
def test_a_truncated_file_is_refused_when_it_is_opened(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(MemoryFileError, match="cut short"):
        store.open_memory(saved)


def test_a_newer_format_is_refused_with_what_to_do(saved: Path) -> None:
    header, tensors = parts(saved)
    write(saved, header | {"format": store.FORMAT + 1}, tensors)
    with pytest.raises(MemoryFileError, match="upgrade deltamem"):
        store.open_memory(saved)


BAD_HEADERS: list[Any] = [
    "",
    "[]",
    "null",
    "{",
    "[" * 100_000,
    '{"format": 1e400}',
    '{"format": %s}' % ("9" * 5000),
    *[{"format": None}, {"format": 0}, {"format": -1}, {"format": "1"}, {"format": 1.0}, {"format": True}],
    {"format": 1},
]
FIELDS: list[dict[str, Any]] = [
    *({name: value} for name in ("passages", "sessions", "sources") for value in (-1, 10**15, 2**64, 1.5, None, "4")),
    *({"dimension": value} for value in (0, -30, 31, 10**12, None)),
    *({"window": value} for value in (0, 1, -5, None)),
    {"text": 1},
    {"text": "yes"},
    {"encoder": None},
    {"fingerprint": 5},
    {"first": "then"},
    {"last": 1.5},
]


@pytest.mark.parametrize("header", BAD_HEADERS, ids=range(len(BAD_HEADERS)))
def test_a_damaged_header_is_refused(saved: Path, header: Any) -> None:
    write(saved, header, parts(saved)[1])
    with pytest.raises(MemoryFileError, match=r"memory\.safetensors: "):
        store.open_memory(saved)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_header_that_lies_is_refused(saved: Path, field: dict[str, Any]) -> None:
    header, tensors = parts(saved)
    write(saved, header | field, tensors)
    with pytest.raises(MemoryFileError, match=r"memory\.safetensors: "):
        use(saved)


def damaged(name: str, array: NDArray[Any]) -> dict[str, NDArray[Any] | None]:
    """Ways in which a stranger may have changed a tensor."""
    ways: dict[str, NDArray[Any] | None] = {
        "missing": None,
        "empty": array[:0],
        "longer": np.concatenate([array, array[:1]]),
        "wider": np.stack([array, array], axis=1),
        "a number": array.reshape(-1)[0],
        "other type": array.astype(np.float64),
        "signed": array.astype(np.int32),
    }
    if array.dtype.kind == "i":
        ways |= {"negative": -array - 1, "huge": array + (np.iinfo(array.dtype).max - array)}
    return ways


def test_no_damaged_tensor_is_used(saved: Path) -> None:
    header, tensors = parts(saved)
    harmless = {("ledger.time", way) for way in ("negative", "huge")}
    harmless |= {(f"state.{name}", way) for name in "SF" for way in ("negative", "huge")}
    accepted = []
    for name, array in tensors.items():
        for way, changed in damaged(name, array).items():
            if (name, way) in harmless or (name.endswith(".frames") and way in ("other type", "signed", "longer")):
                continue
            path = saved.with_name("damaged.safetensors")
            rest = {other: value for other, value in tensors.items() if other != name}
            write(path, header, rest if changed is None else rest | {name: changed})
            try:
                use(path)
            except MemoryFileError as error:
                assert str(error).startswith(str(path))
            else:
                accepted.append((name, way))
    assert accepted == [("ledger.vocabulary", "longer")]  # one term more than is used: nothing breaks


@pytest.mark.parametrize("name", ["source", "session", "speaker", "role", "kind", "terms", "sizes"])
def test_numbers_that_lead_nowhere_are_refused(saved: Path, name: str) -> None:
    header, tensors = parts(saved)
    changed = tensors[f"ledger.{name}"].copy()
    changed[3] = np.iinfo(changed.dtype).max
    write(saved, header, tensors | {f"ledger.{name}": changed})
    with pytest.raises(MemoryFileError, match="damaged"):
        use(saved)


@pytest.mark.parametrize("name", ["S_scale", "F_scale", "alpha", "fit", "norms"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(saved: Path, name: str, value: float) -> None:
    header, tensors = parts(saved)
    changed = tensors[f"state.{name}"].copy()
    changed[-1] = value
    write(saved, header, tensors | {f"state.{name}": changed})
    with pytest.raises(MemoryFileError, match="a number of the matrix"):
        store.open_memory(saved).matrix  # noqa: B018


def test_flipped_bytes_never_crash(saved: Path) -> None:
    whole = saved.read_bytes()
    dice = random.Random(1)
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        saved.write_bytes(data)
        try:
            use(saved)
        except MemoryFileError:
            continue


@pytest.mark.parametrize(
    "entry",
    ["{}", "[]", "5", '{"path": 5, "format": "text"}', '{"path": "a", "format": "b", "bytes": "1"}', '{"p": 1}', "{"],
)
def test_damaged_table_entries_are_refused(saved: Path, entry: str) -> None:
    from deltamem_cli.memory.memory import string_arrays
    from deltamem_cli.memory.text_blocks import pack

    header, tensors = parts(saved)
    bounds, frames = pack([entry])
    write(
        saved,
        header,
        tensors | string_arrays("sources", bounds) | {"ledger.sources.frames": np.frombuffer(frames, np.uint8)},
    )
    with pytest.raises(MemoryFileError, match="sources"):
        use(saved)


def test_a_failing_save_leaves_the_old_file_and_nothing_else(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = store.open_memory(saved)
    old = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        store.save(saved, memory.header, {"state.S": np.zeros(3, np.float32)}, {})
    assert saved.read_bytes() == old
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_kept_and_links_followed(saved: Path, remember: Remember, tmp_path: Path) -> None:
    saved.chmod(0o640)
    link = tmp_path / "elsewhere" / "link.safetensors"
    link.parent.mkdir()
    link.symlink_to(saved)
    remember([said("something new")], link)
    assert link.is_symlink()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o640
    assert store.open_memory(saved).header.passages == 41


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_new_file_gets_the_usual_permissions(saved: Path) -> None:
    (saved.parent / "other").touch()
    assert saved.stat().st_mode == (saved.parent / "other").stat().st_mode


def test_a_change_by_another_program_is_noticed(saved: Path, remember: Remember, encoder: WordEncoder) -> None:
    draft = Draft(saved, ingesting.new_header(encoder, text=True), encoder.mean)
    remember([said("from another program")])
    theirs = saved.read_bytes()
    with pytest.raises(UsageError, match="another program changed it"):
        ingesting.ingest_messages([said("mine")], Source("/b", "openai"), draft, encoder)
    assert saved.read_bytes() == theirs


def test_a_place_that_cannot_be_written_is_told_before_any_work(tmp_path: Path, encoder: WordEncoder) -> None:
    with pytest.raises(UsageError, match="choose another place with -o"):
        Draft(tmp_path / "none" / "m.safetensors", ingesting.new_header(encoder, text=True), encoder.mean)
