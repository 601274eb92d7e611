"""A whole study on a tiny model: every arm, every file, and kills at any stage that change nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from chat_server import Reply, Request, chat_server, refused
from chat_server import said as reply
from cli_fixture import Shell
from listening import Listening
from small_job import write_rows
from small_study import study_recipe, write_documents, write_study_base, write_update
from tiny_base import write_tiny_base

from tunewright.actions import chat, resume, resume_study, show_run, study, study_reporting, studying
from tunewright.actions.handover import StudyJob
from tunewright.actions.supervising import World, start_worker, supervise
from tunewright.errors import DataError, InterruptedRunError, RecipeError, TrainError
from tunewright.records import Choice, RunStatus, Split, StudyReport
from tunewright.store import Store

ARMS = ["zero-shot", "prompted", "few-shot", "retrieval", "tuned", "tuned + retrieval"]

# Kills itself with SIGKILL before the given answer is kept, or before the given optimizer step of the given run.
KILLED_WORKER = """
import os, signal, sys
from pathlib import Path
from tunewright.actions import resume_study, study
from tunewright.records import read_study_recipe
from tunewright.store import RunFolder
from tunewright.train import loop
recipe, home, stage, kill_at = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
real_append, real_step, num_kept = RunFolder.append_json, loop._step, 0
def append(run, name, value):
    global num_kept
    num_kept += 1
    if stage == "answers" and num_kept == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    real_append(run, name, value)
def step(job, trainable, state, *others):
    if job.run.path.name == stage and state.step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return real_step(job, trainable, state, *others)
RunFolder.append_json, loop._step = append, step
if (home / "runs").exists():
    resume_study("last", home=home)
else:
    study(read_study_recipe({}, Path(recipe)), home=home)
