"""The page of `check`: every finding readable without the code, nothing in it becomes markup, and it stands alone."""

import re
import sys

import pytest
from data_report_fixture import build_clean_data_report, build_data_report, build_finding, build_result
from html_reader import read
from report_fixture import HOSTILE
from representation_fixture import build_tokens

from tunewright.records import LabelCount
from tunewright.study import data_page
from tunewright.study.data_charts import label_bars
from tunewright.study.data_page import render_data_page


@pytest.fixture(scope="module")
def html() -> str:
    return render_data_page(build_data_report())


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_page, "_draw_charts", lambda report, tokens: data_page._Charts())


def test_equal_reports_give_equal_pages(html: str) -> None:
    assert render_data_page(build_data_report()) == html


def test_the_page_asks_for_nothing_from_outside_and_runs_nothing(html: str) -> None:
    tags = read(html).tags
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "default-src 'none'" in html
    assert "@import" not in html


def test_tokens_of_the_base_are_told_and_drawn_beside_the_words() -> None:
    html = render_data_page(build_data_report(results=(build_result("cut_prompts", measured=(build_tokens(),)),)))
    text = read(html).text
    assert (
        "In the tokens of owner/base the 1,190 rows that it can read have 12,345, of which 2,345 are trained. A "
        "row has room for 64; 9 of them are kept for the answer. 3 inputs are longer and lose their middle."
    ) in text
    assert "Input length in tokens" in text
    assert "Topics and groups" not in text


def test_a_part_that_is_equally_long_everywhere_is_said_and_not_drawn(html: str) -> None:
    text = read(html).text
    assert "Every answer has 1 word." in text
    assert "Answer length" not in text
    assert "Input length" in text


def test_places_are_shown_without_the_folder_of_all_sources() -> None:
    report = build_data_report()
    source = report.sources[0].model_copy(update={"name": "/data/mine/rows.jsonl"})
    others = [source.model_copy(update={"name": f"/data/mine/{name}.jsonl"}) for name in ("more", "test")]
    finding = build_finding("secrets", 3).model_copy(update={"locations": ("/data/mine/more.jsonl:3",)})
    results = (build_result("secrets", finding),)
    text = read(render_data_page(report.model_copy(update={"sources": (source, *others), "results": results}))).text
    assert "What is in rows.jsonl and 2 more" in text
    assert " more.jsonl:3" in text
    elsewhere = source.model_copy(update={"name": "/elsewhere/rows.jsonl"})
    text = read(render_data_page(report.model_copy(update={"sources": (*others, elsewhere), "results": results}))).text
    assert "/data/mine/more.jsonl:3" in text


def test_a_folder_that_a_row_names_stays_in_its_text(no_charts: None) -> None:
    report = build_data_report()
    finding = build_finding("contradictions", 1).model_copy(
        update={
            "locations": ("docs/rows.jsonl:1", "docs/rows.jsonl:12"),
            "explanation": "docs/rows.jsonl:1 and docs/rows.jsonl:12 have the input “What is in docs/setup.md?”.",
        }
    )
    source = report.sources[0].model_copy(update={"name": "docs/rows.jsonl"})
    results = (build_result("contradictions", finding),)
    text = read(render_data_page(report.model_copy(update={"sources": (source,), "results": results}))).text
    assert "rows.jsonl:1 and rows.jsonl:12 have the input “What is in docs/setup.md?”." in text
    assert "docs/rows.jsonl:1" not in text


def test_text_of_rows_is_shown_as_text(html: str) -> None:
    assert HOSTILE not in html
    assert read(html).text.count(HOSTILE) == 2


def test_links_have_a_target_and_ids_are_unique(html: str) -> None:
    tags = read(html).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for tag, attributes in tags if tag == "a"} <= {f"#{found}" for found in ids}


def test_the_table_gives_problem_rows_severity_and_what_will_happen(html: str) -> None:
    text = read(html).text
    assert "Contradictions 8 ✗ stops training training is refused" in text
    assert "Secrets 1 ✓ accepted listed only" in text
    assert "Near duplicates 5 ! warning listed only" in text
    assert "Training is refused until this is corrected or accepted: Contradictions." in text


