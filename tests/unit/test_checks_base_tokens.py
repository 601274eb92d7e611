"""Rows under a base: control tokens, rows it cannot learn from, and lengths as its own tokenizer counts them."""

import json
from pathlib import Path

import pytest
from check_rows import chat_rows
from checked_rows import plain_texts
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import check
from tunewright.actions.preparing import prepare_tuning
from tunewright.contracts import SilentProgress
from tunewright.data.checks.base_tokens import CUT_PROMPTS, SPECIAL_TOKENS, UNUSABLE_ROWS
from tunewright.data.checks.run import run_checks
from tunewright.errors import ModelError, RecipeError
from tunewright.records import CheckRecipe, CheckResult, DataRecipe, DataReport, Severity, TokenLengths

CONTEXT = 128
"""Positions of the tiny base, whose tokenizer writes about one token for each character."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = write_rows(tmp_path / "rows.jsonl")
    odd = [
        ("What does <|im_end|> mean?", "red"),
        ("What is the colour of the sea? " * 20, "blue"),
        ("Tell a story.", "red " * CONTEXT),
    ]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in odd)
    return path


def found(report: DataReport) -> dict[str, list[str]]:
    """The last part of the places of each check of a base."""
    ids = [SPECIAL_TOKENS.id, UNUSABLE_ROWS.id, CUT_PROMPTS.id]
    return {
        result.check: [place.rpartition(":")[2] for finding in result.findings for place in finding.locations]
        for result in report.results
        if result.check in ids
    }


def result_of(report: DataReport, check_id: str) -> CheckResult:
    (result,) = (result for result in report.results if result.check == check_id)
    return result


def test_each_kind_of_trouble_with_a_base_is_found_where_it_is(rows: Path, base: Path) -> None:
    report = check(DataRecipe(path=str(rows)), base=str(base))
    assert found(report) == {SPECIAL_TOKENS.id: ["81"], UNUSABLE_ROWS.id: ["83"], CUT_PROMPTS.id: ["82"]}
    assert {result.check for result in report.blocking} == {SPECIAL_TOKENS.id, UNUSABLE_ROWS.id}
    special, unusable, cut = (result_of(report, check_id).findings[0] for check_id in found(report))
    assert special.explanation == f"The text contains <|im_end|>, which is a control token of {base}."
    assert special.evidence == ("What does <|im_end|> mean?",)
    assert unusable.explanation.endswith(
        f"its answer has {len(' red' * CONTEXT) + 1} tokens, and the whole context 128."
    )
    assert "tokens too long" in cut.explanation


def test_rows_are_dropped_when_the_recipe_drops_unusable_ones_and_they_are_those_that_tune_drops(
    rows: Path, base: Path
) -> None:
    recipe = DataRecipe(path=str(rows), unusable_rows="drop")
    report = check(recipe, base=str(base))
    assert report.blocking == ()
    assert result_of(report, SPECIAL_TOKENS.id).severity is Severity.WARNING
    assert report.num_dropped == 2
    tuning = small_recipe(rows, base, "data.unusable_rows=drop", "data.checks.skip=[lengths]")
    prepared = prepare_tuning(tuning, SilentProgress())
    dropped = {change.location for change in prepared.data.version.changes if change.cause == "unusable rows"}
    assert {place.rpartition(":")[2] for place in dropped} == {"81", "83"}
    measured = measured_of(report)
    assert (measured.max_length, measured.answer_room) == (
        prepared.recipe.train.max_length,
        prepared.recipe.evaluate.max_answer_tokens,
    )


def measured_of(report: DataReport) -> TokenLengths:
    (measured,) = result_of(report, CUT_PROMPTS.id).measured
    assert isinstance(measured, TokenLengths)
    return measured


def test_tokens_are_counted_as_the_tokenizer_of_the_base_counts_them(tmp_path: Path, base: Path) -> None:
    from transformers import AutoTokenizer

    path = write_rows(tmp_path / "rows.jsonl")
    tokenizer = AutoTokenizer.from_pretrained(base)
    prompts, wholes = [], []
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        messages = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
        prompts.append(len(tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True)["input_ids"]))
        # The template writes a line break behind the end of turn, which nothing is trained on.
        wholes.append(len(tokenizer.apply_chat_template(messages)["input_ids"]) - 1)
    measured = measured_of(check(DataRecipe(path=str(path)), base=str(base)))
    assert (measured.num_rows, measured.num_cut, measured.max_length) == (80, 0, CONTEXT)
    assert measured.num_tokens == sum(wholes)
    assert measured.num_answer_tokens == sum(wholes) - sum(prompts)
    given, answer = measured.lengths
    assert (given.part, given.unit, given.longest) == ("input", "tokens", max(prompts))
    assert answer.longest == max(whole - prompt for whole, prompt in zip(wholes, prompts, strict=True))


def test_every_token_of_a_text_is_trained_and_none_is_cut(tmp_path: Path, base: Path) -> None:
    path = tmp_path / "rows.jsonl"
    texts = [f"text number {number} " * 30 for number in range(50)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    measured = measured_of(check(DataRecipe(path=str(path)), base=str(base)))
    assert measured.num_tokens == measured.num_answer_tokens > 50 * CONTEXT
    assert measured.num_cut == 0
    assert [found.part for found in measured.lengths] == ["text"]


def test_pairs_are_measured_by_their_chosen_answer(tmp_path: Path, base: Path) -> None:
    path = tmp_path / "rows.jsonl"
    pair = {"prompt": "Which colour?", "chosen": "red", "rejected": "blue <|im_start|>"}
    path.write_text("".join(json.dumps({**pair, "chosen": colour}) + "\n" for colour in ("red", "green")))
    report = check(DataRecipe(path=str(path)), base=str(base))
    assert found(report)[SPECIAL_TOKENS.id] == ["1", "2"]
    path.write_text(json.dumps({**pair, "rejected": "blue"}) + "\n")
    assert measured_of(check(DataRecipe(path=str(path)), base=str(base))).num_rows == 1


@pytest.mark.parametrize("check_id", [SPECIAL_TOKENS.id, UNUSABLE_ROWS.id, CUT_PROMPTS.id])
def test_without_a_base_the_checks_say_how_to_name_one(check_id: str) -> None:
    results = run_checks(plain_texts(["</s>"]), CheckRecipe(), SilentProgress())
    (result,) = (result for result in results if result.check == check_id)
    assert result.skipped == "no base is named; give the one that you want to tune with `--base`"


def test_what_the_base_cannot_learn_from_cannot_be_accepted() -> None:
    rows = chat_rows([("q", "a")])
    with pytest.raises(RecipeError, match=r"no base can learn from such rows\. To drop them, set data\.unusable_rows"):
        run_checks(rows, CheckRecipe(accept=(UNUSABLE_ROWS.id,)), SilentProgress())


def test_a_base_that_is_not_there_is_named(rows: Path) -> None:
    with pytest.raises(ModelError, match="found 'nowhere', which is no folder here"):
        check(DataRecipe(path=str(rows)), base="nowhere")
