"""The `llm` command's log database (`logs.db`): a row holds a prompt and its response."""

from __future__ import annotations

from collections.abc import Iterator

from deltamem_cli.readers.parse.head import Head, Log
from deltamem_cli.readers.parse.sqlite import Database, connect, place
from deltamem_cli.readers.parse.values import call_text, seconds, string, tool_output, without_base64
from deltamem_cli.records import Kind, Message, ReadReport, Role

TITLE = "llm log database (logs.db)"

_COLUMNS = ("id", "conversation_id", "model", "system", "prompt", "response", "datetime_utc")
_Told = tuple[str, Role, Kind, str, int, str]  # text, role, kind, table, rowid, column


def detect(head: Head) -> bool:
    """Its two tables, with their columns."""
    responses = head.tables.get("responses", frozenset())
    return "conversations" in head.tables and {"prompt", "response", "conversation_id", "datetime_utc"} <= responses


def read(log: Log, report: ReadReport) -> Iterator[Message]:
    """Yield the messages of all conversations, in the order they were logged. Raises LogError for a broken database."""
    with connect(log) as database:
        yield from _messages(database, report)


def _messages(database: Database, report: ReadReport) -> Iterator[Message]:
    titles = {string(key): string(name) for _, key, name in database.rows("conversations", ("id", "name"))}
    calls, answers = _rowids(database, "tool_calls"), _rowids(database, "tool_results")
    systems: dict[str, str] = {}  # conversation → the system prompt it told last
    for rowid, identity, conversation, model, system, prompt, response, time in database.rows(
        "responses", _COLUMNS, "ORDER BY datetime_utc, rowid"
    ):
        key = string(identity) or f"row {rowid}"
        session = string(conversation) or key
        told: list[_Told] = []
        if string(system) != systems.get(session, ""):
            systems[session] = string(system)
            told.append((string(system), "system", "text", "responses", rowid, "system"))
        told += _results(database, answers.get(key, []))
        told.append((string(prompt), "user", "text", "responses", rowid, "prompt"))
        told.append((string(response), "assistant", "text", "responses", rowid, "response"))
        told += _calls(database, calls.get(key, []))
        if not any(text.strip() for text, *_ in told):
            report.skipped["no text"] += 1
        for text, role, kind, table, at, column in told:
            if text.strip():
                yield Message(
                    text=without_base64(text),
                    role=role,
                    kind=kind,
                    line=place(at),
                    pointer=f"/{table}/{at}/{column}",
                    session=session,
                    id=f"{key}/{column}" if table == "responses" else f"{key}/{table}/{at}",
                    speaker=string(model) if role == "assistant" else "",
                    time=seconds(time),
                    title=titles.get(session, ""),
                )


def _rowids(database: Database, table: str) -> dict[str, list[int]]:
    """The rows of a table by their response, which it has no index for."""
    found: dict[str, list[int]] = {}
    for rowid, response in database.rows(table, ("response_id",), "ORDER BY rowid"):
        found.setdefault(string(response), []).append(rowid)
    return found


def _calls(database: Database, rowids: list[int]) -> Iterator[_Told]:
    """The tools that a response called."""
    for number in rowids:
        for rowid, name, arguments in database.rows("tool_calls", ("name", "arguments"), "WHERE rowid = ?", (number,)):
            yield call_text(string(name), arguments), "assistant", "tool_call", "tool_calls", rowid, "arguments"


def _results(database: Database, rowids: list[int]) -> Iterator[_Told]:
    """What tools answered before a response."""
    for number in rowids:
        for rowid, output in database.rows("tool_results", ("output",), "WHERE rowid = ?", (number,)):
            yield tool_output(output), "tool", "tool_result", "tool_results", rowid, "output"
