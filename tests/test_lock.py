"""Writers of one memory take turns; what killed ones leave is cleared; nothing that was read is overwritten unseen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deltamem_cli.errors import UsageError
from deltamem_cli.memory.lock import writing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
_HOLD = """
import sys, time
from deltamem_cli.memory.lock import writing
with writing(sys.argv[1]):
    open(sys.argv[1] + ".held", "w").close()
    time.sleep(float(sys.argv[2]))
"""


def _holder(path: Path, seconds: float) -> subprocess.Popen[bytes]:
    around = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(path), str(seconds)], env=around)
    for _ in range(600):
        if os.path.exists(f"{path}.held"):
            return process
        time.sleep(0.05)
    raise AssertionError("the other process did not start")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "m.safetensors"


def test_a_writer_waits_for_another(path: Path) -> None:
    other = _holder(path, 1.0)
    with writing(path):
        assert other.wait() == 0


def test_a_writer_is_told_when_it_takes_too_long(path: Path) -> None:
    other = _holder(path, 60)
    with pytest.raises(UsageError, match="another program has been writing it"), writing(path, wait=0.2):
        pass
    other.kill()
    other.wait()


def test_the_lock_of_a_killed_writer_holds_nobody_and_what_it_left_goes(path: Path) -> None:
    other = _holder(path, 60)
    other.kill()
    other.wait()
    left, others = path.parent / f".{path.name}.abc.part", path.parent / ".other.safetensors.abc.part"
    left.write_bytes(b"half")
    others.write_bytes(b"half")
    with writing(path, wait=5):
        assert not left.exists()
    assert others.exists()
    assert not (path.parent / f".{path.name}.lock").exists()


def test_one_lock_inside_another_is_the_same(path: Path) -> None:
    with writing(path), writing(path, wait=0):
        pass
    with writing(path, wait=0):
        pass


def test_a_merge_onto_an_input_that_changed_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from conftest import WordEncoder

    from deltamem_cli.algebra.merge import merge
    from deltamem_cli.ingest.draft import Draft
    from deltamem_cli.ingest.pipeline import new_header
    from deltamem_cli.memory.file import open_memory

    encoder = WordEncoder()
    for name in ("a", "b"):
        Draft(tmp_path / name, new_header(encoder, True), encoder.mean).save()
    opened = [open_memory(tmp_path / name) for name in ("a", "b")]
    newer = (tmp_path / "b").read_bytes() + b" "
    (tmp_path / "a").write_bytes(newer)
    with pytest.raises(UsageError, match="another program changed it meanwhile"):
        merge(opened, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == newer
