"""How measured numbers are written, wherever they are shown: terminal, page, verdict, docs."""

import math
from collections.abc import Sequence
from decimal import Decimal

from tunewright.records.decision import BreakEven
from tunewright.records.report import BakeSummary, MemorisationSummary
from tunewright.records.result import ArmMetric, Estimate, Metric, Verdict
from tunewright.records.retention import RetentionPart
from tunewright.records.study_report import JudgeComparison, StudyReport

FEW_GROUPS = 10
"""Below this, intervals of differences are too narrow: benchmarks/group_statistics.py has them hold the truth in 95 %
with ten groups, in 93 % with five and 92 % with three, of equal size each."""

_SHARE = Metric(name="share", title="Share", explanation="", higher_is_better=True, is_share=True)


def format_estimate(estimate: Estimate, metric: Metric, *, is_difference: bool = False) -> tuple[str, str]:
    """Give `61 %` and `[52, 70]`, with two digits of the interval's width; differences carry their sign."""
    scale = 100.0 if metric.is_share else 1.0
    digits = _num_decimals(scale * (estimate.high - estimate.low), most=1 if metric.is_share else 4)
    sign = "+" if is_difference else "-"
    value, low, high = (
        f"{scale * number:{sign}z,.{digits}f}" for number in (estimate.value, estimate.low, estimate.high)
    )
    unit = "" if not metric.is_share else " points" if is_difference else " %"
    return value + unit, f"[{low}, {high}]"


def format_groups(results: Sequence[ArmMetric]) -> str | None:
    """That intervals are by group, by how many, and whether these are too few; None where rows are independent."""
    counts = [found.estimate.num_groups for found in results if found.estimate and found.estimate.num_groups]
    if not counts:
        return None
    num = max(counts)
    if num == 1:
        return "All test inputs are of one group: the intervals say nothing about other groups."
    few = f" Fewer than {FEW_GROUPS} groups make the intervals too narrow." if num < FEW_GROUPS else ""
    return f"Intervals are by group: the test inputs are of {num:,} groups, which are resampled whole.{few}"


def format_drop(part: RetentionPart, metric: Metric) -> str:
    """Give what changed since the base: `-1.2 points [-3.0, +0.4]`, or `+4.1 % [+2.0, +6.3]` where it is a loss."""
    drop = part.drop
    if drop is None:
        return "not measured"
    if metric.higher_is_better:
        drop = drop.model_copy(update={"value": -drop.value, "low": -drop.high, "high": -drop.low})
    value, interval = format_estimate(drop, metric.model_copy(update={"is_share": True}), is_difference=True)
    return f"{value if metric.is_share else value.replace('points', '%')} {interval}"


