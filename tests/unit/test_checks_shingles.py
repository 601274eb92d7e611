"""Shingles on disk: neither the size of a batch, nor shared places, nor forgotten words change what is found."""

import random

import pytest

from tunewright.data.checks import shingles
from tunewright.data.checks.shingles import candidate_shingles
from tunewright.data.checks.similar import similar_pairs

SENTENCE = "the quick brown fox jumps over the lazy dog near the old mill by the river"


def texts_with_pairs(seed: int = 0) -> list[str]:
    """Texts of 1 to 60 words: a fifth nearly repeat another, and all begin with the same instruction."""
    rng = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(400)]
    texts = [rng.choices(vocabulary, k=rng.randint(1, 60)) for _ in range(240)]
    for original in rng.sample(texts, 60):
        copy = list(original)
        copy[rng.randrange(len(copy))] = rng.choice(vocabulary)
        texts.append(copy)
    return [" ".join(["say", "in", "other", "words", "please", *text]) for text in texts]


@pytest.mark.parametrize(
    ("name", "value"),
    [("_TEXTS_PER_BATCH", 1), ("_TEXTS_PER_BATCH", 7), ("_CHARACTERS_PER_BATCH", 300), ("_MAX_REMEMBERED_WORDS", 3)],
)
def test_sizes_change_nothing(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_with_pairs()
    expected = similar_pairs(texts, 0.8)
    assert len(expected) > 10
    monkeypatch.setattr(shingles, name, value)
    assert similar_pairs(texts, 0.8) == expected


def test_shingles_that_share_their_places_lose_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_with_pairs()
    expected = similar_pairs(texts, 0.8)
    monkeypatch.setattr(shingles, "_MIN_PLACES", 8)
    monkeypatch.setattr(shingles, "_PLACES_PER_SHINGLE", 0)
    assert similar_pairs(texts, 0.8) == expected


def test_a_text_without_a_partner_is_set_aside() -> None:
    other = "something else entirely that nobody has ever said in these words before"
    assert list(candidate_shingles([SENTENCE, other, f"{SENTENCE}!"], 0.8, None)) == [0, 2]


def test_each_text_has_its_distinct_shingles_in_order() -> None:
    found = candidate_shingles(["a b c d e f a b c d e f", "a b c d e f a b c d e f"], 0.8, None)
    assert [len(each) for each in found.values()] == [6, 6]
    assert all((each[1:] > each[:-1]).all() for each in found.values())


def test_a_phrase_that_fills_one_text_is_no_template_of_many() -> None:
    """It occurs more often than the count of one byte can say."""
    texts = ["ha " * 1000, "ha " * 1000 + "!"] + [f"{SENTENCE} {number}" for number in range(30)]
    assert [(pair.first, pair.second) for pair in similar_pairs(texts, 0.9)][:1] == [(0, 1)]


def test_no_texts_have_no_candidates() -> None:
    assert candidate_shingles([], 0.8, None) == {}
    assert candidate_shingles(["", "!"], 0.8, None) == {}