"""


class Job:
    def __init__(self, folder: Path) -> None:
        pytest.importorskip("lancedb")
        self.rows, self.base = write_rows(folder / "rows.jsonl"), write_study_base(folder / "base")
        self.documents = write_documents(folder / "documents")
        (folder / "house.txt").write_text("Answer with one colour.", encoding="utf-8")
        self.updated = write_update(folder)
        self.recipe = study_recipe(
            self.rows,
            self.base,
            documents=str(self.documents),
            updated=self.updated,
            prompts=[str(folder / "house.txt")],
        )
        self.home = folder / "home"
        self.report = study(self.recipe, home=self.home)
        self.run = Store(self.home).run(self.report.run_id)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return Job(tmp_path_factory.mktemp("study"))


def told(report: StudyReport) -> dict[str, object]:
    """What a study says, but for its name and what depends on the clock."""
    arms = [arm.model_dump(mode="json", exclude={"facts", "identity", "run"}) for arm in report.arms]
    for arm in arms:
        if arm["training"]:
            arm["training"].pop("seconds")
            arm["training"].pop("peak_memory_bytes")
            arm["training"].pop("forecast")
    fields = {"results", "differences", "slices", "answers", "best", "recipe"}
    return {"arms": arms, **report.model_dump(mode="json", include=fields)}


def test_every_arm_answers_the_same_test_rows(job):
    assert [arm.name for arm in job.report.arms] == ARMS
    assert {found.estimate.num_rows + found.estimate.num_unscored for found in job.report.results} == {20}
    assert {metric.name for metric in job.report.metrics} == {"accuracy", "macro_f1"}
    assert len(job.report.differences) == 2 * 15
    assert {cost.arm for cost in job.report.costs} == set(ARMS)


def test_the_rows_that_a_prompt_was_made_from_are_counted(job):
    prompted = next(arm for arm in job.report.arms if arm.name == "prompted")
    num_made_from = job.report.data.num_rows["train"] if "assembled" in chosen_setting(prompted) else 0
    assert prompted.facts.rows_needed == num_made_from + 6  # and the validation rows that chose it


def chosen_setting(arm):
    return next(candidate.setting for candidate in arm.candidates if candidate.is_chosen)


def test_choices_were_made_and_none_of_them_on_a_test_row(job):
    tried = {arm.name: [candidate.setting for candidate in arm.candidates] for arm in job.report.arms}
    assert tried["prompted"] == [
        "house.txt", "assembled: the form of the answers", "assembled: the form and fixed examples",
    ]  # fmt: skip
    assert [setting[:9] for setting in tried["few-shot"]] == ["1 example", "2 example"]
    assert [sum(candidate.is_chosen for candidate in arm.candidates) for arm in job.report.arms] == [0, 1, 1, 1, 0, 0]
    lines = [json.loads(line) for line in (job.run.path / "answers.jsonl").read_text().splitlines()]
    version, examples = Store(job.home).get_dataset(job.run.record.dataset_id)
    test_inputs = {examples[entry.example_id].input_id for entry in version.entries if entry.split is Split.TEST}
    asked_of_tests = {line["arm"] for line in lines if line["row"] in test_inputs}
    identities = {arm.identity for arm in job.report.arms}
    # The two arms that read documents are two more after the documents were exchanged.
    assert identities < asked_of_tests
    assert len(asked_of_tests - identities) == 2


def test_retrieval_shows_its_passages_and_the_tuned_arm_learned_with_them(job):
    row = job.report.answers[0]
    assert set(row.passages) == {"retrieval", "tuned + retrieval"}
    assert all(len(found) == 1 for found in row.passages.values())
    nested = Store(job.home).run(f"{job.report.run_id}/tuned-retrieval")
    version, examples = Store(job.home).get_dataset(nested.record.dataset_id)
    first = examples[version.entries[0].example_id].body.prompt[-1].content
    assert first.startswith("Context:\n[1] ")
    assert version.id != job.run.record.dataset_id


def test_after_the_documents_were_exchanged_every_arm_is_asked_the_changed_answers(job):
    assert [found.arm for found in job.report.updated] == ARMS
    assert {found.num_items for found in job.report.updated} == {12}
    assert [found.reads_documents for found in job.report.updated] == [False, False, False, True, False, True]
    assert any("On 12 changed answers, with the new documents" in reason for reason in job.report.decision.reasons)
    assert "Knowledge that changed" in (job.run.path / "report.html").read_text(encoding="utf-8")
    stages = job.run.read_json("seconds.json")
    assert "ask again after the documents changed" in stages


def test_a_base_without_system_messages_is_given_the_prompt_in_the_users_first_message(job, tmp_path):
    progress = Listening()
    base = write_tiny_base(tmp_path / "base", style="gemma")
    report = study(study_recipe(job.rows, base), home=tmp_path / "home", progress=progress)
    assert report.result("prompted", report.headline_metric).estimate is not None
    words = "The base's chat template writes no system messages: prompts stand in the user's first message."
    assert progress.lines.count(words) == 1


def test_scores_are_sliced_by_the_topics_of_training_inputs(job, tmp_path, monkeypatch):
    asked = []

    def by_turns(items, rows):
        asked.extend(rows)
        return {item.example.id: f"{place % 2 + 1}: colour" for place, item in enumerate(items)}

    monkeypatch.setattr(study_reporting, "clusters_of", by_turns)
    report = study(study_recipe(job.rows, job.base), home=tmp_path)
    assert len(asked) == report.data.num_rows["train"]
    found = {(part.value, part.num_items) for part in report.slices if part.slice == "cluster"}
    half = report.data.num_test_inputs // 2
    assert found == {("1: colour", half), ("2: colour", half)}


def test_the_run_holds_the_report_in_three_forms(job):
    assert job.run.record.status is RunStatus.SUCCEEDED
    assert set(job.run.record.outputs) == {"report.json", "report.html", "summary.md"}
    record, report = show_run("last", job.home)
    assert record.kind == "study"
    assert report == job.report
    page = (job.run.path / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*", page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "drawings share no id"
    summary = (job.run.path / "summary.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in summary for name in ARMS)
    assert not list(job.run.path.rglob(".tmp*"))


def test_a_trained_arm_can_be_talked_to(job):
    answer = chat(f"{job.report.run_id}/tuned", home=job.home).say("What is the colour of place 4?", lambda _: None)
    assert answer.num_answer_tokens > 0


@pytest.mark.parametrize(
    "kills",
    [
        (("answers", 30), ("tuned-retrieval", 3)),
        pytest.param(
            (("answers", 1), ("answers", 60), ("tuned", 2), ("tuned", 4), ("answers", 90)), marks=pytest.mark.slow
        ),
    ],
    ids=["stages", "answers"],
)
def test_kills_change_nothing_that_the_study_says(job, kills, tmp_path):
    recipe, home = tmp_path / "recipe.json", tmp_path / "home"
    recipe.write_text(job.recipe.model_dump_json(), encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    for stage, kill_at in kills:
        command = [sys.executable, "-c", KILLED_WORKER, str(recipe), str(home), stage, str(kill_at)]
        killed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    report = resume_study("last", home=home)
    assert told(report) == told(job.report)
    lines = [json.loads(line) for line in (home / "runs" / report.run_id / "answers.jsonl").read_text().splitlines()]
    keys = [(line["arm"], line["row"], line["decoding"]) for line in lines]
    assert len(keys) == len(set(keys)), "nothing was asked twice"


# Kills itself before a step of the tuned arm, once.
DYING_WORKER = """
import os, signal, sys
from pathlib import Path
from tunewright.cli.worker import main
from tunewright.train import loop
real_step, marker = loop._step, Path(sys.argv[1])
def step(job, trainable, state, *others):
    if job.run.path.name == "tuned" and state.step == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return real_step(job, trainable, state, *others)
