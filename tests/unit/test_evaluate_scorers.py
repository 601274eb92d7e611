"""Scorers against hand-worked cases and the reference implementation of chrF."""

import pytest
from sacrebleu.metrics import CHRF

from tunewright.evaluate import scorers
from tunewright.evaluate.scorers import SCORERS


@pytest.mark.parametrize(
    ("answer", "references", "value"),
    [
        (" The  cat\nsat ", ["The cat sat"], 1.0),
        ("the cat sat", ["The cat sat"], 0.0),
        ("two", ["one", "two"], 1.0),
        ("", ["one"], 0.0),
    ],
)
def test_exact_match_forgives_white_space_only(answer: str, references: list[str], value: float) -> None:
    assert scorers.exact_match(answer, references) == value


@pytest.mark.parametrize(
    ("answer", "references", "value"),
    [
        ("The Norman conquest.", ["Norman Conquest"], 1.0),
        ("in the year 1066", ["1066"], 0.5),  # in, year, 1066: precision 1/3, recall 1
        ("to be to", ["to be or not"], 4 / 7),  # to and be shared once each: 2 x 2 / (3 + 4)
        ("Saint Bernadette", ["Paris", "Saint Bernadette Soubirous"], 0.8),  # the better reference: P 1, R 2/3
        ("don't", ["dont"], 1.0),  # punctuation goes without leaving a space
        ("a an the", ["The!"], 1.0),  # no word left on both sides
        ("", ["word"], 0.0),
        ("other", ["word"], 0.0),
    ],
)
def test_token_f1_follows_the_squad_definition(answer: str, references: list[str], value: float) -> None:
    assert scorers.token_f1(answer, references) == pytest.approx(value)


def test_chrf_of_one_row_equals_sacrebleus_corpus_score() -> None:
    answer, references = (
        "The Punter serves cheap Italian food.",
        ["The Punter is a cheap Italian place.", "Cheap food."],
    )
    oracle = CHRF().corpus_score([answer], [[reference] for reference in references]).score / 100
    assert scorers.chrf(answer, references) == pytest.approx(oracle)
    assert 0 < oracle < 1
    assert scorers.chrf("", references) == 0.0
    assert scorers.chrf(references[1], references) == 1.0


def test_accuracy_forgives_case_and_white_space_at_the_ends() -> None:
    assert scorers.accuracy(" Book_Flight\n", ["book_flight"]) == 1.0
    assert scorers.accuracy("book flight", ["book_flight", "travel"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "is_valid"),
    [
        ('{"a": [1, -2.5e3, null, true]}', True),
        (" [] \n", True),
        ('{"a": 1} ok', False),
        ('```json\n{"a": 1}\n```', False),
        ('{"a": 1, "a": 2}', False),
        ('{"b": {"a": 1, "a": 1}}', False),
        ('{"a": NaN}', False),
        ("[-Infinity]", False),
        ("{'a': 1}", False),
        ('{"a": 1', False),
        ("42", False),
        ('"text"', False),
        ("", False),
        ("[" * 100_000, False),
        ("[1e999999999999999999999]", False),
    ],
)
def test_json_valid_takes_one_strict_object_or_array_and_nothing_else(answer: str, is_valid: bool) -> None:
    assert scorers.json_valid(answer, ["{}"]) == float(is_valid)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"urgent": true, "tags": ["x", {"n": 1}], "team": "billing", "count": 2}', 1.0),
        ('{"team": "billing"}', 0.25),
        ('{"team": "sales", "count": 2.0, "urgent": true}', 0.5),  # 2.0 equals 2
        ('{"urgent": 1, "team": "billing"}', 0.25),  # 1 is not true
        ('{"tags": [{"n": 1}, "x"], "extra": null}', 0.0),  # the order inside an array counts
        ('{"team": "billing"} done', 0.0),
        ("[]", 0.0),
    ],
)
def test_json_fields_is_the_share_of_equal_top_level_fields(answer: str, value: float) -> None:
    reference = '{"team": "billing", "count": 2, "urgent": true, "tags": ["x", {"n": 1}]}'
    assert scorers.json_fields(answer, [reference]) == value


WEATHER = '{"name": "weather", "arguments": {"city": "Oslo", "unit": "C", "days": 3, "lang": "en"}}'
ROME = '{"name": "weather", "arguments": {"city": "Rome"}}'
NOW = '{"name": "now", "arguments": {}}'
ODD = '{"name": "weather", "arguments": "{city: Oslo}"}'


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        (f"[{WEATHER}]", f"[{WEATHER}]", 1.0),
        (f"[{WEATHER.replace('C', 'F')}]", f"[{WEATHER}]", 4 / 5),
        (f"[{WEATHER.replace('weather', 'now')}]", f"[{WEATHER}]", 0.0),
        (f"[{NOW}, {WEATHER}, {ROME}]", f"[{ROME}, {NOW}, {WEATHER}]", 1.0),
        (f"[{WEATHER}]", f"[{ROME}, {WEATHER}]", 5 / 7),
        (f"[{WEATHER}, {ROME}]", f"[{ROME}]", 2 / 7),  # what is called beside counts, unlike further fields
        (f"[{ROME}, {ROME}]", f"[{ROME}]", 2 / 4),
        (f"[{ODD}]", f"[{ODD}]", 1.0),
        (f"[{ROME}]", f"[{ODD}]", 1 / 2),
        (f"{ROME}", f"[{ROME}]", 0.0),
    ],
)
def test_json_fields_of_calls_is_the_share_of_names_and_arguments_that_are_right(
    answer: str, reference: str, value: float
) -> None:
    assert scorers.json_fields(answer, [reference]) == pytest.approx(value)


