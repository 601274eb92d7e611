"""General ability in words, rows and one chart: what was kept, what was lost, what else can be tried."""

from xml.etree import ElementTree

import pytest
from html_reader import read
from report_fixture import RETENTION_METRICS, build_report

from tunewright.evaluate.scorers import SCORERS
from tunewright.records import (
    CurvePoint,
    DataRecipe,
    Estimate,
    Lora,
    RetentionPart,
    RetentionResult,
    StrengthTrial,
    TrainingSummary,
    TrainRecipe,
    TuneRecipe,
    read_recipe,
)
from tunewright.study.page import render_page
from tunewright.study.retained import (
    _verdict,
    advice,
    advice_by_task,
    fallbacks_that_train,
    is_left_behind,
    is_refused,
    keeps_most,
    measured_at,
    retention_rows,
    told,
    told_by_task,
)
from tunewright.study.retention_chart import _task_curve, retention_curves


def measured(items: float, text: float) -> RetentionResult:
    """A run of the suite that lost `items` of the right items and `text` of the loss, with narrow intervals."""

    def part(name: str, drop: float, limit: float) -> RetentionPart:
        interval = Estimate(value=drop, low=drop - 0.005, high=drop + 0.005, num_rows=500)
        return RetentionPart(part=name, estimate=interval, drop=interval, limit=limit)

    return RetentionResult(parts=(part("overall", items, 0.02), part("text", text, 0.03)))


def training(best: int, lowest: int, *results: RetentionResult) -> TrainingSummary:
    """Validations every ten steps, whose loss is the higher the earlier."""
    summary = build_report().training
    assert summary is not None
    curve = tuple(
        CurvePoint(step=10 * index, epoch=index, validation_loss=5.0 - index, retention=result)
        for index, result in enumerate(results)
    )
    update = {
        "best_step": best,
        "best_validation_loss": 5.0 - best / 10,
        "task_step": lowest,
        "curve": curve,
        "retention": None,
    }
    return summary.model_copy(update=update)


UNCHANGED, SLIGHT, SEVERE = measured(0.0, 0.0), measured(0.01, 0.02), measured(0.05, 0.2)


def test_the_kept_checkpoint_is_named_with_what_it_lost() -> None:
    summary = training(10, 10, UNCHANGED, SLIGHT)
    assert not is_refused(summary)
    words = told(summary, summary, SLIGHT, None, RETENTION_METRICS, "refuse")
    assert words == (
        "Step 10 is kept. General ability since the base: All right-or-wrong items -1.0 points [-1.5, -0.5], "
        "General text +2.0 % [+1.5, +2.5]."
    )


def test_a_better_checkpoint_that_lost_too_much_is_named_with_what_broke_the_limit() -> None:
    summary = training(10, 20, UNCHANGED, SLIGHT, measured(0.01, 0.2))
    words = told(summary, summary, SLIGHT, None, RETENTION_METRICS, "refuse")
    assert words.endswith(
        "Step 20 has a lower validation loss and is beyond the limits: General text +20.0 % [+19.5, +20.5]."
    )


def test_another_checkpoint_about_as_good_and_within_the_limits_is_not_told_to_be_beyond_them() -> None:
    # By answers step 10 is one behind step 30, which is one behind step 20, which is beyond the limits.
    summary = answered(training(10, 30, UNCHANGED, SLIGHT, SEVERE, SLIGHT), 0.0, 0.8, 0.9, 0.85)
    words = told(summary, summary, SLIGHT, None, RETENTION_METRICS, "refuse")
    assert words.startswith("Step 10 is kept. General ability since the base: ")
    assert "Step 30" not in words


def test_less_strength_is_told_with_its_loss() -> None:
    summary = training(0, 20, UNCHANGED, SEVERE, SEVERE)
    assert is_refused(summary)
    kept = summary.model_copy(update={"best_step": 20, "best_validation_loss": 3.9})
    words = told(summary, kept, SLIGHT, 0.4, RETENTION_METRICS, "refuse")
    assert words.startswith("No trained checkpoint kept general ability. Step 20, with the lowest validation loss, is ")
    assert "Its adapter is kept at 0.4 of its strength" in words
    assert "validation loss 3.9 (5 with the base)" in words


