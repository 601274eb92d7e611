"""Public benchmarks before and after training: tasks of lm-evaluation-harness on base and artifact, item by item."""

from tunewright.actions.answering import ARTIFACT
from tunewright.actions.preparing import Preparation
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.outside.lm_eval import TaskValues, run_lm_eval
from tunewright.records import BenchmarkResult, Lora, Score
from tunewright.store import RunFolder

TASKS_FILE = "tasks-base.json"
SHARES = frozenset({"acc", "acc_norm", "exact_match", "em", "f1"})
"""Metrics whose values between 0 and 1 are shares. Any other may be a count or a perplexity that is small by chance."""


def measure_tasks_of_base(run: RunFolder, preparation: Preparation) -> None:
    """Run `retention.tasks` on the base, if any were asked for and no earlier sitting did.

    Before training, so that a task that is unknown or cannot be read is told then and not hours later.
    """
    settings = preparation.recipe.retention
    if settings.tasks and not run.has(TASKS_FILE):
        found = run_lm_eval(preparation.base.folder, None, settings.tasks, settings.task_folder, settings.max_items)
        run.write_json(TASKS_FILE, [vars(values) for values in found])


def measure_tasks(run: RunFolder, preparation: Preparation) -> tuple[BenchmarkResult, ...]:
    """Run `retention.tasks` on the run's artifact beside what the base had; empty where none was asked for."""
    recipe = preparation.recipe
    settings = recipe.retention
    if not settings.tasks:
        return ()
    base, artifact = preparation.base.folder, run.published(ARTIFACT)
    measure_tasks_of_base(run, preparation)  # runs that an older version trained have no such file
    before = [TaskValues(**found) for found in run.read_json(TASKS_FILE)]
    model, adapter = (base, artifact) if isinstance(recipe.method, Lora) else (artifact, None)
    measured = run_lm_eval(model, adapter, settings.tasks, settings.task_folder, settings.max_items)
    after = {found.task: found for found in measured}
    sampling = (recipe.evaluate.num_resamples, recipe.evaluate.seed)
    return tuple(_compared(found, after[found.task], sampling) for found in before if found.task in after)


def _compared(before: TaskValues, after: TaskValues, sampling: tuple[int, int]) -> BenchmarkResult:
    values = {*before.values.values(), *after.values.values()}
    # Values that are not just right or wrong have the same mean, and an interval from resampling.
    is_right_or_wrong = values <= {0.0, 1.0}
    is_share = is_right_or_wrong or (before.metric in SHARES and all(0.0 <= value <= 1.0 for value in values))
    metric = SCORERS["accuracy" if is_right_or_wrong else "token_f1"].metric
    metric = metric.model_copy(update={"higher_is_better": before.higher_is_better, "is_share": is_share})
    base, tuned = (
        tuple(Score(example_id=key, metric=metric.name, value=value) for key, value in found.values.items())
        for found in (before, after)
    )
    return BenchmarkResult(
        task=before.task,
        metric=f"{before.metric},{before.filter}" if before.filter else before.metric,
        version=before.version,
        is_share=is_share,
        higher_is_better=before.higher_is_better,
        base=estimate(metric, base, *sampling),
        tuned=estimate(metric, tuned, *sampling),
        change=difference(metric, "tuned", "base", tuned, base, *sampling),
    )