def test_json_fields_pairs_calls_so_that_most_agrees() -> None:
    call = '{{"name": "f", "arguments": {{"a": {}, "b": {}}}}}'
    given, wanted = ([call.format(*pair) for pair in pairs] for pairs in (((1, 2), (1, 3)), ((1, 4), (9, 2))))
    # (1, 2) agrees with both by one argument, (1, 3) only with the first.
    assert scorers.json_fields(f"[{', '.join(given)}]", [f"[{', '.join(wanted)}]"]) == pytest.approx(4 / 6)


def test_json_fields_compares_an_array_or_an_empty_object_as_a_whole() -> None:
    assert scorers.json_fields("[1, 2]", ["[1,2.0]"]) == 1.0
    assert scorers.json_fields("[1]", ["[1,2]"]) == 0.0
    assert scorers.json_fields("{}", ["{}"]) == 1.0
    assert scorers.json_fields('{"a": "caf\\u00e9"}', ['{"a": "cafe\\u0301"}']) == 1.0
    assert scorers.json_fields('{"a": 1}', ["{}"]) == 0.0
    assert scorers.json_fields('{"a": 1}', ['{"b": 1}', '{"a": 1}']) == 1.0


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("She makes 9 * 2 = $18.", "9 * 2 = <<9*2=18>>18\n#### 18", 1.0),
        ("#### 1,018.00", "#### 1018", 1.0),
        ("1018", "#### 1,018", 1.0),
        ("#### 18 dollars for 3 ducks", "#### 18", 1.0),
        ("18 dollars for 3 ducks", "#### 18", 0.0),
        ("#### -$5", "-5", 1.0),
        ("10-5=5", "5", 1.0),
        ("10-5", "5", 0.0),
        ("it is -5", "5", 0.0),
        ("a half is .5", "0.50", 1.0),
        ("3.14", "14", 0.0),
        ("12, 34", "34", 1.0),
        ("12,34", "34", 0.0),
        ("共3个，剩18个。", "#### 18", 1.0),
        ("no number", "7", 0.0),
        ("7\n####", "7", 0.0),
    ],
)
def test_final_number_reads_gsm8k_answers(answer: str, reference: str, value: float) -> None:
    assert scorers.final_number(answer, [reference]) == value


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("The change is −5.", "#### -5", 1.0),
        ("#### 5", "#### −5", 0.0),
        ("#### 1\u00a0200", "#### 1200", 1.0),
        ("It makes 12\u202f001\u202f200 in all", "#### 12,001,200", 1.0),
        ("#### 1\u00a0200", "#### 1\u00a0500", 0.0),
    ],
)
def test_final_number_reads_numbers_as_they_are_typeset(answer: str, reference: str, value: float) -> None:
    assert SCORERS["final_number"].can_judge(reference)
    assert scorers.final_number(answer, [reference]) == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("#### Step 1\nHalf of 36 is 18.\n\n**Answer: 18**", 1.0),
        ("#### Step 1\nHalf of 36 is 18.\n\n#### Step 2\n**Answer: 18**", 1.0),
        ("#### 1. Halves\nHalf of 36 is 18.", 1.0),
        ("#### 18 eggs\nThere were 36 at first.", 1.0),
        ("#### 18\n\nAnd half of 4?\n#### 2", 0.0),
    ],
)
def test_a_heading_is_not_the_mark_of_a_final_number(answer: str, value: float) -> None:
    assert scorers.final_number(answer, ["Half of 36.\n#### 18"]) == value


@pytest.mark.parametrize(
    ("text", "begins_like"),
    [
        ("3/4", "3"),
        ("3,5", "3"),
        ("1,50,000", "1"),
        ("10:30", "10"),
        ("1e6", "1"),
        ("2024-05-01", "2024"),
        ("1 200", None),
        ("3 1/2", None),
        ("5 or 6", None),
    ],
)
def test_what_is_more_than_one_plain_number_neither_is_nor_has_a_final_number(
    text: str, begins_like: str | None
) -> None:
    assert not SCORERS["final_number"].can_judge(f"Work it out.\n#### {text}")
    if begins_like:
        assert scorers.final_number(f"#### {text}", [f"#### {begins_like}"]) == 0.0


@pytest.mark.parametrize("text", ["18", "-3.5", "$1,200.50", "18 dollars", "18%", "**18**", "x = 18.", "18km"])
def test_a_plain_number_with_or_without_a_unit_is_a_final_number(text: str) -> None:
    assert SCORERS["final_number"].can_judge(f"Work it out.\n#### {text}")
    assert scorers.final_number(f"#### {text}", [f"#### {text}"]) == 1.0


def test_every_metric_is_listed_under_its_own_name_with_an_explanation() -> None:
    assert list(SCORERS) == [scorer.metric.name for scorer in SCORERS.values()]
    assert all(scorer.metric.title and scorer.metric.explanation.endswith(".") for scorer in SCORERS.values())
    assert {name for name, scorer in SCORERS.items() if not scorer.metric.higher_is_better} == {"loss", "perplexity"}
