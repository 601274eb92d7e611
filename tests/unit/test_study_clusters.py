"""Test inputs are put under the topics of the training inputs."""

import random
import sys
from types import SimpleNamespace
from typing import cast

import pytest
from listening import Listening
from study_parts import row

from tunewright.actions import study_reporting
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.errors import MissingExtraError
from tunewright.evaluate import test_items as items_of
from tunewright.study.bench import Bench
from tunewright.study.clusters import clusters_of

TOPICS = (
    "refund money card bank payment invoice",
    "flight hotel airport luggage ticket travel",
    "password login account email security reset",
)
DRAW = random.Random(0)
TRAIN = [row(" ".join(DRAW.sample(topic.split(), 4)), "answer", place) for place in range(30) for topic in TOPICS]


def test_items_of_one_topic_are_in_one_cluster_that_is_named_by_its_words() -> None:
    questions = ["refund of money to the card", "the bank sent an invoice", "hotel at the airport", "xyzzy"]
    items = items_of([row(question, "answer") for question in questions], None)
    found = clusters_of(items, TRAIN)
    money, invoice, hotel = (found[item.example.id] for item in items[:3])
    assert money == invoice != hotel
    number, _, words = money.partition(": ")
    assert number.isdigit()
    assert set(words.split(", ")) & set(TOPICS[0].split())
    assert items[3].example.id not in found


def test_few_inputs_and_inputs_without_common_words_have_no_clusters() -> None:
    items = items_of([row("refund", "answer")], None)
    with pytest.raises(TooLittleInCommonError, match="29 training inputs are fewer than the 30 it takes"):
        clusters_of(items, TRAIN[:29])
    with pytest.raises(TooLittleInCommonError, match="the texts have too few terms in common"):
        clusters_of(items, [row(f"word{place}", "answer", place) for place in range(40)])
    assert clusters_of((), TRAIN) == {}


def test_a_study_without_clusters_says_why() -> None:
    progress = Listening()
    bench = cast(Bench, SimpleNamespace(test=items_of([row("refund", "answer")], None), progress=progress))
    assert study_reporting._clusters(bench, TRAIN[:29]) == {}
    (said,) = progress.lines
    assert said == ("The report has no scores by cluster of inputs: 29 training inputs are fewer than the 30 it takes")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(MissingExtraError, match=r"scikit-learn .*pip install 'tunewright\[data\]'"):
        clusters_of(items_of([row("refund", "answer")], None), TRAIN)


def test_a_study_says_which_extra_brings_the_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    progress = Listening()
    bench = cast(Bench, SimpleNamespace(test=items_of([row("refund", "answer")], None), progress=progress))
    assert study_reporting._clusters(bench, TRAIN) == {}
    (said,) = progress.lines
    assert said.startswith("The report has no scores by cluster of inputs: scikit-learn is needed to ")
    assert said.endswith("Install it with: pip install 'tunewright[data]'")
