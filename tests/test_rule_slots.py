"""Slots: chunks equal single writes, the Turing Machine's equations, and what the rule is for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from deltamem_cli.errors import UsageError
from deltamem_cli.rules import slots
from deltamem_cli.rules.slots import MODES, Mode, Slots

S, D, M = 11, 6, 4
seeds = st.integers(0, 2**31)


def stream(seed: int, n: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    keys = normalize(torch.randn(n, D, generator=g, dtype=torch.float64), dim=1)
    values = torch.randn(n, M, generator=g, dtype=torch.float64)
    return keys.to(dtype), values.to(dtype), torch.rand(n, generator=g, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize("n", [0, 1, 63, 100, 1000])
@pytest.mark.parametrize("mode", MODES)
def test_chunks_equal_single_writes(mode: Mode, n: int, dtype: torch.dtype, atol: float) -> None:
    start = slots.empty(S, D, M, dtype=dtype)
    written = slots.write(start, *stream(n, n, dtype), mode)
    expected = slots.write_reference(start, *stream(n, n, dtype), mode)
    torch.testing.assert_close(written.M, expected.M, atol=atol, rtol=0)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 30), st.sampled_from(MODES), st.integers(1, 40), st.floats(0, 8), st.data())
def test_any_chunk_any_cut(seed: int, n: int, mode: Mode, chunk: int, sharpness: float, data: st.DataObject) -> None:
    start = slots.empty(S, D, M, sharpness=sharpness, seed=seed, dtype=torch.float64)
    keys, values, strength = stream(seed, n)
    cut = data.draw(st.integers(0, n))
    half = slots.write(start, keys[:cut], values[:cut], strength[:cut], mode, chunk=chunk)
    written = slots.write(half, keys[cut:], values[cut:], strength[cut:], mode, chunk=chunk)
    expected = slots.write_reference(start, keys, values, strength, mode)
    torch.testing.assert_close(written.M, expected.M, atol=1e-9, rtol=0)


def test_erase_and_add_as_printed() -> None:
    """Graves et al. 2014, equations 3 and 4, element by element."""
    g = torch.Generator().manual_seed(0)
    before, a, e, w = (torch.rand(*shape, generator=g) for shape in ((S, D), (S,), (D,), (D,)))
    after = slots.erase_add(before, a, e, w)
    for i in range(S):
        for j in range(D):
            assert float(after[i, j]) == pytest.approx(float(before[i, j] * (1 - a[i] * e[j]) + a[i] * w[j]), abs=1e-6)


def test_the_sketch_is_residual_without_values() -> None:
    """a = softmax(M x), M += η a (x − Mᵀ a)ᵀ."""
    start = slots.empty(S, D, dtype=torch.float64)
    x = normalize(torch.arange(1.0, D + 1, dtype=torch.float64), dim=0)
    a = (start.M @ x).softmax(0)
    expected = start.M + 0.5 * torch.outer(a, x - start.M.T @ a)
    got = slots.write(start, x[None], x.new_zeros(1, 0), x.new_full((1,), 0.5)).M
    torch.testing.assert_close(got, expected, atol=1e-14, rtol=0)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(0, 30), st.sampled_from(MODES))
def test_strength_0_changes_nothing(seed: int, n: int, mode: Mode) -> None:
    start = slots.empty(S, D, M, dtype=torch.float64)
    keys, values, strength = stream(seed, n)
    got = slots.write(start, keys, values, 0 * strength, mode).M
    torch.testing.assert_close(got, start.M, atol=1e-14, rtol=0)


@pytest.mark.parametrize("mode", MODES)
def test_a_sharp_address_recalls_what_was_written_last(mode: Mode) -> None:
    """With a slot at the key and a sharp softmax, a write of strength 1 is a table entry."""
    slot_keys = torch.eye(D, dtype=torch.float64)
    start = Slots(torch.cat([slot_keys, slot_keys.new_zeros(D, M)], 1), D, 200.0)
    values = torch.randn(D, M, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    state = slots.write(start, slot_keys, values, values.new_ones(D), mode)
    torch.testing.assert_close(slots.read(state, slot_keys)[:, D:], values, atol=1e-10, rtol=0)


def test_orders_differ() -> None:
    """The honest law: no rearrangement of the stream gives the same memory."""
    start = slots.empty(S, D, M, sharpness=10, dtype=torch.float64)
    keys, values, strength = stream(3, 20)
    there = slots.write(start, keys, values, strength).M
    back = slots.write(start, keys.flip(0), values.flip(0), strength.flip(0)).M
    assert (there - back).abs().max() > 1e-3


def test_wrong_arguments_are_refused() -> None:
    start = slots.empty(S, D, M, dtype=torch.float64)
    keys, values, strength = stream(0, 4)
    with pytest.raises(UsageError, match="residual, overwrite"):
        slots.write(start, keys, values, strength, "append")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="values must be"):
        slots.write(start, keys, values[:, :1], strength)
