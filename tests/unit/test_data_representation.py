"""Topics, separation, coverage, shares and groups on texts with planted structure."""

import random
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from checked_rows import conversations, plain_texts

from tunewright.data.checks.check import checked_row
from tunewright.data.representation import clusters as clusters_module
from tunewright.data.representation.clusters import MAX_FITTED, UNRELATED, Topics
from tunewright.data.representation.coverage import MAX_THRESHOLD, cover
from tunewright.data.representation.features import Features, TooLittleInCommonError, content_words, typical_terms
from tunewright.data.representation.gender_terms import gender_terms
from tunewright.data.representation.grouped import count_groups
from tunewright.data.representation.inputs import asked, sample
from tunewright.data.representation.separation import separate
from tunewright.data.representation.shares import difference_p_value, holm, share_of
from tunewright.errors import MissingExtraError
from tunewright.records import Conversation, Example, Message, Provenance

COMMON = "lamp yesterday order again help kitchen evening garden"
TOPICS = {
    "billing": "invoice charged refund price card money account paid statement",
    "dispatch": "parcel delivered late courier box tracking address arrived doorstep",
    "repairs": "broken flicker bulb dead switch smoke cable spark hinge",
}


def inputs(num_rows: int, seed: int, topics: Sequence[str] = tuple(TOPICS)) -> list[str]:
    """Inputs of the topics in turn: four words of the topic, two of anyone's."""
    rng = random.Random(seed)
    made = []
    for number in range(num_rows):
        chosen = rng.sample(TOPICS[topics[number % len(topics)]].split(), 4) + rng.sample(COMMON.split(), 2)
        made.append("please can you " + " ".join(rng.sample(chosen, 6)))
    return made


def test_three_topics_are_three_clusters_named_by_their_words() -> None:
    texts = inputs(300, seed=0)
    topics = Topics(texts)
    members, distances = topics.assign(texts)
    assert len(topics.topics) == 3
    for start, words in enumerate(TOPICS.values()):
        (number,) = set(members[start::3])
        assert set(topics.topics[number].words) <= set(words.split())
    assert distances.shape == (300,)


def test_topics_of_a_sample_hold_for_the_other_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters_module, "MAX_FITTED", 120)
    texts = inputs(600, seed=1)
    members, _ = Topics(texts).assign(texts)
    assert [len(set(members[start::3])) for start in range(3)] == [1, 1, 1]
    assert len(set(members)) == 3
    assert MAX_FITTED == 20_000


def test_the_same_inputs_give_the_same_topics() -> None:
    texts = inputs(90, seed=2)
    first, second = Topics(texts), Topics(texts)
    assert first.topics == second.topics
    assert first.silhouette == second.silhouette
    assert np.array_equal(first.assign(texts)[1], second.assign(texts)[1])


def test_an_input_without_a_known_word_belongs_to_no_topic() -> None:
    members, _ = Topics(inputs(90, seed=3)).assign(["xyzzy plugh", "invoice refund money"])
    assert members[0] == UNRELATED
    assert members[1] != UNRELATED


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([f"{chr(97 + number)}x{number}" for number in range(26)], "no terms remain|After pruning"),
        (["one two", "one three"] * 20, "too few"),
    ],
    ids=["no common word", "two different inputs"],
)
def test_inputs_with_too_little_in_common_have_no_topics(texts: list[str], message: str) -> None:
    with pytest.raises(TooLittleInCommonError, match=message):
        Topics(texts)


def test_inputs_of_few_kinds_have_no_topics() -> None:
    kinds = ("invoice paid card", "parcel late box", "bulb dead switch")
    with pytest.raises(TooLittleInCommonError, match="too few different inputs"):
        Topics(kinds * 20)


def test_function_words_and_single_letters_are_no_content() -> None:
    of_text = content_words()
    assert of_text("What's the balance of my account?") == ["balance", "account"]
    assert of_text("What is it?") == ["what", "is", "it"]
    assert of_text("我的账户") == list("我的账户")


