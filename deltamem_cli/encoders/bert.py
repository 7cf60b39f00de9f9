"""A BERT sentence encoder of ours: tokenizer, one of the two forwards, and the contract around them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.encoders.folder import TOKENIZER, BertFolder
from deltamem_cli.encoders.mean import general_mean
from deltamem_cli.encoders.resolve import Found
from deltamem_cli.encoders.tokens import Tokens, read_tokenizer


class Forward(Protocol):
    """Texts as token ids (special ones included, none longer than the window) → vectors."""

    def __call__(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Unit vectors, a row each."""
        ...

    def states(self, ids: Sequence[Sequence[int]], layers: int) -> list[NDArray[np.float32]]:
        """The state at each token after so many layers."""
        ...


class BertEncoder:
    """An `Encoder` over a folder that `read_bert_folder` accepts."""

    def __init__(self, found: Found, bert: BertFolder, forward: Forward) -> None:
        self.name, self.dimension, self.max_tokens = found.name, bert.dimension, bert.window
        self._found, self._bert, self._forward = found, bert, forward
        self._tokens = Tokens(partial(read_tokenizer, bert.path / TOKENIZER), bert.window)
        self.count_tokens = self._tokens.count
        self.offsets = self._tokens.offsets

    @classmethod
    def with_numpy(cls, found: Found, bert: BertFolder) -> BertEncoder:
        """For a question: loads in a tenth of a second, runs on the CPU in float32."""
        from deltamem_cli.encoders.bert_numpy import NumpyBert

        return cls(found, bert, NumpyBert(bert))

    @classmethod
    def with_torch(cls, found: Found, bert: BertFolder, device: str) -> BertEncoder:
        """For many passages; `device` is one of torch's."""
        from deltamem_cli.encoders.bert_torch import TorchBert

        return cls(found, bert, TorchBert(bert, device))

    @cached_property
    def fingerprint(self) -> str:
        """See `Encoder`. Reads the whole weights, but for the built-in model, whose hash is known."""
        return self._bert.fingerprint(self._found)

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """See `Encoder`."""
        return general_mean(self.fingerprint, self.encode)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._forward(self._tokens.ids(texts))

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """See `Encoder`; a folder with prompts of its own is left to sentence-transformers."""
        row: NDArray[np.float32] = self.encode([text])[0]
        return row

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """See `Encoder`. After two thirds of the layers: better than after all (benchmarks/LOG.md), and sooner."""
        layers = -(-2 * self._bert.layers // 3)
        return [states[1:-1] for states in self._forward.states(self._tokens.ids(texts), layers)]
