"""Which training is kept where all of them forgot too much."""

from typing import Any, cast

import pytest
from report_fixture import build_report

from tunewright.actions.fallbacks import _best_at_task, _Training
from tunewright.records import CurvePoint, Estimate, RetentionPart, RetentionResult


def refused(name: str, loss: float, lost: float, value: float | None = None) -> _Training:
    """A training whose best step has this validation loss, loss of ability, and share of 20 right answers."""

    def interval(value: float) -> Estimate:
        return Estimate(value=value, low=value, high=value, num_rows=20)

    summary = build_report().training
    assert summary is not None
    points = [
        CurvePoint(
            step=step,
            epoch=step,
            validation_loss=found,
            task=None if value is None else interval(value if step else 0.0),
            retention=RetentionResult(parts=(RetentionPart(part="overall", drop=interval(drop), limit=0.02),)),
        )
        for step, found, drop in ((0, 5.0, 0.0), (10, loss, lost))
    ]
    summary = summary.model_copy(update={"curve": tuple(points), "best_step": 0, "task_step": 10})
    unused = cast("Any", None)
    return _Training(cast("Any", name), unused, unused, unused, None, summary)


@pytest.mark.parametrize(
    ("first", "second", "max_loss_increase", "kept"),
    [
        # The loss decides, whatever it cost.
        ((1.0, 0.1, None), (0.9, 0.5, None), 0.0, "mlp"),
        ((1.0, 0.5, None), (1.1, 0.1, None), 0.0, "as asked"),
        # Of losses about as good the one that forgot least.
        ((1.0, 0.5, None), (1.1, 0.1, None), 0.2, "mlp"),
        ((1.0, 0.1, None), (0.9, 0.5, None), 0.2, "as asked"),
        # Answers decide where both were asked; one answer of 20 is no difference.
        ((0.5, 0.1, 0.5), (1.0, 0.5, 0.9), 0.0, "mlp"),
        ((1.0, 0.5, 0.9), (1.1, 0.1, 0.85), 0.0, "mlp"),
        ((1.0, 0.1, 0.85), (0.9, 0.5, 0.9), 0.0, "as asked"),
        ((1.0, 0.1, 0.1), (0.9, 0.5, None), 0.0, "mlp"),
        # Alike in both: the lower loss.
        ((1.0, 0.3, 0.9), (0.9, 0.3, 0.9), 0.0, "mlp"),
    ],
)
def test_the_best_at_the_task_is_kept_and_of_those_about_as_good_the_one_that_forgot_least(
    first: tuple[float, float, float | None],
    second: tuple[float, float, float | None],
    max_loss_increase: float,
    kept: str,
) -> None:
    assert _best_at_task([refused("as asked", *first), refused("mlp", *second)], max_loss_increase).name == kept
