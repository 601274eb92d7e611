"""General ability watched by a real run: what is measured when, what is kept, and exact resume with it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from listening import Listening
from safetensors.torch import load_file
from small_job import adapter_bytes, small_recipe, stop_at_step, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import base_ability, fallbacks, rehearsing, resume, retaining, training, tune
from tunewright.contracts import SilentProgress
from tunewright.errors import DataError, InterruptedRunError, TrainError
from tunewright.evaluate.retention import RetentionScores, make_suite, render_suite
from tunewright.model import adapter
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length, load_base
from tunewright.records import (
    CurvePoint,
    Estimate,
    Full,
    Lora,
    Method,
    Precision,
    Report,
    RetentionRecipe,
    RetentionResult,
    TrainingSummary,
    TuneRecipe,
)
from tunewright.render import load_renderer
from tunewright.store import RunFolder, Store
from tunewright.study.retained import loss_at
from tunewright.train import defaults, strength
from tunewright.train.job import TrainingJob
from tunewright.train.strength import Strength

FEW = RetentionRecipe(enabled=True, max_items=10, beyond="refuse", rehearsal="fallback")
LENIENT = FEW.model_copy(update={"max_drop": 1.0, "max_loss_increase": 100.0})
TELL = FEW.model_copy(update={"beyond": "tell"})
STRICT = FEW.model_copy(update={"max_drop": 1.0, "max_loss_increase": 0.0})

FIRST_VALIDATION = 5
"""Steps before it, of ten."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return write_rows(folder / "rows.jsonl"), write_tiny_base(folder / "base")


def recipe_with(inputs: tuple[Path, Path], retention: RetentionRecipe) -> TuneRecipe:
    return small_recipe(*inputs).model_copy(update={"retention": retention})


def weights_of(run: RunFolder, name: str, file: str) -> dict[str, torch.Tensor]:
    found = load_file(run.path / name / file)
    return {key.replace(".default.", "."): value for key, value in found.items()}


