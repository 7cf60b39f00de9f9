"""Keys to write into a state, and questions whose answer is one of them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capacity.paraphrase import with_synonyms, without_words
from deltamem_cli.encoders.mean import general_sentences
from deltamem_cli.errors import LogError
from deltamem_cli.memory import keys
from deltamem_cli.readers.detect import open_log, read_log
from deltamem_cli.readers.parse.json_stream import document
from deltamem_cli.readers.parse.values import mapping, sequence, string
from deltamem_cli.records import ReadReport
from deltamem_cli.text import terms
from deltamem_cli.text.split import spoken

if TYPE_CHECKING:
    from deltamem_cli.encoders import Encoder

Floats = NDArray[np.float32]

ITSELF = "itself"
COSINES = (0.9, 0.8, 0.7, 0.5, 0.3)
DROPPED = (0.2, 0.4)
QUESTIONS = "questions"
_MOST = 500  # texts that are asked for in other words: encoding them is what takes the time


@dataclass(frozen=True)
class Questions:
    """Unit vectors (m, d), and for each the keys that answer it, as places in the pool."""

    vectors: Floats
    answers: Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class Pool:
    """Unit keys (n, d) under a name, and kinds of questions about them; `ITSELF` asks with the very keys."""

    name: str
    keys: Floats
    questions: dict[str, Questions]


def random_pool(n: int, d: int, seed: int) -> Pool:
    """Random keys (n, d), asked for at each of COSINES, in random directions."""
    chance = np.random.RandomState(seed)
    made = _unit(chance.standard_normal((n, d)))
    each = [(i,) for i in range(n)]
    questions = {ITSELF: Questions(made, each)}
    for cosine in COSINES:
        questions[f"cosine {cosine}"] = Questions(at_cosine(made, cosine, chance), each)
    return Pool(f"random keys, d = {d}", made, questions)


def at_cosine(unit: Floats, cosine: float, chance: np.random.RandomState) -> Floats:
    """Unit vectors (n, d) at this cosine from unit vectors (n, d), in random directions."""
    noise = chance.standard_normal(unit.shape)
    away = _unit(noise - (noise * unit).sum(1, keepdims=True) * unit)
    return np.asarray(cosine * unit + np.sqrt(1 - cosine**2) * away, np.float32)


def sentence_pool(encoder: Encoder, d: int) -> Pool:
    """The bundled sentences, keyed as passages are, the keys squeezed to d dimensions; asked for in other words."""
    sentences = general_sentences()
    found = text_keys(sentences, encoder, stored=True)
    squeeze = np.random.RandomState(0).standard_normal((found.shape[1], d)).astype(np.float32)
    questions = {ITSELF: Questions(found, [(i,) for i in range(len(found))])} | paraphrases(sentences, encoder)
    asked = {kind: Questions(_unit(asked.vectors @ squeeze), asked.answers) for kind, asked in questions.items()}
    name = f"{len(sentences)} bundled sentences, d = {d}"
    return Pool(name, asked[ITSELF].vectors, asked)


def locomo_pool(path: str, encoder: Encoder) -> Pool:
    """The turns of a LoCoMo file, keyed as passages are; asked for in other words, and by the questions of the file.

    Raises LogError where the file cannot be read or holds no questions about its turns.
    """
    try:
        with open(path, "rb") as stream:
            turns = list(read_log(*open_log(stream, path, "locomo"), ReadReport()))
            stream.seek(0)
            told = document(open_log(stream, path, "locomo")[1])
    except OSError as error:
        raise LogError(path, f"cannot be read ({error.strerror}); give a LoCoMo file") from error
    place = {turn.id: i for i, turn in enumerate(turns)}
    asked, answers = [], []
    for sample in map(mapping, told if isinstance(told, list) else [told]):
        for item in map(mapping, sequence(sample.get("qa"))):
            evidence = re.split(r"[;\s]+", " ".join(map(string, sequence(item.get("evidence")))))
            known = [place[name] for e in evidence if (name := f"{string(sample.get('sample_id'))}/{e}") in place]
            if known and string(item.get("question")):
                asked.append(string(item.get("question")))
                answers.append(tuple(known))
    if not asked:
        raise LogError(path, "holds no questions about its turns; give a LoCoMo file (locomo10.json)")
    texts = [spoken(turn, turn.text) for turn in turns]
    found = text_keys(texts, encoder, stored=True)
    questions = {ITSELF: Questions(found, [(i,) for i in range(len(found))])} | paraphrases(texts, encoder)
    questions[QUESTIONS] = Questions(text_keys(asked, encoder), answers)
    return Pool(f"{len(turns):,} turns, d = {found.shape[1]:,}", found, questions)


def paraphrases(texts: Sequence[str], encoder: Encoder) -> dict[str, Questions]:
    """Texts with a share of their words left out, and with synonyms; those that do not change are not asked.

    Of many texts some are drawn.
    """
    chance = random.Random(0)
    some = sorted(chance.sample(range(len(texts)), min(_MOST, len(texts))))
    ways: dict[str, Callable[[str], str]] = {
        f"{share:.0%} dropped": partial(without_words, share=share, chance=chance) for share in DROPPED
    }
    questions = {}
    for kind, say in {**ways, "synonyms": with_synonyms}.items():
        said = {i: say(texts[i]) for i in some}
        other = [i for i in some if said[i] != texts[i]]
        questions[kind] = Questions(text_keys([said[i] for i in other], encoder), [(i,) for i in other])
    return questions


def text_keys(texts: Sequence[str], encoder: Encoder, *, stored: bool = False) -> Floats:
    """Unit keys (n, d) of texts: as a question's, or `stored` as a passage's, from its code.

    For encoders that take both alike, as the built-in one does.
    """
    dense = keys.centre(encoder.encode(texts), encoder.mean)
    if stored:
        dense = keys.decode(keys.encode(dense), encoder.dimension)
    found = [sorted(terms.count(text)) for text in texts]
    vocabulary, ids = np.unique(np.array([term for one in found for term in one], np.uint64), return_inverse=True)
    sizes = np.array([len(one) for one in found], np.int64)
    return _unit(keys.join(dense, keys.words(sizes, ids.astype(np.uint32), vocabulary)))


def _unit(rows: NDArray[np.floating]) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)
