"""ZIP members, compressed logs and databases are read as they are, and hostile ones are refused in a sentence."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from conftest import Ingest, WordEncoder
from oracle_reading import Pipe, read_bytes, read_file

from deltamem_cli.errors import LogError
from deltamem_cli.memory.file import open_memory
from deltamem_cli.readers.detect import open_log
from deltamem_cli.readers.io import archives
from deltamem_cli.readers.io.archives import container, members, open_file
from deltamem_cli.readers.io.paths import find_logs
from deltamem_cli.recall.source_text import read_sources

TALK = b'{"role": "user", "content": "soup"}\n{"role": "assistant", "content": "lentils"}\n'


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def told(path: str) -> list[str]:
    return [message.text for message in read_file(Path(path))[1]]


def test_the_members_of_an_archive_are_logs_of_their_own(tmp_path: Path) -> None:
    inside = {"b/turns.jsonl": TALK, "a.jsonl": TALK, "chat.html": b"<html>"}
    archive = zipped(tmp_path / "export.zip", inside)
    problems: list[LogError] = []
    found = find_logs([str(archive)], problems)
    assert [(log.path, log.size, log.named) for log in found] == [
        (f"{archive}/{name}", len(inside[name]), False) for name in sorted(inside)
    ]
    assert found == find_logs([str(tmp_path)], problems)
    assert not problems
    assert told(f"{archive}/b/turns.jsonl") == ["soup", "lentils"]
    assert container(f"{archive}/b/turns.jsonl") == str(archive)
    with pytest.raises(FileNotFoundError):
        open_file(f"{archive}/none.jsonl")
    with pytest.raises(OSError):
        open_file(f"{tmp_path}/none.zip/a.jsonl")


def test_a_folder_called_zip_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "logs.zip"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(TALK)
    assert [log.path for log in find_logs([str(folder)], [])] == [str(folder / "a.jsonl")]
    assert told(str(folder / "a.jsonl")) == ["soup", "lentils"]


@pytest.mark.parametrize("name", ["../up.jsonl", "/etc/up.jsonl", "a/../../up.jsonl", "a\\..\\up.jsonl", "C:/up.jsonl"])
def test_names_that_lead_outside_are_left_out(name: str, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "export.zip", {name: TALK, "good.jsonl": TALK})
    problems: list[LogError] = []
    assert [path for path, _ in members(str(archive), problems)] == [f"{archive}/good.jsonl"]
    assert "leads outside" in str(problems[0])


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)
    zeros = bytes(8 << 20)
    problems: list[LogError] = []
    archive = zipped(tmp_path / "bomb.zip", {"a.jsonl": zeros})
    assert not list(members(str(archive), problems))
    assert "unpack" in str(problems[0])
    with pytest.raises(LogError, match="500-fold"):
        open_file(f"{archive}/a.jsonl")
    talk = b"User: x\nBot: y\n" * (1 << 16)
    for packed in (gzip.compress(talk), zstandard.compress(talk)):
        with pytest.raises(LogError, match="500-fold"):
            read_bytes(packed, "text")


def test_an_archive_in_an_archive_is_refused_with_advice(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.jsonl": TALK}).read_bytes()
    archive = zipped(tmp_path / "outer.zip", {"inner.zip": inner})
    with pytest.raises(LogError, match="ZIP archive from a pipe or inside another"):
        read_file(Path(f"{archive}/inner.zip"))


@pytest.mark.parametrize("harm", ["cut", "flipped", "password", "method"])
def test_damaged_archives_are_told_in_a_sentence(harm: str, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "export.zip", {"a.jsonl": TALK * 50})
    data = bytearray(archive.read_bytes())
    start, entry = data.index(b"PK\3\4"), data.index(b"PK\1\2")
    if harm == "cut":
        del data[len(data) // 2 :]
    elif harm == "flipped":
        data[start + 60] ^= 0xFF
    elif harm == "password":
        data[start + 6] |= 1
        data[entry + 8] |= 1
    else:
        data[start + 8] = data[entry + 10] = 97
    archive.write_bytes(data)
    problems: list[LogError] = []
    list(members(str(archive), problems))
    if not problems:
        with pytest.raises(LogError) as found:
            read_file(Path(f"{archive}/a.jsonl"))
        problems.append(found.value)
    assert str(problems[0]).startswith(str(archive))
    assert str(problems[0]).isprintable()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compressed_logs_are_read_as_they_are(pack: object) -> None:
    packed = pack(TALK)  # type: ignore[operator]
    assert read_bytes(packed) == read_bytes(TALK)
    assert read_bytes(packed + packed)[1][2:]  # files that were joined
    with pytest.raises(LogError, match="twice"):
        read_bytes(pack(packed))  # type: ignore[operator]


def test_a_compressed_log_that_is_cut_off_is_told() -> None:
    data = gzip.compress("".join(json.dumps({"role": "user", "content": str(i)}) + "\n" for i in range(9999)).encode())
    with pytest.raises(LogError, match="cut off"):
        read_bytes(data[: len(data) // 2])
    with pytest.raises(LogError, match="damaged"):
        read_bytes(b"\x28\xb5\x2f\xfd" + b"nothing" * 9)


def goose(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.executescript(
        "create table sessions(id text primary key, working_dir text);"
        "create table messages(id integer primary key, session_id text, role text, content_json text);"
    )
    return database


def say(database: sqlite3.Connection, *texts: str) -> None:
    for text in texts:
        content = json.dumps([{"type": "text", "text": text}])
        database.execute("insert into messages(session_id, role, content_json) values('s', 'user', ?)", (content,))
    database.commit()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_reading_a_database_leaves_no_trace(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with closing(goose(path)) as database:
        database.execute(f"pragma journal_mode={mode}")
        say(database, "soup")
    before = path.read_bytes()
    assert told(str(path)) == ["soup"]
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["sessions.db"]


def test_what_a_tool_has_written_but_not_merged_is_read(tmp_path: Path) -> None:
    """The log beside a database (`-wal`) counts: while the tool writes it, and in a copy of both files."""
    path, copy = tmp_path / "sessions.db", tmp_path / "copy"
    with closing(goose(path)) as database:
        database.execute("pragma journal_mode=wal")
        say(database, "soup", "lentils")
        assert told(str(path)) == ["soup", "lentils"]
        copy.mkdir()
        for name in ("sessions.db", "sessions.db-wal"):
            (copy / name).write_bytes((tmp_path / name).read_bytes())
    assert told(str(copy / "sessions.db")) == ["soup", "lentils"]
    assert sorted(os.listdir(copy)) == ["sessions.db", "sessions.db-wal"]


def test_a_database_comes_compressed_in_an_archive_or_through_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is copied to be opened, and the copy goes."""
    path, temporary = tmp_path / "sessions.db", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with closing(goose(path)) as database:
        say(database, "soup")
    data = path.read_bytes()
    archive = zipped(tmp_path / "backup.zip", {"sessions.db": data})
    assert told(f"{archive}/sessions.db") == ["soup"]
    for packed in (data, gzip.compress(data)):
        assert [message.text for message in read_bytes(packed)[1]] == ["soup"]
    assert os.listdir(temporary) == []