def test_every_validation_measures_ability_and_the_report_has_base_kept_and_end(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    progress = Listening()
    report = tune(recipe_with(inputs, LENIENT), home=tmp_path, progress=progress)
    assert report.training is not None
    retention = report.training.retention
    assert retention is not None
    validated = [point for point in report.training.curve if point.validation_loss is not None]
    assert validated[0].step == 0
    assert all(point.retention is not None for point in validated)
    assert (retention.num_items, retention.strength, retention.trials) == (60, 1.0, ())
    assert retention.kept == next(p.retention for p in validated if p.step == report.training.best_step)
    assert retention.end == validated[-1].retention
    assert retention.told in progress.lines
    assert any("items of the retention suite cannot be scored" in line for line in progress.lines)
    page = (Store(tmp_path).run("last").path / "report.html").read_text(encoding="utf-8")
    assert "General ability" in page


def one_drop_after_another(monkeypatch: pytest.MonkeyPatch, *drops: float) -> None:
    """Let general ability drop by these at its measurements, and by the last at all later ones; 0.1 is the limit."""
    left, real = list(drops), retaining.compare_retention

    def scripted(*arguments: Any) -> RetentionResult:
        drop = left.pop(0) if len(left) > 1 else left[0]
        estimate = Estimate(value=drop, low=drop, high=drop, num_rows=10)
        parts = [part.model_copy(update={"drop": estimate, "limit": 0.1}) for part in real(*arguments).parts]
        return RetentionResult(parts=tuple(parts))

    monkeypatch.setattr(retaining, "compare_retention", scripted)


def test_what_forgets_is_scaled_down_and_the_artifact_holds_the_scaled_adapter(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two validations of training, the base, then strengths from the lowest loss on: the second will do.
    one_drop_after_another(monkeypatch, 0.5, 0.5, 0.0, 0.5, 0.0)
    report = tune(recipe_with(inputs, FEW), home=tmp_path)
    run = Store(tmp_path).run("last")
    assert report.training is not None
    retention = report.training.retention
    assert retention is not None
    by_loss = sorted(retention.trials, key=lambda trial: trial.validation_loss)
    assert retention.strength == by_loss[1].strength
    assert report.training.best_validation_loss == by_loss[1].validation_loss
    assert report.training.best_step == retention.kept_step == report.training.task_step != 0
    trained = weights_of(run, f"checkpoints/step-{retention.kept_step:08d}", "weights.safetensors")
    saved = weights_of(run, "artifact", "adapter_model.safetensors")
    assert trained.keys() == saved.keys()
    for key, value in saved.items():
        assert torch.equal(value, trained[key] * (retention.strength if ".lora_B." in key else 1.0))


@pytest.mark.parametrize(("bound", "beyond"), [(defaults.SMALL_BASE, "tell"), (1, "refuse")])
def test_what_is_kept_where_nothing_is_within_the_limits_follows_from_the_size_of_the_base(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: float, beyond: str
) -> None:
    # The tiny base counts as a large one where the bound is below its size.
    monkeypatch.setattr(defaults, "SMALL_BASE", bound)
    scripted_drops(monkeypatch, {"as asked": 0.5})
    progress = Listening()
    recipe = recipe_with(inputs, FEW.model_copy(update={"beyond": None, "rehearsal": None, "fallbacks": ()}))
    report = tune(recipe, home=tmp_path, progress=progress)
    rehearsal = "from_start" if beyond == "tell" else "fallback"
    for setting, value in (("beyond", beyond), ("rehearsal", rehearsal)):
        assert any(line.startswith(f"retention.{setting} = {value}  (") for line in progress.lines)
        assert report.recipe["retention"][setting] == value
    assert report.training is not None
    assert report.training.task_step != 0
    # Everything that was trained is beyond the limits.
    assert report.training.best_step == (0 if beyond == "refuse" else report.training.task_step)


@pytest.mark.parametrize("method", [Lora(), pytest.param(Full(), marks=pytest.mark.slow)])
def test_where_nothing_is_within_the_limits_the_task_may_be_kept_and_what_it_cost_is_told(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.5, "mlp": 0.5})
    recipe = recipe_with(inputs, TELL).model_copy(update={"method": method})
    progress = Listening()
    report = tune(recipe, home=tmp_path, progress=progress)
    trained = ["as asked", "rehearsal", "mlp"] if isinstance(method, Lora) else ["as asked", "rehearsal"]
    assert report.training is not None
    retention = report.training.retention
    assert retention is not None
    best = min(retention.attempts, key=lambda attempt: attempt.lowest_loss)
    assert names == [*trained, best.name], "the best training is settled a second time"
    assert report.training.best_step == retention.kept_step == report.training.task_step != 0
    assert not retention.kept.is_within
    assert "BEYOND THE LIMITS: " in retention.told
    assert any("retention.beyond=refuse" in line for line in retention.advice)
    assert (retention.strength, retention.trials) == (1.0, ())
    assert [attempt.name for attempt in retention.attempts] == trained
    assert not any("weights of the base are kept" in attempt.told for attempt in retention.attempts)
    assert not any("retention.beyond=tell" in line for line in progress.lines)
    page = " ".join((Store(tmp_path).run("last").path / "report.html").read_text(encoding="utf-8").split())
    assert "BEYOND THE LIMITS" in page


def first_training_is_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add 1 to the validation losses of the training as asked."""
    real = fallbacks.train_model

    def worse(run: RunFolder, *arguments: Any, **options: Any) -> TrainingSummary:
        summary = real(run, *arguments, **options)
        if run.path.name in ("rehearsal", "mlp"):
            return summary
        curve = tuple(
            point.model_copy(update={"validation_loss": point.validation_loss and point.validation_loss + 1})
            for point in summary.curve
        )
        return summary.model_copy(update={"curve": curve})

    monkeypatch.setattr(fallbacks, "train_model", worse)


def test_of_trainings_beyond_the_limits_the_best_at_the_task_is_kept_and_not_the_first(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_training_is_worse(monkeypatch)
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "mlp": 0.4})
    recipe = recipe_with(inputs, TELL.model_copy(update={"fallbacks": ("strength", "mlp")}))
    progress = Listening()
    report = tune(recipe, home=tmp_path / "straight", progress=progress)
    assert names == ["as asked", "mlp", "mlp"]
    assert any(line.endswith("what is best at the task is kept (trained mlp).") for line in progress.lines)
    assert report.training is not None
    assert report.training.retention is not None
    assert report.training.best_step == report.training.task_step != 0
    assert report.training.retention.kept.of("text").drop == Estimate(value=0.4, low=0.4, high=0.4, num_rows=10)
    run = Store(tmp_path / "straight").run("last")
    kept = weights_of(run, f"mlp/checkpoints/step-{report.training.best_step:08d}", "weights.safetensors")
    saved = weights_of(run, "artifact", "adapter_model.safetensors")
    assert saved.keys() == kept.keys()
    assert all(torch.equal(saved[key], kept[key]) for key in kept)

    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "keep_by_task", stop)
        with pytest.raises(InterruptedRunError):
            tune(recipe, home=tmp_path / "stopped")
    resume("last", home=tmp_path / "stopped")
    assert adapter_bytes(tmp_path / "stopped") == adapter_bytes(tmp_path / "straight")


def test_a_training_that_gained_nothing_does_not_put_the_base_before_what_is_best_at_the_task(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fallbacks.train_model

    def vain(run: RunFolder, *arguments: Any, **options: Any) -> TrainingSummary:
        summary = real(run, *arguments, **options)
        return summary.model_copy(update={"best_step": 0, "task_step": 0}) if run.path.name == "mlp" else summary

    monkeypatch.setattr(fallbacks, "train_model", vain)
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "mlp": 0.0})
    report = tune(recipe_with(inputs, TELL.model_copy(update={"fallbacks": ("mlp",)})), home=tmp_path)
    assert names == ["as asked", "mlp", "as asked"]
    assert report.training is not None
    assert report.training.best_step == report.training.task_step != 0


def test_of_weights_as_good_at_the_task_those_that_forget_least_are_kept(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_drops(monkeypatch, {"as asked": 0.5})
    told_only = TELL.model_copy(update={"max_task_loss_increase": 0.5, "fallbacks": ("strength",)})
    report = tune(recipe_with(inputs, told_only), home=tmp_path)
    run = Store(tmp_path).run("last")
    assert report.training is not None
    retention = report.training.retention
    assert retention is not None
    lowest = min(point.validation_loss for point in report.training.curve if point.validation_loss is not None)
    allowed = [trial.strength for trial in retention.trials if trial.validation_loss <= lowest + 0.5]
    assert retention.strength == min(allowed) < 1.0
    assert f"kept at {retention.strength:g} of its strength" in retention.told
    trained = weights_of(run, f"checkpoints/step-{retention.kept_step:08d}", "weights.safetensors")
    saved = weights_of(run, "artifact", "adapter_model.safetensors")
    for key, value in saved.items():
        assert torch.equal(value, trained[key] * (retention.strength if ".lora_B." in key else 1.0))


def base_scores(home: Path) -> bytes:
    return (Store(home).run("last").path / base_ability.BASE_FILE).read_bytes()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_base_is_measured_at_the_first_validation_and_scores_what_it_scores_untouched(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: Precision
) -> None:
    recipe = recipe_with(inputs, LENIENT)
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"precision": precision})})
    progress = Listening()

    def stopped_at(step: int, train: Callable[[], Report]) -> None:
        with monkeypatch.context() as patch:
            stop_at_step(patch, step)
            with pytest.raises(InterruptedRunError):
                train()

    stopped_at(FIRST_VALIDATION - 1, lambda: tune(recipe, home=tmp_path, progress=progress))
    assert any(line.startswith("General ability of the base is measured at the first") for line in progress.lines)
    assert not (Store(tmp_path).run("last").path / base_ability.BASE_FILE).exists()
    stopped_at(FIRST_VALIDATION, lambda: resume("last", home=tmp_path, progress=progress))
    assert sum(line.startswith("General ability of the base: measured in") for line in progress.lines) == 1
    renderer = load_renderer(inputs[1])
    suite = render_suite(make_suite(LENIENT), renderer, context_length(inputs[1]))
    untouched = LanguageModel(load_base(inputs[1]), renderer, precision)
    with SilentProgress().bar("", 0) as advance:
        expected = suite.measure(untouched, advance)
    run = Store(tmp_path).run("last")
    assert run.read_record(base_ability.BASE_FILE, RetentionScores) == expected
    # The network of that time is another one, as the scores of the last validation show.
    assert any(part.drop and part.drop.value for part in validated_last(run).parts)


def validated_last(run: RunFolder) -> RetentionResult:
    points = [CurvePoint.model_validate(row) for row in run.metrics()]
    return [point.retention for point in points if point.retention][-1]


@pytest.mark.parametrize("method", [Lora(), pytest.param(Full(), marks=pytest.mark.slow)])
def test_a_run_ends_the_same_whether_the_base_was_measured_in_it_or_before_it(
    inputs: tuple[Path, Path], tmp_path: Path, method: Method
) -> None:
    recipe = recipe_with(inputs, LENIENT).model_copy(update={"method": method})
    curves, retentions = [], []
    for _ in range(2):
        report = tune(recipe, home=tmp_path)
        assert report.training is not None
        assert report.training.retention is not None
        run = Store(tmp_path).run("last")
        curves.append((run.path / "metrics.jsonl").read_bytes())
        times = {"seconds_per_run": 0.0, "trial_seconds": 0.0}
        retentions.append((report.training.curve, report.training.retention.model_copy(update=times)))
    assert curves[0] == curves[1]
    assert retentions[0] == retentions[1]
    base = report.training.retention.base
    assert base == report.training.curve[0].retention
    assert all(part.drop is None or part.drop.value == 0 for part in base.parts)


@pytest.mark.parametrize("method", [Lora(), pytest.param(Full(), marks=pytest.mark.slow)])
def test_a_second_run_on_the_same_base_takes_what_the_first_measured(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    stop_at_step(monkeypatch, FIRST_VALIDATION)
    recipe = recipe_with(inputs, LENIENT)
    told: dict[str, list[str]] = {}

    def stopped(home: str, recipe: TuneRecipe) -> bytes:
        progress = Listening()
        with pytest.raises(InterruptedRunError):
            tune(recipe, home=tmp_path / home, progress=progress)
        told[home] = [line for line in progress.lines if line.startswith("General ability of the base is taken")]
        return base_scores(tmp_path / home)

    measured = stopped("one", recipe)
    assert told["one"] == []
    again = recipe.model_copy(update={"method": method})
    assert stopped("one", again) == measured
    assert len(told["one"]) == 1
    assert stopped("other", again) == measured
    assert told["other"] == []
    for path in (tmp_path / "one" / "measured").glob("*/*.json"):
        path.write_bytes(path.read_bytes().replace(b"0.", b"1."))
    assert stopped("one", again) == measured
    assert told["one"] == []
    more = recipe.model_copy(update={"retention": LENIENT.model_copy(update={"max_items": 11})})
    assert stopped("one", more) != measured
    assert told["one"] == []


def test_another_base_precision_or_setting_of_a_library_is_measured(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at_step(monkeypatch, FIRST_VALIDATION)
    other_base = write_tiny_base(tmp_path / "base", seed=1)
    recipe = recipe_with(inputs, LENIENT)
    half = recipe.model_copy(update={"train": recipe.train.model_copy(update={"precision": "bfloat16"})})
    for number, one in enumerate((recipe, recipe_with((inputs[0], other_base), LENIENT), half), start=1):
        with pytest.raises(InterruptedRunError):
            tune(one, home=tmp_path / "home")
        assert len(list((tmp_path / "home" / "measured").glob("*/measurement.json"))) == number
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    with pytest.raises(InterruptedRunError):
        tune(recipe, home=tmp_path / "home")
    assert len(list((tmp_path / "home" / "measured").glob("*/measurement.json"))) == 4


def test_where_an_early_step_is_within_the_limits_and_much_worse_a_later_one_is_kept_at_less_strength(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Steps 5 and 10, the base, then strengths of step 10 from the lowest loss on.
    one_drop_after_another(monkeypatch, 0.0, 0.5, 0.0, 0.5, 0.0)
    progress = Listening()
    report = tune(recipe_with(inputs, FEW), home=tmp_path, progress=progress)
    assert report.training is not None
    retention = report.training.retention
    assert retention is not None
    assert any(line.startswith("Step 5 is within the limits of general ability and much") for line in progress.lines)
    assert (retention.kept_step, retention.strength) == (10, sorted(strength.STRENGTHS)[-2])
    assert report.training.best_validation_loss < loss_at(report.training, FIRST_VALIDATION)
    run = Store(tmp_path).run("last")
    saved = weights_of(run, "artifact", "adapter_model.safetensors")
    trained = weights_of(run, "checkpoints/step-00000010", "weights.safetensors")
    for name, weights in saved.items():
        factor = retention.strength if "lora_B" in name else 1.0
        assert torch.equal(weights, trained[name] * factor)


def test_an_early_step_within_the_limits_is_kept_where_no_strength_of_a_later_one_is_and_other_ways_are_tried(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_drop_after_another(monkeypatch, 0.0, 0.5, 0.0, 0.5)
    report = tune(recipe_with(inputs, FEW), home=tmp_path)
    assert report.training is not None
    retention = report.training.retention
    assert retention is not None
    assert (retention.kept_step, retention.strength, retention.keeps_task) == (5, 1.0, False)
    assert "No lower strength of the adapter is both within the limits and better." in retention.told
    assert [attempt.name for attempt in retention.attempts] == ["as asked", "rehearsal", "mlp"]
    run = Store(tmp_path).run("last")
    saved = weights_of(run, "artifact", "adapter_model.safetensors")
    kept = weights_of(run, "checkpoints/step-00000005", "weights.safetensors")
    assert all(torch.equal(saved[name], kept[name]) for name in saved)


def scripted_drops(monkeypatch: pytest.MonkeyPatch, drops: dict[str, float]) -> list[str]:
    """Let general ability drop by as much as a training's name says; 0.1 is the limit. Gives the names as they come."""
    real_train, names = fallbacks.train_model, []
    real_compare = retaining.compare_retention

    def named(run: RunFolder, *arguments: Any, **options: Any) -> Any:
        names.append(run.path.name if run.path.name in ("rehearsal", "mlp") else "as asked")
        return real_train(run, *arguments, **options)

    def scripted(*arguments: Any) -> RetentionResult:
        is_base = arguments[1] is arguments[2]
        drop = 0.0 if is_base else drops[names[-1]]
        estimate = Estimate(value=drop, low=drop, high=drop, num_rows=10)
        parts = [part.model_copy(update={"drop": estimate, "limit": 0.1}) for part in real_compare(*arguments).parts]
        return RetentionResult(parts=tuple(parts))

    monkeypatch.setattr(fallbacks, "train_model", named)
    monkeypatch.setattr(retaining, "compare_retention", scripted)
    return names


def test_when_no_strength_will_do_general_rows_are_mixed_in_and_the_first_training_that_keeps_is_kept(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.0})
    progress = Listening()
    report = tune(recipe_with(inputs, FEW), home=tmp_path, progress=progress)
    assert names == ["as asked", "rehearsal"]
    assert "Training again with general rows, 15% of all, to forget less." in progress.lines
    assert report.training is not None
    assert report.training.retention is not None
    attempts = report.training.retention.attempts
    assert [(attempt.name, attempt.keeps_within) for attempt in attempts] == [("as asked", False), ("rehearsal", True)]
    assert report.training.all_seconds == sum(attempt.seconds for attempt in attempts)
    run = Store(tmp_path).run("last")
    kept = weights_of(run, f"rehearsal/checkpoints/step-{report.training.best_step:08d}", "weights.safetensors")
    saved = weights_of(run, "artifact", "adapter_model.safetensors")
    assert saved.keys() == kept.keys()
    assert all(torch.equal(saved[key], kept[key]) for key in kept)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "With general rows among yours" in page