def format_p_value(p_value: float) -> str:
    """Give `0.031`, or `< 0.001`: below that the digits mean nothing."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.2g}"


def format_amount(amount: float | None, currency: str) -> str:
    """Give `0.042 USD`, with two digits that mean something; `unknown` where no price was stated."""
    if amount is None:
        return "unknown"
    digits = (
        f"{amount:,.0f}"
        if amount >= 100
        else f"{amount:.2f}"
        if amount >= 1 or amount == 0
        else format_plain(amount, 2)
    )
    return f"{digits} {currency}"


def format_rate(rate: float) -> str:
    """Give `1,000`, and `0.3` or `2.5` below ten: how often something happens is seldom a whole number there."""
    return f"{rate:,.0f}" if rate >= 10 else format_plain(rate, 2)


def format_plain(value: float, digits: int) -> str:
    """Give so many digits that mean something, without an exponent: `0.000083`, `12,000`."""
    return format(Decimal(f"{value:.{digits}g}"), ",f")


def format_memorisation(found: MemorisationSummary) -> tuple[str, ...]:
    """What can be got out of the tuned model, one sentence for each thing that was measured."""
    lines = []
    if found.tuned_rate is not None:
        rate, base, unseen = (
            " ".join(format_estimate(value, _SHARE)) if value else "not measured"
            for value in (found.tuned_rate, found.base_rate, found.unseen_rate)
        )
        lines.append(
            f"Given the first half of a training answer, the tuned model writes the second one word for word in {rate} "
            f"of {found.tuned_rate.num_rows:,} rows (base {base}; tuned on test rows, which it never saw, {unseen})."
        )
    if found.tuned_exposures:
        tuned, base_bits = (sum(bits) / len(bits) for bits in (found.tuned_exposures, found.base_exposures))
        times = "once" if found.canary_repeats == 1 else f"{found.canary_repeats} times"
        lines.append(
            f"Exposure of {len(found.tuned_exposures)} canaries planted {times}: {tuned:.1f} of at most "
            f"{found.max_exposure:.0f} bits with the tuned model, {base_bits:.1f} with the base (chance gives 1.4)."
        )
    return tuple(lines)


def format_judge(found: JudgeComparison) -> str:
    """Which arm the judge prefers, with its figures, in one sentence."""
    if not found.num_scored:
        return f"The judge {found.judge} has compared no answers of {found.arm} and {found.baseline}."
    verdict = {
        Verdict.BETTER: f"prefers {found.arm} to {found.baseline}",
        Verdict.WORSE: f"prefers {found.baseline} to {found.arm}",
        Verdict.TOO_FEW_ROWS: f"shows no clear preference between {found.arm} and {found.baseline}",
    }[found.verdict]
    equal = f" ({found.num_equal:,} of equal answers)" if found.num_equal else ""
    figures = f"{found.num_wins:,} wins, {found.num_ties:,} ties{equal}, {found.num_losses:,} losses of {found.arm}"
    rate = f", win rate {' '.join(format_estimate(found.win_rate, _SHARE))}" if found.win_rate else ""
    test = "bootstrap of groups" if found.win_rate and found.win_rate.is_by_group else "sign test"
    p_value = f", {test} p {format_p_value(found.p_value)}" if found.p_value is not None else ""
    unscored = f"; {found.num_unscored:,} pairs unscored" if found.num_unscored else ""
    return f"The judge {found.judge} {verdict}: {figures}{rate}{p_value}{unscored}."


def format_judge_agreement(found: JudgeComparison) -> str | None:
    """How far the judge can be relied on; None where it was not asked, or gave no readable reply."""
    if found.agreement is None:
        return None
    share, num_named = " ".join(format_estimate(found.agreement, _SHARE)), found.num_first + found.num_second
    agreed = f"With the two answers swapped it says the same in {share} of {found.agreement.num_rows:,} pairs asked."
    if not num_named:
        return agreed
    return f"{agreed} Of {num_named:,} replies that prefer one answer, {found.num_first:,} prefer the one shown first."


def format_savings(bake: BakeSummary) -> str:
    """What a thousand requests save without the prompt, in one sentence."""
    money = format_amount(abs(bake.money_saved), bake.currency)
    return (
        f"A thousand requests save {bake.tokens_saved:,.0f} prompt tokens, {bake.milliseconds_saved:,.0f} ms of "
        f"machine time and {'-' if bake.money_saved < 0 else ''}{money}."
    )


def format_break_even(found: BreakEven) -> str:
    """After how many requests training is earned back, in one sentence."""
    pair = f"{found.tuned} costs less than {found.prompted}"
    if found.outcome == "unknown":
        return f"Whether {pair} is unknown{f': {found.reason}' if found.reason else ''}."
    if found.outcome == "never":
        costs = f"A request to {found.tuned} costs no less than one to {found.prompted}"
        return f"{costs}: its set-up is never earned back."
    if found.outcome == "the same":
        return f"{found.tuned} and {found.prompted} cost the same, set-up and requests."
    if found.outcome == "from the first":
        return f"{pair} from the first request on."
    after = f"{found.num_requests:,} requests ({found.days:,.1f} days)"
    if found.outcome == "up to some requests":
        return f"{pair}, set-up included, up to about {after}, and more after that."
    return f"{pair}, set-up included, after {after}."


def format_untold_break_even(report: StudyReport) -> str | None:
    """The break-even of a study, unless its decision has told it already."""
    if report.break_even is None:
        return None
    told = format_break_even(report.break_even)
    decision = report.decision
    is_told = any(told in sentence for sentence in (*decision.reasons, *decision.what_would_change_it))
    return None if is_told else told


def format_duration(seconds: float) -> str:
    """Give `21 s`, `2 min 24 s` or `1 h 04 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _num_decimals(width: float, most: int) -> int:
    if width <= 0:
        return 0 if most == 1 else 3
    return max(0, min(most, 1 - math.floor(math.log10(width))))
