"""However often and wherever a worker is killed, its run ends by itself, in the bytes of an undisturbed one."""

import json
import random
import signal
from pathlib import Path

import pytest
from killed_runs import carry_out
from small_job import small_recipe, write_rows
from small_study import study_recipe, write_study_base
from tiny_base import write_tiny_base

from tunewright.records import Full, Report
from tunewright.store import Store
from tunewright.train.side_by_side import MIN_TOKENS

SCRIPT = Path(__file__).parents[1] / "killed_runs.py"
SEED = 20261126
KILLS_PER_RUN = 3
LONGEST_DELAY = 0.03
NUM_PARTS = 6
"""Of the tests that kill at every call: several processes share them."""

# Two layers of equal shapes each, two epochs, dropout.
CASES = {
    "lora": (),
    "full": ("train.learning_rate=0.001",),
    # Several micro-batches a step, and steps that do not divide the epoch.
    "accumulated": ("train.rows_per_step=3", "train.tokens_per_micro_batch=64"),
    # A checkpoint after every step instead of at validations.
    "often": ("train.seconds_between_checkpoints=0.000001",),
}
WATCHED = (
    "retention.enabled=true",
    "retention.max_items=10",
    "retention.rehearsal=from_start",
    "retention.beyond=tell",
    "train.keep_by=metric",
    # 600 tokens, enough for two threads with rows of their own.
    "train.rows_per_step=20",
    "train.epochs=4",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base")


def recipe_of(case, inputs, settings=()):
    # No checkpoint by the clock: where a machine pauses for two minutes, another one than before would be kept.
    usual = ["evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.seconds_between_checkpoints=100000"]
    overrides = [*usual, "train.rows_per_step=5", *CASES.get(case, settings)]
    recipe = small_recipe(*inputs, *overrides)
    if case == "full":
        recipe = recipe.model_copy(update={"method": Full()})
    return json.loads(recipe.model_dump_json())


def random_kills(num_runs, seed):
    """Three lives a run, none longer than a third of all events: so that each of them ends by its kill."""
    chosen = random.Random(seed)
    return [
        [
            (chosen.random() / KILLS_PER_RUN, chosen.choice([0.0, chosen.uniform(0, LONGEST_DELAY)]))
            for _ in range(KILLS_PER_RUN)
        ]
        for _ in range(num_runs)
    ]


def require_all_the_same(outcomes):
    wrong = [outcome for outcome in outcomes if not outcome["same"] or outcome.get("code") != 0]
    assert not wrong, f"{len(wrong)} of {len(outcomes)} (seed {SEED}): {wrong[:3]}"


def count_kills(outcomes):
    return sum(code == -9 for outcome in outcomes for code in outcome["lives"])


def plan(num_runs, inputs):
    """The cases in turn, until there are enough runs."""
    names = [list(CASES)[number % len(CASES)] for number in range(num_runs)]
    return [
        {
            "name": case,
            "kind": "tune",
            "recipe": recipe_of(case, inputs),
            "signal": signal.SIGKILL,
            "kills": random_kills(names.count(case), f"{SEED} {case}"),
        }
        for case in CASES
    ]


@pytest.mark.timeout(900)  # a minute on an idle machine; many processes, so four on a busy one
def test_21_random_kills_and_a_stopped_worker_end_in_the_bytes_of_undisturbed_runs(inputs, tmp_path):
    stopped = {"name": "stopped", "kind": "tune", "recipe": recipe_of("lora", inputs), "signal": signal.SIGSTOP}
    *outcomes, hung = carry_out(SCRIPT, {"cases": [*plan(7, inputs), {**stopped, "kills": [[(0.4, 0.0)]]}]}, tmp_path)
    require_all_the_same([*outcomes, hung])
    assert count_kills(outcomes) == 7 * KILLS_PER_RUN
    # Stopped in the middle of training, found out, killed by the supervisor, and continued.
    assert hung["lives"] == [-signal.SIGKILL, 0]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_204_random_kills_end_in_the_bytes_of_undisturbed_runs(inputs, tmp_path):
    outcomes = carry_out(SCRIPT, {"cases": plan(68, inputs)}, tmp_path)
    require_all_the_same(outcomes)
    assert count_kills(outcomes) == 68 * KILLS_PER_RUN


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_60_random_kills_of_runs_that_watch_ability_rehearse_and_divide_steps_among_threads(inputs, tmp_path):
    case = {"name": "watched", "kind": "tune", "recipe": recipe_of("watched", inputs, WATCHED)}
    kills = random_kills(20, f"{SEED} watched")
    outcomes = carry_out(
        SCRIPT, {"cases": [{**case, "signal": signal.SIGKILL, "kills": kills}]}, tmp_path, num_threads=2
    )
    require_all_the_same(outcomes)
    assert count_kills(outcomes) == 20 * KILLS_PER_RUN
    run = Store(tmp_path / "watched-straight").run("last")
    report = run.read_record("report.json", Report)
    assert run.record.environment.num_threads == 2
    assert report.training.num_tokens > 2 * MIN_TOKENS * report.training.num_steps
    assert any(point.retention and point.task for point in report.training.curve)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(NUM_PARTS))
def test_a_kill_at_every_call_that_changes_the_disk_ends_in_the_bytes_of_an_undisturbed_run(inputs, tmp_path, part):
    case = {"name": "lora", "kind": "tune", "recipe": recipe_of("lora", inputs), "signal": signal.SIGKILL}
    outcomes = carry_out(SCRIPT, {"cases": [{**case, "kills": "every", "part": [part, NUM_PARTS]}]}, tmp_path)
    require_all_the_same(outcomes)
    num_events = outcomes[0]["events"]
    assert num_events > 150
    assert [kill for outcome in outcomes for kill, _ in outcome["kills"]] == [
        *range(part + 1, num_events + 1, NUM_PARTS)
    ]
    assert count_kills(outcomes) == len(outcomes)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(NUM_PARTS))
def test_a_kill_at_each_kind_of_call_of_a_study_ends_in_the_findings_of_an_undisturbed_one(tmp_path, part):
    rows, base = write_rows(tmp_path / "rows.jsonl", num_rows=60), write_study_base(tmp_path / "base")
    few = ("few_shot.k=[1]", "train.rows_per_step=20", "evaluate.max_answer_tokens=4")
    recipe = json.loads(study_recipe(rows, base, *few).model_dump_json())
    case = {"name": "study", "kind": "study", "recipe": recipe, "signal": signal.SIGKILL}
    outcomes = carry_out(SCRIPT, {"cases": [{**case, "kills": "each kind", "part": [part, NUM_PARTS]}]}, tmp_path)
    require_all_the_same(outcomes)
    assert count_kills(outcomes) == len(outcomes) > 10
