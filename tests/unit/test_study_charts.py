"""The charts are well-formed, repeatable, small, safe to paste together and readable on both backgrounds."""

import re
import sys
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from report_fixture import HOSTILE, build_report

from tunewright.errors import MissingExtraError
from tunewright.records import ArmMetric, CurvePoint, Estimate, Metric, TrainingSummary
from tunewright.study.charts import (
    MAX_CURVE_POINTS,
    SERIES_COLOURS,
    Chart,
    length_histogram,
    metric_intervals,
    short_name,
    thin,
    training_curves,
)

pytest.importorskip("matplotlib", reason="charts need the extra `plots`")


def all_charts() -> list[Chart]:
    report = build_report()
    assert report.training is not None
    return [
        *metric_intervals(report.metrics, report.results, report.arms),
        *training_curves(report.training),
        *length_histogram(report.data.prompt_tokens, report.data.answer_tokens),
    ]


@pytest.fixture(scope="module")
def charts() -> list[Chart]:
    return all_charts()


def training(curve: list[CurvePoint]) -> TrainingSummary:
    summary = build_report().training
    assert summary is not None
    return summary.model_copy(update={"curve": tuple(curve)})


def ids_of(svg: str) -> list[str]:
    return [element.get("id", "") for element in ElementTree.fromstring(svg).iter() if element.get("id")]


def texts_of(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_chart_is_one_well_formed_svg_element_with_a_label_and_a_caption(charts: list[Chart]) -> None:
    for chart in charts:
        root = ElementTree.fromstring(chart.svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert chart.caption.endswith(".")
        assert "<style" not in chart.svg, "a style sheet of one drawing would apply to the whole page"


def test_drawing_twice_gives_the_same_bytes(charts: list[Chart]) -> None:
    assert all_charts() == charts


def test_no_id_occurs_twice_in_a_page_and_every_reference_has_its_target(charts: list[Chart]) -> None:
    ids = [found for chart in charts for found in ids_of(chart.svg)]
    assert len(ids) == len(set(ids))
    for chart in charts:
        referenced = re.findall(r'href="#([^"]+)"', chart.svg) + re.findall(r"url\(#([^)]+)\)", chart.svg)
        assert referenced
        assert set(referenced) <= set(ids_of(chart.svg))


def test_text_and_axes_take_the_colour_and_the_font_of_the_page(charts: list[Chart]) -> None:
    for chart in charts:
        assert "currentColor" in chart.svg
        assert "#010203" not in chart.svg
        assert "#000000" not in chart.svg
        assert "#ffffff" not in chart.svg
        assert "DejaVu" not in chart.svg


def test_every_chart_is_small(charts: list[Chart]) -> None:
    assert max(len(chart.svg) for chart in charts) < 60_000


def test_a_long_run_is_thinned_and_says_so() -> None:
    curve = [
        CurvePoint(step=step, epoch=step / 999, train_loss=1 + (step % 7) / 7, gradient_norm=step % 5)
        for step in range(20_000)
    ]
    loss, norm = training_curves(training(curve))
    assert "400 of 20,000 training points are drawn" in loss.caption
    assert max(len(loss.svg), len(norm.svg)) < 60_000


def test_thinning_keeps_both_ends_and_the_order() -> None:
    points = [(step, float(step)) for step in range(1_001)]
    kept = thin(points)
    assert len(kept) == MAX_CURVE_POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert kept == sorted(set(kept))
    assert thin(points[:400]) == points[:400]


@pytest.mark.parametrize("value", [0.0, 50.0], ids=["drop", "spike"])
def test_thinning_keeps_a_single_spike_wherever_it_is(value: float) -> None:
    for place in range(0, 1_000, 7):
        points = [(step, value if step == place else 1.0) for step in range(1_000)]
        assert (place, value) in thin(points)


def test_learning_rate_and_gradient_norm_say_that_a_long_run_is_thinned() -> None:
    curve = [CurvePoint(step=step, epoch=0, learning_rate=1e-3, gradient_norm=1.0) for step in range(1_000)]
    for chart in training_curves(training(curve)):
        assert chart.caption.endswith(" 400 of 1,000 points are drawn.")
    for chart in training_curves(training(curve[:400])):
        assert "drawn" not in chart.caption


def test_a_quantity_that_was_not_recorded_has_no_chart() -> None:
    assert training_curves(training([])) == ()
    assert length_histogram((), ()) == ()
    only_loss = training_curves(training([CurvePoint(step=1, epoch=0.1, train_loss=2.0)]))
    assert [chart.title for chart in only_loss] == ["Loss"]
    assert [chart.title for chart in length_histogram((), (4, 4, 4))] == ["Answer length"]


def test_the_best_step_is_named_and_drawn(charts: list[Chart]) -> None:
    loss = next(chart for chart in charts if chart.title == "Loss" and "Star" in chart.caption)
    assert "at step 160" in loss.caption
    assert {"training", "validation", "best"} <= set(texts_of(loss.svg))


def test_shares_are_drawn_from_0_to_100_per_cent_and_other_metrics_on_their_own_scale(charts: list[Chart]) -> None:
    by_title = {chart.title: chart for chart in charts[:6]}
    assert {"0 %", "100 %", "base", "tuned"} <= set(texts_of(by_title["Valid JSON"].svg))
    assert "100 %" not in texts_of(by_title["chrF"].svg)
    assert "higher is better" in by_title["chrF"].caption
    assert "lower is better" in by_title["Loss"].caption


def test_an_arm_without_an_estimate_keeps_its_line(charts: list[Chart]) -> None:
    macro_f1 = next(chart for chart in charts if chart.title.startswith("Macro-F1"))
    assert "base (not measured)" in texts_of(macro_f1.svg)
    assert "base not measured; tuned 0.71, from 0.41 to 0.9" in macro_f1.svg


@pytest.mark.parametrize("name", [HOSTILE, "$\\frac{x}$", "模型 🧾", "a" * 500, 'id="x" url(#y) href="#z"'])
def test_a_name_of_any_characters_is_drawn_as_it_is(name: str) -> None:
    metric = Metric(name=name, title=name, explanation="", higher_is_better=True, is_share=False)
    result = ArmMetric(arm=name, metric=name, estimate=Estimate(value=1, low=0, high=2, num_rows=3))
    (chart,) = metric_intervals([metric], [result], [name])
    drawn = name if len(name) <= 40 else name[:39] + "…"
    assert drawn in texts_of(chart.svg)
    assert name in (ElementTree.fromstring(chart.svg).get("aria-label") or "")


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("a" * 40, "a" * 40),
        ("a" * 41, "a" * 39 + "…"),
        ("你" * 20, "你" * 20),
        ("你" * 21, "你" * 19 + "…"),
        ("a" + "你" * 20, "a" + "你" * 19 + "…"),
        ("two\nlines ", "two lines"),
    ],
)
def test_a_name_is_cut_by_the_columns_that_it_takes(name: str, drawn: str) -> None:
    assert short_name(name) == drawn


def test_without_matplotlib_the_install_line_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"charts of the report.*pip install 'tunewright\[plots\]'"):
        length_histogram((1, 2), ())


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colour", SERIES_COLOURS)
def test_series_stand_out_on_the_light_and_on_the_dark_page(colour: str) -> None:
    style = files("tunewright.study").joinpath("page.css").read_text(encoding="utf-8")
    light, dark, _print = re.findall(r"--page: (#[0-9a-f]{6})", style)
    assert contrast(colour, light) >= 3.0
    assert contrast(colour, dark) >= 3.0
