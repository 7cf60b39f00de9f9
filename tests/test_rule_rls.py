"""Recursive least squares: batches equal single writes, forgetting, and a million writes in fp32."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from capacity import rls_sums
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from deltamem_cli.rules import rls

D, M, ALPHA = 6, 4, 0.5
seeds = st.integers(0, 2**31)
keeps = st.sampled_from([None, 0.9, 1.0])


def stream(seed: int, n: int, rank: int = D) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    keys = torch.randn(n, rank, generator=g, dtype=torch.float64) @ torch.randn(
        rank, D, generator=g, dtype=torch.float64
    )
    return normalize(keys, dim=1), torch.randn(n, M, generator=g, dtype=torch.float64)


def factors(seed: int, n: int, least: float | None) -> Tensor | None:
    if least is None:
        return None
    return least + (1 - least) * torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same(got: rls.Solution, expected: rls.Solution, atol: float = 1e-9) -> None:
    for name, a, b in zip(rls.Solution._fields, got, expected, strict=True):
        torch.testing.assert_close(a, b, atol=atol, rtol=atol, msg=partial("{}: {}".format, name))


@pytest.mark.parametrize("n", [0, 1, 63, 100])
@pytest.mark.parametrize("least", [None, 0.9])
def test_batch_equals_single_writes(n: int, least: float | None) -> None:
    start, keep = rls.empty(M, D, ALPHA, dtype=torch.float64), factors(n, n, least)
    same(rls.write(start, *stream(n, n), keep), rls.write_reference(start, *stream(n, n), keep))


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(0, 30), st.integers(1, D), keeps, st.data())
def test_cut_anywhere(seed: int, n: int, rank: int, least: float | None, data: st.DataObject) -> None:
    """Also with keys that never fill the space: a start without rank."""
    keys, values = stream(seed, n, rank)
    keep, cut = factors(seed, n, least), data.draw(st.integers(0, n))
    start = rls.empty(M, D, ALPHA, dtype=torch.float64)
    expected = rls.write_reference(start, keys, values, keep)
    half = rls.write(start, keys[:cut], values[:cut], None if keep is None else keep[:cut])
    same(rls.write(half, keys[cut:], values[cut:], None if keep is None else keep[cut:]), expected, 1e-8)


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(0, 30), st.integers(1, D), keeps, st.data())
def test_sums_equal_single_writes_and_add(
    seed: int, n: int, rank: int, least: float | None, data: st.DataObject
) -> None:
    keys, values = stream(seed, n, rank)
    keep, cut = factors(seed, n, least), data.draw(st.integers(0, n))
    expected = rls_sums.write_reference(rls_sums.empty(M, D), keys, values, keep)
    first = rls_sums.write(rls_sums.empty(M, D), keys[:cut], values[:cut], None if keep is None else keep[:cut])
    got = rls_sums.write(first, keys[cut:], values[cut:], None if keep is None else keep[cut:])
    for name, a, b in zip(rls_sums.Sums._fields, got, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0, msg=partial("{}: {}".format, name))
    if keep is None:
        second = rls_sums.write(rls_sums.empty(M, D), keys[cut:], values[cut:])
        torch.testing.assert_close(rls_sums.merge(second, first).C, expected.C, atol=1e-12, rtol=0)
        back = rls_sums.merge(rls_sums.merge(first, second), second, -1.0)
        torch.testing.assert_close(back.A, first.A, atol=1e-12, rtol=0)
        same(rls_sums.read(got, ALPHA, torch.float64), rls.solve(keys, values, ALPHA))


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 30), st.floats(0.5, 100))
def test_forgetting_is_a_weight_by_age(seed: int, n: int, half_life: float) -> None:
    """The textbook's recursion, a weighted solve (its ridge fades too) and faded sums say the same."""
    keys, values = stream(seed, n)
    ages = torch.arange(n - 1, -1, -1, dtype=torch.float64)
    weights = rls.faded(ages, half_life)
    keep = rls.faded(torch.ones(n, dtype=torch.float64), half_life)
    faded_ridge = float(ALPHA * keep.prod())
    if faded_ridge > 1e-6:
        textbook = rls.write_reference(rls.empty(M, D, ALPHA, dtype=torch.float64), keys, values, keep)
        torch.testing.assert_close(textbook.S, rls.solve(keys, values, faded_ridge, weights).S, atol=1e-6, rtol=1e-6)
    sums = rls_sums.write(rls_sums.empty(M, D), keys, values, keep)
    same(rls_sums.read(sums, ALPHA, torch.float64), rls.solve(keys, values, ALPHA, weights))


def test_half_life_in_time_does_not_depend_on_the_order_of_writing() -> None:
    """A write counts by its age: late arrivals of old logs change nothing."""
    keys, values = stream(0, 50)
    age = torch.rand(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 86_400
    order = torch.randperm(50, generator=torch.Generator().manual_seed(2))
    weights = rls.faded(age, 3_600.0)
    same(rls.solve(keys, values, ALPHA, weights), rls.solve(keys[order], values[order], ALPHA, weights[order]))
    assert float(rls.faded(torch.tensor(3_600.0), 3_600.0)) == 0.5


@settings(max_examples=30, deadline=None)
@given(seeds, st.permutations(range(20)))
def test_order_does_not_matter(seed: int, order: list[int]) -> None:
    keys, values = stream(seed, 20)
    start = rls.empty(M, D, ALPHA, dtype=torch.float64)
    same(rls.write_reference(start, keys[order], values[order]), rls.write_reference(start, keys, values))


@pytest.mark.parametrize(("rank", "half_life"), [(8, None), (3, None), (3, 100_000.0)])
def test_a_million_writes(rank: int, half_life: float | None) -> None:
    """Keys of fp32, of full rank or not, in 100 parts, read as fp32: against one fp64 solve with a ridge of 1e-2."""
    n, d, alpha = 1_000_000, 8, 1e-2
    g = torch.Generator().manual_seed(rank)
    keys = normalize(torch.randn(n, rank, generator=g) @ torch.randn(rank, d, generator=g), dim=1)
    values = keys @ torch.randn(d, 3, generator=g) + 0.1 * torch.randn(n, 3, generator=g)
    keep = None if half_life is None else rls.faded(torch.ones(n, dtype=torch.float64), half_life)
    sums = rls_sums.empty(3, d)
    for first in range(0, n, 10_007):
        part = slice(first, first + 10_007)
        sums = rls_sums.write(sums, keys[part], values[part], None if keep is None else keep[part])
    got = rls_sums.read(sums, alpha)
    weights = None if half_life is None else rls.faded(torch.arange(n - 1, -1, -1, dtype=torch.float64), half_life)
    expected = rls.solve(keys.double(), values.double(), alpha, weights)
    for name, a, b in zip(rls.Solution._fields, got, expected, strict=True):
        error = float((a.double() - b).norm() / b.norm())
        assert a.dtype == torch.float32 and error <= 1e-4, f"{name}: relative error {error:.1e}"
