"""The scripts of docs/batch.md, run as they stand there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, SAMPLES
from test_docs import blocks

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no shell here")
SCRIPTS = {name: body for body in blocks(ROOT / "docs" / "batch.md", "sh")
           for name in ("parallel", "xargs", "for") if f"{name} " in body}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `logs/`, a command `deltamem`, and the memory of one ingest of everything."""
    folder = tmp_path_factory.mktemp("batch")
    for name in ("text", "a folder"):
        shutil.copytree(SAMPLES / {"a folder": "whatsapp"}.get(name, name), folder / "logs" / name)
    command = folder / "bin" / "deltamem"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m deltamem_cli "$@"\n')
    command.chmod(0o755)
    run(folder, "deltamem ingest logs -o once.safetensors --quiet")
    return folder


def run(folder: Path, script: str) -> None:
    env = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    subprocess.run(["bash", "-euc", script], cwd=folder, env=env, check=True, timeout=300)


def test_the_page_shows_three_scripts() -> None:
    assert SCRIPTS.keys() == {"for", "xargs", "parallel"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_shards_and_a_merge_are_one_ingest(bench: Path, name: str) -> None:
    if name == "parallel" and shutil.which(name) is None:
        pytest.skip("GNU parallel is not installed")
    shutil.rmtree(bench / "shards", ignore_errors=True)
    run(bench, SCRIPTS[name])
    assert sorted(path.name for path in (bench / "shards").iterdir()) == ["a folder.safetensors", "text.safetensors"]
    assert (bench / "all.safetensors").read_bytes() == (bench / "once.safetensors").read_bytes()
