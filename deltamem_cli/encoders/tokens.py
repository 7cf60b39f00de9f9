"""Text → token ids, by a model's own tokenizer, whose settings for cutting and padding are not ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deltamem_cli.errors import BadData

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 512  # tokens of a passage, however many more a model reads: an answer should point at a few lines
LONE_SURROGATES = re.compile("[\ud800-\udfff]")


class Tokens:
    """Cuts at `window` tokens for encoding, and nowhere for counting. `load` makes a tokenizer of its own."""

    def __init__(self, load: Callable[[], Tokenizer], window: int) -> None:
        self._load, self.window = load, window

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, with the special ones, at most `window`."""
        return [found.ids for found in self._cutting.encode_batch_fast(clean(texts))]

    def own(self, texts: Sequence[str]) -> list[list[bool]]:
        """Which of `ids` are of the text itself, and no special ones."""
        masks = [found.special_tokens_mask for found in self._cutting.encode_batch(clean(texts))]
        return [[not special for special in mask] for mask in masks]

    def plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, uncut and without the special ones."""
        return [found.ids for found in self._whole.encode_batch_fast(clean(texts), add_special_tokens=False)]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut and without the special ones."""
        return [len(found) for found in self._whole.encode_batch_fast(clean(texts), add_special_tokens=False)]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Characters (start, end) of each token of the uncut text."""
        offsets: list[tuple[int, int]] = self._whole.encode(clean([text])[0], add_special_tokens=False).offsets
        return offsets

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return int(self._whole.get_vocab_size())

    @cached_property
    def _whole(self) -> Tokenizer:
        tokenizer = self._load()
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _cutting(self) -> Tokenizer:
        tokenizer = self._load()
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.window)
        return tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json. Raises BadData where it is none."""
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        if type(error) is not Exception:  # tokenizers raises the bare class for a file it cannot read
            raise
        raise BadData(f"{path} is no tokenizer ({error}): fetch the encoder again") from None


def clean(texts: Sequence[str]) -> list[str]:
    """Lone surrogates, which no tokenizer takes, replaced one character for one."""
    return [LONE_SURROGATES.sub("\ufffd", text) for text in texts]
