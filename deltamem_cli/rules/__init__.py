"""Write rules of the δ-Mem matrix: one file each, a slow reference beside its fast form. Torch only.

    rls      recursive least squares, the delta rule with the exact gain: forgets nothing, or by half-life
             rls_sums: the same as two sums, for long streams and for adding and subtracting memories
    delta    the gated delta rule of the δ-Mem paper, three modes; projections: how the paper makes its arguments
    slots    softmax-addressed slots, after the Neural Turing Machine: a baseline
    granularity: what one write is, a token, a sentence or a message

A rule is a module with `empty`, `write_reference` and `write`; the two writes take the same arguments.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from deltamem_cli.errors import UsageError

RULES = {
    "rls": "deltamem_cli.rules.rls",
    "delta": "deltamem_cli.rules.delta",
    "slots": "deltamem_cli.rules.slots",
}


def load_rule(name: str) -> ModuleType:
    """The module of a rule. Raises UsageError for a name that is not in RULES."""
    if name not in RULES:
        raise UsageError(f"there is no rule {name!r}: choose one of {', '.join(RULES)}")
    return import_module(RULES[name])