loop._step = step
sys.exit(main(Path(sys.argv[2])))
"""


def test_a_study_whose_training_is_killed_goes_on_by_itself(job, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    command = [sys.executable, "-c", DYING_WORKER, str(tmp_path / "was-killed")]
    world = World(lambda folder: start_worker(folder, command), count_oom_kills=lambda: 0)
    home, progress = tmp_path / "home", Listening()
    assert supervise(StudyJob(recipe=job.recipe, home=home), progress, world) == 0
    (line,) = progress.lines
    assert "The training process died (killed by SIGKILL, after step 1). It starts again from the newest" in line
    record, report = show_run("last", home)
    assert record.status is RunStatus.SUCCEEDED
    assert told(report) == told(job.report)


def test_a_study_goes_on_without_the_users_files(job, tmp_path, monkeypatch):
    folder = tmp_path / "inputs"
    shutil.copytree(job.documents, folder / "documents")
    (folder / "house.txt").write_text("Answer with one colour.", encoding="utf-8")

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    recipe = study_recipe(job.rows, job.base, documents=str(folder / "documents"), prompts=[str(folder / "house.txt")])
    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        patch.setattr("tunewright.actions.studying.base_model", stop)
        with pytest.raises(TrainError, match=r"Continue with: tunewright study --resume \S+ --home"):
            study(recipe, home=home)
    shutil.rmtree(folder)
    run = Store(home).run("last")
    with pytest.raises(TrainError, match=r"is of kind study, not tune\. Continue it with: tunewright study --resume"):
        resume("last", home=home)
    assert run.record.status is RunStatus.INTERRUPTED
    assert told(resume_study("last", home=home))["results"] == told(job.report)["results"]
    with pytest.raises(TrainError, match="has already succeeded"):
        resume_study("last", home=home)


def test_the_command_prints_the_decision_and_its_exit_code_can_gate(job, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path))
    recipe = tmp_path / "recipe.yaml"
    settings = job.recipe.model_dump(mode="json", exclude={"documents", "prompts", "updated"})
    recipe.write_text(json.dumps(settings), encoding="utf-8")
    shell = Shell(monkeypatch, capsys)
    record = tmp_path / "study.json"
    outcome = shell.run("study", "--recipe", str(recipe), "--fail-if", "not-better", "--json", str(record))
    assert outcome.code == 1
    assert "--fail-if: No tuned arm is better than every arm without training." in outcome.stderr
    report = StudyReport.model_validate_json(record.read_bytes())
    assert [arm.name for arm in report.arms] == ["zero-shot", "prompted", "few-shot", "tuned"]
    words = " ".join(outcome.stdout.split())
    assert report.decision.headline in words
    assert "report.html" in words
    assert report.decision.headline in " ".join(shell.run("show", "last").stdout.split())


def test_one_test_input_decides_nothing(job, tmp_path):
    report = study(study_recipe(job.rows, job.base, "evaluate.max_inputs=1"), home=tmp_path)
    assert (report.decision.choice, report.decision.rows_needed) == (Choice.TOO_FEW_ROWS, 9)


def test_a_hosted_model_is_one_more_arm_and_its_failures_are_unscored(job, tmp_path):
    def script(request: Request, number: int) -> Reply:
        num_examples = sum(message["role"] == "assistant" for message in request.body["messages"])
        return refused(400, "no") if "place 7?" in request.question else reply("red" if num_examples else "beige")

    with chat_server(script) as server:
        endpoint = {"url": server.url, "model": "large", "key_variable": "PATH"}
        recipe = study_recipe(job.rows, job.base, endpoint=endpoint)
        report = study(recipe, home=tmp_path)
        assert {request.body["model"] for request in server.requests} == {"large"}
    (arm,) = [arm for arm in report.arms if arm.name == "endpoint"]
    assert arm.num_examples in (1, 2), "an answer of red is right now and then, one of beige never"
    assert arm.facts.kind == "endpoint"
    assert arm.facts.prompt_tokens == 7.0
    assert report.cost("endpoint").reason == "the prices per million prompt and answer tokens are not stated"
    key = os.environ["PATH"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]


def test_an_endpoint_that_was_down_is_asked_again_after_the_study_has_ended(job, tmp_path):
    is_down, progress = True, Listening()

    def script(request: Request, number: int) -> Reply:
        return refused(400, "down") if is_down else reply("red")

    with chat_server(script) as server:
        report = study(
            study_recipe(job.rows, job.base, endpoint=hosted(url=server.url)), home=tmp_path, progress=progress
        )
        assert report.num_to_ask_again == report.arms[-1].num_failed == 20
        assert progress.lines[-1].startswith(
            "20 requests to endpoint or judge failed. Ask them again with: tunewright study --resume"
        )
        run = Store(tmp_path).run(report.run_id)
        kept = (run.path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
        is_down = False
        again = resume_study("last", home=tmp_path)
        lines = (run.path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
        assert lines[: len(kept)] == kept
        assert again.num_to_ask_again == 0
        assert again.result("endpoint", "accuracy").estimate.num_rows == 20
        local = [result for result in again.results if result.arm != "endpoint"]
        assert local == [result for result in report.results if result.arm != "endpoint"]
        assert show_run("last", tmp_path)[1] == again
        num_asked = len(server.requests)
        with pytest.raises(TrainError, match="has already succeeded"):
            resume_study("last", home=tmp_path)
        assert len(server.requests) == num_asked


def test_what_cannot_be_studied_is_refused_before_anything_is_written(job, tmp_path):
    plain = tmp_path / "plain.txt"
    plain.write_text("\n\n".join(f"The capital of place {n} is city {n}. " * 40 for n in range(60)), encoding="utf-8")
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n", encoding="utf-8")
    rows = str(job.rows)
    for error, match, fields in (
        (RecipeError, "data: found rows of plain text, expected rows with an input", {"data": {"path": str(plain)}}),
        (RecipeError, "evaluate.metrics: found 'loss', expected metrics", {"evaluate": {"metrics": ["loss"]}}),
        (RecipeError, "updated.documents: found no documents to update", {"updated": job.updated}),
        (
            DataError,
            r"rows.jsonl: found 80 rows that change no answer of the data",
            {"documents": str(job.documents), "updated": {**job.updated, "answers": rows}},
        ),
        (RecipeError, "prompts: missing.txt: found no such file", {"prompts": ["missing.txt"]}),
        (RecipeError, r"prompts: \S+empty.txt: found an empty file", {"prompts": [str(empty)]}),
        (DataError, "nowhere: found no such folder, expected a folder of documents", {"documents": "nowhere"}),
        (RecipeError, "NO_SUCH_KEY: found no such variable", {"endpoint": hosted(key_variable="NO_SUCH_KEY")}),
        (RecipeError, "--endpoint: found 'ftp://x'", {"endpoint": hosted(url="ftp://x")}),
    ):
        recipe = study_recipe(job.rows, job.base, **{"data": {"path": rows}, **fields})
        with pytest.raises(error, match=match):
            study(recipe, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_study_that_no_longer_fits_into_memory_is_refused_when_it_is_resumed(job, tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(studying, "base_model", stop)
        with pytest.raises(InterruptedRunError):
            study(study_recipe(job.rows, job.base), home=tmp_path)
    monkeypatch.setattr("tunewright.train.forecast.available_bytes", lambda: 1)
    with pytest.raises(TrainError, match=r"It cannot fit: the weights of a base of 0M parameters need"):
        resume_study("last", home=tmp_path)
    assert Store(tmp_path).run("last").record.status is RunStatus.INTERRUPTED


def hosted(**changes: str) -> dict[str, str]:
    return {"url": "http://localhost:1/v1", "model": "large", **changes}
