"""Similar texts: the index against a brute-force count, its templates, short texts and groups."""

import random
import sys
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.checks.similar import SimilarPair, linked, similar_pairs
from tunewright.data.checks.words import words
from tunewright.errors import MissingExtraError

SENTENCE = "the quick brown fox jumps over the lazy dog near the old mill by the river"


def five_grams(text: str) -> set[tuple[str, ...]]:
    split = text.split()
    return {tuple(split[start : start + 5]) for start in range(len(split) - 4)}


def jaccard(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> float:
    return len(left & right) / len(left | right)


def similar_groups(texts: list[str], threshold: float) -> list[tuple[int, ...]]:
    return linked((pair.first, pair.second) for pair in similar_pairs(texts, threshold))


def planted_texts(num_texts: int, num_planted: int, seed: int) -> list[str]:
    """Random texts of 40 to 120 words; the last ones are edited copies (replaced, added and left out words)."""
    rng = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(3000)]
    texts = [rng.choices(vocabulary, k=rng.randint(40, 120)) for _ in range(num_texts - num_planted)]
    for original in rng.sample(texts, num_planted):
        copy = list(original)
        for _ in range(rng.randint(0, 4)):
            place = rng.randrange(len(copy))
            copy[place : place + rng.randint(0, 1)] = rng.choice([[], [rng.choice(vocabulary)]])
        texts.append(copy)
    return [" ".join(text) for text in texts]


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_pairs_are_found_with_recall_and_precision_of_at_least_98_percent(seed: int) -> None:
    texts = planted_texts(2000, 400, seed)
    holders: dict[tuple[str, ...], list[int]] = {}
    for position, text in enumerate(texts):
        for gram in five_grams(text):
            holders.setdefault(gram, []).append(position)
    sharing = {pair for positions in holders.values() for pair in combinations(positions, 2)}
    exact = {pair: jaccard(five_grams(texts[pair[0]]), five_grams(texts[pair[1]])) for pair in sharing}
    wanted = {pair for pair, similarity in exact.items() if similarity >= 0.8}
    found = {(pair.first, pair.second): pair.similarity for pair in similar_pairs(texts, 0.8)}
    assert len(wanted) > 200
    assert len(exact) - len(wanted) > 50  # planted pairs on the other side of the threshold
    assert len(wanted & found.keys()) >= 0.98 * len(wanted)
    assert len(wanted & found.keys()) >= 0.98 * len(found)
    assert all(found[pair] == pytest.approx(exact[pair]) for pair in found)


def test_the_threshold_is_exact() -> None:
    last_word_replaced = SENTENCE.replace("river", "lake")  # 11 of 13 distinct 5-grams in common
    assert similar_pairs([SENTENCE, last_word_replaced], 11 / 13) == [SimilarPair(0, 1, 11 / 13)]
    assert similar_pairs([SENTENCE, last_word_replaced], 11 / 13 + 1e-6) == []


def test_equal_inputs_give_equal_pairs_in_ascending_order() -> None:
    texts = planted_texts(300, 100, seed=3)
    pairs = similar_pairs(texts, 0.5)
    assert pairs == sorted(pairs) == similar_pairs(texts, 0.5)


@given(st.lists(st.text(alphabet="ab .,日", max_size=12), max_size=8))
def test_texts_with_the_same_words_are_always_similar(texts: list[str]) -> None:
    expected = {(i, j) for i, j in combinations(range(len(texts)), 2) if words(texts[i]) == words(texts[j]) != []}
    assert {(pair.first, pair.second) for pair in similar_pairs(texts, 1.0) if pair.similarity == 1.0} >= expected


def test_case_punctuation_and_compatibility_characters_do_not_count() -> None:
    assert similar_groups(["It's FINE, really: all of it.", "it’s ﬁne really all of it"], 1.0) == [(0, 1)]


def test_short_texts_are_similar_only_with_the_same_words_in_the_same_order() -> None:
    texts = ["cancel my order", "Cancel my order!", "order my cancel", "cancel my order please", "cancel"]
    assert similar_groups(texts, 0.8) == [(0, 1)]


def test_texts_without_words_are_similar_to_nothing() -> None:
    assert similar_groups(["", "", "!?", "👍"], 0.5) == []


def test_texts_without_spaces_are_compared_by_character() -> None:
    assert words("東京はいい街です。ok") == [*"東京はいい街です", "ok"]


def test_lone_surrogates_are_compared_like_other_characters() -> None:
    assert similar_groups(["tea\ud800 with milk", "tea\ud800 with milk!"], 0.8) == [(0, 1)]


def test_a_template_that_most_texts_share_makes_no_pair() -> None:
    instruction = "classify the following message of a customer into one of the twelve queues of our support desk"
    rng = random.Random(0)
    texts = [f"{instruction} {' '.join(rng.choices('abcdefghijkl', k=4))} {number}" for number in range(100)]
    assert similar_pairs(texts, 0.5) == []
    assert similar_groups([*texts, texts[3] + "!"], 0.8) == [(3, 100)]


def test_a_phrase_repeated_within_one_text_is_no_template() -> None:
    text = "ha " * 300
    assert similar_groups([text, text + "!"], 0.8) == [(0, 1)]


def test_texts_that_are_nothing_but_template_are_still_compared() -> None:
    texts = [f"{SENTENCE}{'!' * number}" for number in range(30)]
    assert similar_groups(texts, 0.8) == [tuple(range(30))]


def test_only_texts_with_equal_keys_are_compared() -> None:
    keys = ["a", "b", "a"]
    assert similar_pairs([SENTENCE] * 3, 0.8, keys.__getitem__) == [SimilarPair(0, 2, 1.0)]


def test_the_key_is_asked_only_for_texts_that_may_have_a_partner() -> None:
    asked: list[int] = []

    def key(position: int) -> str:
        asked.append(position)
        return ""

    similar_pairs([SENTENCE, "something else entirely that nobody repeats", SENTENCE], 0.8, key)
    assert asked == [0, 2]


def test_of_very_many_texts_that_are_alike_each_is_compared_with_the_leaders_only() -> None:
    texts = [f"{SENTENCE}{'!' * number}" for number in range(201)]
    pairs = similar_pairs(texts, 0.8, leaders=lambda alike: [alike[7]])
    assert [(pair.first, pair.second) for pair in pairs] == [
        *((number, 7) for number in range(7)),
        *((7, number) for number in range(8, 201)),
    ]
    assert len(similar_pairs(texts[:200], 0.8, leaders=lambda alike: [alike[7]])) == 200 * 199 / 2


def test_pairs_are_joined_into_groups_ordered_by_their_first_member() -> None:
    assert linked([(5, 9), (2, 7), (9, 1), (7, 2)]) == [(1, 5, 9), (2, 7)]


def test_the_ends_of_a_chain_share_a_group() -> None:
    split = [f"w{number}" for number in range(30)]
    texts = [" ".join(split[start : start + 26]) for start in (0, 2, 4)]
    assert [(pair.first, pair.second) for pair in similar_pairs(texts, 0.8)] == [(0, 1), (1, 2)]
    assert similar_groups(texts, 0.8) == [(0, 1, 2)]


def test_a_missing_datasketch_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(MissingExtraError, match=r"datasketch is needed to find rows .* 'tunewright\[data\]'"):
        similar_groups([SENTENCE, SENTENCE], 0.8)