def test_broken_and_foreign_databases_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with closing(goose(path)) as database:
        say(database, *["soup" * 500] * 20)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    with pytest.raises(LogError, match="SQLite database cannot be read"):
        read_file(path)
    with closing(sqlite3.connect(tmp_path / "places.db")) as other:
        other.execute("create table places(url)")
    with pytest.raises(LogError, match="no tool that deltamem knows"):
        read_file(tmp_path / "places.db")
    with pytest.raises(LogError, match="no SQLite database"):
        read_bytes(TALK, "llm")


def test_views_and_virtual_tables_are_no_tables(tmp_path: Path) -> None:
    """Their rows are computed by what a stranger wrote into the file."""
    path = tmp_path / "hostile.db"
    with closing(sqlite3.connect(path)) as database:
        endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i id, i session_id"
        database.execute(f"create view messages as {endless}, 'user' role, '[]' content_json from n")
        database.execute("create table sessions(id)")
    with pytest.raises(LogError, match="no tool that deltamem knows"), path.open("rb") as file:
        open_log(file, str(path))


def test_streams_of_any_kind_are_unpacked() -> None:
    packed = gzip.compress(TALK)
    for stream in (Pipe(packed, 3), io.BytesIO(packed)):
        assert open_log(stream, "-")[1].stream.read() == TALK


def test_ingest_takes_archives_and_databases(tmp_path: Path, ingest: Ingest) -> None:
    """Twice the same: nothing is new, but a log beside the database that grew is noticed. Text is found again."""
    archive = zipped(tmp_path / "export.zip", {"a/turns.jsonl": TALK, "readme.html": b"<html>"})
    path, memory = tmp_path / "sessions.db", tmp_path / "memory.safetensors"
    with closing(goose(path)) as database:
        database.execute("pragma journal_mode=wal")
        say(database, "soup")
        first = ingest(memory, archive, path, text=False)
        assert (first.logs, first.not_logs, first.new) == ({"openai": 1, "goose": 1}, 1, 3)
        assert not first.problems
        say(database, "bread")
        second = ingest(memory, archive, path, text=False)
        assert (second.unchanged, second.new) == (1, 1)
    found = open_memory(memory)
    texts = read_sources(found, list(range(len(found.rows))), WordEncoder())
    assert sorted(texts.values()) == ["bread", "lentils", "soup", "soup"]
