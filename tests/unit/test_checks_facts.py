"""Facts: which differences between two texts change what they say."""

import pytest

from tunewright.data.checks.facts import (
    Facts,
    content_words,
    facts,
    names,
    names_conflict,
    numbers_conflict,
    same_content,
)
from tunewright.data.checks.words import words


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Order A-4219 and order B4219.", ("a-4219", "b4219")),
        ("three of 1,000.50 items", ("1000.5", "3")),
        ("-5 degrees, but 20-25 pounds", ("-5", "20", "25")),
        ("version 1.2.10 of iPhone 15", ("1.2.10", "15")),
        ("１５ full-width", ("15",)),
        ("no number here", ()),
    ],
)
def test_numbers_and_codes_are_read(text: str, numbers: tuple[str, ...]) -> None:
    assert facts(text).numbers == numbers


@pytest.mark.parametrize(
    ("text", "num_negations"),
    [
        ("It isn't, it isn’t and it is not.", 3),
        ("It cannot be, never.", 2),
        ("a T-shirt in a tent", 0),
        ("No. 5 is alive", 0),
        ("Nein, nicht heute", 1),
        ("我不去", 1),
        ("Wij leveren niet op zondag, en geen brood", 2),
        ("Não funciona. Non funziona mai. Это не работает", 4),
        ("Det fungerar inte. Det virker ikke. Bu değil", 3),
        ("هذا ليس صحيحا، لا", 2),
        ("वह नहीं जाएगी", 1),
        ("行かない。行きません", 2),
        ("가지 않습니다. 학생이 아닙니다. 안 가요", 3),
    ],
)
def test_negations_are_counted(text: str, num_negations: int) -> None:
    assert facts(text).num_negations == num_negations


def test_facts_have_equal_keys_exactly_if_they_are_equal() -> None:
    assert facts("2 not 3").key == facts("3, not two").key != facts("2 3").key


def test_names_are_capitalised_words_inside_a_sentence() -> None:
    assert names("Yesterday Anna saw (Burger King). Then it rained.\nNow Bob.") == {"anna", "burger", "king", "bob"}
    # As words() gives them: the capital İ folds to i alone, and Chinese characters are words of their own.
    assert names("Bu yıl İstanbul ve Ankara") == {"istanbul", "ankara"} <= set(words("istanbul ANKARA"))
    assert names("使用 Netflix公司") == {"netflix"}


@pytest.mark.parametrize(
    ("left", "right", "conflict"),
    [
        ("near Burger King", "near The Bakers", ("burger king", "bakers the")),
        ("near Burger King", "close by", None),
        ("near Burger King", "near burger king", None),
        ("near Burger King", "near Burgerking", None),
    ],
)
def test_names_conflict_when_each_text_has_one_of_its_own(
    left: str, right: str, conflict: tuple[str, str] | None
) -> None:
    assert names_conflict(left, right, forgive_spelling=True) == conflict


def test_misspelt_names_conflict_unless_that_is_forgiven() -> None:
    assert names_conflict("ask Johnson", "ask Johnston", forgive_spelling=False) == ("johnson", "johnston")


@pytest.mark.parametrize(
    ("left", "right", "conflict"),
    [
        ("3 out of 5", "4 out of 5", ("3", "4")),
        ("3 out of 5", "5 stars", None),
        ("5out of 5", "5 out of 5", None),
        ("order A-12", "order B-12", ("a-12", "b-12")),
        ("three", "3", None),
    ],
)
def test_numbers_conflict_when_each_text_has_one_of_its_own(
    left: str, right: str, conflict: tuple[str, str] | None
) -> None:
    assert numbers_conflict(facts(left), facts(right)) == conflict


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("what is my balance", "Hi, what's my balance please?", True),
        ("my lamp flickers", "my lamp flikers", True),
        ("increase my limit", "decrease my limit", False),
        ("who was it", "when was it", False),
        ("my lamp", "my desk lamp", False),
    ],
)
def test_content_is_the_same_up_to_fillers_and_misspellings(left: str, right: str, same: bool) -> None:
    assert same_content(left, right) is same


def test_content_words_are_neither_fillers_nor_numbers_nor_negations() -> None:
    assert content_words("The cat did not eat 3 of the two big cat biscuits") == {
        "cat": 2,
        "eat": 1,
        "big": 1,
        "biscuits": 1,
    }


def test_words_go_on_over_vowel_signs() -> None:
    assert words("मीना और मोना") == ["मीना", "और", "मोना"]
    assert words("தமிழ் e\u0301te\u0301 x\u0303y") == ["தமிழ்", "\u00e9t\u00e9", "x\u0303y"]
    assert words("1\ufe0f\u20e3 ok") == ["1", "ok"]
    # Thai has no spaces: like Chinese it is compared letter by letter, with the marks of each.
    assert words("ที่นี่") == ["ที่", "นี่"]


def test_long_words_without_digits_are_read_in_linear_time() -> None:
    assert facts("a" * 200_000) == Facts((), 0)
    assert facts("मी" * 100_000) == Facts((), 0)