def test_the_last_resort_is_lora_in_the_feed_forward_blocks_alone(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.5, "mlp": 0.0})
    tune(recipe_with(inputs, FEW), home=tmp_path)
    assert names == ["as asked", "rehearsal", "mlp"]
    saved = weights_of(Store(tmp_path).run("last"), "artifact", "adapter_model.safetensors")
    assert saved
    assert all(".mlp." in name for name in saved)


def test_the_last_resort_is_left_out_where_the_base_has_no_such_blocks(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.5})
    monkeypatch.setattr(adapter, "FEED_FORWARD", frozenset())
    progress = Listening()
    tune(recipe_with(inputs, FEW), home=tmp_path, progress=progress)
    assert names == ["as asked", "rehearsal"]
    assert (
        "LoRA in the feed-forward blocks alone is not tried: this base has no linear layers in such." in progress.lines
    )


def test_when_nothing_keeps_general_ability_the_base_is_kept_and_all_trainings_are_told(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.5, "mlp": 0.5})
    report = tune(recipe_with(inputs, FEW), home=tmp_path)
    assert report.training is not None
    assert report.training.best_step == 0
    assert report.training.retention is not None
    assert [attempt.keeps_within for attempt in report.training.retention.attempts] == [False] * 3
    assert report.training.retention.advice
    saved = weights_of(Store(tmp_path).run("last"), "artifact", "adapter_model.safetensors")
    assert not any(value.any() for name, value in saved.items() if ".lora_B." in name)


