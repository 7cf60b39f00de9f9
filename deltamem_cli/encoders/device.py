"""Where the arithmetic runs."""

from __future__ import annotations

import os

from deltamem_cli.errors import UsageError


def pick_device(name: str = "auto") -> str:
    """A torch device for that name: "auto" (the best there is), "cpu", "mps", "cuda" or "cuda:N".

    Raises UsageError for a device that this machine lacks, listing those it has.
    """
    if name == "cpu":
        return name  # without torch, which takes a second to import
    there = _devices()
    if name == "auto":
        return there[0]
    if name not in there:
        raise UsageError(f"no device {name!r} on this machine: choose one of auto, {', '.join(there)}")
    return name


def share_cores() -> None:
    """Lets torch's idle threads sleep instead of spin. Of effect before torch is first imported in the process.

    On two cores, with another process busy: 115 sentences a second instead of 27 to 68; alone: no difference.
    Who has set OMP_WAIT_POLICY or GOMP_SPINCOUNT keeps their choice.
    """
    if "GOMP_SPINCOUNT" not in os.environ:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _devices() -> list[str]:
    """The devices of this machine, the fastest first."""
    share_cores()
    import torch

    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*(["cuda"] if cuda else []), *cuda, *mps, "cpu"]
