"""What a sentence-transformers folder says, where it is a BERT that bert_numpy and bert_torch can run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from deltamem_cli.encoders.resolve import Found, sha256
from deltamem_cli.errors import BadData

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
WORDS = "embeddings.word_embeddings.weight"
LEGACY_POOLING = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}


@dataclass(frozen=True)
class BertFolder:
    """A BERT sentence encoder: where its files are and the numbers that its forward needs."""

    path: Path
    dimension: int
    layers: int
    heads: int
    epsilon: float
    window: int
    pooling: Literal["mean", "cls"]
    stored: str  # type of the weights in the file, as safetensors writes it

    @property
    def numpy_can_read(self) -> bool:
        """Whether bert_numpy can run it: numpy has no bfloat16."""
        return self.stored in ("F32", "F16")

    def fingerprint(self, found: Found) -> str:
        """sha256 of everything that decides what a text's vector is."""
        files = {name: found.hashes.get(name) or sha256(self.path / name) for name in (WEIGHTS, TOKENIZER)}
        settings = {key: value for key, value in asdict(self).items() if key not in ("path", "stored")}
        return hashlib.sha256(json.dumps([files, settings], sort_keys=True).encode()).hexdigest()


def read_bert_folder(path: Path) -> BertFolder | None:
    """The folder's settings, or None where something in it needs sentence-transformers itself.

    Raises BadData for a settings file or weights that cannot be read.
    """
    config = _settings(path / "config.json")
    pooling = _pooling(path)
    if not _plain_bert(config) or pooling is None or not plain_text(path):
        return None
    if not (path / WEIGHTS).is_file() or not (path / TOKENIZER).is_file():
        return None
    stored = _stored_type(path / WEIGHTS, config["num_hidden_layers"])
    if stored is None:
        return None
    limit = _settings(path / "sentence_bert_config.json").get("max_seq_length")
    limit = limit or _settings(path / "tokenizer_config.json").get("model_max_length") or 512
    return BertFolder(
        path=path,
        dimension=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        epsilon=config.get("layer_norm_eps", 1e-12),
        window=int(min(limit, config.get("max_position_embeddings", 512))),
        pooling=pooling,
        stored=stored,
    )


def _settings(path: Path) -> dict[str, Any]:
    """A JSON object of the folder; empty where the file is not there."""
    if not path.is_file():
        return {}
    try:
        read = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadData(f"{path} is not JSON ({error}): the encoder's folder is damaged, fetch it again") from None
    return read if isinstance(read, dict) else {}


def _plain_bert(config: dict[str, Any]) -> bool:
    sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads")
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act", "gelu") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
        and all(isinstance(config.get(size), int) and config[size] > 0 for size in sizes)
    )


def plain_text(path: Path) -> bool:
    """No prompts and no lower-casing of sentence-transformers' own: the tokenizer does everything to the text."""
    prompts = _settings(path / "config_sentence_transformers.json").get("prompts") or {}
    return not any(prompts.values()) and not _settings(path / "sentence_bert_config.json").get("do_lower_case")


def _pooling(path: Path) -> Literal["mean", "cls"] | None:
    """How the folder's modules make one vector of many, where that is a way we know.

    A Normalize module may be there or not: our vectors are unit in any case.
    """
    kinds, folders = modules(path)
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) or folders[0] != "":
        return None
    said = _settings(path / folders[1] / "config.json")
    modes = said.get("pooling_mode") or [key for key, value in said.items() if key.startswith("pooling_mode") and value]
    modes = [LEGACY_POOLING.get(mode, mode) for mode in ([modes] if isinstance(modes, str) else modes)]
    return cast(Literal["mean", "cls"], modes[0]) if modes in (["mean"], ["cls"]) else None


def modules(path: Path) -> tuple[list[str], list[str]]:
    """The kinds of a folder's modules and their own folders; none where it lists none."""
    listed = path / "modules.json"
    if not listed.is_file():
        return [], []
    try:
        found = json.loads(listed.read_bytes())
        return [module["type"].rsplit(".", 1)[-1] for module in found], [module["path"] for module in found]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadData(f"{listed} lists no modules ({error}): the encoder's folder is damaged, fetch it again") from None


def _stored_type(path: Path, layers: int) -> str | None:
    """The type the weights are stored in; None where the tensors bear other names."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            names = file.keys()
            needed = {WORDS, f"encoder.layer.{layers - 1}.output.dense.weight"}
            return str(file.get_slice(WORDS).get_dtype()) if needed.issubset(names) else None
    except SafetensorError as error:
        raise BadData(f"{path} is no whole safetensors file ({error}): fetch the encoder again") from None
