"""Pictures of topics, drift, separation, coverage and groups, and the page that holds them."""

import re
import sys
from xml.etree import ElementTree

import pytest
from data_report_fixture import build_data_report, build_result
from html_reader import read
from report_fixture import HOSTILE
from representation_fixture import build_clusters, build_measurements

from tunewright.records import DataReport, Estimate, ReferenceComparison
from tunewright.study.data_page import render_data_page
from tunewright.study.representation_charts import representation_charts

RESULTS = (build_result("topic_shares", measured=build_measurements()),)


@pytest.fixture(scope="module")
def html() -> str:
    return render_data_page(build_data_report(results=RESULTS))


def test_every_measurement_has_a_picture_with_a_sentence() -> None:
    charts = representation_charts(RESULTS)
    assert [chart.title for chart in charts] == [
        "Topics of the inputs by split",
        "Training against production",
        "Can training and production be told apart?",
        "Production inputs that training covers",
        "Rows by region",
    ]
    for chart in charts:
        ElementTree.fromstring(chart.svg)
        assert chart.caption.endswith(".")
        assert HOSTILE not in chart.svg


def test_charts_say_their_numbers_to_a_screen_reader() -> None:
    topics, drift, separation, coverage, groups = (
        re.search('aria-label="([^"]*)"', chart.svg).group(1) for chart in representation_charts(RESULTS)
    )
    assert "refund, card, invoice training 60.0%, test 60.0%; parcel training 39.0%" in topics
    assert "no word in common with others training 1.0%, reference 1.0%" in drift
    assert separation.endswith("AUC 0.81, 95 % interval 0.77 to 0.85")
    assert coverage.endswith("88.0% of 400 inputs")
    assert groups.startswith("Rows by region: area ")


def test_before_rows_are_split_there_is_one_share_and_no_drift() -> None:
    (chart,) = representation_charts([build_result("topic_shares", measured=(build_clusters("all"),))])
    assert chart.title == "Topics of the inputs"
    assert "Dot: share of the inputs; line: 95 % interval." in chart.caption


def test_an_auc_below_one_half_stays_in_the_picture() -> None:
    auc = Estimate(value=0.42, low=0.35, high=0.5, num_rows=50)
    measured = ReferenceComparison(reference="p", auc=auc, threshold=0.7, reference_words=(), training_words=())
    (chart,) = representation_charts([build_result("reference_drift", measured=(measured,))])
    assert "AUC 0.42" in chart.caption


def test_of_many_groups_the_largest_are_drawn() -> None:
    chart = representation_charts(RESULTS)[-1]
    assert chart.caption.startswith("The 12 largest of 14 groups, of 469 rows.")


def test_the_page_shows_pictures_topics_and_groups(html: str) -> None:
    page = read(html)
    assert "Topics and groups" in page.text
    assert "refund, card, invoice, charged 60" in page.text
    assert "no word in common with others 1" in page.text
    assert "an input" in page.text
    assert "70% [65, 75]" in page.text
    assert "Columns of labels: share of the group's rows, with 95 % intervals." in page.text
    assert HOSTILE not in html
    assert html.count("<svg") == 2 + 5, "answers of one word each have no chart of lengths"


def test_a_report_without_measurements_has_no_such_section() -> None:
    assert "Topics and groups" not in read(render_data_page(build_data_report())).text


def test_without_matplotlib_the_tables_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = read(render_data_page(build_data_report(results=RESULTS)))
    assert page.text.count("pip install 'tunewright[plots]'") == 1
    assert "refund, card, invoice, charged 60" in page.text


def test_without_matplotlib_the_numbers_of_the_pictures_stand_in_sentences_and_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = read(render_data_page(build_data_report(results=RESULTS))).text
    assert "AUC 0.81, 95 % interval 0.77 to 0.85: the chance that a classifier ranks an input of prod.jsonl" in text
    assert "beyond 0.7 it is a warning." in text
    assert "88.0% of 400 inputs of prod.jsonl (95 % interval 83.0% to 93.0%) have a training input with" in text
    assert "Rows Share of train Share of test Share of reference Inputs nearest" in text
    assert "refund, card, invoice, charged 60 60% [55, 65] 60% [55, 65] 60% [55, 65] an input" in text
    assert "2 clusters: the number with the highest silhouette." in text
    assert "line: 95" not in text.lower(), "no words about a picture that is not there"


def test_measurements_survive_the_json_of_the_report() -> None:
    report = build_data_report(results=RESULTS)
    assert DataReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize("check", ["topic_shares", "reference_drift", "not_covered", "group_balance", "gender_terms"])
def test_advice_for_the_data_as_a_whole_is_not_about_single_rows(check: str) -> None:
    assert "fix list" not in build_result(check).advice
    assert build_result(check).advice.endswith(".")