def test_every_problem_has_explanation_three_examples_and_a_way_on(html: str) -> None:
    text = read(html).text
    assert "Explains contradictions with a_setting." in text
    assert "8 rows; the 3 worst cases are shown" in text
    assert "Rows 13, 14 are alike." in text
    assert "Rows 15, 16 are alike." not in text
    assert "add --set 'data.checks.accept=[contradictions]'." in text
    assert "To leave rows as they are, add --set 'data.checks.skip=[near_duplicates]'." in text
    assert "Correct the rows in your file, or write a fix list" in text
    assert "<code>a_setting</code>" in html


def test_evidence_stands_beside_its_row_and_the_rest_is_counted(html: str) -> None:
    text = read(html).text
    assert re.search(r"rows & co\.jsonl:5\s+five\s+rows & co\.jsonl:6\s+six", text)
    assert "nine" not in text
    assert "and 1 more row" in text
    assert re.search(r"before\s+cafÃ©\s+after\s+café", text)


@pytest.mark.usefixtures("no_charts")
def test_evidence_that_belongs_to_no_single_row_stands_under_all_places() -> None:
    finding = build_finding("overlap", *range(1, 8), evidence=("a shared passage",))
    text = read(render_data_page(build_data_report(results=(build_result("overlap", finding),)))).text
    assert "rows & co.jsonl:1, rows & co.jsonl:2, rows & co.jsonl:3, rows & co.jsonl:4 a shared passage" in text
    assert "and 3 more rows" in text


def test_clean_and_skipped_checks_are_named(html: str) -> None:
    text = read(html).text
    assert "Nothing found by 1 check Refusals" in text
    assert "1 check did not run Contamination no files are named in data.checks.benchmarks" in text


@pytest.mark.usefixtures("no_charts")
def test_a_clean_data_set_says_so_and_has_no_empty_sections() -> None:
    text = read(render_data_page(build_clean_data_report())).text
    assert text.count("No check found anything.") == 2
    assert "Rows to look at" not in text


@pytest.mark.usefixtures("no_charts")
def test_without_a_blocking_problem_the_headline_says_how_many_checks_found_something() -> None:
    report = build_data_report(results=(build_result("lengths", build_finding("lengths", 1)),))
    assert "Nothing here stops training. 1 check found something to look at." in read(render_data_page(report)).text


def test_lengths_and_labels_are_drawn(html: str) -> None:
    assert html.count("<svg") == 2
    text = read(html).text
    assert "Median 7, longest 90 words; dashed line: median. Longer rows are in the last bar." in text
    assert "All labels, by number of rows." in text


def test_of_many_labels_the_caption_gives_the_number() -> None:
    (chart,) = label_bars([LabelCount(label="a " * 60, num_rows=3), LabelCount(label="b", num_rows=2)], 150)
    assert chart.caption == "The 2 most frequent of 150 labels, by number of rows."
    assert "…" in chart.svg
    assert label_bars((), 0) == ()


def test_without_matplotlib_the_page_says_how_to_get_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = read(render_data_page(build_data_report()))
    assert page.text.count("pip install 'tunewright[plots]'") == 1
    assert "svg" not in {tag for tag, _ in page.tags}


def test_without_matplotlib_lengths_and_labels_stand_in_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    results = (build_result("cut_prompts", measured=(build_tokens(),)),)
    text = read(render_data_page(build_data_report(results=results, num_labels=150))).text
    assert "Length of Median Longest input in words 7 90 answer in words 1 1 input in tokens 20 90" in text
    assert "Label Rows card <lost> 900 other 300" in text
    assert "The 2 most frequent of 150 labels." in text


@pytest.mark.usefixtures("no_charts")
def test_an_edit_of_characters_that_nobody_sees_is_left_to_the_evidence() -> None:
    finding = build_finding("invisible", 1, evidence=("a<U+200B>b",), edited_text=(("\u200b", ""),))
    text = read(render_data_page(build_data_report(results=(build_result("invisible", finding),)))).text
    assert "a<U+200B>b" in text
    assert "before" not in text
