"""The mean of an encoder's vectors on general text, which a caller subtracts from its keys.

`general.txt` is the text, one sentence a line; `general_means.safetensors` holds the mean for the encoders
whose fingerprint it names. `python -m deltamem_cli.encoders.mean` writes it anew for the default encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
SHIPPED = HERE / "general_means.safetensors"

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def general_mean(fingerprint: str, encode: Encode) -> NDArray[np.float32]:
    """Mean vector, (dimension,) float32, of the encoder of that fingerprint: looked up, or measured (seconds)."""
    from safetensors import safe_open

    with safe_open(SHIPPED, "np") as shipped:
        known = shipped.keys()
        if fingerprint in known:
            looked_up: NDArray[np.float32] = shipped.get_tensor(fingerprint)
            return looked_up
    return measured_mean(encode)


def measured_mean(encode: Encode) -> NDArray[np.float32]:
    """Mean of the unit vectors of general.txt's sentences, (dimension,) float32."""
    rows = encode(general_sentences())
    mean: NDArray[np.float32] = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def general_sentences() -> list[str]:
    """The lines of general.txt."""
    return (HERE / "general.txt").read_text(encoding="utf-8").splitlines()


def _ship_default() -> None:
    from safetensors.numpy import save_file

    from deltamem_cli.encoders import load_encoder

    encoder = load_encoder("default", query_only=True)
    save_file({encoder.fingerprint: measured_mean(encoder.encode)}, SHIPPED)


if __name__ == "__main__":
    _ship_default()
