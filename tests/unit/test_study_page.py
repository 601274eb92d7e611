"""The page shows the whole report, nothing that a report holds becomes markup, and numbers read the same everywhere."""

import re
import sys
from collections.abc import Sequence
from itertools import pairwise

import pytest
from html_reader import read
from report_fixture import HOSTILE, build_evaluation, build_report, by_group

from tunewright.records import (
    Answer,
    AnswerRow,
    Change,
    CurvePoint,
    Estimate,
    Metric,
    Report,
    RetentionPart,
    RetentionResult,
    SliceResult,
    format_p_value,
    settled,
)
from tunewright.study import page
from tunewright.study.page import format_exact_duration, format_memory, render_page


@pytest.fixture(scope="module")
def html() -> str:
    return render_page(build_report())


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes half a second; tests that only read text do without."""
    monkeypatch.setattr(page, "_draw_charts", lambda report: page._Charts())


def test_equal_reports_give_equal_pages(html: str) -> None:
    assert render_page(build_report()) == html


def test_the_page_asks_for_nothing_from_outside_and_runs_nothing(html: str) -> None:
    tags = read(html).tags
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not attributes.keys() & {"src", "srcset", "action"}
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in html
    assert "default-src 'none'" in html
    assert "connect-src" not in html


def test_a_script_in_an_answer_a_prompt_or_a_row_is_shown_as_text(html: str) -> None:
    assert HOSTILE not in html
    assert read(html).text.count(HOSTILE) >= 3


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize("field", ["run_id", "title", "created_at", "command", "summary"])
def test_no_field_of_the_report_becomes_markup(field: str) -> None:
    hostile = build_report().model_copy(update={field: f'"{HOSTILE}'})
    page_of_hostile = read(render_page(hostile))
    assert "script" not in {tag for tag, _ in page_of_hostile.tags}
    assert HOSTILE in page_of_hostile.text


def test_arm_names_do_not_become_markup_in_charts_and_labels() -> None:
    report = build_evaluation()
    evil = f'x" onload="alert(1){HOSTILE}'
    changed = report.model_copy(
        update={
            "arms": (evil,),
            "results": tuple(result.model_copy(update={"arm": evil}) for result in report.results),
            "answers": tuple(
                row.model_copy(update={"answers": {evil: row.answers["base"]}, "values": {evil: row.values["base"]}})
                for row in report.answers
            ),
        }
    )
    tags = read(render_page(changed)).tags
    assert "script" not in {tag for tag, _ in tags}
    assert not any("onload" in attributes for _, attributes in tags)


@pytest.mark.usefixtures("no_charts")
def test_an_empty_prompt_or_answer_is_called_empty_and_leading_blank_lines_stay() -> None:
    report = build_report()
    row = report.answers[0].model_copy(
        update={"prompt": "", "answers": {"base": Answer(text="\n\nhi", finish="stop")}, "references": (" ",)}
    )
    written = render_page(report.model_copy(update={"answers": (row,)}))
    assert written.count('<p class="absent">Empty</p>') == 2
    assert '<pre class="box">\n\n\nhi</pre>' in written, "a browser drops the first newline of a pre"


def test_headings_are_in_order_and_the_page_has_one_title(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in read(html).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_links_inside_the_page_have_a_target_and_ids_are_unique(html: str) -> None:
    tags = read(html).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for tag, attributes in tags if tag == "a"} <= {f"#{found}" for found in ids}


@pytest.mark.usefixtures("no_charts")
def test_the_page_says_that_intervals_are_by_group_where_they_are(html: str) -> None:
    assert "by group" not in read(html).text
    text = read(render_page(by_group(build_report(), 14))).text
    assert "Intervals are by group: the test inputs are of 14 groups, which are resampled whole." in text
    assert "too narrow" not in text


def test_the_metric_table_shows_value_interval_n_difference_p_and_verdict(html: str) -> None:
    text = read(html).text
    assert "83 % [75, 89] n = 96" in text
    assert "2.1 % [0.6, 7.4] n = 94, 2 unscored" in text
    assert "+81 points [+73, +89] tuned − base, n = 94, 2 unscored < 0.001 exact McNemar ✓ better" in text
    assert "−3.19 [−3.27, −3.12] tuned − base" in text
    assert "0.031 paired bootstrap" in text
    assert "no answer of this arm is one of the labels" in text
    assert "– tuned − base, not comparable – ? too few rows to tell" in text


def test_scores_of_a_slice_stand_in_a_table_of_their_own() -> None:
    estimates = {"base": Estimate(value=0.25, low=0.1, high=0.5, num_rows=20), "tuned": None}
    results = tuple(
        SliceResult(
            slice="<region>", value="north", arm=arm, metric="field_accuracy", num_items=20, estimate=estimate,
            note="fewer than 30 inputs",
        )
        for arm, estimate in estimates.items()
    )  # fmt: skip
    report = build_report().model_copy(update={"slices": results})
    page = read(render_page(report))
    assert "By <region> (1) <region> Inputs base tuned north fewer than 30 inputs 20 25 % [10, 50] –" in page.text
    assert "#slices" in {attributes.get("href") for tag, attributes in page.tags if tag == "a"}


@pytest.mark.parametrize("arms", [("base", "tuned"), ("tuned", "base")])
def test_a_note_about_one_arm_of_a_slice_stands_beside_its_value_alone(arms: tuple[str, str]) -> None:
    of_arm = {
        "base": (Estimate(value=0.25, low=0.1, high=0.5, num_rows=40), None),
        "tuned": (Estimate(value=1, low=0.51, high=1, num_rows=4, num_unscored=36), "only 4 items"),
    }
    results = tuple(
        SliceResult(
            slice="region", value="north", arm=arm, metric="field_accuracy", num_items=40, estimate=found, note=note
        )
        for arm, (found, note) in ((arm, of_arm[arm]) for arm in arms)
    )
    text = read(render_page(build_report().model_copy(update={"slices": results, "arms": arms}))).text
    cells = {"base": "25 % [10, 50]", "tuned": "100 % [51, 100] n = 4, 36 unscored; only 4 items"}
    assert f"Inputs {' '.join(arms)} north 40 {' '.join(cells[arm] for arm in arms)} " in text


def test_every_part_of_the_record_is_on_the_page(html: str) -> None:
    report, text = build_report(), read(html).text
    assert report.training is not None
    expected = [
        report.summary,
        settled(report.training.path).told,
        report.command,
        report.base.revision,
        report.data.dataset_id,
        *(source.sha256 for source in report.data.sources),
        *(warning for source in report.data.sources for warning in source.warnings),
        *(derived.reason for derived in report.derived),
        *(f"{package} {version}" for package, version in report.environment.packages.items()),
        *(metric.explanation for metric in report.metrics),
        "200 of 240 planned steps in 2 min 24 s; stopped early",
        "1,327,104 of 9,412,608 (14 %)",
        "split_seed: 0",
        "94 distinct inputs",
        "the prompt leaves no room for an answer (1,031 tokens)",
        "7.7 GiB",
    ]
    for wanted in expected:
        assert wanted in text, wanted


def _validated(step: int, loss: float, drop: float) -> CurvePoint:
    """A validation at which so much grammar is certainly lost, of which 0.02 may be."""
    lost = Estimate(value=drop, low=drop, high=drop, num_rows=100)
    parts = (RetentionPart(part="grammar", drop=lost, limit=0.02), RetentionPart(part="bias", drop=lost))
    return CurvePoint(step=step, epoch=step / 40, validation_loss=loss, retention=RetentionResult(parts=parts))


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize(
    ("later", "kept", "task_step", "ending"),
    [
        ([(80, 1.6, 0.0), (120, 1.7, 0.03)], 40, None, "validations no longer got better."),
        (
            [(80, 1.2, 0.03), (120, 1.0, 0.04), (160, 1.1, 0.04)],
            40,
            None,
            "validations within the limits of general ability no longer got better: that of step 120 did, and is "
            "beyond them (grammar).",
        ),
        # Answers were better at step 80, although its loss was not.
        (
            [(80, 1.6, 0.03), (120, 1.0, 0.04)],
            40,
            80,
            "validations within the limits of general ability no longer got better: that of step 80 did, and is "
            "beyond them (grammar).",
        ),
        ([(80, 1.6, 0.03), (120, 1.7, 0.03)], 0, None, "validations no longer got better."),
    ],
)
def test_why_training_stopped_early_is_read_from_its_validations(
    later: list[tuple[int, float, float]], kept: int, task_step: int | None, ending: str
) -> None:
    report = build_report()
    curve = (_validated(0, 2.0, 0.0), _validated(40, 1.5, 0.01), *(_validated(*point) for point in later))
    found = {"curve": curve, "best_step": kept, "task_step": task_step, "retention": None}
    training = settled(report.training).model_copy(update=found)
    text = read(render_page(report.model_copy(update={"training": training}))).text
    assert f"stopped early because {ending} The checkpoint of step {kept} was kept" in text


@pytest.mark.usefixtures("no_charts")
def test_full_tuning_trains_100_per_cent_of_the_parameters() -> None:
    report = build_report()
    assert report.training is not None
    full = report.training.model_copy(update={"num_trained_parameters": report.training.num_parameters})
    text = read(render_page(report.model_copy(update={"training": full}))).text
    assert "9,412,608 of 9,412,608 (100 %)" in text


def test_changes_by_one_check_are_one_group_with_what_was_found_beside_each_row() -> None:
    report = build_report()
    changes = tuple(
        Change(
            action="dropped",
            example_id=f"{row}" * 64,
            location=f"a:{row}",
            reason=f"near_duplicates: like row {row - 1}",
        )
        for row in (2, 3)
    )
    data = report.data.model_copy(update={"changes": changes})
    text = read(render_page(report.model_copy(update={"data": data}))).text
    assert "2 dropped: near_duplicates a:2 222222222222 like row 1 a:3 333333333333 like row 2" in text


def test_changes_are_grouped_by_reason_and_the_first_twenty_are_named(html: str) -> None:
    text = read(html).text
    assert "33 dropped: exact duplicate of an earlier row" in text
    assert "tickets & co.jsonl:219" in text
    assert "tickets & co.jsonl:220" not in text
    assert "and 13 more" in text
    assert "1 moved: same input as a test row" in text


@pytest.mark.usefixtures("no_charts")
def test_a_report_of_one_arm_without_training_has_no_empty_sections() -> None:
    text = read(render_page(build_evaluation())).text
    assert "Training steps" not in text
    assert "Verdict" not in text
    assert "Paired difference" not in text
    assert "Improved most" not in text
    assert "Best of base" in text


@pytest.mark.usefixtures("no_charts")
def test_an_arm_that_was_not_measured_says_so() -> None:
    report = build_report()
    kept = tuple(result for result in report.results if result.arm == "tuned")
    assert "– not measured" in read(render_page(report.model_copy(update={"results": kept}))).text


@pytest.mark.usefixtures("no_charts")
def test_a_report_of_an_empty_study_still_renders() -> None:
    report = build_evaluation()
    data = report.data.model_copy(update={"changes": (), "samples": (), "prompt_tokens": (), "answer_tokens": ()})
    text = read(render_page(report.model_copy(update={"answers": (), "data": data, "seconds": {}}))).text
    assert "No answers were kept." in text
    assert "None was dropped, moved or edited." in text


@pytest.mark.usefixtures("no_charts")
def test_more_than_two_arms_compare_in_rows_of_their_own() -> None:
    report = build_report()
    more = tuple(other.model_copy(update={"arm": "retrieval"}) for other in report.differences)
    text = read(render_page(report.model_copy(update={"differences": report.differences + more}))).text
    assert text.count("+81 points [+73, +89] retrieval − base") == 1
    assert "difference retrieval − base +81 points" in text


def test_without_matplotlib_the_page_says_how_to_get_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page_without = read(render_page(build_report()))
    assert page_without.text.count("pip install 'tunewright[plots]'") == 4
    assert "svg" not in {tag for tag, _ in page_without.tags}
    assert "83 % [75, 89]" in page_without.text
    assert re.search(r"prompt in tokens [\d.]+ \d+ answer in tokens [\d.]+ \d+", page_without.text)


def answer_row(name: str, base: float | None, tuned: float | None) -> AnswerRow:
    answer = Answer(text="text", finish="stop")
    return AnswerRow(
        example_id=name,
        location=name,
        prompt="",
        references=("text",),
        answers={"base": answer, "tuned": answer},
        values={"base": base, "tuned": tuned},
    )


def grouped(rows: Sequence[AnswerRow], arms: Sequence[str], *, higher_is_better: bool = True) -> dict[str, str]:
    groups = page._answer_groups(rows, arms, higher_is_better=higher_is_better)
    return {group.title: "".join(row.location for row in group.rows) for group in groups}


def test_answers_fall_into_best_worst_and_improved_without_showing_a_row_twice() -> None:
    best = [answer_row(name, 1.0, 1.0) for name in "abcde"]
    worst = [answer_row(name, 0.0, 0.0) for name in "vwxyz"]
    improved = [answer_row(name, 0.0, 1.0) for name in "mn"]
    rows = [*best, *worst, *improved, answer_row("u", 0.0, None)]
    assert grouped(rows, ["base", "tuned"]) == {
        "Best of tuned": "abcde",
        "Worst of tuned": "vwxyz",
        "Improved most over base": "mn",
        "Unscored for tuned": "u",
    }


def test_the_best_answer_of_a_loss_is_the_lowest() -> None:
    rows = [answer_row(str(value), None, float(value)) for value in (3, 1, 6, 2, 5, 4)]
    assert grouped(rows, ["tuned"], higher_is_better=False) == {"Best of tuned": "12345", "Worst of tuned": "6"}


@pytest.mark.parametrize(
    ("is_share", "ends", "expected"),
    [
        (False, (0.61, 0.52, 0.70), ("0.61", "[0.52, 0.70]")),
        (False, (12345.6, 11000.0, 14000.0), ("12,346", "[11,000, 14,000]")),
        (False, (2.0, 2.0, 2.0), ("2.000", "[2.000, 2.000]")),
        (False, (-0.0001, -0.4, 0.3), ("0.00", "[−0.40, 0.30]")),
        (True, (0.61, 0.52, 0.70), ("61 %", "[52, 70]")),
        (True, (0.9934, 0.985, 0.9978), ("99.3 %", "[98.5, 99.8]")),
        (True, (1.0, 1.0, 1.0), ("100 %", "[100, 100]")),
    ],
)
def test_an_estimate_shows_two_digits_of_its_uncertainty(
    is_share: bool, ends: tuple[float, float, float], expected: tuple[str, str]
) -> None:
    metric = Metric(name="m", title="M", explanation="", higher_is_better=True, is_share=is_share)
    estimate = Estimate(value=ends[0], low=ends[1], high=ends[2], num_rows=10)
    assert page._format_estimate(estimate, metric) == expected


def test_durations_memory_and_p_values_read_well() -> None:
    durations = {0.44: "0.4 s", 9.97: "10 s", 59.6: "1 min 00 s", 143.8: "2 min 24 s", 3599.7: "1 h 00 min"}
    assert {seconds: format_exact_duration(seconds) for seconds in durations} == durations
    assert (format_memory(300 * 2**20), format_memory(3 * 2**29)) == ("300 MiB", "1.5 GiB")
    assert [format_p_value(p) for p in (0.0004, 0.0312, 1.0)] == ["< 0.001", "0.031", "1"]


@pytest.mark.usefixtures("no_charts")
def test_values_of_single_rows_follow_the_headline_metric() -> None:
    report: Report = build_report()
    assert "tuned 100 %" in read(render_page(report)).text
    by_loss = read(render_page(report.model_copy(update={"headline_metric": "loss"}))).text
    assert "The value beside an arm is the Loss of that row alone." in by_loss
    assert "base unscored" in by_loss
