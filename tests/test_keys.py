"""Keys: the numbers are the same for ever, and inner products are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deltamem_cli.memory import keys


def unit(n: int, d: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.RandomState(seed).standard_normal((n, d))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_the_rotation_never_changes() -> None:
    """Codes in memory files are rotated by it."""
    found = keys.rotation(384)
    assert found[0, :3] == pytest.approx([-0.03597136, 0.04707423, 0.04497621], abs=1e-6)
    assert found[-1, -3:] == pytest.approx([0.01523046, -0.0121617, -0.07746243], abs=1e-6)


def test_codes_never_change() -> None:
    codes = keys.encode(np.eye(30, dtype=np.float32)[:2] @ keys.rotation(30))
    assert codes.tolist() == [[156, 197, 182, 101, 142, 89, 156, 8], [32, 117, 105, 221, 142, 9, 154, 10]]


def test_the_places_of_terms_never_change() -> None:
    columns, signs = keys.places(np.array([0, 1, 2**63], np.uint64))
    assert columns.tolist() == [
        [7, 90, 199, 262, 333, 405, 496, 590],
        [32, 99, 175, 277, 380, 464, 482, 586],
        [77, 105, 192, 268, 361, 447, 513, 606],
    ]
    assert signs.tolist() == [
        [1, -1, 1, -1, 1, -1, 1, -1],
        [1, 1, -1, 1, 1, -1, 1, 1],
        [1, -1, -1, 1, 1, 1, 1, 1],
    ]


@pytest.mark.parametrize("d", [1, 3, 30, 384])
def test_the_rotation_keeps_lengths(d: int) -> None:
    assert keys.rotation(d) @ keys.rotation(d).T == pytest.approx(np.eye(d), abs=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 30, 384])
def test_a_code_read_back_gives_the_same_code(d: int) -> None:
    codes = keys.encode(unit(20, d))
    assert codes.shape == (20, -(-d // 4))
    levels = keys.decode(codes, d) * np.sqrt(d)
    assert np.linalg.norm(keys.decode(codes, d), axis=1) == pytest.approx(np.ones(20), abs=1e-5)
    assert np.array_equal(np.sign(levels), np.sign(unit(20, d)))


def test_codes_keep_inner_products() -> None:
    vectors = unit(200, 384)
    vectors[1::2] = vectors[::2] + 0.5 * unit(100, 384, seed=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    read = keys.decode(keys.encode(vectors), 384)
    error = (read @ read.T) - (vectors @ vectors.T)
    np.fill_diagonal(error, 0)
    assert np.abs((read * vectors).sum(1) - 0.94).max() < 0.02
    assert np.sqrt((error**2).mean()) < 0.03
    assert (read[::2] * read[1::2]).sum(1).min() > 0.7  # of 0.89


def test_centring_takes_the_mean_off_and_survives_a_text_that_is_the_mean() -> None:
    mean = unit(1, 30)[0]
    assert np.isfinite(keys.centre(mean[None], mean)).all()
    vectors = unit(5, 30, seed=2)
    flat = keys.centre(vectors, mean) @ keys.rotation(30).T
    expected = (vectors - mean) / np.linalg.norm(vectors - mean, axis=1, keepdims=True)
    assert flat == pytest.approx(expected, abs=1e-5)


def sketch(*passages: list[int]) -> NDArray[np.float32]:
    vocabulary = np.array(sorted({term for terms in passages for term in terms}), np.uint64)
    flat = np.array([term for terms in passages for term in terms], np.uint64)
    sizes = np.array([len(terms) for terms in passages], np.int64)
    return keys.words(sizes, np.searchsorted(vocabulary, flat).astype(np.uint32), vocabulary)


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=12, unique=True), max_size=5))
def test_words_are_sums_of_signed_places(passages: list[list[int]]) -> None:
    """Against the plain definition, one term at a time."""
    found = sketch(*passages)
    assert found.shape == (len(passages), keys.WORDS)
    for row, terms in zip(found, passages, strict=True):
        slow = np.zeros(keys.WORDS)
        for term in terms:
            columns, signs = keys.places(np.array([term], np.uint64))
            slow[columns[0]] += signs[0]
        assert row == pytest.approx(slow / np.sqrt(max(len(terms), 1) * keys.SPREAD), abs=1e-6)


def test_the_sketch_keeps_the_share_of_common_words() -> None:
    dice = np.random.RandomState(0)
    common, one, other = (dice.randint(0, 2**62, 20).tolist() for _ in range(3))
    a, b = sketch(common + one, common + other)
    assert a @ b == pytest.approx(0.5, abs=0.1)
    assert a @ a == pytest.approx(1, abs=0.2)
    assert abs(float(sketch(one)[0] @ sketch(other)[0])) < 0.15


def test_project_is_an_inner_product_term_by_term() -> None:
    half = unit(1, keys.WORDS)[0]
    terms = [5, 77, 2**63 + 1]
    assert keys.project(half, np.array(terms, np.uint64)).sum() / np.sqrt(3) == pytest.approx(
        float(sketch(terms)[0] @ half), abs=1e-5
    )


def test_a_key_is_both_parts_with_equal_weight() -> None:
    dense, words = unit(4, 30), unit(4, keys.WORDS)
    joined = keys.join(dense, words)
    assert joined.dtype == np.float32
    assert np.linalg.norm(joined, axis=1) == pytest.approx(np.ones(4), abs=1e-6)
    assert joined @ joined.T == pytest.approx((dense @ dense.T + words @ words.T) / 2, abs=1e-5)
