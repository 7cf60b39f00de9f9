"""Write rules of the δ-Mem matrix: one file each, a slow reference beside its fast form, and what a memory asks of it.

    rls      recursive least squares, the delta rule with the exact gain: forgets nothing, or by half-life
    delta    the gated delta rule of the δ-Mem paper, three modes
    slots    softmax-addressed slots, after the Neural Turing Machine: a baseline

Each file ends in `rule`, its object of the contract `Rule` (rule.py). Torch is loaded where something is learned.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from deltamem_cli.errors import UsageError

if TYPE_CHECKING:
    from deltamem_cli.rules.rule import Rule

RULES = {  # name → the module whose `rule` it is
    "rls": "deltamem_cli.rules.rls",
    "delta": "deltamem_cli.rules.delta",
    "slots": "deltamem_cli.rules.slots",
}


def rule_named(name: str) -> Rule:
    """Return the rule of that name. Raises UsageError for a name that is not in RULES."""
    if name not in RULES:
        raise UsageError(f"there is no rule {name!r}: choose one of {', '.join(RULES)}")
    rule: Rule = import_module(RULES[name]).rule
    return rule
