"""Text → unit vectors. One contract, `Encoder`; `load_encoder` finds who fulfils it.

    name          the caller says "default", a folder, or a hub name
    resolve.py    → a folder on this machine (the built-in one has its hash checked)
    folder.py     → what the folder says, where it is a BERT with mean or first-token pooling
    bert.py       … then our own forward: bert_numpy.py for a question, bert_torch.py for ingest
    table.py      … or a static model, a table of vectors, which needs no forward
    multilingual.py … or the one for 16 languages that a package carries
    sentence_transformer.py   … else whatever sentence-transformers can load
    pool.py       several of it, each in a process of its own (worker.py)

Nothing heavy is imported here: a question costs numpy and tokenizers, torch is for ingest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from deltamem_cli.encoders.device import pick_device, share_cores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Encoder", "load_encoder", "pick_device", "share_cores"]


class Encoder(Protocol):
    """Turns texts into unit vectors whose inner product says how close two texts are in meaning."""

    @property
    def name(self) -> str:
        """What `load_encoder` takes to load the same encoder again: a model's name or an absolute folder."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """The window: tokens it reads of one text, with the special ones (two for BERT). The rest is cut off."""
        ...

    @property
    def fingerprint(self) -> str:
        """sha256 (hex) of weights, tokenizer and settings: equal on two machines where the vectors are."""
        ...

    @property
    def mean(self) -> NDArray[np.float32]:
        """Mean of its unit vectors on general text, (dimension,) float32, for the caller to subtract."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut and without the special ones."""
        ...

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) in characters of each token of the uncut text, without the special ones."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of passages, (len(texts), dimension) float32.

        The same list gives the same bits; a text's vector may differ by rounding (1e-7) in the company of others.
        """
        ...

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Unit vector of a question, (dimension,) float32."""
        ...

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """A late layer's state at each token that `offsets` names, as far as the window reaches: (tokens, width).

        Which layer, and the width, are the model's own. An empty list where the encoder has no such states: texts are
        then compared as wholes only.
        """
        ...


def load_encoder(
    name: str = "default",
    *,
    device: str = "cpu",
    query_only: bool = False,
) -> Encoder:
    """The encoder of that name: "default" (all-MiniLM-L6-v2), "multilingual", a sentence-transformers folder, or a
    hub name.

    device:      where passages are encoded, as `pick_device` takes it.
    query_only:  for a question or a few short texts, on the CPU in numpy; `device` plays no part.

    Raises UsageError for a model or device that is not there, BadData for a folder that cannot be read.
    """
    from deltamem_cli.encoders.bert import BertEncoder
    from deltamem_cli.encoders.folder import read_bert_folder
    from deltamem_cli.encoders.multilingual import NAME, MultilingualEncoder
    from deltamem_cli.encoders.resolve import resolve
    from deltamem_cli.encoders.table import TableEncoder, is_table

    share_cores()
    if name == NAME:
        return MultilingualEncoder()
    found = resolve(name, verify=not query_only)
    bert = read_bert_folder(found.path)
    if bert is not None and query_only and bert.numpy_can_read:
        return BertEncoder.with_numpy(found, bert)
    if is_table(found.path):
        return TableEncoder(found)
    device = pick_device("cpu" if query_only else device)
    if bert is not None:
        return BertEncoder.with_torch(found, bert, device)
    from deltamem_cli.encoders.sentence_transformer import SentenceTransformerEncoder

    return SentenceTransformerEncoder(found, device)
