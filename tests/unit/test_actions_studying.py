"""Which studies can be resumed. What resuming gives stands in tests/endtoend/test_study.py."""

from pathlib import Path

import pytest
from cli_fixture import build_run
from study_fixture import build_study, judge_comparison
from study_parts import Scripted, row

from tunewright.actions import resume_study, studying
from tunewright.actions.study_arms import Workshop
from tunewright.contracts import SilentProgress
from tunewright.errors import TrainError
from tunewright.evaluate import test_items as items_of
from tunewright.records import DataRecipe, EvaluateRecipe, RunStatus, StudyRecipe, StudyReport
from tunewright.store import RunFolder, Store
from tunewright.study.answers import AnswerLog
from tunewright.study.arms import ZeroShot
from tunewright.study.bench import Bench
from tunewright.study.instructions import Instruction
from tunewright.study.similar_examples import ExamplePool

RECIPE = StudyRecipe(data=DataRecipe(path="rows.jsonl"))


def failed(arm: str, number: int) -> StudyReport:
    report = build_study()
    arms = [each.model_copy(update={"num_failed": number if each.name == arm else 0}) for each in report.arms]
    return report.model_copy(update={"arms": tuple(arms)})


def ended(home: Path, report: StudyReport) -> RunFolder:
    files = {"recipe.json": RECIPE.model_dump(mode="json"), "headline.json": "accuracy"}
    running = {"kind": "study", "status": RunStatus.RUNNING, "outputs": ()}
    run = Store(home).create_run(RECIPE.id, lambda run_id, _: build_run(id=run_id, **running), files)
    run.write_json("report.json", report.model_dump(mode="json"))
    run.update(RunStatus.SUCCEEDED, outputs=("report.json",))
    return run


@pytest.mark.parametrize(
    "report",
    [failed("endpoint", 3), build_study(judge=judge_comparison(num_failed=2))],
    ids=["endpoint", "judge"],
)
def test_a_study_that_ended_with_failed_requests_goes_on(
    tmp_path: Path, report: StudyReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(tmp_path, report)
    seen: list[RunStatus] = []

    def carry_out(run: RunFolder, recipe: StudyRecipe, *others: object) -> StudyReport:
        assert recipe == RECIPE
        seen.append(run.record.status)
        run.update(RunStatus.SUCCEEDED)
        return build_study()

    monkeypatch.setattr(studying, "reopen", lambda *arguments: None)
    monkeypatch.setattr(studying, "require_memory_and_disk", lambda *arguments, **settings: None)
    monkeypatch.setattr(studying, "_carry_out", carry_out)
    assert resume_study("last", home=tmp_path) == build_study()
    assert seen == [RunStatus.RUNNING]


@pytest.mark.parametrize(
    "report",
    [build_study(), failed("zero-shot", 3), build_study(judge=judge_comparison(num_failed=0))],
    ids=["nothing", "a local arm would fail again", "judge without failures"],
)
def test_a_study_with_nothing_to_ask_again_is_refused(tmp_path: Path, report: StudyReport) -> None:
    run = ended(tmp_path, report)
    with pytest.raises(TrainError, match=r"has already succeeded\. See it with: tunewright show"):
        resume_study("last", home=tmp_path)
    assert Store(tmp_path).run("last").record == run.record


def test_the_test_rows_that_an_endpoint_did_not_answer_are_counted(tmp_path: Path) -> None:
    run = Store(tmp_path).create_run("3f" * 32, lambda run_id, _: build_run(id=run_id))
    bench = Bench(
        validation=items_of([row(f"validation {number}", "right") for number in range(3)], None),
        test=items_of([row(f"test {number}", "right") for number in range(5)], None),
        metrics=("exact_match",),
        headline="exact_match",
        settings=EvaluateRecipe(num_resamples=100),
        log=AnswerLog(run),
        decoding="d",
        progress=SilentProgress(),
    )
    workshop = Workshop(bench, RECIPE, (Instruction("mine.txt", "Be brief."),), ExamplePool([]), lambda *_: None)
    hosted = ZeroShot(
        Scripted(lambda question: None if question in ("test 1", "test 3") else "right"), "h", lambda _: True
    )
    assert workshop.hosted_arm(hosted).described.num_failed == 2
