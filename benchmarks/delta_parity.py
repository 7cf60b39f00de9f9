#!/usr/bin/env python3
"""Parity of the delta rule with the paper's own code, on its recorded results and, where there is one, on a checkout.

    python benchmarks/delta_parity.py GOLDEN.safetensors [--checkout FOLDER]

GOLDEN holds inputs and results of the official module (declare-lab/delta-Mem), one case `MODE.GATE.COUPLING.HEADS/NAME`
each; --checkout runs the module itself on fresh random weights. Prints the largest difference of each case and ends
with 1 where one is above 1e-12 in float64 or 1e-6 in float32.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import product

import torch
from capacity.projections import Projections, project
from safetensors import safe_open
from torch import Tensor

from deltamem_cli.rules import delta
from deltamem_cli.rules.delta import MODES

CASES = [".".join(parts) for parts in product(MODES, ("row", "scalar"), ("coupled", "free"), ("h1", "h4"))]
BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-6}


def recorded(path: str, case: str, dtype: torch.dtype) -> float:
    """Return the largest difference to what the official module gave."""
    with safe_open(path, "pt") as file:
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
    start, worst = told("state0").view(1, states, 8, 8), 0.0
    for write in (delta.write, delta.write_reference):
        written = write(start, p.keys, p.values, gates, p.queries)
        got = {"q": p.queries, "k": p.keys, "v": p.values, "beta": p.beta, "lambda": lam, "reads": written.reads}
        pairs = [(tensor.transpose(1, 2).flatten(2), told(name).flatten(2)) for name, tensor in got.items()]
        pairs.append((written.state.view_as(golden["state"]), told("state")))
        worst = max(worst, *(float((a - b).abs().max()) for a, b in pairs))
    return worst


def checkout(mode: delta.Mode, couple: bool, row: bool) -> float:
    """Return the largest difference to the official module. Eager attention only: its mask is inverted under sdpa."""
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
    return max(float((got.state[:, 0] - state).abs().max()), float((got.reads[:, 0] - reads).abs().max()))


def main() -> None:
    """Compare everything that is given."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("golden")
    parser.add_argument("--checkout", default="")
    asked = parser.parse_args()
    failed = False
    for case, (dtype, bound) in product(CASES, BOUNDS.items()):
        worst = recorded(asked.golden, case, dtype)
        failed |= worst > bound
        print(f"{case:40} {dtype!s:14} {worst:.1e}{'  ABOVE THE BOUND' * (worst > bound)}")
    if asked.checkout:
        sys.path.insert(0, asked.checkout)
        os.environ["DELTA_MEM_SCAN_IMPL"] = "torch"
        for mode, couple, row in product(MODES, (True, False), (True, False)):
            worst = checkout(mode, couple, row)
            failed |= worst > 1e-12
            print(f"checkout {mode} coupled={couple} row={row} {worst:.1e}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
