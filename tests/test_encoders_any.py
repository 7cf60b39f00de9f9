"""Models that sentence-transformers runs: made here, tiny, with prompts, special tokens and windows of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import turn, write_log
from safetensors.numpy import load_file, save_file

from deltamem_cli.encoders import Encoder, load_encoder
from deltamem_cli.encoders.tokens import LONGEST
from deltamem_cli.errors import BadData
from deltamem_cli.ingest.draft import Draft
from deltamem_cli.ingest.pipeline import ingest, new_header
from deltamem_cli.ingest.read_options import DEFAULTS
from deltamem_cli.memory.file import open_memory
from deltamem_cli.recall.searcher import Searcher

WORDS = "the a kettle lamp river stone boat door red old is by where was moved query passage : ?".split()  # noqa: SIM905
PROMPTS = {"query": "query : ", "passage": "passage : "}
WINDOW = 12


def tokenizer() -> Any:
    """Words as tokens, and one special token, at the end only: T5's way, not BERT's."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}, "<unk>"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return made


def transformer(folder: Path, **prompts: str) -> Path:
    """A transformer of one layer with random weights, its vectors projected from 16 dimensions to 8."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    of = DistilBertConfig(vocab_size=30, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=WINDOW)
    DistilBertModel(of).save_pretrained(folder / "plain")
    special: dict[str, Any] = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"}
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer(), **special).save_pretrained(folder / "plain")
    first = modules.Transformer(str(folder / "plain"), max_seq_length=WINDOW)
    made = SentenceTransformer(modules=[first, modules.Pooling(16), modules.Dense(16, 8)], prompts=prompts)
    made.save(str(folder / "model"))
    return folder / "model"


def table(folder: Path) -> Path:
    """A static model: a vector for each token."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    vectors = np.random.RandomState(0).standard_normal((len(WORDS) + 3, 10)).astype(np.float32)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer(), embedding_weights=vectors)]).save(str(folder / "table"))
    return folder / "table"


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(str(transformer(tmp_path_factory.mktemp("prompted"), **PROMPTS)), query_only=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(str(transformer(tmp_path_factory.mktemp("plain"))), query_only=True)


def test_questions_and_passages_have_their_prompts(prompted: Encoder, plain: Encoder) -> None:
    text = "the red kettle"
    assert np.abs(prompted.encode_query(text) - plain.encode_query("query : " + text)).max() < 1e-6
    assert np.abs(prompted.encode([text]) - plain.encode(["passage : " + text])).max() < 1e-6
    assert np.abs(prompted.encode([text]) - plain.encode([text])).max() > 1e-3
    assert prompted.max_tokens == WINDOW - 2 and plain.max_tokens == WINDOW


def test_a_state_for_each_token_of_the_text(prompted: Encoder) -> None:
    texts = ["the red kettle", "lamp", "is the old boat by the river? </s> stone " * 3, ""]
    found = prompted.token_vectors(texts)
    assert [len(states) for states in found] == [3, 1, WINDOW - 1, 0]
    assert [len(prompted.offsets(text)) for text in texts][:2] == [3, 1]
    for text, states in zip(texts, found, strict=True):
        assert states.dtype == np.float32 and states.shape[1] == 16
        assert np.abs(states - prompted.token_vectors([text])[0]).max(initial=0) < 1e-5  # whoever is beside it


def test_the_states_are_those_of_the_transformer(prompted: Encoder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(prompted.name)("the red kettle", return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(prompted.name)(tokens["input_ids"]).last_hidden_state[0]
    assert np.abs(prompted.token_vectors(["the red kettle"])[0] - states[:-1].numpy()).max() < 1e-5


def test_a_table_of_vectors_is_what_sentence_transformers_makes_of_it(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = load_encoder(str(table(tmp_path)), query_only=True)
    texts = ["the red kettle", "lamp lamp river?", "unknown words", "stone " * 700]
    theirs = SentenceTransformer(encoder.name).encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(encoder.encode(texts) - theirs).max() < 1e-6
    assert encoder.max_tokens == LONGEST and encoder.dimension == 10
    assert not encoder.encode([""]).any() and encoder.encode([]).shape == (0, 10)
    assert [len(vectors) for vectors in encoder.token_vectors(texts)] == encoder.count_tokens(texts) == [3, 4, 2, 700]
    assert np.abs(encoder.encode(texts * 100)[-1] - theirs[-1]).max() < 1e-6


def test_model2vecs_rows_and_weights(tmp_path: Path) -> None:
    folder = table(tmp_path)
    vectors = load_file(folder / "model.safetensors")["embedding.weight"]
    row, weight = np.arange(len(vectors))[::-1].copy(), np.linspace(0.5, 2, len(vectors), dtype=np.float32)
    save_file({"embeddings": vectors[::-1].astype(np.float16), "mapping": row}, folder / "model.safetensors")
    moved = load_encoder(str(folder))
    before = moved.fingerprint
    save_file({"embeddings": vectors[::-1].copy(), "mapping": row, "weights": weight}, folder / "model.safetensors")
    weighed = load_encoder(str(folder))
    (ids,) = tokenizer().encode_batch(["the red kettle"], add_special_tokens=False)
    assert np.abs(moved.token_vectors(["the red kettle"])[0] - vectors[ids.ids]).max() < 1e-2
    expected = vectors[ids.ids] * weight[ids.ids, None]
    assert np.abs(weighed.token_vectors(["the red kettle"])[0] - expected).max() < 1e-6
    assert weighed.fingerprint != before


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"embedding.weight": np.zeros((3, 10), np.float32)}, "vectors for 3: fetch it again"),
        ({"embedding.weight": np.zeros((30, 10), np.int8)}, "no table of float32 or float16 vectors"),
        ({"other": np.zeros((30, 10), np.float32)}, "no table of float32 or float16 vectors"),
        (None, "no whole safetensors file"),
    ],
)
def test_a_damaged_table_is_named(tensors: dict[str, Any] | None, says: str, tmp_path: Path) -> None:
    weights = table(tmp_path) / "model.safetensors"
    if tensors is None:
        weights.write_bytes(b"{")
    else:
        save_file(tensors, weights)
    with pytest.raises(BadData, match=says):
        load_encoder(str(weights.parent))


