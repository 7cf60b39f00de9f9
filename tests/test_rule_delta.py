"""The gated delta rule: chunks equal single writes, its laws, and parity with the paper's code."""

from __future__ import annotations

import os
import sys
from functools import partial
from itertools import product
from pathlib import Path

import pytest
import torch
from capacity.projections import Projections, project
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from deltamem_cli.errors import UsageError
from deltamem_cli.rules import RULES, delta, load_rule
from deltamem_cli.rules.delta import MODES, Gates, Mode, Written

SHARED = Path(os.environ.get("DELTAMEM_SHARED", Path(__file__).parents[2] / "shared"))
GOLDEN = SHARED / "data" / "delta_rule_golden.safetensors"
CASES = [".".join(parts) for parts in product(MODES, ("row", "scalar"), ("coupled", "free"), ("h1", "h4"))]
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


@settings(max_examples=40, deadline=None)
@given(seeds, lengths, lengths, modes, st.booleans())
def test_transitions_compose(seed: int, n: int, other: int, mode: Mode, row: bool) -> None:
    s, cut = Stream(seed, n + other, mode, row), n
    first, second = (delta.transition(*s.part(part)[:3]) for part in (slice(cut), slice(cut, None)))
    whole = delta.write(s.state, *s.part(slice(None))).state
    torch.testing.assert_close(delta.apply(s.state, delta.compose(first, second)), whole, atol=1e-12, rtol=0)
    torch.testing.assert_close(delta.apply(delta.apply(s.state, first), second), whole, atol=1e-12, rtol=0)


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
    with pytest.raises(UsageError, match="rls, delta, slots"):
        load_rule("hopfield")


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_the_three_functions(name: str) -> None:
    rule = load_rule(name)
    assert all(callable(getattr(rule, function)) for function in ("empty", "write", "write_reference"))


@pytest.mark.skipif(not GOLDEN.exists(), reason=f"no {GOLDEN}: set DELTAMEM_SHARED to the folder that holds data/")
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-6)], ids=["fp64", "fp32"])
@pytest.mark.parametrize("case", CASES)
def test_parity_with_the_papers_code(case: str, dtype: torch.dtype, atol: float) -> None:
    from safetensors import safe_open

    with safe_open(GOLDEN, "pt") as file:
        golden = {key.split("/")[1]: file.get_tensor(key) for key in file.keys() if key.startswith(case + "/")}  # noqa: SIM118
    states = int(case[-1])

    def told(name: str) -> Tensor:
        tensor: Tensor = golden[name]
        return tensor.to(dtype)

    free = [told("lambda_proj"), told("lambda_bias")] if "lambda_proj" in golden else []
    weights = [told(name) for name in ("memory_q_proj", "memory_k_proj", "memory_v_proj", "beta_proj", "beta_bias")]
    p = project(told("x"), Projections(*weights, *free), states)
    lam = torch.ones_like(p.lam) if case.startswith("no_lambda") else p.lam
    gates = delta.gates(case.split(".")[0], p.beta, lam)  # type: ignore[arg-type]
    start = told("state0").view(1, states, 8, 8)
    for write in (delta.write, delta.write_reference):
        written = write(start, p.keys, p.values, gates, p.queries)
        got = {"q": p.queries, "k": p.keys, "v": p.values, "beta": p.beta, "lambda": lam, "reads": written.reads}
        for name, tensor in got.items():
            flat = tensor.transpose(1, 2).flatten(2)
            expected = told(name).flatten(2)
            torch.testing.assert_close(flat, expected, atol=atol, rtol=0, msg=partial("{}: {}".format, name))
        torch.testing.assert_close(written.state.view_as(golden["state"]), told("state"), atol=atol, rtol=0)


ORACLE = os.environ.get("DELTAMEM_ORACLE")


@pytest.mark.skipif(not ORACLE, reason="opt in: DELTAMEM_ORACLE=/path/to/a/checkout of declare-lab/delta-Mem")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("couple", [True, False], ids=["coupled", "free"])
@pytest.mark.parametrize("row", [True, False], ids=["row", "scalar"])
def test_parity_with_a_checkout(mode: Mode, couple: bool, row: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official module on fresh random weights. Eager attention only: its mask is inverted under sdpa."""
    monkeypatch.setattr(sys, "path", [str(ORACLE), *sys.path])
    monkeypatch.setenv("DELTA_MEM_SCAN_IMPL", "torch")
    from deltamem.core.delta import DeltaMemAttention, HFDeltaMemConfig  # type: ignore[import-not-found]
    from transformers.models.qwen3 import Qwen3Config
    from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention

    width, size, n = 32, 8, 20
    base = Qwen3Config(
        hidden_size=width,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    base._attn_implementation = "eager"
    config = HFDeltaMemConfig(
        rank=size, delta_heads=("q", "o"), state_update_mode=mode, couple_lambda=couple, rankwise_gates=row
    )
    torch.manual_seed(0)
    official = DeltaMemAttention(Qwen3Attention(base, 0), config).eval().double()
    x, start = torch.randn(1, n, width).double(), torch.randn(1, size, size).double()
    with torch.no_grad():
        official.beta_proj.normal_()
        free = []
        if not couple and mode != "no_lambda":
            official.lambda_proj.normal_()
            free = [official.lambda_proj, official.lambda_bias]
        q, k, v, beta, lam = official._memory_sequence_projections(x)
        state, reads = official._memory_affine_scan(start, q, k, v, beta, lam)
        weights = (official.memory_q_proj, official.memory_k_proj, official.memory_v_proj)
        p = project(x, Projections(*weights, official.beta_proj, official.beta_bias, *free), 1)
        got = delta.write(start[:, None], p.keys, p.values, delta.gates(mode, p.beta, p.lam), p.queries)
    close(Written(got.state[:, 0], got.reads[:, 0]), Written(state, reads), 1e-12)
