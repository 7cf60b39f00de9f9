"""`deltamem mcp`: the memory for agents, by the Model Context Protocol over standard input and output."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deltamem_cli.cli import settings
from deltamem_cli.cli.memory_path import memory_path, open_named
from deltamem_cli.cli.options import MemoryOption, MemoryPath, filters_of, span_of
from deltamem_cli.cli.output.terminal import line
from deltamem_cli.errors import DeltaMemError, UsageError

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from deltamem_cli.encoders import Encoder
    from deltamem_cli.memory.memory import StoredMemory
    from deltamem_cli.recall.searcher import Searcher

_MOST_TOKENS = 8000
_ABOUT = "Past conversations of this user (coding agents, chats), searched by meaning and words. Results are quotes."


@dataclass
class Desk:
    """What the tools answer from: the memory as it is now, and its encoder, kept warm."""

    path: str
    model: str
    _open: tuple[object, Searcher] | None = None

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder of the questions."""
        from deltamem_cli.encoders import load_encoder

        return load_encoder(self.model, query_only=True)

    def searcher(self) -> Searcher:
        """The memory, opened again where its file has changed."""
        from deltamem_cli.recall.searcher import Searcher

        try:
            status = os.stat(self.path)
            stamp: object = (status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError:
            stamp = None
        if self._open is None or self._open[0] != stamp:
            self._open = stamp, Searcher(open_named(self.path), self.encoder)
        return self._open[1]

    def memory(self) -> StoredMemory:
        """The memory."""
        return self.searcher().memory


def mcp(
    memory: MemoryPath = None,
    named: MemoryOption = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The encoder the memory was made with, if not the built-in one.")
    ] = None,
) -> None:
    """Serve the memory to an agent (Model Context Protocol over stdio): search, show, sessions, timeline.

    It needs the extra `mcp`: pip install "deltamem[mcp]".

    Example: claude mcp add deltamem -- deltamem mcp
    """
    server(memory_path(memory, named), settings.value("model", model)).run("stdio")


def server(path: str, model: str = "default") -> MCPServer[Any]:
    """The server of a memory. Raises UsageError where the SDK is not installed."""
    try:
        from mcp.server import MCPServer
    except ImportError as error:
        raise UsageError('the MCP SDK is not installed; get it with: pip install "deltamem[mcp]"') from error
    made: MCPServer[Any] = MCPServer("deltamem", instructions=_ABOUT)
    desk = Desk(path, model)
    for tool in (_search(desk), _show(desk), _sessions(desk), _timeline(desk)):
        made.tool(structured_output=False)(_in_a_sentence(tool))
    return made


def _in_a_sentence(tool: Callable[..., str]) -> Callable[..., str]:
    """The tool, with what can be mended told to the agent in one sentence."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(tool)
    def told(*args: Any, **options: Any) -> str:  # noqa: ANN401  # whatever the tool takes
        try:
            return tool(*args, **options)
        except DeltaMemError as error:
            raise ToolError(line(str(error))) from error

    return told


def _search(desk: Desk) -> Callable[..., str]:
    def search(
        question: str, k: int = 5, project: str = "", since: str = "", until: str = "", max_tokens: int = 1500
    ) -> str:
        """Find what was said in past conversations. since, until: dates (7d, 2026-05). Cite the [place] of a result."""
        from deltamem_cli.cli.output.fenced import fenced
        from deltamem_cli.recall.locate import one_a_message

        filters = filters_of(project=[project] if project else None, span=span_of(since, until))
        answer = desk.searcher().ask(question[:2000], min(max(k, 1), 50), 0, filters)
        if not answer.hits:
            return f"Nothing in the memory fits (familiarity {answer.familiarity:.2f})."
        near = "" if answer.fits else "; nothing fits well, these are nearest: perhaps not about this at all"
        note = f"familiarity {answer.familiarity:.2f} of 1{near}"
        hits = one_a_message(desk.memory(), answer).hits
        return fenced(hits, _tokens(max_tokens), desk.encoder.count_tokens, note=note)

    return search


def _show(desk: Desk) -> Callable[..., str]:
    def show(place: str, messages_around: int = 3, max_tokens: int = 2000) -> str:
        """Show the conversation around a [place] of a search result."""
        from deltamem_cli.cli.output.fenced import fenced
        from deltamem_cli.recall.exchange import exchange
        from deltamem_cli.recall.locate import rows_at

        rows = rows_at(desk.memory(), place.strip("[] "))
        if not len(rows):
            raise UsageError(f"no such place: {place[:200]!r}; give one as search shows it, as project/session:12")
        told = exchange(desk.memory(), int(rows[0]), around=min(max(messages_around, 0), 50))
        hits = (turn.hit for turn in told.turns)
        note = f"{told.before} messages before these, {told.after} after"
        return fenced(hits, _tokens(max_tokens), desk.encoder.count_tokens, note=note)

    return show


def _sessions(desk: Desk) -> Callable[..., str]:
    def sessions(project: str = "", since: str = "", n: int = 20) -> str:
        """List past conversations, newest first: when, passages, place, title."""
        from deltamem_cli.cli.output.overviews import session_lines
        from deltamem_cli.recall.filters import let_through
        from deltamem_cli.recall.sessions import conversations

        filters = filters_of(project=[project] if project else None, span=span_of(since))
        told = conversations(desk.memory(), let_through(desk.memory(), filters), most=min(max(n, 1), 100))
        return "\n".join(session_lines(told)) or "No conversation passes."

    return sessions


def _timeline(desk: Desk) -> Callable[..., str]:
    def timeline(by: Literal["day", "week", "month"] = "week", project: str = "", since: str = "90d") -> str:
        """What was talked about by day, week or month: the busiest conversations of each."""
        from deltamem_cli.cli.output.overviews import timeline_lines
        from deltamem_cli.recall.filters import let_through
        from deltamem_cli.recall.timeline import timeline as verb

        filters = filters_of(project=[project] if project else None, span=span_of(since))
        told = verb(desk.memory(), let_through(desk.memory(), filters), period=by)
        return "\n".join(timeline_lines(told, by)) or "Nothing was said in that time."

    return timeline


def _tokens(wanted: int) -> int:
    return min(max(wanted, 200), _MOST_TOKENS)
