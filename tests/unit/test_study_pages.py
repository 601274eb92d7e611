"""A study as page, as Markdown, and as charts: complete, without markup of others, and the same every time."""

import re
import sys

import pytest
from html_reader import read
from report_fixture import HOSTILE, by_group
from study_fixture import ARMS, build_study, judge_comparison, strict_formats

from tunewright.records import ArmCost, Change, Estimate, Metric, Needs, Prices, Verdict, settled
from tunewright.study.cost import arm_cost, break_even
from tunewright.study.study_charts import break_even_curve, cost_against_quality
from tunewright.study.study_page import render_study_page
from tunewright.study.study_summary import render_study_summary


@pytest.fixture(scope="module")
def html() -> str:
    return render_study_page(build_study())


def test_equal_studies_give_equal_pages(html: str) -> None:
    assert render_study_page(build_study()) == html


def test_the_page_asks_for_nothing_from_outside_and_nothing_in_it_becomes_markup(html: str) -> None:
    page = read(html)
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in page.tags)
    assert HOSTILE not in html
    assert page.text.count(HOSTILE) >= 8, "reason, candidate, prompt, question, answers, passage, recipe"
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_page_and_summary_say_that_intervals_are_by_group_where_they_are(html: str) -> None:
    told = "Intervals are by group: the test inputs are of 9 groups, which are resampled whole."
    study = by_group(build_study(), 9)
    for text in (read(render_study_page(study)).text, render_study_summary(study)):
        assert f"{told} Fewer than 10 groups make the intervals too narrow." in text
    for text in (html, render_study_summary(build_study())):
        assert "by group" not in text


def test_the_page_says_everything_about_every_arm(html: str) -> None:
    text = " ".join(read(html).text.split())
    study = build_study()
    for part in (study.decision.headline, *study.decision.what_would_change_it, *ARMS, "20261120-1608-3f9a/tuned"):
        assert part in text
    assert "not known: the prices per million prompt and answer tokens are not stated" in text
    assert "No answer: no answer within 120 s" in text
    assert "p 0.004, exact McNemar" in text, "the corrected p-value"
    assert "−28.0 points" in text or "−28 points" in text, "a difference that is stored the other way round"
    assert "Passages that tuned was given (1)" in text
    assert "cut in the middle to fit the context with 1,234 inputs not measured" in text


def test_the_page_says_what_computed_a_training_where_that_is_known(html: str) -> None:
    (training,) = [arm.training for arm in build_study().arms if arm.training]
    assert settled(training.path).told in " ".join(read(html).text.split())
    report = build_study()
    older = [
        arm.model_copy(update={"training": arm.training and arm.training.model_copy(update={"path": None})})
        for arm in report.arms
    ]
    text = read(render_study_page(report.model_copy(update={"arms": tuple(older)}))).text
    assert "The checkpoint of step" in text
    assert "Rows are padded" not in text


def test_the_page_counts_changed_rows_it_does_not_name_and_tells_what_was_found_in_each_and_in_the_sources() -> None:
    data = build_study().data
    found = Change(
        action="dropped", example_id="2" * 64, location="a:2", reason=f"near_duplicates: like row 1 {HOSTILE}"
    )
    study = build_study(data=data.model_copy(update={"changes": (*data.changes, found)}))
    html = render_study_page(study)
    assert HOSTILE not in html
    text = " ".join(read(html).text.split())
    assert "33 dropped: exact duplicate of an earlier row" in text
    assert "and 13 more" in text
    assert f"1 dropped: near_duplicates a:2 222222222222 like row 1 {HOSTILE}" in text
    assert "extra.csv starts with a byte order mark; it was removed" in text


def test_a_study_of_unchanged_rows_says_so() -> None:
    data = build_study().data.model_copy(update={"changes": ()})
    assert "None was dropped, moved or edited." in read(render_study_page(build_study(data=data))).text


def as_shown(summary: str) -> str:
    """Markdown as it is read: without backslashes and spaces of no width."""
    return re.sub(r"\\(.)", r"\1", summary).replace("\u200b", "")