def test_a_table_with_prompts_goes_through_sentence_transformers(tmp_path: Path) -> None:
    folder = table(tmp_path)
    settings = {"prompts": PROMPTS, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    encoder = load_encoder(str(folder), query_only=True)
    (folder / "config_sentence_transformers.json").unlink()
    plain = load_encoder(str(folder), query_only=True)
    assert np.abs(encoder.encode(["red lamp"]) - plain.encode(["passage : red lamp"])).max() < 1e-6
    assert np.abs(encoder.encode_query("red lamp") - plain.encode_query("query : red lamp")).max() < 1e-6
    assert encoder.max_tokens == LONGEST and encoder.token_vectors(["red lamp"]) == []


@pytest.mark.parametrize("make", [transformer, table])
def test_from_log_to_answer(make: Callable[[Path], Path], tmp_path: Path) -> None:
    encoder = load_encoder(str(make(tmp_path)))
    said = ["the kettle is by the river", "a red lamp", "the boat was moved", "is the old door red ?"]
    log = write_log(tmp_path / "log.jsonl", [turn(text) for text in said])
    draft = Draft(tmp_path / "memory.safetensors", new_header(encoder, text=True), encoder.mean)
    ingest([str(log)], draft, encoder, DEFAULTS)
    memory = open_memory(draft.path)
    assert memory.header.window == encoder.max_tokens
    best = Searcher(memory, load_encoder(memory.header.encoder, query_only=True)).ask("where is the kettle").hits[0]
    assert best.text == said[0]
