"""`tune --bake` on a tiny model: three arms, the answers that were learned, a kill, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from listening import Listening
from small_job import adapter_bytes, small_recipe, stop_at_step, write_long_texts, write_rows
from small_study import write_study_base
from tiny_base import write_tiny_base

from tunewright.actions import baking, resume, tune
from tunewright.errors import DataError, InterruptedRunError, RecipeError
from tunewright.model import language_model
from tunewright.model.generate import GreedyDecoder
from tunewright.records import (
    Answer,
    BakeRecipe,
    BenchmarkResult,
    Conversation,
    Difference,
    Split,
    TuneRecipe,
    Verdict,
)
from tunewright.store import Store


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    prompt = folder / "prompt.txt"
    prompt.write_text("You name the colour of a place. Answer with one word.", encoding="utf-8")
    return write_rows(folder / "rows.jsonl"), write_study_base(folder / "base"), prompt


def recipe_of(inputs: tuple[Path, Path, Path], **bake: Any) -> TuneRecipe:
    rows, base, prompt = inputs
    recipe = small_recipe(rows, base)
    evaluation = recipe.evaluate.model_copy(update={"max_answer_tokens": 6})
    return recipe.model_copy(
        update={"evaluate": evaluation, "bake": BakeRecipe.model_validate({"prompt": str(prompt), **bake})}
    )


def answering(monkeypatch: pytest.MonkeyPatch, text: str = "grey", finish: str = "stop") -> None:
    """Let the prompted base write whole answers: a random one never ends."""
    real = baking.Remembering

    class Ending(real):  # type: ignore[misc, valid-type]
        def answer(self, prompts: Any, advance: Any) -> list[Answer]:
            given = super().answer(prompts, advance)
            return [Answer.model_validate({"text": text, "finish": finish}) for _ in given]

    monkeypatch.setattr(baking, "Remembering", Ending)


def test_the_prompted_answers_are_learned_and_the_report_has_three_arms_and_the_savings(
    inputs: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch)
    report = tune(recipe_of(inputs), home=tmp_path)
    assert report.arms == ("prompted", "base", "tuned")
    assert report.bake is not None
    assert report.bake.prompt.startswith("You name the colour")
    assert report.bake.tokens_saved > 5000  # a prompt of a dozen words, a thousand times
    assert report.bake.num_distilled > 0
    assert {metric.name for metric in report.metrics} == {"accuracy", "macro_f1"}
    assert all(change.baseline == "prompted" for change in report.differences)
    run = Store(tmp_path).run("last")
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "The prompt in the weights" in page
    version, examples = Store(tmp_path).get_dataset(report.data.dataset_id)
    learned = {examples[entry.example_id].body for entry in version.entries if entry.split is Split.TRAIN}
    assert {body.answer for body in learned if isinstance(body, Conversation)} == {"grey"}


def test_the_rows_own_answers_can_be_the_targets(inputs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    report = tune(recipe_of(inputs, targets="rows", kl_weight=0.0), home=tmp_path)
    assert report.bake is not None
    assert report.bake.num_distilled == 0
    assert report.data.dataset_id == Store(tmp_path).run("last").record.dataset_id


def test_the_weights_are_copied_for_answering_once_before_and_once_after_training(
    inputs: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[GreedyDecoder] = []

    class Counted(GreedyDecoder):
        def __init__(self, *arguments: Any) -> None:
            made.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr(language_model, "GreedyDecoder", Counted)
    recipe = recipe_of(inputs, targets="rows", kl_weight=0.0)
    evaluation = recipe.evaluate.model_copy(update={"rows_per_batch": 4})
    tune(recipe.model_copy(update={"evaluate": evaluation}), home=tmp_path)
    assert len(made) == 2, "its time is not that of a request"


def test_a_base_without_system_messages_is_taught_by_a_prompt_in_the_users_first_message(
    inputs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    rows, _, prompt = inputs
    base = write_tiny_base(tmp_path / "base", style="gemma")
    report = tune(recipe_of((rows, base, prompt), targets="rows"), home=tmp_path / "home")
    assert report.bake is not None
    assert report.bake.num_distilled > 0
    assert report.bake.tokens_saved > 5000


def test_public_benchmarks_are_run_beside_it_too(
    inputs: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = Difference(
        metric="accuracy", arm="tuned", baseline="base", estimate=None, p_value=None, test="none",
        verdict=Verdict.TOO_FEW_ROWS,
    )  # fmt: skip
    found = BenchmarkResult(task="arc_easy", metric="acc", version="1", base=None, tuned=None, change=change)
    monkeypatch.setattr(baking, "measure_tasks", lambda run, preparation: (found,))
    assert tune(recipe_of(inputs, targets="rows", kl_weight=0.0), home=tmp_path).benchmarks == (found,)


def test_a_stopped_run_goes_on_and_ends_in_the_same_weights(
    inputs: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(inputs, targets="rows")
    tune(recipe, home=tmp_path / "straight")
    with monkeypatch.context() as patch:
        stop_at_step(patch, 6)
        with pytest.raises(InterruptedRunError, match="Continue with"):
            tune(recipe, home=tmp_path / "stopped")
    resumed = resume("last", home=tmp_path / "stopped")
    assert resumed.bake is not None
    assert adapter_bytes(tmp_path / "straight") == adapter_bytes(tmp_path / "stopped")


def test_a_prompt_that_cannot_be_baked_is_refused_before_anything_is_written(
    inputs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    rows, base, _ = inputs
    empty, long = tmp_path / "empty.txt", tmp_path / "long.txt"
    empty.write_text("\n", encoding="utf-8")
    long.write_text("word " * 2000, encoding="utf-8")
    for path, match in (
        (tmp_path / "none.txt", r"bake\.prompt: \S+none\.txt: found no such file"),
        (empty, r"bake\.prompt: \S+empty\.txt: found an empty file"),
        (long, r"bake\.prompt: found a prompt with which 80 of 80 rows do not fit"),
    ):
        with pytest.raises(RecipeError, match=match):
            tune(recipe_of((rows, base, path)), home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()


@pytest.mark.parametrize(
    ("section", "setting", "match"),
    [
        (
            "evaluate",
            {"metrics": ("loss", "exact_match")},
            r"evaluate\.metrics: found 'loss', expected metrics of what is written\. Remove it: a prompt gives",
        ),
        ("memorisation", {"max_rows": 30}, r"memorisation\.max_rows: found 30 beside bake, expected one of them"),
    ],
)
def test_what_is_not_measured_where_a_prompt_is_baked_cannot_be_asked_for(
    inputs: tuple[Path, Path, Path], tmp_path: Path, section: str, setting: dict[str, Any], match: str
) -> None:
    recipe = recipe_of(inputs)
    changed = getattr(recipe, section).model_copy(update=setting)
    with pytest.raises(RecipeError, match=match):
        tune(recipe.model_copy(update={section: changed}), home=tmp_path)


def test_plain_text_has_no_answers_that_a_prompt_could_be_baked_into(
    inputs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    _, base, prompt = inputs
    with pytest.raises(RecipeError, match="data: found rows of plain text, expected rows with an input and an answer"):
        tune(recipe_of((write_long_texts(tmp_path / "texts.jsonl"), base, prompt)), home=tmp_path / "home")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            {"text": "grey", "finish": "length"},
            r"the prompted base's answer ran into the length limit \(evaluate\.max_answer_tokens\), .* "
            r"Raise evaluate\.max_answer_tokens \(here 6\), ask for shorter answers in the prompt, or train on your",
        ),
        (
            {"text": " ", "finish": "stop"},
            r"the prompted base gave an empty answer, .* Read its answers with `tunewright chat`, improve the prompt",
        ),
    ],
)
def test_a_prompted_base_without_a_usable_answer_teaches_nothing_and_it_is_said_why(
    inputs: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], why: str
) -> None:
    answering(monkeypatch, **answer)
    found = r"bake\.targets: found no usable answer of the prompted base to any of the 40 train rows\. Most often, "
    listening = Listening()
    with pytest.raises(DataError, match=found + why):
        tune(recipe_of(inputs), home=tmp_path, progress=listening)
    assert any(line.startswith("60 rows left out; the reason of 60, such as ") for line in listening.lines)