def test_of_terms_that_share_a_word_only_the_first_is_typical() -> None:
    terms, scores = ["card", "credit card", "limit", "the"], [1.0, 2.0, 0.5, -1.0]
    assert typical_terms(terms, scores, 5) == ("credit card", "limit")


def test_features_are_unit_vectors_and_chunks_agree_with_the_fit() -> None:
    texts = inputs(40, seed=4)
    features = Features(texts, pairs=True)
    (again,) = features.chunks(texts)
    assert np.allclose(again.toarray(), features.of_fitted.toarray())
    assert np.allclose(np.linalg.norm(again.toarray(), axis=1), 1)
    assert any(" " in term for term in features.terms)


def test_two_samples_of_one_source_cannot_be_told_apart() -> None:
    separation = separate(inputs(300, seed=5), inputs(300, seed=6))
    assert separation.auc.low <= 0.5 <= separation.auc.high
    assert separation.auc.num_rows == 600


def test_a_copy_of_a_sample_cannot_be_told_from_it() -> None:
    texts = inputs(60, seed=7)
    auc = separate(texts, texts).auc
    assert (auc.low, auc.value, auc.high) == (0.5, 0.5, 0.5)


def test_another_topic_is_told_apart_by_its_words() -> None:
    separation = separate(inputs(200, seed=8, topics=("billing", "dispatch")), inputs(200, seed=9, topics=("repairs",)))
    assert separation.auc.low > 0.9
    assert set(separation.second_words) <= set(TOPICS["repairs"].split())
    assert set(separation.first_words) <= set(f"{TOPICS['billing']} {TOPICS['dispatch']}".split())


def test_the_auc_is_that_of_scikit_learn_within_each_fold() -> None:
    from sklearn.metrics import roc_auc_score

    from tunewright.data.representation.separation import NUM_FOLDS, _auc

    rng = np.random.default_rng(0)
    folds = np.arange(200) % NUM_FOLDS
    is_second = rng.random(200) < 0.4
    scores = np.round(rng.normal(size=200) + is_second, 1)  # with ties
    parts = [folds == fold for fold in range(NUM_FOLDS)]
    pairs = [int(is_second[part].sum() * (~is_second[part]).sum()) for part in parts]
    expected = np.average([roc_auc_score(is_second[part], scores[part]) for part in parts], weights=pairs)
    found = _auc(scores, is_second, folds)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high


def test_a_topic_that_training_lacks_is_not_covered() -> None:
    training = inputs(200, seed=10, topics=("billing", "dispatch"))
    texts = [*inputs(20, seed=11, topics=("billing",)), *inputs(20, seed=12, topics=("repairs",))]
    coverage = cover(training, texts)
    is_covered = [similarity >= coverage.threshold for similarity in coverage.similarities]
    assert is_covered == [True] * 20 + [False] * 20
    assert coverage.threshold == MAX_THRESHOLD


def test_the_nearest_training_input_is_the_equal_one() -> None:
    training = inputs(50, seed=13)
    coverage = cover(training, [training[30], training[3]])
    assert coverage.nearest == (30, 3)
    assert coverage.similarities == pytest.approx((1, 1), abs=1e-5)


def test_training_inputs_that_are_unlike_each_other_lower_the_threshold() -> None:
    training = [f"apple{number} pear{number} plum{number} fig{number} cherry" for number in range(40)]
    coverage = cover(training, ["kiwi melon", training[0]])
    assert 0 < coverage.threshold < 0.1


@pytest.mark.parametrize(
    "training",
    [
        [*inputs(94, seed=14), *(f"apple{number} pear{number}" for number in range(6))],
        [f"apple{number} pear{number}" for number in range(40)],
        ["invoice paid card"],
        ["invoice paid card"] * 40,
    ],
    ids=["a few unlike all others", "all unlike each other", "a single one", "all equal"],
)
def test_a_text_without_a_word_of_training_is_below_the_threshold(training: list[str]) -> None:
    coverage = cover(training, ["kiwi melon", training[0]])
    assert coverage.similarities == pytest.approx((0, 1), abs=1e-5)
    assert coverage.threshold == MAX_THRESHOLD


