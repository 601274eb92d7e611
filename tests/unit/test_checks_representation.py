"""Checks of topics, of a reference sample and of groups, on rows with planted structure."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from checked_rows import conversations

from tunewright.contracts import SilentProgress
from tunewright.data import examine
from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.group_balance import GENDER_TERMS, GROUP_BALANCE
from tunewright.data.checks.reference_sample import NOT_COVERED, REFERENCE_DRIFT
from tunewright.data.checks.run import run_checks
from tunewright.data.checks.topics import TOPIC_SHARES
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.errors import DataError, RecipeError
from tunewright.records import (
    CheckRecipe,
    CheckResult,
    DataRecipe,
    Finding,
    GroupTable,
    InputClusters,
    ReferenceComparison,
    ReferenceCoverage,
    Split,
)

Save = Callable[..., str]

TOPICS = {
    "billing": "invoice charged refund price card money account paid statement",
    "dispatch": "parcel delivered late courier box tracking address arrived doorstep",
    "repairs": "broken flicker bulb dead switch smoke cable spark hinge",
}


def inputs(num_rows: int, seed: int, topics: Sequence[str] = tuple(TOPICS)) -> list[str]:
    rng = random.Random(seed)
    words = [TOPICS[topics[number % len(topics)]].split() for number in range(num_rows)]
    return [f"my {' '.join(rng.sample(chosen, 4))} please" for chosen in words]


def rows_of(texts: Sequence[str], split: Split | None = None) -> RowSet:
    return conversations(((text, "an answer of some words") for text in texts), split)


@pytest.fixture
def reference(tmp_path: Path) -> Save:
    def save(texts: Sequence[str], field: str = "prompt") -> str:
        path = tmp_path / "prod.jsonl"
        path.write_text("".join(json.dumps({field: text}) + "\n" for text in texts), encoding="utf-8")
        return str(path)

    return save


def ask(check: Check, rows: RowSet, **settings: object) -> tuple[list[object], list[Finding]]:
    """What a check measured, and what it found, the worst first."""
    found = list(check.find(rows, CheckRecipe.model_validate(settings)))
    findings = [each for each in found if isinstance(each, Finding)]
    return [each for each in found if not isinstance(each, Finding)], sorted(findings, key=lambda each: -each.score)


def test_every_topic_has_its_size_words_examples_and_share() -> None:
    (measured,), findings = ask(TOPIC_SHARES, rows_of(inputs(150, seed=0)))
    assert isinstance(measured, InputClusters)
    assert measured.choice.startswith("3 clusters: the number from 3 to 16 with the highest silhouette (0.")
    assert findings == []
    assert sum(cluster.num_rows for cluster in measured.clusters) == len(set(inputs(150, seed=0)))
    for cluster in measured.clusters:
        assert len(cluster.examples) == 3
        assert len({example.text for example in cluster.examples}) == 3
        assert list(cluster.shares) == ["all"]
        assert cluster.shares["all"].low < 1 / 3 < cluster.shares["all"].high
        assert cluster.name == ", ".join(cluster.words[:3])


def test_a_topic_that_training_has_less_of_than_the_test_is_found() -> None:
    training = rows_of(inputs(200, seed=1, topics=("billing", "dispatch")) + inputs(10, 2, ("repairs",)), Split.TRAIN)
    test = rows_of(inputs(90, seed=3), Split.TEST)
    (measured,), findings = ask(TOPIC_SHARES, training + test)
    assert isinstance(measured, InputClusters)
    assert all(list(cluster.shares) == ["train", "test"] for cluster in measured.clusters)
    (finding,) = findings
    assert finding.explanation.startswith("Inputs about “")
    assert "% of the test rows and 4.8% of the training rows; typical ones are shown." in finding.explanation
    shown = {row.id: row.split for row in test}
    assert [shown[found] for found in finding.example_ids] == [Split.TEST] * 3


def test_the_share_of_every_topic_in_the_reference_is_measured(reference: Save) -> None:
    path = reference([*inputs(80, 4, ("billing", "dispatch")), *["quartz zephyr"] * 9])
    (measured,), findings = ask(TOPIC_SHARES, rows_of(inputs(150, seed=5)), reference=path)
    assert isinstance(measured, InputClusters)
    assert measured.clusters[-1].words == ()
    assert measured.clusters[-1].num_rows == 0
    assert measured.clusters[-1].shares["reference"].value == pytest.approx(9 / 89)
    explanations = " ".join(finding.explanation for finding in findings)
    assert "0.0% of the reference and 3" in explanations
    assert "Inputs with no word in common with others are 10.1% of the reference and 0.0% of the rows" in explanations


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (inputs(29, seed=6), "29 inputs are fewer than the 30 it takes"),
        ([f"word{number}" for number in range(40)], "the texts have too few terms in common"),
        (["one two", "one three"] * 30, "too few different inputs"),
    ],
)
def test_few_or_unlike_inputs_are_not_clustered(texts: list[str], reason: str) -> None:
    rows = tuple(row for number, text in enumerate(texts) for row in conversations([(text, f"answer {number}")]))
    with pytest.raises(TooLittleInCommonError, match=reason):
        ask(TOPIC_SHARES, rows)


def test_a_reference_of_the_same_source_is_no_finding(reference: Save) -> None:
    (measured,), findings = ask(REFERENCE_DRIFT, rows_of(inputs(300, seed=7)), reference=reference(inputs(300, seed=8)))
    assert isinstance(measured, ReferenceComparison)
    assert measured.auc.low <= 0.5 <= measured.auc.high
    assert findings == []


def test_a_shifted_reference_is_found_and_explained_by_words(reference: Save) -> None:
    path = reference(inputs(100, 9, ("repairs",)))
    (measured,), findings = ask(REFERENCE_DRIFT, rows_of(inputs(100, 10, ("billing",))), reference=path)
    assert isinstance(measured, ReferenceComparison)
    assert measured.auc.value > 0.9
    (finding,) = findings
    assert finding.explanation.startswith("A classifier tells reference and training inputs apart with an AUC of 1.00")
    assert all(word in TOPICS["repairs"].split() for word in measured.reference_words)
    assert finding.locations[0].endswith("prod.jsonl:1")


def test_only_training_rows_are_compared_with_the_reference(reference: Save) -> None:
    path = reference(inputs(60, 11, ("billing",)))
    training = rows_of(inputs(60, 12, ("billing",)), Split.TRAIN)
    test = rows_of(inputs(60, 13, ("repairs",)), Split.TEST)
    assert ask(REFERENCE_DRIFT, training + test, reference=path)[1] == []
    with pytest.raises(TooLittleInCommonError, match="0 training inputs are fewer than the 20 it takes"):
        ask(REFERENCE_DRIFT, test, reference=path)
    with pytest.raises(TooLittleInCommonError, match="there are no training inputs"):
        ask(NOT_COVERED, test, reference=path)


def test_inputs_without_any_repeated_word_are_not_compared(reference: Save) -> None:
    path = reference([f"word{number}" for number in range(30)])
    with pytest.raises(TooLittleInCommonError, match="the texts have too few terms in common"):
        ask(REFERENCE_DRIFT, rows_of([f"term{number}" for number in range(30)]), reference=path)


def test_a_topic_absent_from_training_is_listed_with_its_nearest_row(reference: Save) -> None:
    foreign = ["the bulb of my account flickers and smokes near the switch and the hinge", "dead bulb, broken hinge"]
    path = reference([*inputs(40, 14, ("billing",)), *foreign])
    (measured,), findings = ask(NOT_COVERED, rows_of(inputs(120, 15, ("billing", "dispatch"))), reference=path)
    assert isinstance(measured, ReferenceCoverage)
    assert measured.covered.value == pytest.approx(40 / 42)
    unrelated, near = findings
    assert unrelated.explanation == "No training input has a content word in common with this one of the reference."
    assert unrelated.evidence == (foreign[1],)
    assert near.evidence[0] == foreign[0]
    assert "account" in near.evidence[1]
    assert "the nearest has a similarity of 0." in near.explanation
    assert near.locations[0].endswith("prod.jsonl:41")


def read_rows_with(tmp_path: Path, **settings: object) -> dict[str, CheckResult]:
    """Rows of three regions, one of them small, one with mostly another label."""
    path = tmp_path / "rows.jsonl"
    regions = ["north"] * 100 + ["south"] * 100 + ["west"] * 5
    rng = random.Random(0)
    rows = [
        {
            "prompt": f"{text} {number}",
            "completion": "urgent" if rng.random() < (0.8 if region == "south" else 0.2) else "normal",
            "region": region,
            "size": number,
        }
        for number, (text, region) in enumerate(zip(inputs(205, seed=16), regions, strict=True))
    ]
    rows.append({**rows[0], "prompt": "no region", "region": None})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    checks = CheckRecipe.model_validate({"skip": ["label_errors"], **settings})
    examined = examine(DataRecipe(path=str(path), checks=checks), None, SilentProgress())
    return {result.check: result for result in examined.results}


def test_a_small_group_and_one_with_another_label_are_found(tmp_path: Path) -> None:
    result = read_rows_with(tmp_path, groups=["region"])[GROUP_BALANCE.id]
    (table,) = result.measured
    assert isinstance(table, GroupTable)
    counts = [(group.group, group.num_rows) for group in table.groups]
    assert counts == [("north", 100), ("south", 100), ("west", 5), ("(no value)", 1)]
    explanations = [finding.explanation for finding in result.findings]
    assert "In only 5 rows region is west." in explanations
    assert any(each.startswith("Where region is south, the answer is urgent in") for each in explanations)
    assert not any("no value" in each for each in explanations)
    rest = {finding.explanation.split(",")[0]: finding.num_more for finding in result.findings}
    assert rest["In only 5 rows region is west."] == 2
    assert rest["Where region is south"] == 97
    assert result.num_rows == 205  # all but the row without a region, each once


def test_a_row_in_groups_of_two_fields_is_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {
            "prompt": f"{text} {n}",
            "completion": f"answer {n}",
            "region": "west" if n < 9 else "north",
            "plan": "free" if n < 12 else "paid",
        }
        for n, text in enumerate(inputs(80, seed=4))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = DataRecipe(path=str(path), checks=CheckRecipe(groups=("region", "plan")))
    results = {result.check: result for result in examine(recipe, None, SilentProgress()).results}
    small = results[GROUP_BALANCE.id]
    assert [(finding.explanation, finding.num_more) for finding in small.findings] == [
        ("In only 9 rows region is west.", 6),
        ("In only 12 rows plan is free.", 9),
    ]
    assert small.num_rows == 12


def test_a_field_with_too_many_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.checks\.groups: found size with 205 different values, expected"):
        read_rows_with(tmp_path, groups=["size"])


def test_a_group_field_that_no_row_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'regoin', expected one of .*Did you mean region\?"):
        read_rows_with(tmp_path, groups=["regoin"])


def test_the_input_column_of_the_rows_is_that_of_the_reference_too(tmp_path: Path, reference: Save) -> None:
    path = tmp_path / "rows.csv"
    cells = [f"{text} {number},answer {number}" for number, text in enumerate(inputs(60, seed=17))]
    path.write_text("ask,reply\n" + "\n".join(cells), encoding="utf-8")
    checks = CheckRecipe(reference=reference(inputs(40, seed=18), field="ask"))
    recipe = DataRecipe(path=str(path), input="ask", output="reply", checks=checks)
    results = {result.check: result for result in examine(recipe, None, SilentProgress()).results}
    assert results[NOT_COVERED.id].measured
    assert results[REFERENCE_DRIFT.id].skipped is None


@pytest.mark.parametrize("name", ["prod.txt", "prod.jsonl"])
def test_a_reference_without_the_input_column_of_the_rows_is_read_by_the_usual_names(tmp_path: Path, name: str) -> None:
    texts = inputs(40, seed=18)
    lines = texts if name.endswith(".txt") else [json.dumps({"prompt": text}) for text in texts]
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    path = tmp_path / "rows.csv"
    cells = [f"{text} {number},answer {number}" for number, text in enumerate(inputs(60, seed=17))]
    path.write_text("ask,reply\n" + "\n".join(cells), encoding="utf-8")
    recipe = DataRecipe(path=str(path), input="ask", output="reply", checks=CheckRecipe(reference=str(tmp_path / name)))
    results = {result.check: result for result in examine(recipe, None, SilentProgress()).results}
    (measured,) = results[NOT_COVERED.id].measured
    assert isinstance(measured, ReferenceCoverage)
    assert measured.covered.num_rows == 40
    named = recipe.model_copy(update={"checks": recipe.checks.model_copy(update={"reference_input": "ask"})})
    with pytest.raises(RecipeError, match=r"data\.checks\.reference_input: found 'ask', which no row of"):
        examine(named, None, SilentProgress())


def test_a_check_that_cannot_compare_says_why_and_does_not_count_as_clean(reference: Save) -> None:
    found = run_checks(
        rows_of(inputs(12, seed=19)), CheckRecipe(reference=reference(inputs(40, seed=20))), SilentProgress()
    )
    results = {result.check: result for result in found}
    assert results[REFERENCE_DRIFT.id].skipped == "12 training inputs are fewer than the 20 it takes"
    assert results[TOPIC_SHARES.id].skipped == "12 inputs are fewer than the 30 it takes"
    assert not results[TOPIC_SHARES.id].lacks_extra


def test_a_column_of_the_reference_without_a_reference_is_refused() -> None:
    with pytest.raises(
        RecipeError, match=r"data\.checks\.reference_input: found 'q', expected no such setting without"
    ):
        run_checks((), CheckRecipe(reference_input="q"), SilentProgress())


def test_gender_terms_that_are_rare_or_go_with_a_label_are_found() -> None:
    rng = random.Random(0)
    pairs = [
        (f"{who} asks for credit number {number}", "yes" if rng.random() < rate else "no")
        for number, (who, rate) in enumerate(
            [("Mr Adams", 0.8)] * 100 + [("The firm", 0.4)] * 100 + [("Mrs Adams", 0.4)] * 8
        )
    ]
    (table,), findings = ask(GENDER_TERMS, conversations(pairs))
    assert isinstance(table, GroupTable)
    assert table.name == "gender terms in inputs"
    assert [(group.group, group.num_rows) for group in table.groups] == [
        ("male terms", 100),
        ("no terms", 100),
        ("female terms", 8),
    ]
    explanations = [finding.explanation for finding in findings]
    assert "In only 8 rows the input has female terms." in explanations
    assert any(each.startswith("Where the input has male terms, the answer is") for each in explanations)


def test_gender_terms_in_answers_are_counted_and_few_terms_are_no_finding() -> None:
    pairs = [
        (f"Who wrote book number {number}?", f"{'She' if number < 3 else 'It'} wrote {number}.") for number in range(60)
    ]
    (table,), findings = ask(GENDER_TERMS, conversations(pairs))
    assert isinstance(table, GroupTable)
    assert table.name == "gender terms in answers"
    assert findings == []


@pytest.mark.parametrize("check", [REFERENCE_DRIFT, NOT_COVERED, GROUP_BALANCE])
def test_what_needs_a_setting_says_so(check: Check) -> None:
    assert "data.checks." in str(check.idle(CheckRecipe()))
    assert check.idle(CheckRecipe(reference="prod.jsonl", groups=("region",))) is None
