"""The package as it is installed: its version, its metadata, and what a bare import loads."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from conftest import ROOT, run_cold

import deltamem_cli

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_version_is_told_in_one_place_and_everywhere() -> None:
    assert deltamem_cli.__version__ == PROJECT["version"]
    assert run_cold("--version").out == f"deltamem {PROJECT['version']}\n"


def test_the_command_leads_to_the_package() -> None:
    from deltamem_cli.__main__ import main

    assert PROJECT["scripts"] == {"deltamem": "deltamem_cli.__main__:main"}
    assert callable(main)


def test_every_dependency_has_a_tested_version() -> None:
    pinned = {
        line.partition("==")[0].strip().lower()
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    extras = PROJECT["optional-dependencies"]
    named = [name for group in (PROJECT["dependencies"], *extras.values()) for name in group]
    assert {name.replace("=", ">").partition(">")[0].strip().lower() for name in named} <= pinned


def test_a_bare_import_loads_nothing_else() -> None:
    code = """if True:
        import sys, deltamem_cli
        print(*(name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names))
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if not name.startswith(("_", "sitecustomize"))} == {"deltamem_cli"}