def test_strict_formats_stand_on_the_page_and_in_the_summary_freely_and_constrained() -> None:
    study = build_study(strict_formats=strict_formats())
    html = render_study_page(study)
    assert HOSTILE not in html
    text = " ".join(read(html).text.split())
    assert "zero-shot freely 20 %" in text
    assert re.search(r"zero-shot constrained 85 % .* 3 of 96 61 endpoint freely", text)
    assert "The schema, inferred from the training answers type: object" in text
    assert f"A note {HOSTILE}." in text
    summary = render_study_summary(study)
    assert "| zero-shot | constrained | 85 % [75, 95] | 85 % [75, 95] | 3 of 96 |" in as_shown(summary)
    assert "<script>" not in re.sub(r"\\.", "", summary)
    assert 'id="formats"' not in render_study_page(build_study())


def test_the_preference_of_a_judge_stands_on_the_page_as_a_bar_and_in_the_summary_as_a_table() -> None:
    study = build_study(judge=judge_comparison())
    html = render_study_page(study)
    assert HOSTILE not in html
    widths = re.findall(r'<span class="(win|tie|loss)" style="width: ([0-9.]+)%">', html)
    assert widths == [("win", "45.0"), ("tie", "40.0"), ("loss", "15.0")]
    text = " ".join(read(html).text.split())
    assert f"The judge large {HOSTILE} prefers tuned to prompted: 18 wins, 16 ties (4 of equal answers)" in text
    assert "6 losses of tuned, win rate 65 % [55, 75], sign test p 0.023; 3 pairs unscored." in text
    assert "it says the same in 69 % [53, 83] of 36 pairs asked. Of 62 replies that prefer one answer, 40" in text
    assert "prompted preferred 6 15 % of those scored unscored 3" in text
    assert f"It is brief {HOSTILE}." in text
    assert judge_comparison().caveat in text
    summary = render_study_summary(study)
    assert "| tuned against prompted | 18 | 16 | 6 | 3 | 69 % |" in summary
    assert "2306.05685" in summary
    assert "<script>" not in re.sub(r"\\.", "", summary)
    assert 'id="judge"' not in render_study_page(build_study())


def test_a_judge_that_could_not_be_asked_is_said_with_the_reason() -> None:
    nothing = {"num_wins": 0, "num_ties": 0, "num_losses": 0, "num_equal": 0, "num_first": 0, "num_second": 0}
    empty = judge_comparison(
        **nothing, num_unscored=43, win_rate=None, agreement=None, p_value=None, verdict=Verdict.TOO_FEW_ROWS,
        note="Unscored, most often: HTTP 401.",
    )  # fmt: skip
    html = render_study_page(build_study(judge=empty))
    text = " ".join(read(html).text.split())
    assert "has compared no answers of tuned and prompted. Unscored, most often: HTTP 401." in text
    assert 'class="outcomes" aria' not in html
    assert "| tuned against prompted | 0 | 0 | 0 | 43 | not measured |" in render_study_summary(
        build_study(judge=empty)
    )


def test_without_constrained_decoding_the_page_and_the_summary_say_why() -> None:
    reason = "pip install 'tunewright[constrain]'"
    found = strict_formats().model_copy(update={"arms": (), "json_schema": None, "note": reason})
    study = build_study(strict_formats=found)
    assert reason in read(render_study_page(study)).text
    assert "tunewright[constrain]" in as_shown(render_study_summary(study))


def test_without_matplotlib_the_page_says_how_to_get_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = read(render_study_page(build_study())).text
    assert "pip install 'tunewright[plots]'" in text
    assert "Fine-tune: no simpler arm" in text
    assert "tuned costs less than prompted, set-up included, after" in text


def test_the_summary_is_markdown_in_which_nothing_of_others_is_markup() -> None:
    summary = render_study_summary(build_study())
    lines = summary.splitlines()
    assert lines[2] == f"**{build_study().decision.headline}**"
    table = [as_shown(line) for line in lines if line.startswith("|")]
    assert table[2].startswith("| zero-shot | 21 % [11, 31], n = 96 | -62 points [-72, -52], p 0.004: worse |")
    assert table[4].startswith("| tuned | 83 % [73, 93], n = 96 |  |")
    assert table[5].endswith("| 120 + 30 | unknown |")
    assert "<script>" not in re.sub(r"\\.", "", summary)


