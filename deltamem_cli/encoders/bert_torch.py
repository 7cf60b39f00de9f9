"""The forward of a BERT sentence encoder in torch: many texts, any device. bert_numpy.py says what it computes.

No padding: the tokens of a batch lie end to end, all matrix products run on them at once, and attention runs
once for each stretch of texts of equal length (texts are sorted by length, so there are few).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from deltamem_cli.encoders.folder import WEIGHTS, WORDS, BertFolder

CPU_TOKENS, GPU_TOKENS = 2048, 65_536  # of a batch; 2048 tokens' states just about stay in the cache


class Layer(NamedTuple):
    """Weights of one layer; those of query, key and value are stacked."""

    qkv: tuple[Tensor, Tensor]
    attended: tuple[Tensor, Tensor]
    attended_norm: tuple[Tensor, Tensor]
    wide: tuple[Tensor, Tensor]
    narrow: tuple[Tensor, Tensor]
    narrow_norm: tuple[Tensor, Tensor]


class Run(NamedTuple):
    """Texts of one length, lying end to end from token `start` to token `stop` of a batch."""

    start: int
    stop: int
    length: int


class TorchBert:
    """The forward of a BERT on one of torch's devices, in float32."""

    def __init__(self, bert: BertFolder, device: str) -> None:
        self.bert, self.device = bert, torch.device(device)
        self.budget = CPU_TOKENS if self.device.type == "cpu" else GPU_TOKENS
        with safe_open(bert.path / WEIGHTS, "pt", device=str(self.device)) as file:

            def weight(name: str) -> Tensor:
                tensor: Tensor = file.get_tensor(name)
                return tensor.to(torch.float32)

            def pair(name: str) -> tuple[Tensor, Tensor]:
                return weight(name + ".weight"), weight(name + ".bias")

            self.words = weight(WORDS)
            self.places = weight("embeddings.position_embeddings.weight")[: bert.window]
            self.places = self.places + weight("embeddings.token_type_embeddings.weight")[0]
            self.words_norm = pair("embeddings.LayerNorm")
            self.layers = []
            for index in range(bert.layers):
                at = f"encoder.layer.{index}."
                three = [pair(f"{at}attention.self.{part}") for part in ("query", "key", "value")]
                self.layers.append(
                    Layer(
                        qkv=(torch.cat([w for w, _ in three]), torch.cat([b for _, b in three])),
                        attended=pair(at + "attention.output.dense"),
                        attended_norm=pair(at + "attention.output.LayerNorm"),
                        wide=pair(at + "intermediate.dense"),
                        narrow=pair(at + "output.dense"),
                        narrow_norm=pair(at + "output.LayerNorm"),
                    )
                )

    @torch.inference_mode()
    def __call__(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Unit vectors, (len(ids), dimension), of texts given as token ids."""
        rows = np.zeros((len(ids), self.bert.dimension), np.float32)
        for batch in self._batches(ids):
            rows[batch] = self._encode([ids[index] for index in batch])
        return rows

    @torch.inference_mode()
    def states(self, ids: Sequence[Sequence[int]], layers: int) -> list[NDArray[np.float32]]:
        """States of each text after so many layers, (len(tokens), dimension)."""

        def state(tokens: Sequence[int]) -> NDArray[np.float32]:
            at, run = torch.arange(len(tokens)), Run(0, len(tokens), len(tokens))
            hidden = self._hidden(torch.tensor(tokens).to(self.device), at.to(self.device), [run], layers)
            return hidden.float().cpu().numpy()

        return [state(tokens) for tokens in ids]

    def _batches(self, ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Indices of the texts, the longest first (so that memory is short at once, if at all)."""
        batch: list[int] = []
        tokens = 0
        for index in sorted(range(len(ids)), key=lambda i: -len(ids[i])):
            if batch and tokens + len(ids[index]) > self.budget:
                yield batch
                batch, tokens = [], 0
            batch.append(index)
            tokens += len(ids[index])
        if batch:
            yield batch

    def _encode(self, texts: list[Sequence[int]]) -> NDArray[np.float32]:
        """Unit vectors of texts sorted by length."""
        runs, start = [], 0
        for length, same in groupby(map(len, texts)):
            stop = start + length * sum(1 for _ in same)
            runs.append(Run(start, stop, length))
            start = stop
        tokens = torch.tensor(list(chain.from_iterable(texts)))
        places = torch.cat([torch.arange(run.length).repeat((run.stop - run.start) // run.length) for run in runs])
        x = self._hidden(tokens.to(self.device), places.to(self.device), runs, len(self.layers))
        pooled = torch.cat([self._pooled(x[run.start : run.stop].view(-1, run.length, x.shape[-1])) for run in runs])
        return F.normalize(pooled, dim=-1).cpu().numpy()

    def _pooled(self, x: Tensor) -> Tensor:
        """(texts, length, dimension) → (texts, dimension)"""
        return x.float().mean(dim=1) if self.bert.pooling == "mean" else x[:, 0].float()

    def _hidden(self, tokens: Tensor, places: Tensor, runs: list[Run], layers: int) -> Tensor:
        """States after so many layers, (tokens, dimension)."""
        x = self._normed(self.words[tokens].add_(self.places[places]), self.words_norm)
        for layer in self.layers[:layers]:
            attended = self._attended(F.linear(x, *layer.qkv), runs)
            x = self._normed(F.linear(attended, *layer.attended).add_(x), layer.attended_norm)
            wide = F.gelu(F.linear(x, *layer.wide))
            x = self._normed(F.linear(wide, *layer.narrow).add_(x), layer.narrow_norm)
        return x

    def _attended(self, qkv: Tensor, runs: list[Run]) -> Tensor:
        """(tokens, 3 · dimension) → (tokens, dimension)"""
        parts = []
        for run in runs:
            split = qkv[run.start : run.stop].view(
                -1, run.length, 3, self.bert.heads, self.bert.dimension // self.bert.heads
            )
            query, key, value = split.permute(2, 0, 3, 1, 4)
            parts.append(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2).flatten(0, 1))
        return torch.cat(parts)

    def _normed(self, x: Tensor, by: tuple[Tensor, Tensor]) -> Tensor:
        return F.layer_norm(x, (self.bert.dimension,), *by, eps=self.bert.epsilon)