def test_a_share_has_the_interval_of_wilson() -> None:
    from scipy.stats import binomtest

    for count, num_rows in ((0, 10), (3, 10), (10, 10), (499, 1000)):
        found = share_of(count, num_rows)
        expected = binomtest(count, num_rows).proportion_ci(0.95, method="wilson")
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_shares_are_compared_exactly_where_they_are_rare() -> None:
    from scipy.stats import chi2_contingency, fisher_exact

    rare = difference_p_value(share_of(1, 10), share_of(6, 12))
    assert rare == pytest.approx(fisher_exact([[1, 9], [6, 6]])[1])
    frequent = difference_p_value(share_of(40, 100), share_of(60, 110))
    assert frequent == pytest.approx(chi2_contingency([[40, 60], [60, 50]])[1])
    assert difference_p_value(share_of(0, 10), share_of(0, 12)) == 1.0


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ((), ()),
        ((0.03,), (0.03,)),
        ((0.01, 0.04, 0.03, 0.005), (0.03, 0.06, 0.06, 0.02)),  # 4 x .005, 3 x .01, 2 x .03, then no smaller
        ((0.6, 0.5), (1.0, 1.0)),
        ((0.02, 0.02), (0.04, 0.04)),
    ],
)
def test_holms_correction_equals_the_hand_worked_case(p_values: Sequence[float], adjusted: Sequence[float]) -> None:
    assert holm(p_values) == pytest.approx(tuple(adjusted))


def test_gender_terms_are_words_and_not_parts_of_words() -> None:
    assert gender_terms("She lost HER card") == "female terms"
    assert gender_terms("Mr. Smith's lamp") == "male terms"
    assert gender_terms("the theme of this history") == "no terms"
    assert gender_terms("he and she") == "terms of both"


def test_a_group_with_another_label_rate_stands_out_and_equal_ones_do_not() -> None:
    rows = conversations(
        (f"question {number}", "urgent" if number % 10 < (8 if number % 2 else 3) else "normal")
        for number in range(400)
    )
    grouped = count_groups("region", rows, ["south" if number % 2 else "north" for number in range(400)])
    (north, south) = sorted(grouped.differences, key=lambda each: -each.rate)
    assert (north.group, south.group) == ("north", "south")
    # Of two labels the rarer one is counted.
    assert (north.label, north.rate, north.other_rate) == ("normal", 0.6, 0.2)
    assert [(group.group, group.num_rows) for group in grouped.table.groups] == [("north", 200), ("south", 200)]
    by_halves = count_groups("half", rows, ["first" if number < 200 else "second" for number in range(400)])
    assert by_halves.differences == ()


def test_groups_of_free_text_have_no_label_rates() -> None:
    rows = conversations((f"question {number}", f"A long answer number {number}.") for number in range(80))
    grouped = count_groups("region", rows, ["a", "b"] * 40)
    assert all(group.labels == () for group in grouped.table.groups)
    assert grouped.differences == ()


def test_what_is_asked_leaves_out_the_system_message_and_the_answer() -> None:
    messages = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="One?"),
        Message(role="assistant", content="Yes."),
        Message(role="user", content="Two?"),
        Message(role="assistant", content="No."),
    )
    example = Example(body=Conversation(messages=messages), provenance=Provenance(source="rows", row=1))
    assert asked(checked_row(example)) == "One?\nYes.\nTwo?"
    assert asked(plain_texts(["A text."])[0]) == "A text."


def test_a_sample_keeps_the_order_and_is_always_the_same() -> None:
    chosen = sample(range(100), 10, seed=0)
    assert chosen == sorted(chosen) == sample(range(100), 10, seed=0)
    assert len(set(chosen)) == 10
    assert sample("abc", 5, seed=0) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "compute", [lambda: Topics(inputs(40, 0)), lambda: cover(["a b"], ["c"]), lambda: Features([])]
)
def test_a_missing_library_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, compute: Callable[[], object]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(MissingExtraError, match=r"is needed to compare the topics of inputs\. .*tunewright\[data\]"):
        compute()
