"""The verdict in words: one to three sentences that say no more than the intervals do."""

from collections.abc import Mapping, Sequence

from tunewright.evaluate.task import LOSS_METRICS
from tunewright.records import ArmMetric, Difference, Estimate, Metric, Verdict, format_estimate, format_p_value


def summarise(
    metrics: Sequence[Metric], results: Sequence[ArmMetric], differences: Sequence[Difference], headline: str
) -> str:
    """Say what the headline metric shows, which way the others moved, and how many rows are unscored.

    With several arms the text compares the last one with the first.

    Args:
        results: every metric of every arm, the arms in their order.
        differences: the later arms against the first; empty with one arm.
        headline: name of the metric that leads.
    """
    metric_of = {metric.name: metric for metric in metrics}
    changes = {change.metric: change for change in differences if change.arm == results[-1].arm}
    if changes:
        sentences = (
            _headline_change(metric_of[headline], changes[headline], results),
            _other_changes(metric_of, changes, headline, results),
        )
    else:
        sentences = (_headline_value(metric_of[headline], results), _other_values(metric_of, headline, results))
    return " ".join(sentence for sentence in (*sentences, _unscored(metric_of, results)) if sentence)


def _headline_value(metric: Metric, results: Sequence[ArmMetric]) -> str:
    result = next(result for result in results if result.metric == metric.name)
    if result.estimate is None:
        return f"{metric.title} of {result.arm} could not be measured: {result.reason}."
    figure, num_rows = _figure(metric, result.estimate), result.estimate.num_rows
    return f"{metric.title} of {result.arm} is {figure} on {num_rows} test inputs (95 % intervals in brackets)."


def _other_values(metric_of: Mapping[str, Metric], headline: str, results: Sequence[ArmMetric]) -> str:
    figures = [
        f"{metric_of[result.metric].title} {_figure(metric_of[result.metric], result.estimate)}"
        for result in results
        if result.metric != headline and result.estimate is not None
    ]
    return f"Also measured: {', '.join(figures)}." if figures else ""


def _headline_change(metric: Metric, change: Difference, results: Sequence[ArmMetric]) -> str:
    of_arm = {result.arm: result for result in results if result.metric == metric.name}
    before, after = of_arm[change.baseline], of_arm[change.arm]
    if before.estimate is None or after.estimate is None:
        missing = before if before.estimate is None else after
        return f"{metric.title} of {missing.arm} could not be measured: {missing.reason}."
    if change.estimate is None or change.p_value is None:
        return f"{metric.title} cannot be compared: hardly any input was scored under both arms."
    opening = {
        Verdict.BETTER: f"{metric.title} is better",
        Verdict.WORSE: f"{metric.title} is worse",
        Verdict.TOO_FEW_ROWS: f"Too few rows to tell whether {metric.title} changed",
    }[change.verdict]
    return (
        f"{opening}: {_figure(metric, before.estimate)} with {change.baseline}, "
        f"{_figure(metric, after.estimate)} with {change.arm}; the difference is "
        f"{_change_figure(metric, change.estimate)} on {change.estimate.num_rows} test inputs, "
        f"{_p_value(change.p_value)} (95 % intervals in brackets)."
    )


def _other_changes(
    metric_of: Mapping[str, Metric], changes: Mapping[str, Difference], headline: str, results: Sequence[ArmMetric]
) -> str:
    others = [change for name, change in changes.items() if name != headline]
    loss = changes.get("loss")
    clauses: list[str] = []
    if loss in others and loss.verdict is Verdict.BETTER and changes[headline].verdict is not Verdict.BETTER:
        others = [change for change in others if change.metric not in LOSS_METRICS]
        is_closer = any(change.verdict is Verdict.BETTER for change in others)
        meaning = "" if is_closer else _only_likelier(changes[headline])
        figures = _loss_figures(metric_of["loss"], loss, results)
        clauses.append(f"{figures}, but {metric_of[headline].title} does not show it{meaning}")
    for verdict in Verdict:
        titles = [metric_of[change.metric].title for change in others if change.verdict is verdict]
        if titles:
            clauses.append(f"{verdict}: {', '.join(titles)}")
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _loss_figures(loss: Metric, change: Difference, results: Sequence[ArmMetric]) -> str:
    figures = {
        result.arm: _figure(loss, result.estimate)
        for result in results
        if result.metric == loss.name and result.estimate is not None
    }
    return f"{loss.title} is better ({figures[change.baseline]} to {figures[change.arm]})"


def _only_likelier(headline: Difference) -> str:
    distance = "measurably farther from" if headline.verdict is Verdict.WORSE else "not measurably closer to"
    return f": {headline.arm} finds the reference answers likelier, yet what it writes is {distance} them"


def _unscored(metric_of: Mapping[str, Metric], results: Sequence[ArmMetric]) -> str:
    """Rows left out, by arm and number. A metric without any estimate has told its reason elsewhere."""
    titles_of: dict[tuple[str, int], list[str]] = {}
    for result in results:
        if result.estimate is not None and result.estimate.num_unscored:
            key = (result.arm, result.estimate.num_unscored)
            titles_of.setdefault(key, []).append(metric_of[result.metric].title)
    clauses = [f"{number} of {arm} ({', '.join(titles)})" for (arm, number), titles in titles_of.items()]
    return f"Unscored rows, left out and not counted as wrong: {'; '.join(clauses)}." if clauses else ""


def _figure(metric: Metric, found: Estimate) -> str:
    return " ".join(format_estimate(found, metric))


def _change_figure(metric: Metric, found: Estimate) -> str:
    return " ".join(format_estimate(found, metric, is_difference=True))


def _p_value(p_value: float) -> str:
    written = format_p_value(p_value)
    return f"p {written}" if written.startswith("<") else f"p = {written}"