def test_full_tuning_rehearses_and_leaves_no_layer_out(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.5})
    recipe = recipe_with(inputs, FEW).model_copy(update={"method": Full()})
    tune(recipe, home=tmp_path)
    assert names == ["as asked", "rehearsal"]


def test_fallbacks_that_are_not_wanted_are_not_tried(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5})
    report = tune(recipe_with(inputs, FEW.model_copy(update={"fallbacks": ()})), home=tmp_path)
    assert names == ["as asked"]
    assert report.training is not None
    assert report.training.retention is not None
    assert (report.training.retention.trials, report.training.retention.attempts) == ((), ())


def test_a_training_that_rehearses_from_the_start_has_general_rows_and_only_mlp_is_left_to_try(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tune(recipe_with(inputs, LENIENT), home=tmp_path / "plain")
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "mlp": 0.0})
    report = tune(recipe_with(inputs, FEW.model_copy(update={"rehearsal": "from_start"})), home=tmp_path / "rehearsed")
    assert names == ["as asked", "mlp"]
    assert report.training is not None
    assert plain.training is not None
    assert report.training.num_steps == plain.training.num_steps
    assert report.training.num_tokens > 1.3 * plain.training.num_tokens


def test_lora_in_the_feed_forward_blocks_alone_that_rehearses_from_the_start_is_not_trained_twice(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5})
    recipe = recipe_with(inputs, FEW.model_copy(update={"rehearsal": "from_start"}))
    report = tune(recipe.model_copy(update={"method": Lora(layers="mlp")}), home=tmp_path)
    assert names == ["as asked"]
    assert report.training is not None
    assert report.training.retention is not None
    assert report.training.retention.attempts == ()


