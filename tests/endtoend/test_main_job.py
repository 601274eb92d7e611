"""The main job on a tiny model: every file it leaves, and every command that reads them."""

import json
import re
import shutil

import pytest
import torch
from changed_bases import CHANGES, changed
from cli_fixture import Shell
from listening import Listening
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import chat, evaluate, show_run, tune
from tunewright.errors import BaseMismatchError
from tunewright.outside.hub import find_base
from tunewright.records import BaseChange, DataRecipe, EvaluateRecipe, Report, RunStatus, Split
from tunewright.store import Store


class Job:
    def __init__(self, folder, *overrides):
        self.folder = folder
        self.base = write_tiny_base(folder / "base")
        self.rows = write_rows(folder / "rows.jsonl")
        self.home = folder / "home"
        self.report = tune(small_recipe(self.rows, self.base, *overrides), home=self.home)
        self.run = Store(self.home).run(self.report.run_id)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return Job(tmp_path_factory.mktemp("job"))


@pytest.fixture
def shell(monkeypatch, capsys, job):
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(job.home))
    return Shell(monkeypatch, capsys)


def value(report, arm, metric):
    (result,) = [result for result in report.results if (result.arm, result.metric) == (arm, metric)]
    return result.estimate.value


def test_base_and_tuned_are_measured_on_the_same_untouched_rows(job):
    assert job.report.arms == ("base", "tuned")
    assert job.report.data.num_rows == {"train": 40, "validation": 20, "test": 20}
    assert {result.estimate.num_rows for result in job.report.results} == {20}
    assert value(job.report, "tuned", "loss") < value(job.report, "base", "loss")
    assert {difference.metric for difference in job.report.differences} == {
        "accuracy", "macro_f1", "loss", "perplexity",
    }  # fmt: skip


def test_the_headline_metric_is_measured_for_each_label_as_well(job):
    found = [each for each in job.report.slices if each.slice == "label"]
    assert {each.metric for each in found} == {job.report.headline_metric}
    assert {each.arm for each in found} == {"base", "tuned"}
    assert sum(each.num_items for each in found if each.arm == "tuned") == job.report.data.num_test_inputs


def test_the_run_holds_everything_that_is_needed_to_understand_and_repeat_it(job):
    record = job.run.record
    assert record.status is RunStatus.SUCCEEDED
    assert record.base.revision.startswith("sha256:")
    assert set(record.outputs) == {"report.json", "report.html", "artifact"}
    assert Report.model_validate(job.run.read_json("report.json")) == job.report
    assert record.environment.packages.keys() >= {"torch", "transformers", "peft"}
    assert not list(job.run.path.rglob(".tmp*"))
    dataset, examples = Store(job.home).get_dataset(record.dataset_id)
    assert dataset.num_rows(Split.TRAIN) == 40
    assert len(examples) == 80


def test_the_page_needs_no_network(job):
    page = (job.run.path / "report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*", page)
    assert job.report.run_id in page


def test_the_artifact_loads_with_peft_and_is_what_was_measured(job):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(job.base), job.run.published("artifact"))
    ours = chat(job.report.run_id, home=job.home).model.network
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        assert torch.equal(theirs.eval()(ids).logits, ours(ids).logits)


def test_the_same_recipe_gives_the_same_bytes(job, tmp_path):
    again = tune(small_recipe(job.rows, job.base), home=tmp_path)
    weights = "artifact/adapter_model.safetensors"
    run = Store(tmp_path).run(again.run_id)
    assert (run.path / weights).read_bytes() == (job.run.path / weights).read_bytes()
    assert again.results == job.report.results


def test_evaluate_gives_the_figures_of_the_report_on_the_same_rows(job):
    _, examples = Store(job.home).get_dataset(job.run.record.dataset_id)
    version, _ = Store(job.home).get_dataset(job.run.record.dataset_id)
    test_rows = [examples[entry.example_id] for entry in version.entries if entry.split == Split.TEST]
    path = job.folder / "test.jsonl"
    turns = [[{"role": turn.role, "content": turn.content} for turn in row.body.messages] for row in test_rows]
    lines = [json.dumps({"messages": messages}) for messages in turns]
    path.write_text("\n".join(lines), encoding="utf-8")
    metrics = EvaluateRecipe(metrics=("accuracy", "loss"), num_resamples=100)
    for model, arm in ((job.report.run_id, "tuned"), (str(job.base), "base")):
        report = evaluate(model, DataRecipe(path=str(path)), metrics, home=job.home)
        assert report.arms == (arm,)
        # The run was computed in float32, evaluate in what is fastest here.
        assert value(report, arm, "loss") == pytest.approx(value(job.report, arm, "loss"), rel=0.02)


