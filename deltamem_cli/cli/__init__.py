"""The command line: each command is parse, one verb, render. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import errno
import signal
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deltamem_cli import __version__
from deltamem_cli.cli import (
    compact,
    config,
    diff,
    discover,
    export,
    forget,
    formats,
    info,
    ingest,
    mcp_server,
    merge,
    query,
    sessions,
    show,
)
from deltamem_cli.cli.output import terminal
from deltamem_cli.cli.plain_help import PlainCommand, brief
from deltamem_cli.errors import DeltaMemError, ExitStatus


class Commands(TyperGroup):
    """The one place where an error becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # typer keeps a click of its own
        """Run a command; what a person can mend goes to stderr in one line."""
        if hasattr(signal, "SIGPIPE"):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends us as it ends grep
        try:
            return super().invoke(ctx)
        except DeltaMemError as error:
            terminal.err(f"deltamem: {terminal.line(str(error))}")
            ctx.exit(int(error.status))
        except OSError as error:  # a full disk, a link loop, a name too long, a working folder that is gone
            terminal.err(f"deltamem: {terminal.line(_trouble(error))}")
            ctx.exit(int(ExitStatus.BAD_DATA))
        except MemoryError:
            terminal.err("deltamem: there is not enough memory for this; what was there is kept")
            ctx.exit(int(ExitStatus.BAD_DATA))
        except KeyboardInterrupt:
            ctx.exit(int(ExitStatus.INTERRUPTED))


def _trouble(error: OSError) -> str:
    """Return what the system refused, as a sentence."""
    why = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        return f"{error.filename or 'the disk'}: {why}; free some space and run it again, what was there is kept"
    if error.errno == errno.ENOENT and error.filename is None:
        return "the working folder is gone; change to one that is there, and run it again"
    return f"{error.filename or 'the system'}: {why}; what was there is kept"


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: half the time to start, and no table that cuts its words
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        terminal.out(f"deltamem {__version__}")
        raise typer.Exit


@app.callback()
def deltamem(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Conversation logs in, one memory file, answers with file and line.

    deltamem ingest ~/.claude/projects

    deltamem query why did we drop the cache
    """


for command in (
    ingest.ingest,
    query.query,
    show.show,
    sessions.sessions,
    sessions.digest,
    sessions.timeline,
    export.export,
    merge.merge,
    compact.compact,
    diff.diff,
    forget.forget,
    info.info,
    formats.formats,
    discover.discover,
    config.config,
    mcp_server.mcp,
):
    app.command(cls=PlainCommand, short_help=brief(command.__doc__))(command)
app.command("open", cls=PlainCommand, short_help=brief(show.open_log.__doc__))(show.open_log)
