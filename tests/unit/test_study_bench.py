"""Choices are made on validation rows alone, and every arm is measured under the same conditions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_fixture import build_run
from listening import Listening
from study_parts import KeywordIndex, Scripted, passage, row

from tunewright.contracts import SilentProgress
from tunewright.evaluate import ArmScores
from tunewright.evaluate import test_items as items_of
from tunewright.records import Answer, EvaluateRecipe
from tunewright.store import Store
from tunewright.study.answers import AnswerLog, KeptAnswer
from tunewright.study.arms import ZeroShot
from tunewright.study.bench import Bench, Measured
from tunewright.study.instructions import Instruction
from tunewright.study.options import Option, few_shot_options, prompt_options, retrieval_options
from tunewright.study.similar_examples import ExamplePool

VALIDATION = [row(f"validation {number}", "right") for number in range(4)]
TEST = [row(f"test {number}", "right") for number in range(5)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    run = Store(tmp_path).create_run("3f" * 32, lambda run_id, _: build_run(id=run_id))
    return Bench(
        validation=items_of(VALIDATION, None),
        test=items_of(TEST, None),
        metrics=("exact_match", "token_f1"),
        headline="exact_match",
        settings=EvaluateRecipe(num_resamples=100, rows_per_batch=2),
        log=AnswerLog(run),
        decoding="d",
        progress=SilentProgress(),
    )


def option(name: str, model: Scripted) -> Option:
    return Option(name, ZeroShot(model, name, lambda _: True))


def test_the_best_on_validation_rows_wins_and_no_test_row_is_asked(bench: Bench) -> None:
    wrong, right = Scripted(lambda _: "wrong"), Scripted(lambda _: "right")
    chosen = bench.choose("arm", [option("wrong", wrong), option("right", right)])
    assert chosen.option.setting == "right"
    assert [(found.setting, found.is_chosen) for found in chosen.candidates] == [("wrong", False), ("right", True)]
    assert [found.validation and found.validation.value for found in chosen.candidates] == [0.0, 1.0]
    asked = {prompt[-1].content for model in (wrong, right) for prompt in model.asked}
    assert asked == {f"validation {number}" for number in range(4)}


def test_of_equals_the_first_and_cheapest_is_kept(bench: Bench) -> None:
    same = [option(name, Scripted(lambda _: "right")) for name in ("one", "two")]
    assert bench.choose("arm", same).option.setting == "one"


def test_an_option_that_never_answers_loses_to_one_that_is_wrong(bench: Bench) -> None:
    silent, wrong = Scripted(lambda _: None), Scripted(lambda _: "wrong")
    chosen = bench.choose("arm", [option("silent", silent), option("wrong", wrong)])
    assert chosen.option.setting == "wrong"
    assert chosen.candidates[0].validation is None


@pytest.mark.parametrize("is_first", [True, False])
def test_an_option_that_answered_few_rows_does_not_win_by_them(bench: Bench, is_first: bool) -> None:
    wanted = {"validation 0": "right", "validation 1": "right"}
    mostly = option("mostly", Scripted(lambda question: "wrong" if question == "validation 0" else "right"))
    failing = option("failing", Scripted(wanted.get))
    chosen = bench.choose("arm", [failing, mostly] if is_first else [mostly, failing])
    assert chosen.option == mostly
    by_setting = {found.setting: found.validation for found in chosen.candidates}
    assert by_setting["failing"] is not None
    assert (by_setting["failing"].value, by_setting["failing"].num_unscored) == (1.0, 2)


def test_a_prompt_that_does_not_fit_the_context_is_said_to_be_cut(bench: Bench) -> None:
    progress = Listening()
    short = ZeroShot(Scripted(lambda _: "right"), "short", lambda messages: len(messages[-1].content) < 5)
    refused = ZeroShot(Scripted(lambda _: None), "refused", lambda _: False)
    options = [Option("long.txt", short), option("short.txt", Scripted()), Option("control tokens.txt", refused)]
    chosen = replace(bench, progress=progress).choose("prompted", options)
    assert [found.num_cut for found in chosen.candidates] == [4, 0, 0]
    (said,) = progress.lines
    assert said.startswith("prompted (long.txt) does not fit the context with 4 of 4 validation inputs: the middle of")


def test_the_facts_are_those_of_the_answers(bench: Bench) -> None:
    measured = bench.measure("arm", option("right", Scripted(lambda _: "right")))
    assert len(measured.scores.of("token_f1")) == 5
    facts = measured.facts("zero_shot", set_up_seconds=3.0, rows_needed=7)
    assert (facts.prompt_tokens, facts.answer_tokens) == (2.0, 1.0)
    assert (facts.set_up_seconds, facts.rows_needed, facts.is_tuned, facts.has_answered) == (3.0, 7, False, True)
    waits = sorted(kept.batch_seconds for kept in measured.given)
    assert facts.seconds_p50 == waits[2]
    assert facts.seconds_p95 == waits[4]
    assert facts.machine_seconds <= facts.seconds_p95


def test_percentiles_of_waits_are_nearest_ranks() -> None:
    waits = [float(second) for second in range(1, 21)]
    given = tuple(
        KeptAnswer(
            arm="a", row=str(wait), decoding="d", answer=Answer(text="x", finish="stop"), batch_seconds=wait,
            batch_rows=1,
        )
        for wait in waits
    )  # fmt: skip
    facts = Measured(ArmScores(arm="a", scores=(), answers={}), given).facts("zero_shot", 0.0, 0)
    expected = np.quantile(waits, [0.5, 0.95], method="inverted_cdf").tolist()
    assert [facts.seconds_p50, facts.seconds_p95] == expected == [10.0, 19.0]


def test_requests_that_were_timed_one_by_one_do_not_count_the_others_of_their_batch() -> None:
    # 4 requests of 1 to 4 s, one after another: the batch took 10 s, and nobody waited for all of it.
    given = tuple(
        KeptAnswer(
            arm="a", row=str(seconds), decoding="d", answer=Answer(text="x", finish="stop", seconds=seconds),
            batch_seconds=10.0, batch_rows=4,
        )
        for seconds in (1.0, 2.0, 3.0, 4.0)
    )  # fmt: skip
    facts = Measured(ArmScores(arm="a", scores=(), answers={}), given).facts("endpoint", 0.0, 0)
    assert (facts.seconds_p50, facts.seconds_p95, facts.machine_seconds) == (2.0, 4.0, 2.5)


def test_an_arm_that_only_fails_has_facts_without_tokens(bench: Bench) -> None:
    facts = bench.measure("arm", option("silent", Scripted(lambda _: None))).facts("zero_shot", 0.0, 0)
    assert (facts.prompt_tokens, facts.answer_tokens, facts.has_answered) == (0.0, 0.0, False)


def test_one_answer_to_all_is_chosen_on_validation_rows_and_measured_on_test_rows(bench: Bench) -> None:
    rows = [row(f"train {number}", text) for number, text in enumerate(["wrong", "wrong", "wrong", "right"])]
    found = bench.floor(rows)
    assert found is not None
    assert found.answer.text == "right"  # the rarer one, which is right on the validation rows
    assert found.answer.estimate is not None
    assert (found.answer.estimate.value, found.answer.estimate.num_rows) == (1.0, 5)
    assert [score.value for score in found.scores.of("exact_match")] == [1.0] * 5
    never = bench.floor([row("train", "wrong")])
    assert never is not None
    assert [score.value for score in never.scores.of("exact_match")] == [0.0] * 5


def test_without_training_answers_there_is_no_floor(bench: Bench) -> None:
    assert bench.floor([]) is None


def test_citations_do_not_count_where_passages_were_shown(bench: Bench) -> None:
    plain = option("plain", Scripted(lambda _: "right [1]"))
    (cited,) = retrieval_options(plain, KeywordIndex([passage("test validation")]), (1,))
    assert [score.value for score in bench.measure("a", plain).scores.of("exact_match")] == [0.0] * 5
    assert [score.value for score in bench.measure("b", cited).scores.of("exact_match")] == [1.0] * 5


def test_marks_that_the_reference_has_count_where_passages_were_shown(bench: Bench) -> None:
    cited = replace(bench, test=items_of([row("what", "right [1].")], None))
    (option_with_passages,) = retrieval_options(
        option("plain", Scripted(lambda _: "right [1].")), KeywordIndex([passage("what")]), (1,)
    )
    measured = cited.measure("arm", option_with_passages)
    assert [score.value for score in measured.scores.of("exact_match")] == [1.0]


def test_options_say_what_they_are_made_of() -> None:
    plain = option("no system prompt", Scripted())
    (prompted,) = prompt_options(plain, [Instruction("mine.txt", "Be brief.")])
    assert (prompted.setting, prompted.system_prompt) == ("mine.txt", "Be brief.")
    (assembled,) = prompt_options(plain, [Instruction("assembled", "Say red or blue.", num_rows=40)])
    assert (prompted.num_prompt_rows, assembled.num_prompt_rows) == (0, 40)
    pool = ExamplePool([row("a", "1"), row("b", "2"), row("c", "3")])
    examples = few_shot_options(prompted, pool, (1, 2, 8))
    assert [(each.setting, each.num_examples) for each in examples] == [
        ("1 example after: mine.txt", 1),
        ("2 examples after: mine.txt", 2),
        ("3 examples after: mine.txt", 3),
    ]
    assert {each.system_prompt for each in examples} == {"Be brief."}
    assert few_shot_options(plain, ExamplePool([]), (1, 2)) == ()
    passages = retrieval_options(plain, KeywordIndex([]), (4, 2))
    assert [(each.setting, each.num_passages) for each in passages] == [
        ("2 passages after: no system prompt", 2),
        ("4 passages after: no system prompt", 4),
    ]
