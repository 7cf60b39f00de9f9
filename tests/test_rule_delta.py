"""The gated delta rule: chunks equal single writes, and its laws (benchmarks/delta_parity.py: the paper's code)."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from deltamem_cli.errors import UsageError
from deltamem_cli.rules import delta
from deltamem_cli.rules.delta import MODES, Gates, Mode, Written

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
M, D = 5, 7

modes = st.sampled_from(MODES)
lengths = st.integers(0, 40)
seeds = st.integers(0, 2**31)


class Stream:
    """Random unit keys and queries, values, gates and a first state, fp64 unless told."""

    def __init__(
        self,
        seed: int,
        n: int,
        mode: Mode,
        row: bool,
        *,
        batch: tuple[int, ...] = (),
        dtype: torch.dtype = torch.float64,
    ) -> None:
        g = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*batch, *shape, generator=g, dtype=torch.float64).to(dtype)

        self.state = normal(M, D)
        self.keys, self.queries = normalize(normal(n, D), dim=-1), normalize(normal(n, D), dim=-1)
        self.values = normal(n, M)
        self.gates = delta.gates(mode, normal(n, M if row else 1).sigmoid(), normal(n, M if row else 1).sigmoid())

    def part(self, cut: slice) -> tuple[Tensor, Tensor, Gates, Tensor]:
        return (
            self.keys[..., cut, :],
            self.values[..., cut, :],
            Gates(*(gate[..., cut, :] for gate in self.gates)),
            self.queries[..., cut, :],
        )


def close(got: Written, expected: Written, atol: float) -> None:
    for name, a, b in zip(Written._fields, got, expected, strict=True):
        torch.testing.assert_close(a, b, atol=atol, rtol=0, msg=partial("{}: {}".format, name))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("n", [0, 1, 63, 100, 1000])
@pytest.mark.parametrize("row", [False, True], ids=["scalar", "row"])
@pytest.mark.parametrize("mode", MODES)
def test_chunks_equal_single_writes(
    mode: Mode, row: bool, n: int, dtype: torch.dtype, atol: float, device: str
) -> None:
    s = Stream(n, n, mode, row, dtype=dtype)
    arguments = [s.state, s.keys, s.values, Gates(*(gate.to(device) for gate in s.gates)), s.queries]
    arguments = [a.to(device) if isinstance(a, Tensor) else a for a in arguments]
    close(delta.write(*arguments), delta.write_reference(*arguments), atol)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(seeds, lengths, modes, st.booleans(), st.integers(1, 50), st.sampled_from([(), (3,), (2, 4)]))
def test_any_chunk_any_batch(seed: int, n: int, mode: Mode, row: bool, chunk: int, batch: tuple[int, ...]) -> None:
    s = Stream(seed, n, mode, row, batch=batch)
    stream = s.part(slice(None))
    close(delta.write(s.state, *stream, chunk=chunk), delta.write_reference(s.state, *stream), 1e-12)


@settings(max_examples=40, deadline=None)
@given(seeds, lengths, modes, st.booleans(), st.data())
def test_cut_anywhere(seed: int, n: int, mode: Mode, row: bool, data: st.DataObject) -> None:
    s, cut = Stream(seed, n, mode, row), data.draw(st.integers(0, n))
    first = delta.write(s.state, *s.part(slice(cut)))
    second = delta.write(first.state, *s.part(slice(cut, None)))
    joined = Written(second.state, torch.cat([first.reads, second.reads], -2))
    close(joined, delta.write(s.state, *s.part(slice(None))), 1e-12)


@settings(max_examples=30, deadline=None)
@given(seeds, lengths, modes, st.booleans(), st.floats(-3, 3))
def test_linear_in_state_and_values(seed: int, n: int, mode: Mode, row: bool, x: float) -> None:
    s, t = Stream(seed, n, mode, row), Stream(seed + 1, n, mode, row)
    a = delta.write(s.state, s.keys, s.values, s.gates, s.queries)
    b = delta.write(t.state, s.keys, t.values, s.gates, s.queries)
    both = delta.write(s.state + x * t.state, s.keys, s.values + x * t.values, s.gates, s.queries)
    close(both, Written(a.state + x * b.state, a.reads + x * b.reads), 1e-11)


@settings(max_examples=30, deadline=None)
@given(seeds, lengths, modes)
def test_strength_0_changes_nothing(seed: int, n: int, mode: Mode) -> None:
    s = Stream(seed, n, mode, row=False)
    got = delta.write(s.state, s.keys, s.values, delta.gates(mode, torch.zeros(n, 1, dtype=torch.float64)), s.queries)
    close(got, Written(s.state, s.queries @ s.state.mT), 1e-12)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 40))
def test_strength_1_recalls_and_writing_twice_is_once(seed: int, n: int) -> None:
    s = Stream(seed, n, "no_lambda", row=False)
    full = delta.gates("no_lambda", torch.ones(n, 1, dtype=torch.float64))
    once = delta.write(s.state, s.keys, s.values, full).state
    k, v, one = s.keys[-1:], s.values[-1:], Gates(*(gate[-1:] for gate in full))
    torch.testing.assert_close(k @ once.mT, v, atol=1e-11, rtol=0)
    torch.testing.assert_close(delta.write(once, k, v, one).state, once, atol=1e-11, rtol=0)


@settings(max_examples=30, deadline=None)
@given(seeds, st.permutations(range(D)))
def test_orthonormal_keys_commute(seed: int, order: list[int]) -> None:
    s = Stream(seed, D, "no_lambda", row=True)
    keys = torch.linalg.qr(s.keys).Q
    there = delta.write(s.state, keys, s.values, s.gates).state
    back = delta.write(s.state, keys[order], s.values[order], Gates(*(gate[order] for gate in s.gates))).state
    torch.testing.assert_close(back, there, atol=1e-12, rtol=0)


def test_a_gate_of_exactly_0_is_no_special_case() -> None:
    s = Stream(1, 30, "standard", row=True)
    keep = s.gates.keep.clone()
    keep[7], keep[20, 2] = 0, 0
    gates = s.gates._replace(keep=keep)
    fast = delta.write(s.state, s.keys, s.values, gates, s.queries)
    close(fast, delta.write_reference(s.state, s.keys, s.values, gates, s.queries), 1e-12)


def test_the_limit_of_writing_one_pair_forever() -> None:
    """The default mode converges to half the value, lambda_outside to 1 / (2 − β), only no_lambda to all of it."""
    k, v = normalize(torch.ones(1, D, dtype=torch.float64), dim=1), torch.ones(1, M, dtype=torch.float64)
    beta = torch.full((500, 1), 0.18, dtype=torch.float64)
    expected: dict[Mode, float] = {"standard": 0.5, "lambda_outside": 1 / (2 - 0.18), "no_lambda": 1.0}
    for mode, share in expected.items():
        gates = delta.gates(mode, beta)
        S = delta.write(delta.empty(M, D, dtype=torch.float64), k.expand(500, D), v.expand(500, M), gates).state
        torch.testing.assert_close(S @ k[0], share * v[0], atol=1e-9, rtol=0)


def test_shapes_that_would_broadcast_are_refused() -> None:
    s = Stream(0, 4, "standard", row=False)
    with pytest.raises(ValueError, match="values must end in"):
        delta.write(s.state, s.keys, s.values[:1], s.gates)
    with pytest.raises(ValueError, match="gate 'keep' must end in"):
        delta.write(s.state, s.keys, s.values, s.gates._replace(keep=s.gates.keep[:1]))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="standard, lambda_outside, no_lambda"):
        delta.gates("softmax", torch.ones(1, 1))  # type: ignore[arg-type]
