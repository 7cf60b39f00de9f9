"""`deltamem config`: what a person prefers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deltamem_cli.cli import settings
from deltamem_cli.cli.options import Json
from deltamem_cli.cli.output import terminal
from deltamem_cli.cli.output.values import json_line
from deltamem_cli.errors import UsageError, meant


def config(
    name: Annotated[str, typer.Argument(metavar="[SETTING]", help="The setting to show, or to set.")] = "",
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="What it is from now on.")] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Take the setting out of the config file.")] = False,
    json: Json = False,
) -> None:
    """Show every setting, its value and what said so; or set one.

    An option on the command line comes first, then a variable (DELTAMEM_MEMORY, DELTAMEM_K, …), then the config file.

    Example: deltamem config

    Example: deltamem config memory ~/notes.safetensors
    """
    if name and name not in settings.SETTINGS:
        known = settings.SETTINGS
        raise UsageError(f"there is no setting {name!r}: choose one of {', '.join(known)}{meant(name, known)}")
    if unset and (value is not None or not name):
        raise UsageError("--unset takes the name of a setting, and no value")
    if value is not None or unset:
        settings.write_config(name, None if unset else value)
    shown = [settings.setting(one) for one in settings.SETTINGS if name in ("", one)]
    style = terminal.Style(sys.stdout, settings.value("color"))
    for one in shown:
        about = settings.SETTINGS[one.name].help
        if json:
            terminal.out(json_line({"name": one.name, "value": one.value, "origin": one.origin, "help": about}))
            continue
        terminal.out(f"{style.bold(one.name.ljust(7))} {terminal.line(one.value)}")
        terminal.out(style.dim(f"        {terminal.line(one.origin)}; {about}"))
    if not name and not json:
        terminal.out(style.dim(f"\nThe config file: {terminal.short_path(str(settings.config_file()))}"))
