"""The rule: one write at a time, a batch at once and the closed solution are one and the same."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deltamem_cli.rules import rls

pytestmark = pytest.mark.usefixtures("poisoned")

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]
DTYPES = [pytest.param(torch.float32, 1e-5, id="fp32"), pytest.param(torch.float64, 1e-10, id="fp64")]


def batch(
    n: int, d: int, m: int, dtype: torch.dtype = torch.float64, device: str = "cpu", seed: int = 0
) -> tuple[Tensor, Tensor]:
    """n unit keys (n, d) that resemble one another, as those of texts do, and values (n, m)."""
    source = torch.Generator().manual_seed(seed)
    keys = torch.randn(n, d, generator=source, dtype=torch.float64) + 0.3
    keys = keys / keys.norm(dim=1, keepdim=True)
    values = torch.nn.functional.one_hot(torch.randint(m, (n,), generator=source), m)
    return keys.to(device, dtype), values.to(device, dtype)


def same(found: rls.Solution, expected: rls.Solution, tolerance: float) -> None:
    for name, one, other in zip(rls.Solution._fields, found, expected, strict=True):
        assert one.shape == other.shape
        error = float((one - other).abs().max()) if one.numel() else 0.0
        assert error <= tolerance, f"{name}: {error:.1e}"


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype, tolerance", DTYPES)
@pytest.mark.parametrize("d, m", [(1, 1), (7, 3), (37, 5), (100, 17)])
@pytest.mark.parametrize("n", [0, 1, 63, 100, 1000])
def test_one_by_one_at_once_and_solved_agree(
    n: int, d: int, m: int, dtype: torch.dtype, tolerance: float, device: str
) -> None:
    keys, values = batch(n, d, m, dtype, device)
    empty = rls.empty(m, d, 1.0, dtype=dtype, device=device)
    slow = rls.write_reference(empty, keys, values)
    same(rls.write(empty, keys, values), slow, tolerance)
    same(rls.solve(keys, values, 1.0), slow, tolerance)


@given(st.lists(st.integers(0, 40), max_size=5), st.integers(1, 20), st.sampled_from([0.1, 1.0, 30.0]))
@settings(max_examples=25, deadline=None)
def test_a_stream_may_be_cut_anywhere(sizes: list[int], d: int, alpha: float) -> None:
    keys, values = batch(sum(sizes), d, 4)
    state = rls.empty(4, d, alpha, dtype=torch.float64)
    for k, v in zip(torch.split(keys, sizes), torch.split(values, sizes), strict=True):
        state = rls.write(state, k, v)
    same(state, rls.solve(keys, values, alpha), 1e-9)


@given(st.randoms(use_true_random=False), st.integers(1, 60), st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_order_plays_no_part(dice: object, n: int, d: int) -> None:
    keys, values = batch(n, d, 3)
    order = list(range(n))
    dice.shuffle(order)  # type: ignore[attr-defined]
    empty = rls.empty(3, d, 1.0, dtype=torch.float64)
    same(rls.write_reference(empty, keys[order], values[order]), rls.write_reference(empty, keys, values), 1e-10)


def test_a_write_leaves_the_state_it_was_given() -> None:
    keys, values = batch(5, 4, 2)
    for write in (rls.write, rls.write_reference):
        before = rls.empty(2, 4, 1.0, dtype=torch.float64)
        write(before, keys, values)
        same(before, rls.empty(2, 4, 1.0, dtype=torch.float64), 0)


def test_what_was_written_is_read_back_when_there_is_room() -> None:
    keys, values = batch(10, 40, 3)
    assert torch.allclose(rls.solve(keys, values, 1e-9).S @ keys.T, values.T, atol=1e-6)


@pytest.mark.parametrize("n, d", [(0, 5), (1, 9), (3, 700), (30, 12), (200, 37)])
def test_known_directions_give_the_gain_matrix_back(n: int, d: int) -> None:
    keys, values = batch(n, d, 2, torch.float32)
    found = rls.spectrum(keys)
    F = rls.known(found, 3.0, 0.0)
    assert torch.allclose((torch.eye(d) - F.T @ F) / 3.0, rls.solve(keys, values, 3.0).P, atol=1e-5)
    assert len(rls.known(found, 3.0, 1e-4)) == min(n, d)


def test_known_leaves_out_directions_with_a_small_share() -> None:
    F = rls.known(rls.spectrum(torch.tensor([[1.0, 0, 0]] * 99 + [[0, 1.0, 0]])), 1.0, 0.6)
    assert F.abs() == pytest.approx(torch.tensor([[0.99**0.5, 0, 0]]), abs=1e-5)


@pytest.mark.parametrize("n, d", [(0, 3), (1, 5), (5, 30), (12, 30), (30, 30), (60, 5)])
def test_the_spectrum_of_few_writes_and_of_many(n: int, d: int) -> None:
    keys = batch(n, d, 2)[0]
    keys = torch.cat([keys, keys[:2]])  # written twice: of less than full rank
    scale, basis = rls.spectrum(keys)
    assert torch.allclose(basis * scale @ basis.T, keys.T @ keys, atol=1e-9)
    assert torch.allclose(basis.T @ basis, torch.eye(len(scale), dtype=keys.dtype), atol=1e-6)
    assert bool((scale >= 0).all())


def without(i: int, rows: Tensor) -> Tensor:
    return torch.cat([rows[:i], rows[i + 1 :]])


@pytest.mark.parametrize("n, d", [(2, 5), (7, 3), (40, 12)])
@pytest.mark.parametrize("alpha", [0.5, 10.0])
def test_leave_one_out_is_what_leaving_out_gives(n: int, d: int, alpha: float) -> None:
    keys, values = batch(n, d, 3)
    found = rls.leave_one_out(rls.solve(keys, values, alpha), keys, alpha)
    for i in range(n):
        P = rls.solve(without(i, keys), without(i, values), alpha).P
        assert float(found[i]) == pytest.approx(1 - alpha * float(keys[i] @ P @ keys[i]), abs=1e-9)


def test_a_lone_write_is_not_explained_by_others() -> None:
    keys, values = batch(1, 5, 1)
    assert float(rls.leave_one_out(rls.solve(keys, values, 3.0), keys, 3.0)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n, d, seed", [(1, 3, 0), (5, 30, 0), (30, 5, 1), (30, 5, 2), (60, 20, 3)])
def test_the_chosen_ridge_has_the_least_error_on_what_is_left_out(n: int, d: int, seed: int) -> None:
    keys, values = batch(n, d, 4, seed=seed)
    values[:, 0] += keys[:, 0]

    def error(alpha: float) -> float:
        left_out = (values[i] - rls.solve(without(i, keys), without(i, values), alpha).S @ keys[i] for i in range(n))
        return sum(float(residual.square().sum()) for residual in left_out)

    grid = (0.1, 1.0, 10.0, 100.0)
    assert error(rls.choose_alpha(rls.spectrum(keys), keys, values, grid)) == pytest.approx(
        min(map(error, grid)), rel=1e-9
    )


@pytest.mark.parametrize("n", [1, 2, 3, 5, 20])
def test_a_few_writes_into_many_dimensions(n: int) -> None:
    """torch's LAPACK does not always converge here."""
    keys, values = batch(n, 670, 2, torch.float32)
    keys[:, n * 3 :] = 0
    found = rls.spectrum(keys)
    assert rls.choose_alpha(found, keys, values) in (1.0, 3.0, 10.0, 30.0, 100.0)
    assert rls.known(found, 1.0, 0.05).isfinite().all()