def test_less_strength_than_that_of_a_step_beyond_the_limits_is_told_beside_the_step_within_them() -> None:
    summary = training(10, 30, UNCHANGED, SLIGHT, SEVERE, SEVERE)
    assert is_left_behind(summary)
    kept = summary.model_copy(update={"best_step": 30, "best_validation_loss": 2.5})
    words = told(summary, kept, SLIGHT, 0.6, RETENTION_METRICS, "refuse")
    assert words.startswith(
        "Of checkpoints that kept general ability step 10 is best, and much worse at the task than others. Step 30, "
        "with the lowest validation loss, is beyond the limits: "
    )
    assert "Its adapter is kept at 0.6 of its strength" in words
    assert "validation loss 2.5 (4 with step 10)" in words
    none = told(summary, summary, SLIGHT, 0.0, RETENTION_METRICS, "refuse")
    assert none.startswith("Step 10 is kept. ")
    assert none.endswith(" No lower strength of the adapter is both within the limits and better.")


def test_a_step_is_left_behind_only_by_one_beyond_the_limits_that_gained_much_more() -> None:
    assert not is_left_behind(training(20, 20, UNCHANGED, SLIGHT, SLIGHT))
    assert not is_left_behind(training(10, 20, UNCHANGED, SLIGHT, SLIGHT))
    assert is_left_behind(training(10, 20, UNCHANGED, SLIGHT, SEVERE))
    assert is_left_behind(training(0, 20, UNCHANGED, SEVERE, SEVERE))
    # By answers 95 of 100 that were gained are kept, and 85.
    nearly = answered(training(10, 20, UNCHANGED, SLIGHT, SEVERE), 0.0, 0.95, 1.0)
    assert not is_left_behind(nearly)
    assert is_left_behind(answered(training(10, 20, UNCHANGED, SLIGHT, SEVERE), 0.0, 0.85, 1.0))


@pytest.mark.parametrize(
    ("strength", "tried"),
    [(None, ""), (0.0, " No lower strength of the adapter is both within the limits and better.")],
)
def test_when_nothing_will_do_it_is_told_that_the_base_is_kept_if_it_is(strength: float | None, tried: str) -> None:
    summary = training(0, 20, UNCHANGED, SEVERE, SEVERE)
    refused = told(summary, summary, UNCHANGED, strength, RETENTION_METRICS, "refuse")
    assert refused.endswith(f"[+19.5, +20.5].{tried} Of this training the weights of the base are kept.")
    later = told(summary, summary, UNCHANGED, strength, RETENTION_METRICS, "tell")
    assert later.endswith(f"[+19.5, +20.5].{tried}")


def test_what_is_kept_for_the_task_is_told_with_what_it_cost() -> None:
    summary = training(0, 20, UNCHANGED, SEVERE, SEVERE)
    kept = summary.model_copy(update={"best_step": 20, "best_validation_loss": 3.004})
    words = told_by_task(summary, kept, SEVERE, 0.7, RETENTION_METRICS)
    assert words.startswith(
        "Step 20 is kept at 0.7 of its strength, which forgets less: validation loss 3.004 (3 at full strength). "
        "General ability since the base: All right-or-wrong items -5.0 points [-5.5, -4.5]"
    )
    assert "This is BEYOND THE LIMITS: All right-or-wrong items -5.0 points" in words
    as_trained = told_by_task(summary, kept, SLIGHT, 1.0, RETENTION_METRICS)
    assert as_trained.startswith("Step 20 is kept: validation loss 3.004. General")
    assert "LIMITS" not in as_trained


def test_advice_names_settings_with_values() -> None:
    recipe = TuneRecipe(data=DataRecipe(path="rows.jsonl"), train=TrainRecipe(learning_rate=0.004), method=Lora())
    gentler, accept, tell = advice(recipe, SEVERE, RETENTION_METRICS, keeps_base=True)
    assert gentler.endswith("--set train.learning_rate=0.001")
    assert accept.endswith("--set retention.max_drop=0.05 --set retention.max_loss_increase=0.20")
    assert tell.endswith("--set retention.beyond=tell")
    near, more, refuse, gentler = advice_by_task(recipe)
    assert more.endswith("--set retention.rehearsal_fraction=0.3")
    assert near.endswith("--set retention.max_task_loss_increase=0.005")
    assert refuse.endswith("--set retention.beyond=refuse")
    assert gentler.endswith("--set train.learning_rate=0.001")


