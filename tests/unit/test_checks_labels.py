"""Label errors against planted ones, false alarms on clean labels, and the balance of labels."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from checked_rows import conversations
from public_files import public_file

from tunewright.data import read_rows
from tunewright.data.checks import labels as module
from tunewright.data.checks.check import Check, RowSet, checked_row
from tunewright.data.checks.labels import LABEL_BALANCE, LABEL_ERRORS
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, DataRecipe, Finding

TICKETS = Path(__file__).parents[2] / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl"
COMMON = "hello please the my lamp since yesterday help order again still now when why how can"
TOPICS = {
    "billing": "invoice charged refund price card twice money account paid statement",
    "dispatch": "parcel delivered late courier box tracking address arrived doorstep shipped",
    "repairs": "broken flicker bulb dead switch smoke cable spark hinge cracked",
}


def find(rows: RowSet, check: Check = LABEL_ERRORS) -> list[Finding]:
    return sorted(check.find(rows, CheckRecipe()), key=lambda finding: -finding.score)


def tickets(num_rows: int, seed: int) -> list[tuple[str, str]]:
    """Tickets of three topics; three words in eight are the topic's, the others are anyone's."""
    rng = random.Random(seed)
    common = COMMON.split()
    made = []
    for number in range(num_rows):
        label = list(TOPICS)[number % len(TOPICS)]
        text = rng.sample(TOPICS[label].split(), 3) + rng.sample(common, 5)
        made.append((" ".join(rng.sample(text, len(text))), label))
    return made


def with_errors(pairs: list[tuple[str, str]], share: float, seed: int) -> tuple[list[tuple[str, str]], set[str]]:
    """The pairs with some labels exchanged, and the locations of those rows."""
    rng = random.Random(seed)
    names = sorted({label for _, label in pairs})
    wrong = set(rng.sample(range(len(pairs)), round(share * len(pairs))))
    changed = [
        (text, rng.choice([name for name in names if name != label]) if index in wrong else label)
        for index, (text, label) in enumerate(pairs)
    ]
    return changed, {f"rows:{index + 1}" for index in wrong}


def test_nine_exchanged_labels_of_three_hundred_are_found_and_nothing_else() -> None:
    pairs, wrong = with_errors(tickets(300, seed=1), 0.03, seed=1)
    found = find(conversations(pairs))
    assert {finding.locations[0] for finding in found} == wrong
    assert len(wrong) == 9


def test_a_finding_names_the_label_given_and_the_likely_one() -> None:
    pairs = tickets(300, seed=2)
    pairs[0] = ("invoice charged twice refund please", "Repairs")
    worst = find(conversations(pairs))[0]
    assert worst.locations == ("rows:1",)
    assert worst.explanation.startswith("The answer is Repairs, but judging by the words of the other rows billing is")
    assert worst.evidence == ("invoice charged twice refund please",)
    assert not worst.drop


def test_clean_labels_give_no_false_alarm() -> None:
    assert [find(conversations(tickets(300, seed=seed))) for seed in range(3)] == [[], [], []]


def test_findings_are_the_same_every_time() -> None:
    pairs, _ = with_errors(tickets(150, seed=3), 0.05, seed=3)
    assert find(conversations(pairs)) == find(conversations(pairs))


def test_a_sample_to_learn_from_still_judges_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, wrong = with_errors(tickets(1200, seed=4), 0.02, seed=4)
    monkeypatch.setattr(module, "MAX_UPDATES", 12_000)  # about a quarter of the words times three labels
    found = {finding.locations[0] for finding in find(conversations(pairs))}
    assert len(found & wrong) >= 0.9 * len(wrong)
    assert len(found - wrong) <= 5


def test_a_sample_holds_at_least_one_row_of_each_label() -> None:
    labels = np.array([0] * 1000 + [1] * 4)
    chosen = module._sample(np.arange(1004), labels, 0.1, np.random.default_rng(0))
    assert np.bincount(labels[chosen]).tolist() == [100, 1]


def test_labels_that_words_do_not_predict_are_not_judged() -> None:
    rng = random.Random(5)
    pairs = [(" ".join(rng.choices(COMMON.split(), k=8)), rng.choice("ab")) for _ in range(400)]
    assert find(conversations(pairs)) == []


@pytest.mark.parametrize(
    "pairs",
    [
        [(f"A question about {number}?", f"A long answer about {number}, told in full.") for number in range(50)],
        [("!" * number, "yes" if number % 2 else "no") for number in range(1, 60)],
        [(f"question {number}", "yes") for number in range(50)],
    ],
    ids=["free text", "no words", "one label"],
)
def test_where_nothing_can_be_learned_nothing_is_found(pairs: list[tuple[str, str]]) -> None:
    assert find(conversations(pairs)) == []


def test_labels_with_fewer_than_five_rows_are_left_out_and_named() -> None:
    rows = conversations([*tickets(90, seed=6), *((f"parcel delivered {number}", "lost") for number in range(4))])
    assert find(rows) == []
    (rare,) = find(rows, LABEL_BALANCE)
    assert rare.explanation == "lost is the answer of 4 of 94 rows; label errors are not looked for among them."
    assert rare.locations == ("rows:91", "rows:92", "rows:93", "rows:94")


@pytest.mark.parametrize(("num_rare", "is_found"), [(9, True), (10, False)])
def test_a_label_of_fewer_than_ten_rows_is_rare(num_rare: int, is_found: bool) -> None:
    rows = conversations([*tickets(90, seed=7), *((f"lost {number}", "lost") for number in range(num_rare))])
    found = [finding.explanation for finding in find(rows, LABEL_BALANCE)]
    assert found == ([f"lost is the answer of {num_rare} of {90 + num_rare} rows."] if is_found else [])


@pytest.mark.parametrize(("num_yes", "is_found"), [(51, True), (50, False)])
def test_a_label_of_more_than_half_of_the_rows_is_dominant(num_yes: int, is_found: bool) -> None:
    rows = conversations((f"question {number}", "yes" if number < num_yes else "no") for number in range(100))
    found = find(rows, LABEL_BALANCE)
    assert bool(found) == is_found
    if is_found:
        assert found[0].explanation == "yes is the answer of 51% of the rows (51); the first are shown."
        assert found[0].locations == ("rows:1", "rows:2", "rows:3")


@pytest.mark.parametrize("package", ["cleanlab.filter", "sklearn.feature_extraction.text"])
def test_a_missing_library_is_named_with_the_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"is needed to find label errors. .*tunewright\[data\]"):
        find(conversations(tickets(60, seed=8)))


def test_the_bundled_tickets_have_no_labels_and_raise_no_alarm() -> None:
    read = read_rows(str(TICKETS), DataRecipe(path=str(TICKETS)), None)
    rows = tuple(checked_row(example) for example in read.examples)
    assert find(rows) == find(rows, LABEL_BALANCE) == []


def test_most_exchanged_labels_of_real_intents_are_found() -> None:
    train = json.loads(public_file("datasets/clinc150/data_small.json").read_text(encoding="utf-8"))["train"]
    names = sorted({label for _, label in train})[:20]
    pairs, wrong = with_errors([(text, label) for text, label in train if label in names], 0.03, seed=0)
    found = {finding.locations[0] for finding in find(conversations(pairs))}
    # Over ten seeds recall was .87 to 1.00 (mean .96) and precision .61 to .84 (mean .73): without any exchange 12 of
    # these 1,000 rows are listed, and they count as false alarms here.
    assert len(found & wrong) / len(wrong) >= 0.85
    assert len(found & wrong) / len(found) >= 0.6
