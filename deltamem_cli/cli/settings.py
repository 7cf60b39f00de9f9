"""What a person prefers: each setting's value and where it came from (an option, a variable, the config file).

The first that says something wins: the option, `DELTAMEM_…`, the config file, then what is built in.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deltamem_cli.errors import UsageError

_NAME = "deltamem"


@dataclass(frozen=True, slots=True)
class Setting:
    """A preference: what it is for, what is built in, and what it may be (None where it may not be that)."""

    help: str
    default: Callable[[], str]
    check: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Value:
    """A setting as it holds now. origin: what said so, in words."""

    name: str
    value: str
    origin: str


def _one_of(*names: str) -> Callable[[str], str | None]:
    return lambda value: None if value in names else f"choose one of {', '.join(names)}"


def _number(value: str) -> str | None:
    return (
        None if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= 1000 else "say a number from 1 to 1000"
    )


def _command(value: str) -> str | None:
    try:
        shlex.split(value)
    except ValueError:
        return "its quotes do not close"
    return None


SETTINGS: dict[str, Setting] = {
    "memory": Setting(
        "The memory that is meant where none is named.", lambda: str(data_folder() / "memory.safetensors")
    ),
    "model": Setting("The encoder: a name, or a folder.", lambda: "default"),
    "k": Setting("How many passages an answer has.", lambda: "5", _number),
    "device": Setting("Where to encode and learn: auto, cpu, cuda, mps.", lambda: "auto"),
    "color": Setting("Colours: auto, always or never.", lambda: "auto", _one_of("auto", "always", "never")),
    "pager": Setting("The pager's command, or off.", lambda: os.environ.get("PAGER") or "less", _command),
    "editor": Setting("What `deltamem open` starts.", lambda: _editor(), _command),
}


def _editor() -> str:
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"


def data_folder() -> Path:
    """Where this user's programs keep their data."""
    from platformdirs import user_data_path

    return user_data_path(_NAME, appauthor=False)


def state_folder() -> Path:
    """Where this user's programs keep what they were last doing."""
    from platformdirs import user_state_path

    return user_state_path(_NAME, appauthor=False)


def config_file() -> Path:
    """The file that holds what `deltamem config` sets."""
    from platformdirs import user_config_path

    return user_config_path(_NAME, appauthor=False) / "config.toml"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"DELTAMEM_{name.upper()}"


def setting(name: str, option: str | None = None) -> Value:
    """A setting as it holds: what the command line says, if it does. Raises UsageError for what it may not be."""
    if option is not None:
        return Value(name, _checked(name, option, f"--{name}"), "the command line")
    if told := os.environ.get(variable(name)):
        return Value(name, _checked(name, told, variable(name)), f"the variable {variable(name)}")
    written = read_config()
    if name in written:
        return Value(name, _checked(name, written[name], f"{config_file()}: {name}"), f"the file {config_file()}")
    return Value(name, SETTINGS[name].default(), "built in")


def value(name: str, option: str | None = None) -> str:
    """The value of a setting."""
    return setting(name, option).value


def _checked(name: str, told: str, where: str) -> str:
    wrong = SETTINGS[name].check(told)
    if wrong:
        raise UsageError(f"{where}: {told!r} will not do; {wrong}")
    return told


def read_config() -> dict[str, str]:
    """What the config file says. Raises UsageError where it is none, or names what there is not."""
    import tomllib

    path = config_file()
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); mend or delete it") from error
    for name, told in entries.items():
        if name not in SETTINGS or not isinstance(told, str | int) or isinstance(told, bool):
            raise UsageError(f"{path}: {name} is no setting; `deltamem config` lists those there are")
    return {name: str(told) for name, told in entries.items()}


def write_config(name: str, told: str | None) -> None:
    """Set a setting in the config file, or with None unset it. Raises UsageError for what it may not be."""
    import json

    if name not in SETTINGS:
        raise UsageError(f"there is no setting {name!r}: choose one of {', '.join(SETTINGS)}")
    entries = read_config()
    entries.pop(name, None)
    if told is not None:
        if name == "memory":
            told = str(Path(told).expanduser().absolute())
        entries[name] = _checked(name, told, f"the setting {name}")
    path = config_file()
    lines = [f"{key} = {json.dumps(entries[key], ensure_ascii=True)}\n" for key in SETTINGS if key in entries]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text("".join(lines), "utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); check the folder's rights") from error
