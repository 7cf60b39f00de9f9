"""What one write is: a token, a sentence or a message (the δ-Mem paper's TSW, its code's sentence mean, its SSW).

Notation
    x        token vectors, in order                        (n, width)
    message  number of each token's message, −1: of none    (n,)
    sentence number of each token's sentence in its message (n,)

    token     every vector is a write, those of no message too (a chat template's are written)
    sentence  one write a sentence, the mean of its tokens' vectors
    message   one write a message, alike; tokens of no message are written by neither

The mean is taken before the projections and gates, which are then those of the mean. The paper's MSW is no granularity
but several states side by side, each written at every token: the leading dimensions of `rules.delta`.

No memory is made with this: a ledger holds a vector a passage and no token vectors, so its writes are its passages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from deltamem_cli.errors import UsageError

Granularity = Literal["token", "sentence", "message"]
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
_BETWEEN = re.compile(r"\n{2,}|(?<=[.!?;:])(?:[\"')\]”’]+)?\s+")


class Writes(NamedTuple):
    """What is written, in order: the vectors (m, width), and the message of each (m,)."""

    vectors: Tensor
    message: Tensor


def writes_reference(x: Tensor, message: Tensor, sentence: Tensor, granularity: Granularity) -> Writes:
    """The writes of a stream of tokens, token by token. For tests."""
    _check(x, message, sentence, granularity)
    vectors: list[Tensor] = []
    owners: list[int] = []
    last: tuple[int, ...] | None = None
    sizes: list[int] = []
    for at, (vector, owner, part) in enumerate(zip(x, message.tolist(), sentence.tolist(), strict=True)):
        label = {"token": (at,), "sentence": (owner, part), "message": (owner,)}[granularity]
        if owner < 0 and granularity != "token":
            last = None
        elif label == last:
            vectors[-1], sizes[-1] = vectors[-1] + vector, sizes[-1] + 1
        else:
            vectors, owners, sizes, last = [*vectors, vector], [*owners, owner], [*sizes, 1], label
    means = [vector / size for vector, size in zip(vectors, sizes, strict=True)]
    return Writes(torch.stack(means) if means else x[:0], message.new_tensor(owners))


def writes(x: Tensor, message: Tensor, sentence: Tensor, granularity: Granularity) -> Writes:
    """`writes_reference` with one sum over all tokens. Same result, to rounding."""
    _check(x, message, sentence, granularity)
    if granularity == "token":
        return Writes(x, message)
    labels = torch.stack([message, sentence if granularity == "sentence" else torch.zeros_like(message)])
    new = torch.ones(len(x), dtype=torch.bool, device=x.device)
    new[1:] = (labels[:, 1:] != labels[:, :-1]).any(0)
    spoken = message >= 0
    run = new.cumsum(0)[spoken]
    if not len(run):
        return Writes(x[:0], message[:0])
    _, place, sizes = run.unique_consecutive(return_inverse=True, return_counts=True)
    sums = x.new_zeros(len(sizes), x.shape[1]).index_add_(0, place, x[spoken])
    first = sizes.cumsum(0) - sizes
    return Writes(sums / sizes[:, None], message[spoken][first])


def sentences(text: str, tokens: Sequence[tuple[int, int]]) -> list[int]:
    """The sentence of each token of a text, by the token's place (start, end): a separator belongs to what follows.

    As the paper's code cuts them: at blank lines, and at spaces after . ! ? ; and :, abbreviations too.
    """
    starts = [match.start() for match in _BETWEEN.finditer(text)]
    return [bisect_right(starts, start) for start, _ in tokens]


def _check(x: Tensor, message: Tensor, sentence: Tensor, granularity: str) -> None:
    """Refuse a granularity nobody knows and labels that do not fit the tokens."""
    if granularity not in GRANULARITIES:
        raise UsageError(f"no write is a {granularity!r}: choose one of {', '.join(GRANULARITIES)}")
    for name, labels in (("message", message), ("sentence", sentence)):
        if labels.shape != x.shape[:1]:
            raise ValueError(f"{name} must be {tuple(x.shape[:1])}, it is {tuple(labels.shape)}")