def advised(*overrides: str) -> TuneRecipe:
    return read_recipe({"data": {"path": "rows.jsonl"}}, None, ("train.learning_rate=0.004", *overrides))


@pytest.mark.parametrize(
    ("result", "accepted"),
    [
        (measured(0.325, 0.955), "retention.max_drop=0.32 --set retention.max_loss_increase=0.95"),
        (measured(0.33, 12.0), "retention.max_drop=0.33 --set retention.max_loss_increase=12.00"),
        # Of a limit that is held nothing is said.
        (measured(0.01, 0.4), "retention.max_loss_increase=0.40"),
        (measured(1.005, 0.0), "retention.max_drop=1.00"),
    ],
)
def test_advice_to_accept_what_is_lost_accepts_it(result: RetentionResult, accepted: str) -> None:
    line = advice(advised(), result, RETENTION_METRICS, keeps_base=True)[1]
    assert line == f"To accept that as much is lost: --set {accepted}"
    limits = advised(*line.partition("--set ")[2].split(" --set ")).retention
    limit_of = {"overall": limits.max_drop, "text": limits.max_loss_increase}
    parts = [part.model_copy(update={"limit": limit_of[part.part]}) for part in result.parts]
    assert RetentionResult(parts=tuple(parts)).is_within


def test_the_part_that_lost_most_decides_the_limit_that_is_advised() -> None:
    grammar = measured(0.4, 0.0).of("overall").model_copy(update={"part": "grammar"})
    worst = RetentionResult(parts=(*measured(0.1, 0.0).parts, grammar))
    assert advice(advised(), worst, RETENTION_METRICS, keeps_base=True)[1].endswith(": --set retention.max_drop=0.40")


def test_where_no_limit_is_certainly_broken_none_is_advised() -> None:
    assert len(advice(advised(), SLIGHT, RETENTION_METRICS, keeps_base=False)) == 1


def test_where_a_lower_strength_is_kept_nobody_is_told_what_to_do_where_nothing_is() -> None:
    lines = advice(advised(), SEVERE, RETENTION_METRICS, keeps_base=False)
    assert not any("retention.beyond" in line for line in lines)


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        ((), ["max_task_loss_increase=0.005", "rehearsal_fraction=0.3"]),
        # Only an adapter has a strength, and only where strengths are tried.
        (("method.kind=full",), ["rehearsal_fraction=0.3"]),
        (("retention.fallbacks=[rehearsal]",), ["rehearsal_fraction=0.3"]),
        # Nobody has rehearsed: full tuning leaves no layers out.
        (("retention.fallbacks=[]",), ["rehearsal=from_start"]),
        (("method.kind=full", "retention.fallbacks=[mlp]"), ["rehearsal=from_start"]),
        (("retention.fallbacks=[mlp]",), ["rehearsal_fraction=0.3"]),
        (("retention.fallbacks=[]", "retention.rehearsal=from_start"), ["rehearsal_fraction=0.3"]),
        (("method.kind=full", "retention.rehearsal_fraction=0.6"), ["rehearsal_fraction=0.9"]),
        (("method.kind=full", "retention.rehearsal_fraction=0.95"), []),
    ],
)
def test_advice_about_what_is_kept_for_the_task_has_an_effect(overrides: tuple[str, ...], settings: list[str]) -> None:
    given = [line.rpartition("--set ")[2] for line in advice_by_task(advised(*overrides))]
    expected = [f"retention.{setting}" for setting in settings]
    assert given == [*expected, "retention.beyond=refuse", "train.learning_rate=0.001"]


def test_advice_to_keep_the_base_takes_back_what_only_another_choice_reads() -> None:
    recipe = advised("retention.max_task_loss_increase=0.01")
    assert advice_by_task(recipe)[0].endswith("--set retention.max_task_loss_increase=0.02")
    (line,) = (line for line in advice_by_task(recipe) if line.startswith("To keep the base"))
    given = line.partition("--set ")[2].split(" --set ")
    assert given == ["retention.beyond=refuse", "retention.max_task_loss_increase=0"]
    assert advised("retention.max_task_loss_increase=0.01", *given).retention.beyond == "refuse"