def test_where_no_general_row_fits_training_is_not_repeated_to_rehearse_and_mlp_is_tried_without(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "mlp": 0.0})
    monkeypatch.setattr(rehearsing, "general_rows", tuple)
    progress = Listening()
    tune(recipe_with(inputs, FEW), home=tmp_path, progress=progress)
    assert names == ["as asked", "mlp"]
    assert sum(line.startswith("No general row fits this base's context") for line in progress.lines) == 1
    again = [line for line in progress.lines if line.startswith("Training again")]
    assert again == ["Training again with LoRA in the feed-forward blocks alone."]


def test_a_base_that_no_general_row_fits_is_told_of_and_does_not_rehearse(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsing, "general_rows", tuple)
    progress = Listening()
    lenient = LENIENT.model_copy(update={"rehearsal": "from_start"})
    tune(recipe_with(inputs, lenient), home=tmp_path / "none", progress=progress)
    assert any(line.startswith("No general row fits this base's context") for line in progress.lines)
    tune(recipe_with(inputs, LENIENT), home=tmp_path / "plain")
    assert adapter_bytes(tmp_path / "none") == adapter_bytes(tmp_path / "plain")


def test_a_strength_that_loses_the_task_is_kept_only_if_no_training_is_better(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the first training only 0.1 of the strength is within the limits; the second is at full strength.
    names = scripted_drops(monkeypatch, {"as asked": 0.5, "rehearsal": 0.0})
    real = strength.find_strength

    def weakest(job: TrainingJob, step: int, base_loss: float) -> Strength:
        found = real(dataclasses.replace(job, measure_retention=lambda: within(job)), step, base_loss)
        trials = [trial.model_copy(update={"validation_loss": base_loss - 1e-6}) for trial in found.trials]
        return Strength(found.value, tuple(trials))

    def within(job: TrainingJob) -> RetentionResult:
        assert job.measure_retention is not None
        parts = job.measure_retention().parts
        none = Estimate(value=0.0, low=0.0, high=0.0, num_rows=10)
        return RetentionResult(parts=tuple(part.model_copy(update={"drop": none}) for part in parts))

    monkeypatch.setattr(retaining, "find_strength", weakest)
    report = tune(recipe_with(inputs, FEW), home=tmp_path)
    assert names == ["as asked", "rehearsal"]
    assert report.training is not None
    assert report.training.retention is not None
    first, second = report.training.retention.attempts
    assert (first.keeps_within, first.is_enough, second.keeps_within, second.is_enough) == (True, False, True, True)
    assert report.training.best_validation_loss == second.kept_loss < first.kept_loss


@pytest.mark.parametrize("rehearsal", ["from_start", "fallback"])
def test_a_killed_and_resumed_run_measures_and_keeps_the_same(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rehearsal: str
) -> None:
    recipe = recipe_with(inputs, STRICT.model_copy(update={"rehearsal": rehearsal}))
    straight = tune(recipe, home=tmp_path / "straight")
    with monkeypatch.context() as patch:
        stop_at_step(patch, 6)
        with pytest.raises(InterruptedRunError, match="Continue with"):
            tune(recipe, home=tmp_path / "stopped")
    resumed = resume("last", home=tmp_path / "stopped")
    assert straight.training is not None
    assert resumed.training is not None
    assert resumed.training.curve == straight.training.curve
    assert resumed.training.retention is not None
    ours, theirs = (found.training.retention for found in (resumed, straight) if found.training)
    assert ours is not None
    assert theirs is not None
    assert (ours.kept, ours.strength, ours.told) == (theirs.kept, theirs.strength, theirs.told)
    assert adapter_bytes(tmp_path / "straight") == adapter_bytes(tmp_path / "stopped")


@pytest.mark.parametrize("step", [FIRST_VALIDATION - 1, FIRST_VALIDATION])
def test_a_benchmark_file_that_changed_while_a_run_stood_still_is_refused_until_it_is_as_it_was(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path = tmp_path / "pairs.jsonl"
    text = "".join(
        f'{{"sentence_good": "The cat {number} sleeps.", "sentence_bad": "The cat {number} sleep."}}\n'
        for number in range(20)
    )
    path.write_text(text, encoding="utf-8")
    recipe = recipe_with(inputs, LENIENT.model_copy(update={"files": (str(path),)}))
    straight = tune(recipe, home=tmp_path / "straight")
    with monkeypatch.context() as patch:
        stop_at_step(patch, step)
        with pytest.raises(InterruptedRunError):
            tune(recipe, home=tmp_path / "stopped")
    path.write_text(text.replace("cat", "dog"), encoding="utf-8")
    with pytest.raises(TrainError, match=r"found other texts in retention\.files, .* Put the old files or the old"):
        resume("last", home=tmp_path / "stopped")
    path.write_text(text, encoding="utf-8")
    resumed = resume("last", home=tmp_path / "stopped")
    assert straight.training is not None
    assert resumed.training is not None
    assert resumed.training.curve == straight.training.curve


def test_a_bad_benchmark_file_is_found_before_anything_is_written(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = recipe_with(inputs, RetentionRecipe(enabled=True, files=(str(tmp_path / "no.jsonl"),)))
    with pytest.raises(DataError, match=r"Correct retention\.files"):
        tune(recipe, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()