def test_evaluate_leaves_a_row_that_cannot_be_rendered_unscored(job):
    path = write_rows(job.folder / "sneaky.jsonl", num_rows=5)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "Sneaky <|im_end|>?", "completion": "no"}) + "\n")
    recipe = EvaluateRecipe(metrics=("exact_match", "loss"), num_resamples=100)
    report = evaluate(job.report.run_id, DataRecipe(path=str(path)), recipe, home=job.home)
    assert [(found.estimate.num_rows, found.estimate.num_unscored) for found in report.results] == [(5, 1)] * 2
    assert len(report.data.prompt_tokens) == 5


def test_rows_the_model_was_trained_on_are_told(job):
    listening = Listening()
    settings = EvaluateRecipe(metrics=("loss",), num_resamples=100)
    evaluate(job.report.run_id, DataRecipe(path=str(job.rows)), settings, home=job.home, progress=listening)
    assert any(line.startswith("Warning: 40 of the 80 inputs were training rows of") for line in listening.lines)


def test_a_run_without_its_training_rows_is_evaluated_and_says_what_was_not_checked(job, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(job.home / "runs", home / "runs")
    listening = Listening()
    settings = EvaluateRecipe(metrics=("loss",), num_resamples=100)
    report = evaluate(job.report.run_id, DataRecipe(path=str(job.rows)), settings, home=home, progress=listening)
    assert report.results
    assert any(line.startswith("Not checked whether the model was trained on these") for line in listening.lines)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_base_is_refused_with_both_hashes_whatever_the_artifact_is_asked_for(job, shell, change):
    question = "What is the colour of place 3?"
    answer = chat(job.run.record.id, home=job.home).say(question, lambda _: None)
    expected = job.run.record.base.sha256[:12]
    with changed(job.base, change):
        found = find_base(str(job.base)).ref.sha256[:12]
        words = f"run {job.run.record.id}: its artifact was made for base {expected}, found {found} at "
        with pytest.raises(BaseMismatchError, match=words):
            chat(job.run.record.id, home=job.home)
        with pytest.raises(BaseMismatchError, match=words):
            evaluate(job.run.record.id, DataRecipe(path=str(job.rows)), home=job.home)
        run, rows = job.run.record.id, str(job.rows)
        for command in (["chat", run], ["evaluate", run, rows], ["tokens", rows, "--base", run]):
            refused = shell.run(*command)
            assert (refused.code, refused.stdout) == (2, "")
            assert words in " ".join(refused.stderr.split())
    assert chat(job.run.record.id, home=job.home).say(question, lambda _: None).text == answer.text


def test_a_model_that_is_forced_onto_a_changed_base_is_measured_and_both_hashes_are_recorded(job, shell):
    run, weights = job.run.record, "a bit of the weights"
    with changed(job.base, weights):
        found = find_base(str(job.base)).ref.sha256
        done = shell.run(
            "evaluate", run.id, str(job.rows), "--force", "--home", str(job.home), "--set", "evaluate.metrics=[loss]"
        )
        assert done.code == 0
        told = f"was made for base {run.base.sha256[:12]}, found {found[:12]}"
        assert f"Forced: {run.id} {told}." in " ".join(done.stderr.split())
        assert chat(run.id, home=job.home, force=True).say("What is it?", lambda _: None).num_answer_tokens > 0
    measured = Store(job.home).newest_run(lambda each: each.kind == "evaluate")
    assert measured.forced == (BaseChange(part="base", made_for=run.base.sha256, found=found),)
    assert measured.base.sha256 == found
    folder = Store(job.home).run(measured.id)
    assert folder.read_record("report.json", Report).forced == measured.forced
    assert told in (folder.path / "report.html").read_text(encoding="utf-8")
    assert told in shell.run("show", measured.id, "--home", str(job.home)).stdout


def test_nothing_is_forced_where_the_base_is_the_one_of_then(job):
    settings = EvaluateRecipe(metrics=("loss",), num_resamples=100)
    report = evaluate(job.run.record.id, DataRecipe(path=str(job.rows)), settings, home=job.home, force=True)
    assert report.forced == ()


def test_full_tuning_leaves_a_whole_model(tmp_path):
    from transformers import AutoModelForCausalLM

    base, rows = write_tiny_base(tmp_path / "base"), write_rows(tmp_path / "rows.jsonl")
    recipe = small_recipe(rows, base, "train.epochs=1", "train.learning_rate=0.003")
    recipe = recipe.model_validate({**recipe.model_dump(), "method": {"kind": "full"}})
    report = tune(recipe, home=tmp_path / "home")
    assert value(report, "tuned", "loss") < value(report, "base", "loss")
    artifact = Store(tmp_path / "home").run("last").published("artifact")
    assert AutoModelForCausalLM.from_pretrained(artifact).config.model_type == "llama"
    answer = chat("last", home=tmp_path / "home").say("What is the colour of place 3?", lambda _: None)
    assert answer.num_answer_tokens > 0


def test_plain_text_is_continued_pre_training_measured_by_loss(tmp_path):
    base = write_tiny_base(tmp_path / "base")
    text = "\n\n".join(f"The capital of place {number} is city {number}. " * 40 for number in range(60))
    (tmp_path / "notes.txt").write_text(text, encoding="utf-8")
    report = tune(small_recipe(tmp_path / "notes.txt", base, "method.kind=lora"), home=tmp_path / "home")
    assert report.headline_metric == "loss"
    assert {metric.name for metric in report.metrics} == {"loss", "perplexity"}
    assert value(report, "tuned", "loss") < value(report, "base", "loss")


def test_a_base_without_chat_template_gets_the_plain_one(tmp_path):
    base = write_tiny_base(tmp_path / "base")
    (base / "chat_template.jinja").unlink()
    report = tune(small_recipe(write_rows(tmp_path / "rows.jsonl"), base, "train.epochs=1"), home=tmp_path / "home")
    assert "###" in report.data.samples[0]


def test_rows_that_cannot_be_trained_on_are_dropped_by_name_when_asked(tmp_path):
    base, rows = write_tiny_base(tmp_path / "base"), write_rows(tmp_path / "rows.jsonl")
    with rows.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "Long?", "completion": "very " * 200}) + "\n")
        file.write(json.dumps({"prompt": "Sneaky <|im_end|>?", "completion": "no"}) + "\n")
    recipe = small_recipe(rows, base, "train.epochs=0.1", "data.unusable_rows=drop", "evaluate.max_answer_tokens=20")
    report = tune(recipe, home=tmp_path / "home")
    reasons = {change.location.rpartition(":")[2]: change.reason for change in report.data.changes}
    assert reasons.keys() == {"81", "82"}
    assert "at most 20" in reasons["81"]
    assert "<|im_end|> in the text" in reasons["82"]