def test_words_of_a_server_give_the_summary_no_image_link_or_mention() -> None:
    hostile = "![x](http://evil.example/x.png) [click](http://evil.example) @team &#64;team fixes #12"
    found = strict_formats().model_copy(update={"note": hostile})
    summary = render_study_summary(build_study(strict_formats=found))
    assert hostile in as_shown(summary)
    (line,) = (line for line in summary.splitlines() if "evil.example" in line)
    assert not re.search(r"[\[\]!&]", re.sub(r"\\.", "", line))
    # GitHub's own pass comes after Markdown has taken the backslashes.
    assert not re.search(r"[@#]\w", re.sub(r"\\(.)", r"\1", line))


def test_less_than_one_request_a_day_is_not_told_as_none() -> None:
    study = build_study()
    recipe = {**study.recipe, "needs": {"requests_per_day": 0.3}}
    page = read(render_study_page(study.model_copy(update={"recipe": recipe})))
    assert "At 0.3 requests a day and" in page.text


def test_seconds_of_a_slow_arm_have_no_exponent() -> None:
    study = build_study()
    slow = {"machine_seconds": 41.3, "seconds_p50": 1321.4, "seconds_p95": 2204.0}
    arms = tuple(arm.model_copy(update={"facts": arm.facts.model_copy(update=slow)}) for arm in study.arms)
    text = read(render_study_page(study.model_copy(update={"arms": arms}))).text
    assert "41.3 wait p50 1,320, p95 2,200" in " ".join(text.split())


def test_the_summary_leaves_out_what_there_is_not() -> None:
    study = build_study(differences=(), results=tuple(
        found.model_copy(update={"estimate": None, "reason": "r"}) for found in build_study().results
    ), best=None)  # fmt: skip
    decision = study.decision.model_copy(update={"what_would_change_it": ()})
    summary = render_study_summary(study.model_copy(update={"decision": decision}))
    assert "| arm | Field accuracy | difference | tokens per request |" in summary
    assert "| zero-shot | not measured |  |" in summary
    assert "What would change it" not in summary


METRIC = Metric(name="m", title="Rightness", explanation="", higher_is_better=True, is_share=True)


def test_the_chart_of_cost_leaves_out_arms_without_price_or_value() -> None:
    pytest.importorskip("matplotlib")
    study = build_study()
    found = Estimate(value=0.5, low=0.4, high=0.6, num_rows=9)
    (chart,) = cost_against_quality(METRIC, [(name, found) for name in ARMS], study.costs, "USD")
    assert "prompted" in chart.svg
    assert "endpoint" not in chart.svg
    assert cost_against_quality(METRIC, [("tuned", found), ("prompted", None)], study.costs, "USD") == ()


@pytest.mark.parametrize("dearest", [0.03, 0.5, 5.0])
def test_costs_that_lie_far_apart_have_plain_numbers_below_them(dearest: float) -> None:
    pytest.importorskip("matplotlib")
    costs = [
        ArmCost(arm=arm, per_request=each / 1000, per_thousand_requests=each, per_month=0, set_up=0)
        for arm, each in (("prompted", 0.006), ("endpoint", dearest))
    ]
    found = Estimate(value=0.5, low=0.4, high=0.6, num_rows=9)
    (chart,) = cost_against_quality(METRIC, [("prompted", found), ("endpoint", found)], costs, "USD")
    ticks = re.findall(r"<text[^>]*>([^<]*)</text>", chart.svg.partition("cost of 1,000 requests (USD)")[0])
    assert len(ticks) >= 2
    assert all(re.fullmatch(r"[\d.,]+", tick) for tick in ticks), ticks


def test_there_is_no_break_even_curve_without_prices() -> None:
    pytest.importorskip("matplotlib")
    study = build_study()
    (chart,) = break_even_curve(study.break_even, "USD")
    assert not re.search(r">1e[-−+]?\d", chart.svg), "a power of ten beside the axis"
    assert "tuned costs less than prompted, set-up included, after" in chart.caption
    assert break_even_curve(None, "USD") == ()
    facts = {arm.name: arm.facts for arm in study.arms}
    costs = [arm_cost(facts[name], Prices(), Needs()) for name in ("tuned", "endpoint")]
    assert break_even_curve(break_even(*costs, Needs()), "USD") == ()
