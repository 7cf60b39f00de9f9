"""Words as hashes: the same for all forms of a word, the same in every memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltamem_cli.text import terms
from deltamem_cli.text.languages import language_of, mostly

VERSIONS = pytest.mark.parametrize("version", terms.VERSIONS)


def of(text: str, version: int = terms.VERSION) -> set[int]:
    return set(terms.count(text, version))


def asked(question: str, passage: str) -> set[int]:
    """The terms of a question to a memory of one passage that the passage has."""
    return set(terms.asked(question, of(passage).__contains__)) & of(passage)


@pytest.mark.parametrize(
    "word, hashes",
    [
        ("ports", [8268348573333033759]),
        ("8080", [7983417185665987624]),
        ("Größe", [16832822397561338100]),
        ("parseConfig", [1867751480269284804, 4086910370041335029, 8604435941486735450]),
    ],
)
def test_hashes_of_version_1_never_change(word: str, hashes: list[int]) -> None:
    """They are stored in memory files: a change of any of these makes every old memory deaf to its words."""
    assert sorted(of(word, 1)) == hashes


@pytest.mark.parametrize(
    "text, hashes",
    [
        ("ports", [8268348573333033759]),
        ("Die Größe ist mir egal", [4773100264865636319, 9161189572795796048]),
        ("parseConfig", [1867751480269284804, 4086910370041335029, 8604435941486735450]),
        (
            "a/b.py:12",
            [917917063734782176, 2942392233581296305, 5490746804422155176, 12521756902627894910, 16370802936685099627],
        ),
        ("房租", [2848831340789845518, 4653256382952023938, 6455932996982818036]),
        ("Стиральная машина", [14654613797238644295, 16262223544719003962]),
    ],
)
def test_hashes_of_version_2_never_change(text: str, hashes: list[int]) -> None:
    assert sorted(of(text)) == hashes


@pytest.mark.parametrize(
    "one, other",
    [
        ("running", "run"),
        ("Ports", "PORT"),
        ("Anna's", "anna"),
        ("Anna’s", "Anna's"),
        ("naïve", "NAÏVE"),
        ("caches", "cache"),
    ],
)
@VERSIONS
def test_forms_of_a_word_are_one_term(one: str, other: str, version: int) -> None:
    assert of(one, version) == of(other, version) != set()


@pytest.mark.parametrize("name", ["parseConfig", "parse_config", "ParseConfig"])
@VERSIONS
def test_an_identifier_is_found_whole_and_by_its_words(name: str, version: int) -> None:
    assert of(name, version) > of("parse", version) | of("config", version)
    assert len(of(name, version)) == 3


def test_version_1_has_the_characters_of_scripts_without_spaces_as_words() -> None:
    assert of("日本語", 1) == of("日", 1) | of("本", 1) | of("語", 1)
    assert len(of("日本語", 1)) == 3


def test_scripts_without_spaces_give_pairs_of_characters_and_han_alone() -> None:
    assert of("日本語") == of("日") | of("本") | of("語") | (of("日本") & of("日本語")) | (of("本語") & of("日本語"))
    assert len(of("日本語")) == 5
    assert len(of("고양이")) == 2


@pytest.mark.parametrize(
    "question, passage",
    [
        ("Welche Waschmaschinen laufen?", "Die Waschmaschine läuft wieder aus, ich rufe morgen an"),
        ("¿Qué reparaciones hicieron?", "El fontanero hizo la reparación de la caldera"),
        ("Où sont les hôtels ?", "L'hôtel est à côté de la gare"),
        ("cafe", "we met at the Café Central"),
        ("Какие машины?", "Стиральная машина опять течёт"),
        ("Где ёлки?", "елка стоит в углу"),
        ("房租多少钱？", "房东说下个月房租涨到四千二"),
        ("ﾊﾟｽﾜｰﾄﾞ", "パスワードは冷蔵庫に貼ってある"),
        ("ＷＩＦＩ", "the wifi is down"),
        ("고양이가 어디 있어?", "고양이를 병원에 데려갔어"),
        ("أين المفتاح؟", "مفتاح السيارة في درج المطبخ"),
        ("b.py", "see src/a/b.py:12"),
        ("where is --no-text read?", "ingest --no-text keeps no text"),
        ("os.path", "call os.path in it"),
    ],
)
def test_a_question_finds_another_form_of_the_word(question: str, passage: str) -> None:
    assert asked(question, passage)


def test_an_english_question_finds_what_another_language_stemmed_alike() -> None:
    assert asked("what did Anna say of Zurich?", "Anna hat gesagt, dass sie nach Zürich zieht")


def test_little_words_of_a_language_are_no_terms() -> None:
    assert of("Was ist denn das hier?") == of("¿Qué es esto?") == of("Qu'est-ce que c'est ?") - of("-ce") == set()


def test_a_path_is_a_term_with_and_without_its_line_and_folders() -> None:
    assert of("src/main/parse.py:120") >= of("src/main/parse.py") >= of("parse.py")
    assert of("ecommerce-api") == of("ecommerce") | of("api")


@pytest.mark.parametrize(
    "text, language",
    [
        ("Wo ist denn der Schlüssel?", "de"),
        ("Where is the key?", "en"),
        ("¿Dónde está la llave?", "es"),
        ("Onde está a chave do carro?", "pt"),
        ("Dove sono le chiavi?", "it"),
        ("Où est la clé ?", "fr"),
        ("Где ключ?", "ru"),
        ("鍵はどこですか", "ja"),
        ("钥匙在哪里", "zh"),
        ("열쇠가 어디 있어", "ko"),
        ("أين المفتاح", "ar"),
        ("for i in range(10): print(i)", "en"),
        ("", "en"),
        ("42", "en"),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


def test_what_most_texts_are_in() -> None:
    language, share = mostly(["Das ist ja nicht so schlimm, oder?", "ok"])
    assert language == "de" and 0.9 < share < 1
    assert mostly([]) == ("en", 0.0)


@pytest.mark.parametrize("text", ["", " \n", "the of and", "...!?", "\ud800\udfff", "\0"])
@VERSIONS
def test_what_has_no_words_has_no_terms(text: str, version: int) -> None:
    assert terms.count(text, version) == {}


@VERSIONS
def test_an_endless_word_counts_by_its_beginning(version: int) -> None:
    assert of("a1" * 5000, version) == of("a1" * 6000, version)


@VERSIONS
@given(text=st.text(alphabet=st.characters(exclude_categories=[]), max_size=200))
def test_terms_and_their_places_agree(version: int, text: str) -> None:
    found = list(terms.spans(text, version))
    assert terms.count(text, version) == {term: sum(t == term for _, _, t in found) for _, _, term in found}
    assert all(0 <= start < end <= len(text) for start, end, _ in found)
    assert [start for start, _, _ in found] == sorted(start for start, _, _ in found)
    assert all(0 <= term < 2**64 for _, _, term in found)