@pytest.mark.parametrize(
    ("overrides", "trained", "without_general_rows"),
    [
        ((), ["rehearsal", "mlp"], ["mlp"]),
        (("retention.rehearsal=from_start",), ["mlp"], ["mlp"]),
        # What rehearses in the feed-forward blocks alone already is not trained again.
        (("method.layers=mlp",), ["rehearsal"], []),
        (("method.layers=mlp", "retention.fallbacks=[mlp, rehearsal]"), ["mlp"], []),
        (("method.layers=mlp", "retention.rehearsal=from_start"), [], []),
        # Only LoRA can leave out layers.
        (("method.kind=full",), ["rehearsal"], []),
        (("method.kind=full", "retention.rehearsal=from_start"), [], []),
        (("retention.fallbacks=[mlp, strength, rehearsal]",), ["mlp", "rehearsal"], ["mlp"]),
        (("retention.enabled=false",), [], []),
    ],
)
def test_no_training_is_repeated_as_it_was(
    overrides: tuple[str, ...], trained: list[str], without_general_rows: list[str]
) -> None:
    assert list(fallbacks_that_train(advised(*overrides))) == trained
    assert list(fallbacks_that_train(advised(*overrides), can_rehearse=False)) == without_general_rows


def test_results_are_found_by_step_and_none_asks_for_the_last() -> None:
    summary = training(0, 20, UNCHANGED, SLIGHT, SEVERE)
    assert measured_at(summary, 10) == SLIGHT
    assert measured_at(summary, None) == SEVERE


def test_rows_give_every_part_with_change_and_limit() -> None:
    rows = retention_rows(build_report().training)
    assert [row.metric.name for row in rows] == ["overall", "text", "grammar", "bias"]
    assert [row.limit for row in rows] == ["-2 points", "+3 %", "-2 points", "none"]
    assert [row.verdict for row in rows] == ["within", "within", "within", ""]
    kept = SLIGHT.of("overall").model_copy(update={"limit": 0.012})
    assert _verdict(kept) == "may be beyond: too few items to tell"
    assert _verdict(SEVERE.of("overall")) == "beyond"
    assert rows[0].change == "-0.8 points [-1.6, +0.0]"
    assert rows[3].change.startswith("+0.8 points [")
    assert retention_rows(None) == []


def test_the_chart_shows_task_and_ability_with_the_limit_and_what_was_kept() -> None:
    summary = build_report().training
    assert summary is not None
    (chart,) = retention_curves(summary, name="run1")
    texts = {element.text for element in ElementTree.fromstring(chart.svg).iter("{http://www.w3.org/2000/svg}text")}
    assert {"task", "right-or-wrong items", "general text", "lost, in % of the limit"} <= texts
    assert "step 160" in chart.caption
    assert 'id="chart-run1retention-' in chart.svg
    assert retention_curves(summary.model_copy(update={"retention": None})) == ()


def answered(summary: TrainingSummary, *values: float) -> TrainingSummary:
    """The same training with the leading metric of 20 answers at each validation."""
    given = iter(values)
    curve = tuple(
        point.model_copy(update={"task": Estimate(value=value, low=value - 0.1, high=value + 0.1, num_rows=20)})
        if point.validation_loss is not None and (value := next(given, None)) is not None
        else point
        for point in summary.curve
    )
    return summary.model_copy(update={"curve": curve, "task_metric": SCORERS["json_fields"].metric})


def test_where_answers_decide_the_chart_draws_their_metric_and_marks_the_kept_checkpoint() -> None:
    summary = build_report().training
    assert summary is not None
    (chart,) = retention_curves(answered(summary, *(step / 20 for step in range(11))))
    texts = {element.text for element in ElementTree.fromstring(chart.svg).iter("{http://www.w3.org/2000/svg}text")}
    assert "JSON fields right (%) of the task" in texts
    assert "JSON fields right (%), of answers to 20 of the task's validation inputs." in chart.caption
    # The scale is that of the metric and not that of the loss, which starts at 3.4.
    assert {"0", "50"} <= texts