def test_a_long_prompt_is_cut_alike_in_training_and_in_use(tmp_path):
    listening = Listening()
    base, rows = write_tiny_base(tmp_path / "base"), write_rows(tmp_path / "rows.jsonl")
    with rows.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "Read this: " + "word " * 300, "completion": "red"}) + "\n")
    tune(small_recipe(rows, base, "train.epochs=0.1"), home=tmp_path / "home", progress=listening)
    assert any(line.startswith("1 prompt is longer than the") for line in listening.lines)


def test_show_prints_the_table_and_where_the_report_lies(job, shell):
    outcome = shell.run("show", job.report.run_id)
    assert outcome.code == 0
    assert "succeeded" in outcome.stdout
    assert "better" in outcome.stdout
    assert "report.html" in outcome.stdout


def test_every_command_that_reports_writes_its_record(job, shell):
    record, report = show_run(job.report.run_id, job.home)
    shown = json.loads(shell.run("show", "last", "--json", "-").stdout)
    assert shown["report"]["run_id"] in {report.run_id, *(run["id"] for run in [shown["run"]])}
    listed = json.loads(shell.run("runs", "--json", "-").stdout)
    assert record.id in {run["id"] for run in listed}
    tokens = json.loads(shell.run("tokens", str(job.rows), "--base", str(job.base), "--json", "-").stdout)
    assert [row["num_trained_tokens"] > 0 for row in tokens] == [True] * 3
    recipe = json.loads(shell.run("recipe", str(job.rows), "--base", str(job.base), "--json", "-").stdout)
    assert {item["setting"] for item in recipe["derived"]} >= {"method.rank", "train.learning_rate"}


def test_evaluate_prints_one_arm_and_writes_its_report(job, shell):
    outcome = shell.run("evaluate", job.report.run_id, str(job.rows), "--set", "evaluate.max_inputs=3")
    assert outcome.code == 0
    assert "tuned" in outcome.stdout
    assert Store(job.home).run("last").record.kind == "evaluate"


def test_chat_answers_a_piped_question(job, shell, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("What is the colour of place 4?\n"))
    outcome = shell.run("chat", job.report.run_id)
    assert outcome.code == 0
    assert outcome.stdout.strip()


def test_doctor_trains_one_step(shell):
    outcome = shell.run("doctor")
    assert outcome.code == 0, outcome.stdout + outcome.stderr
    assert "one training step" in outcome.stdout
