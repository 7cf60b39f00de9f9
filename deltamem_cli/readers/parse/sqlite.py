"""SQLite databases that tools keep their chats in: opened to be read only, never written to, not even beside.

A row's place is `line`, its rowid, and the pointer `/table/rowid/column`, then a JSON pointer inside the column.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from deltamem_cli.errors import LogError
from deltamem_cli.readers.parse.head import Log
from deltamem_cli.readers.parse.jsonl import parse

MAGIC = b"SQLite format 3\0"
_MOST_TABLES = 500
_LONGEST = 256 << 20  # bytes of one value
_LAST_LINE = (1 << 32) - 1

Tables = dict[str, frozenset[str]]


def as_file(stream: BinaryIO, name: str) -> BinaryIO:
    """A stream of a database whose `name` SQLite can open: the file itself, else a copy that goes when it is closed."""
    if _is_database(name):
        return open(name, "rb")
    handle, path = tempfile.mkstemp(prefix="deltamem-", suffix=".db")
    with open(handle, "wb") as copy:
        shutil.copyfileobj(stream, copy)
    return cast(BinaryIO, io.BufferedReader(_Temporary(path)))


def tables(stream: BinaryIO, name: str) -> Tables:
    """Return the columns of every ordinary table of an open database file. Raises LogError when it cannot be read."""
    with _connected(str(stream.name), name) as database:
        return _tables(database)


class Database:
    """An open database: its tables, and rows of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.tables = _tables(connection)

    def rows(
        self, table: str, columns: tuple[str, ...], rest: str = "", values: tuple[object, ...] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """(rowid, column, …) of the rows of a table; a column or table that this version lacks is None in all rows.

        `rest` is what follows the table's name in the query.
        """
        if table not in self.tables:
            return
        known = self.tables[table]
        names = ", ".join(f'"{column}"' if column in known else "NULL" for column in columns)
        cursor = self._connection.execute(f'SELECT rowid, {names} FROM "{table}" {rest}', values)
        yield from cursor


@contextmanager
def connect(log: Log) -> Iterator[Database]:
    """Give the database of a log, whose stream is closed afterwards. Raises LogError where it cannot be read."""
    file = log.stream if is_open(log) else as_file(log.stream, log.name)
    with closing(file):
        if not _is_database(str(file.name)):
            raise LogError(log.name, "this is no SQLite database")
        with _connected(str(file.name), log.name) as connection:
            yield Database(connection)


def is_open(log: Log) -> bool:
    """Return whether a log's stream is a database file, as `as_file` opens them."""
    path = getattr(log.stream, "name", None)
    return isinstance(path, str) and _is_database(path)


def place(rowid: object) -> int:
    """Return a rowid as the line of a message."""
    return min(max(rowid, 0), _LAST_LINE) if isinstance(rowid, int) else 0


def json_of(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value of a column, None for what is none."""
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    try:
        return parse(data) if isinstance(data, bytes) and len(data) <= _LONGEST else None
    except ValueError:
        return None


class _Temporary(io.FileIO):
    """A file that is deleted when it is closed."""

    def close(self) -> None:
        if not self.closed:
            super().close()
            Path(str(self.name)).unlink(missing_ok=True)


def _is_database(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


@contextmanager
def _connected(path: str, name: str) -> Iterator[sqlite3.Connection]:
    """A connection that leaves no trace, with what the tool has written to the log beside it (`-wal`) so far.

    SQLite would create that log where there is none, so such a file is read as one that nobody is writing; a log
    without its index (`-shm`) was copied, and is copied again to be read.
    """
    log, index = f"{path}-wal", f"{path}-shm"
    with tempfile.TemporaryDirectory(prefix="deltamem-") as folder:
        mode = "mode=ro"
        if not os.path.exists(log):
            mode += "&immutable=1" if _uses_log(path) else ""
        elif not os.path.exists(index):
            for source in (path, log):
                shutil.copy(source, os.path.join(folder, os.path.basename(source)))
            path = os.path.join(folder, os.path.basename(path))
        try:
            with closing(sqlite3.connect(f"file:{quote(os.path.abspath(path))}?{mode}", uri=True)) as connection:
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
                connection.execute("PRAGMA trusted_schema = OFF")
                yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: in the message of an error
            fault = "".join(character for character in str(error)[:100] if character.isprintable())
            why = f"the SQLite database cannot be read ({fault}); close the tool that writes it, or give a copy"
            raise LogError(name, why) from None


def _uses_log(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(20)[18:] == b"\x02\x02"


def _tables(connection: sqlite3.Connection) -> Tables:
    found = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'create table%' LIMIT ?"
    names = [name for (name,) in connection.execute(found, (_MOST_TABLES,)) if isinstance(name, str)]
    columns = "SELECT name FROM pragma_table_info(?)"
    return {name: frozenset(column for (column,) in connection.execute(columns, (name,))) for name in names}