@pytest.mark.parametrize("value", [0.3, None])
def test_at_less_strength_the_star_stands_at_the_metric_of_that_strength_or_is_left_out(value: float | None) -> None:
    summary = build_report().training
    assert summary is not None
    assert summary.retention is not None
    task = None if value is None else Estimate(value=value, low=0.2, high=0.4, num_rows=20)
    weaker = summary.retention.model_copy(update={"strength": 0.3, "task": task})
    training = answered(summary.model_copy(update={"retention": weaker}), *(step / 20 for step in range(11)))
    assert _task_curve(training, weaker).kept == (None if value is None else 30.0)
    (chart,) = retention_curves(training)
    mark = "Dotted" if value is None else "Star"
    assert chart.caption.endswith(f"{mark}: what was kept, step 160 at 0.3 of its strength.")


def test_less_strength_is_told_with_its_metric() -> None:
    summary = answered(training(0, 20, UNCHANGED, SEVERE, SEVERE), 0.0, 0.5, 0.9)
    kept = summary.model_copy(update={"best_step": 20, "best_validation_loss": 3.9})
    task = Estimate(value=0.3, low=0.2, high=0.4, num_rows=20)
    words = told(summary, kept, SLIGHT, 0.4, RETENTION_METRICS, "refuse", task)
    assert (
        "without training again: JSON fields right 30 % [20, 40] of 20 validation answers, validation loss 3.9" in words
    )


def test_where_answers_decide_they_are_told_with_the_loss() -> None:
    summary = answered(training(10, 10, UNCHANGED, SLIGHT), 0.0, 0.9)
    words = told_by_task(summary, summary, SLIGHT, 1.0, RETENTION_METRICS)
    assert words.startswith(
        "Step 10 is kept: JSON fields right 90 % [80, 100] of 20 validation answers, validation loss 4"
    )
    better = told(
        answered(training(10, 20, UNCHANGED, SLIGHT, SEVERE), 0.0, 0.5, 0.9),
        summary,
        SLIGHT,
        None,
        RETENTION_METRICS,
        "tell",
    )
    assert "Step 20 is better at the task and is beyond the limits" in better
    refused = answered(training(0, 20, UNCHANGED, SEVERE, SEVERE), 0.0, 0.5, 0.9)
    assert "Step 20, the best at the task, is beyond" in told(
        refused, refused, UNCHANGED, None, RETENTION_METRICS, "refuse"
    )


@pytest.mark.parametrize(("value", "keeps"), [(0.9, True), (0.83, True), (0.81, False)])
def test_nine_tenths_of_what_was_gained_at_the_task_are_most_of_it(value: float, keeps: bool) -> None:
    # From 0.1 to 0.9: nine tenths of the gain are at 0.82. Losses fall from 5 to 3.
    summary = answered(training(10, 20, UNCHANGED, SLIGHT, SEVERE), 0.1, 0.5, 0.9)
    task = Estimate(value=value, low=value, high=value, num_rows=20)
    assert keeps_most(summary, 9.9, task) == keeps
    assert keeps_most(summary, 3.19, None)
    assert not keeps_most(summary, 3.21, None)


def test_the_page_has_the_section_and_shows_the_strengths_that_were_tried() -> None:
    report = build_report()
    assert report.training is not None
    assert report.training.retention is not None
    trials = (
        StrengthTrial(strength=0.9, validation_loss=0.31, retention=SEVERE),
        StrengthTrial(strength=0.5, validation_loss=0.42, retention=SLIGHT),
        StrengthTrial(strength=0.1, validation_loss=2.9, retention=None),
    )
    update = {"trials": trials, "strength": 0.5, "trial_seconds": 4.2, "advice": ("Try <this>.",)}
    retention = report.training.retention.model_copy(update=update)
    report = report.model_copy(update={"training": report.training.model_copy(update={"retention": retention})})
    text = " ".join(read(render_page(report)).text.split())
    assert "General ability" in text
    assert "Try <this>." in text
    assert "0.5 (kept) 0.42 within the limits" in text
    assert "0.9 0.31 beyond the limits" in text
    assert "0.1 2.9 not measured" in text
    assert "812 items, 53,210 tokens, 2.6 s for one run" in text
