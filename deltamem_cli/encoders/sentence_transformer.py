"""Any other sentence-transformers model, run by sentence-transformers itself (seconds to import)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deltamem_cli.encoders.mean import general_mean
from deltamem_cli.encoders.resolve import Found, sha256
from deltamem_cli.encoders.tokens import LONGEST, Tokens, clean
from deltamem_cli.errors import BadData

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH = 32  # texts encoded at once
PASSAGE_PROMPTS = ("document", "passage", "corpus")  # the names sentence-transformers looks for, in its order


class SentenceTransformerEncoder:
    """An `Encoder` over whatever sentence-transformers loads; nothing is fetched, no code of the model's is run."""

    def __init__(self, found: Found, device: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        if not any(found.path.rglob("*.safetensors")):
            raise BadData(
                f"{found.path} holds no .safetensors weights: give the folder of a sentence-transformers model"
            )
        kind: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True}
        try:
            self._model = SentenceTransformer(str(found.path), device=device, local_files_only=True, model_kwargs=kind)
        except (OSError, ValueError, KeyError) as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BadData(f"sentence-transformers cannot load {found.path}: {why}") from error
        self.name, self._path = found.name, found.path
        self.dimension = len(self.encode_query(""))
        reads = self._model.max_seq_length or LONGEST  # infinite where the model is a table of vectors
        self._tokens = Tokens(self._copy_of_tokenizer, window=int(min(reads, 1 << 20)))
        self.count_tokens, self.offsets = self._tokens.count, self._tokens.offsets
        prompts = self._model.prompts
        self._prompt = next((prompts[name] for name in PASSAGE_PROMPTS if prompts.get(name)), None)
        self.max_tokens = min(self._tokens.window - sum(self.count_tokens([self._prompt or ""])), LONGEST)

    @cached_property
    def fingerprint(self) -> str:
        """See `Encoder`. Over every file of the folder that can bear on a vector."""
        whole = hashlib.sha256()
        for file in sorted(self._path.rglob("*")):
            if file.is_file() and file.suffix in (".json", ".safetensors", ".txt", ".model"):
                whole.update(f"{file.relative_to(self._path).as_posix()} {sha256(file)}\n".encode())
        return whole.hexdigest()

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """See `Encoder`."""
        return general_mean(self.fingerprint, self.encode)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        if not len(texts):
            return np.zeros((0, self.dimension), np.float32)
        # named by us: sentence-transformers takes the first name that is there, "document", which it adds empty itself
        return self._run(partial(self._model.encode_document, prompt=self._prompt), texts)

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """See `Encoder`."""
        row: NDArray[np.float32] = self._run(self._model.encode_query, [text])[0]
        return row

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """See `Encoder`. Without prompts: states of questions and of passages must lie in one space.

        An empty list where the model is a table of vectors, or does not keep to the tokens of its own tokenizer.
        """
        found: Any = self._model.encode_document(
            clean(texts), prompt="", batch_size=BATCH, show_progress_bar=False, output_value=None
        )
        if not all("token_embeddings" in one for one in found):
            return []
        states = [one["token_embeddings"][one["attention_mask"].bool()].float().cpu().numpy() for one in found]
        own = self._tokens.own(texts)
        if any(len(some) != len(mask) for some, mask in zip(states, own, strict=True)):
            return []
        return [some[mask] for some, mask in zip(states, own, strict=True)]

    def _run(self, method: Callable[..., Any], texts: Sequence[str]) -> NDArray[np.float32]:
        rows = method(clean(texts), batch_size=BATCH, show_progress_bar=False, convert_to_tensor=True)
        unit: NDArray[np.float32] = rows.float().cpu().numpy()
        unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.float32(1e-12))
        return unit

    def _copy_of_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        own = self._model.tokenizer
        own = getattr(own, "backend_tokenizer", own)
        if not isinstance(own, Tokenizer):
            raise BadData(f"{self._path} has a tokenizer that tells no character offsets: choose another encoder")
        return Tokenizer.from_str(own.to_str())
