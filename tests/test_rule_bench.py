"""The recall benchmark of the rules: small, but through the same functions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "rules.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_rules", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_noise_is_a_cosine(bench: ModuleType) -> None:
    g = torch.Generator().manual_seed(0)
    keys = bench.unit_keys(50, 16, g)
    queries = bench.noisy(keys, 0.7, g)
    torch.testing.assert_close((keys * queries).sum(1), torch.full((50,), 0.7))
    torch.testing.assert_close(queries.norm(dim=1), torch.ones(50))


def test_the_exact_rule_holds_what_fits_and_the_table_has_every_rule(bench: ModuleType, tmp_path: Path) -> None:
    rows = bench.measure("random", None, d=16, seeds=1)
    assert {row.recall for row in rows if row.rule == "rls" and row.load <= 0.5 and row.cosine == 1} == {1.0}
    printed = bench.table(rows)
    assert all(rule in printed for rule in bench.RULES)
    pytest.importorskip("matplotlib", reason="plots need the extra: pip install 'deltamem[bench]'")
    bench.plot(rows, tmp_path / "rules.png")
    assert (tmp_path / "rules.png").read_bytes().startswith(b"\x89PNG")
