"""What one write is: sums over all tokens equal the token-by-token reference, and the paper's special cases hold."""

from __future__ import annotations

import pytest
import torch
from capacity.granularity import GRANULARITIES, Granularity, sentences, writes, writes_reference
from conftest import WordEncoder
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.errors import UsageError
from deltamem_cli.rules import delta


@pytest.mark.parametrize("granularity", GRANULARITIES)
@given(labels=st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 2)), max_size=30))
def test_the_sums_are_the_reference(granularity: Granularity, labels: list[tuple[int, int]]) -> None:
    x = torch.randn(len(labels), 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    message = torch.tensor([label[0] for label in labels], dtype=torch.int64)
    sentence = torch.tensor([label[1] for label in labels], dtype=torch.int64)
    slow, fast = (form(x, message, sentence, granularity) for form in (writes_reference, writes))
    assert slow.message.tolist() == fast.message.tolist()
    assert slow.vectors.shape == fast.vectors.shape
    assert torch.allclose(slow.vectors, fast.vectors, atol=1e-12)


def test_tokens_of_no_message_are_written_one_by_one_only() -> None:
    x = torch.arange(7.0)[:, None]
    message = torch.tensor([-1, 0, 0, 0, -1, 1, 1])
    sentence = torch.tensor([0, 0, 0, 1, 0, 0, 0])
    told = {name: writes(x, message, sentence, name) for name in GRANULARITIES}
    assert told["token"].vectors.flatten().tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert told["sentence"].vectors.flatten().tolist() == [1.5, 3, 5.5]
    assert told["message"].vectors.flatten().tolist() == [2, 5.5]
    assert told["message"].message.tolist() == [0, 1]


def test_a_message_of_one_token_is_that_token_at_every_granularity() -> None:
    x = torch.nn.functional.normalize(torch.randn(9, 4, generator=torch.Generator().manual_seed(2)), dim=1)
    number, zero = torch.arange(9), torch.zeros(9, dtype=torch.int64)
    states = []
    for name in GRANULARITIES:
        K = writes(x, number, zero, name).vectors
        beta = torch.full((len(K), 1), 0.2)
        states.append(delta.write(delta.empty(4, 4), K, K, delta.gates("standard", beta)).state)
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


def test_sentences_end_where_the_papers_code_ends_them(encoder: WordEncoder) -> None:
    text = 'One two. Three: "four five!" six\n\nseven e.g. eight'
    assert sentences(text, encoder.offsets(text)) == [0, 0, 1, 2, 2, 3, 4, 4, 5]
    assert sentences("", []) == []


def test_what_cannot_be_written_is_refused() -> None:
    x, labels = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)
    with pytest.raises(UsageError, match="choose one of"):
        writes(x, labels, labels, "word")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="message"):
        writes(x, labels[:2], labels, "token")
