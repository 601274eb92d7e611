"""The metric table fits its terminal, numbers read like the HTML page's, and what data holds stays text."""

import io
import re

import pytest
from report_fixture import HOSTILE, build_evaluation, build_report, by_group
from rich.console import Console, RenderableType

from tunewright.cli.tables import MetricTable, answer_table, footnotes, pick_answers
from tunewright.records import Answer, Report

TITLES = ["Field accuracy", "Valid JSON", "Token F1", "chrF", "Loss", "Macro-F1 of “priority”"]


def render(result: RenderableType, width: int = 80, *, colours: bool = False) -> str:
    stream = io.StringIO()
    system = "truecolor" if colours else None
    console = Console(
        file=stream,
        width=width,
        color_system=system,
        force_terminal=colours,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(result)
    return stream.getvalue()


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 130, 200])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(width: int) -> None:
    text = render(MetricTable(build_report()), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    words = " ".join(text.split())
    for number in ("2.1 %", "[0.6, 7.4]", "83 %", "[75, 89]", "+81 points", "[+73, +89]", "-3.19", "3.41"):
        assert number in words, number


def test_a_wide_terminal_has_one_line_for_each_metric() -> None:
    lines = render(MetricTable(build_report()), 130).splitlines()
    assert len(lines) == 1 + len(TITLES)
    row = re.split(r" {2,}", next(line for line in lines if line.startswith("Field accuracy")).strip())
    assert row == ["Field accuracy", "94 / 96", "2.1 % [0.6, 7.4]", "83 % [75, 89]", "+81 points [+73, +89]", "better"]


def test_eighty_columns_put_the_interval_under_the_value() -> None:
    lines = render(MetricTable(build_report()), 80).splitlines()
    row = next(index for index, line in enumerate(lines) if line.startswith("Field"))
    assert re.search(r"2\.1 % +83 % +\+81 points +better", lines[row])
    assert re.search(r"\[0\.6, 7\.4\] +\[75, 89\] +\[\+73, \+89\]", lines[row + 1])


def test_a_narrow_terminal_stacks_the_metrics() -> None:
    text = render(MetricTable(build_report()), 40)
    assert "Field accuracy, n = 94 / 96\n  base: 2.1 % [0.6, 7.4]\n  tuned: 83 % [75, 89]\n" in text


def test_a_metric_without_a_value_says_none_and_too_few_rows() -> None:
    line = render(MetricTable(build_report()), 130).splitlines()[-1]
    assert re.split(r" {2,}", line.strip())[2:] == ["none", "71 % [41, 90]", "none", "too few rows to tell"]


def test_one_arm_has_neither_difference_nor_verdict() -> None:
    heading = render(MetricTable(build_evaluation())).splitlines()[0]
    assert heading.split() == ["metric", "n", "base"]


def test_footnotes_name_unscored_rows_and_missing_values() -> None:
    assert footnotes(build_report()) == [
        "Macro-F1 of “priority” of base has no value: no answer of this arm is one of the labels.",
        "Unscored rows of base: 2 in Field accuracy, Valid JSON, Token F1.",
    ]


def test_the_first_footnote_says_that_intervals_are_by_group() -> None:
    assert footnotes(by_group(build_report(), 14))[0] == (
        "Intervals are by group: the test inputs are of 14 groups, which are resampled whole."
    )
    assert footnotes(by_group(build_report(), 9))[0].endswith(
        "of 9 groups, which are resampled whole. Fewer than 10 groups make the intervals too narrow."
    )
    assert footnotes(by_group(build_report(), 1))[0] == (
        "All test inputs are of one group: the intervals say nothing about other groups."
    )


def test_three_answers_are_shown_most_improved_best_and_worst() -> None:
    shown = pick_answers(build_report())
    assert [answer.reason for answer in shown] == ["Improved most over base", "Best of tuned", "Worst of tuned"]
    improved, best, worst = (answer.row for answer in shown)
    assert (improved.values["base"], improved.values["tuned"]) == (0.0, 1.0)
    assert best.values["tuned"] == 1.0
    assert worst.values["tuned"] == 0.0


def test_of_a_metric_that_should_be_low_the_best_row_is_the_lowest() -> None:
    report = build_report().model_copy(update={"headline_metric": "loss"})
    found = {answer.reason: answer.row.values["tuned"] for answer in pick_answers(report)}
    assert found == {"Best of tuned": 0.0, "Worst of tuned": 1.0}


def test_one_arm_shows_its_best_and_worst_row() -> None:
    assert [answer.reason for answer in pick_answers(build_evaluation())] == ["Best of base", "Worst of base"]


def test_a_report_without_scored_rows_shows_no_answers() -> None:
    rows = tuple(row.model_copy(update={"values": {"base": None, "tuned": None}}) for row in build_report().answers)
    assert pick_answers(build_report().model_copy(update={"answers": rows})) == []


def test_a_single_row_that_did_not_improve_is_shown_as_the_worst() -> None:
    row = build_report().answers[4].model_copy(update={"values": {"base": 0.0, "tuned": 0.0}})
    assert [answer.reason for answer in pick_answers(build_report().model_copy(update={"answers": (row,)}))] == [
        "Worst of tuned"
    ]


def with_answer(text: str) -> Report:
    row = build_report().answers[0]
    answers = {"base": Answer(text=text, finish="stop"), "tuned": row.answers["tuned"]}
    return build_report().model_copy(update={"answers": (row.model_copy(update={"answers": answers, "prompt": text}),)})


def shown_text(report: Report, width: int = 80, *, colours: bool = False) -> str:
    return "".join(render(answer_table(shown, report.arms), width, colours=colours) for shown in pick_answers(report))


def test_markup_in_an_answer_is_shown_literally() -> None:
    text = shown_text(with_answer("[red]stop[/red] [/nonsense] :smile: [link=http://x]y"), colours=True)
    assert "[red]stop[/red] [/nonsense] :smile: [link=http://x]y" in text
    assert HOSTILE[:30] in shown_text(with_answer(HOSTILE))


def test_control_characters_in_an_answer_do_not_reach_the_terminal() -> None:
    text = shown_text(with_answer("a\x1b[2Jb\x07c\x9bd\re"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert "a␛[2Jb␇c�d␍e" in text


def test_a_long_answer_is_shortened_to_three_hundred_characters() -> None:
    text = shown_text(with_answer("x" * 301), width=400)
    assert "x" * 297 + "..." in text
    assert "x" * 298 not in text
    assert "x" * 300 in shown_text(with_answer("x" * 300), width=400)


def test_failed_cut_and_empty_answers_say_so() -> None:
    report = build_report()
    failed = next(row for row in report.answers if row.answers["base"].finish == "failed")
    failed = failed.model_copy(update={"prompt": "", "values": {"base": 0.0, "tuned": 0.0}})
    text = shown_text(report.model_copy(update={"answers": (failed,)}), width=200)
    assert "(no answer: the prompt leaves no room for an answer (1,031 tokens))" in text
    assert "prompt    (empty)" in text
    everything = shown_text(report, width=400)
    assert "(cut: no room for more tokens)" in everything
    assert "(and 1 more)" in everything
