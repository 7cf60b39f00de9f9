"""A static model (model2vec, sentence-transformers' StaticEmbedding): a vector for each token, a text is their mean.

A hundred times faster than a transformer, and loaded in no time: it needs neither torch nor sentence-transformers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.encoders.folder import TOKENIZER, WEIGHTS, modules, plain_text
from deltamem_cli.encoders.mean import general_mean
from deltamem_cli.encoders.resolve import Found, sha256
from deltamem_cli.encoders.tokens import LONGEST, Tokens, read_tokenizer
from deltamem_cli.errors import BadData

Floats = NDArray[np.float32]

_MORE: dict[str, Any] = {"mapping": np.int64, "weights": np.float32}
_AT_ONCE = 256  # texts whose tokens' vectors are held together


def is_table(path: Path) -> bool:
    """Whether a folder is such a model, with nothing that needs sentence-transformers itself."""
    kinds, folders = modules(path)
    known = kinds in (["StaticEmbedding"], ["StaticEmbedding", "Normalize"]) and folders[0] in ("", ".")
    return known and plain_text(path) and all((path / name).is_file() for name in (WEIGHTS, TOKENIZER))


class TableEncoder:
    """An `Encoder` over a folder that `is_table` accepts. Raises BadData for weights that cannot be read."""

    def __init__(self, found: Found) -> None:
        self.name, self.max_tokens, self._path = found.name, LONGEST, found.path
        self._tokens = Tokens(partial(read_tokenizer, found.path / TOKENIZER), LONGEST)
        self.count_tokens, self.offsets = self._tokens.count, self._tokens.offsets
        self._vectors, self._row, self._weight = _read(found.path / WEIGHTS)
        self.dimension = int(self._vectors.shape[1])
        tokens = len(self._vectors if self._row is None else self._row)
        if self._tokens.size > tokens:
            raise BadData(f"{found.path} has {self._tokens.size} tokens, but vectors for {tokens}: fetch it again")

    @cached_property
    def fingerprint(self) -> str:
        """See `Encoder`."""
        files = [sha256(self._path / name) for name in (WEIGHTS, TOKENIZER)]
        return hashlib.sha256(" ".join(["static", *files]).encode()).hexdigest()

    @cached_property
    def mean(self) -> Floats:
        """See `Encoder`."""
        return general_mean(self.fingerprint, self.encode)

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`. Nothing is cut off: a longer text is the mean of all its tokens."""
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for first in range(0, len(texts), _AT_ONCE):
            for row, vectors in zip(rows[first:], self.token_vectors(texts[first : first + _AT_ONCE]), strict=False):
                row += vectors.sum(axis=0)  # its length does not matter
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
        return rows

    def encode_query(self, text: str) -> Floats:
        """See `Encoder`."""
        row: Floats = self.encode([text])[0]
        return row

    def token_vectors(self, texts: Sequence[str]) -> list[Floats]:
        """See `Encoder`: each token's vector, whatever is beside it."""
        return [self._of(np.array(ids, np.int64)) for ids in self._tokens.plain(texts)]

    def _of(self, ids: NDArray[np.int64]) -> Floats:
        rows = ids if self._row is None else self._row[ids]
        vectors = self._vectors[rows].astype(np.float32)
        return vectors if self._weight is None else vectors * self._weight[ids, None]


def _read(path: Path) -> tuple[NDArray[Any], NDArray[np.int64] | None, Floats | None]:
    """The vectors (V, d); of model2vec also the row of each token's vector, and its weight, where they are stored."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
    except SafetensorError as error:
        raise BadData(f"{path} is no whole safetensors file ({error}): fetch the encoder again") from None
    vectors = next((found[name] for name in ("embedding.weight", "embeddings") if name in found), None)
    if vectors is None or vectors.ndim != 2 or vectors.dtype not in (np.float32, np.float16):
        raise BadData(f"{path} holds no table of float32 or float16 vectors: choose another encoder")
    row, weight = found.get("mapping"), found.get("weights")
    return (
        vectors,
        row if row is None else row.astype(np.int64),
        weight if weight is None else weight.astype(np.float32),
    )
