"""Verbs that only look."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from listening import Listening
from report_fixture import build_report
from store_samples import NOON, RECIPE_ID, new_run, new_store, run_record
from tiny_base import write_tiny_base

from tunewright.actions import inspecting, list_runs, run_folder, show_run, show_tokens
from tunewright.actions.reporting import write_report
from tunewright.errors import DataError, RecipeError, StoreError
from tunewright.records import DataRecipe
from tunewright.render import load_renderer

ROWS = [
    {"prompt": "Who?", "completion": "You"},
    {"prompt": "A long question. " * 20, "completion": "Yes"},
    {"prompt": "A <|im_end|> in it", "completion": "No"},
    {"prompt": "Never shown", "completion": "No"},
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_base(tmp_path_factory.mktemp("bases") / "base"))


@pytest.fixture
def data(tmp_path: Path) -> DataRecipe:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return DataRecipe(path=str(path))


def test_rows_are_shown_token_by_token_cut_where_they_are_too_long(data: DataRecipe, base: str) -> None:
    whole, cut, bad = show_tokens(data, base)
    text = "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nYou<|im_end|>\n"
    assert "".join(piece.text for piece in whole.pieces) == text
    assert "".join(piece.text for piece in whole.pieces if piece.state == "trained") == "You<|im_end|>"
    assert (whole.num_tokens, whole.problem) == (len(whole.pieces), None)
    assert whole.num_trained_tokens == sum(piece.state == "trained" for piece in whole.pieces)
    (piece,) = [piece for piece in cut.pieces if piece.state == "cut"]
    assert piece.text in ROWS[1]["prompt"]
    assert cut.num_tokens <= 128
    assert (bad.location, bad.pieces) == (f"{data.path}:3", ())
    assert "<|im_end|> in the text" in (bad.problem or "")


def test_the_number_of_rows_and_the_limits_can_be_chosen(data: DataRecipe, base: str) -> None:
    assert len(show_tokens(data, base, num_rows=1)) == 1
    (row,) = show_tokens(data, base, num_rows=1, max_length=16, max_answer_tokens=5)
    assert row.num_tokens <= 16
    (row,) = show_tokens(data, base, num_rows=1, max_length=128, max_answer_tokens=1)
    assert "at most 1 (evaluate.max_answer_tokens)" in (row.problem or "")
    with pytest.raises(RecipeError, match="at least 1 and less than the context"):
        show_tokens(data, base, max_length=16, max_answer_tokens=16)


def test_what_was_read_and_what_of_it_is_not_used_is_told(base: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "A red box.", "label": "red"}\n', encoding="utf-8")
    listening = Listening()
    show_tokens(DataRecipe(path=str(path)), base, progress=listening)
    assert listening.lines[0] == f"Read 1 row of {path} as text."
    assert listening.lines[1].startswith("  fields that were not used: label")


def test_rows_that_are_not_there_are_refused(base: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.jsonl: found no such file"):
        show_tokens(DataRecipe(path=str(tmp_path / "nothing.jsonl")), base)


def test_a_run_is_shown_with_its_report_once_there_is_one(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    assert show_run("last", tmp_path) == (run.record, None)
    report = build_report()
    assert write_report(run, report) == ("report.json", "report.html")
    assert show_run(run.record.id, tmp_path) == (run.record, report)
    assert run_folder("last", tmp_path) == run.path
    assert report.title in (run.path / "report.html").read_text(encoding="utf-8")


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    moments = [NOON, NOON + timedelta(days=40), NOON + timedelta(minutes=1)]
    first, last, second = (
        new_store(tmp_path, clock=lambda moment=moment: moment).create_run(RECIPE_ID, run_record).record
        for moment in moments
    )
    assert list_runs(tmp_path) == [last, second, first]


@pytest.mark.parametrize("look", [show_run, run_folder])
def test_a_run_that_is_not_there_is_refused(look: object, tmp_path: Path) -> None:
    assert callable(look)
    with pytest.raises(StoreError, match="no run at all"):
        look("3f9a", tmp_path)


def test_an_answer_that_tune_would_accept_is_shown_however_much_of_the_context_it_takes(
    base: str, tmp_path: Path
) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"prompt": "Hi", "completion": "a" * 60}) + "\n", encoding="utf-8")
    (row,) = show_tokens(DataRecipe(path=str(path)), base)
    assert (row.problem, row.num_trained_tokens > 128 // 4) == (None, True)


def test_a_prompt_is_cut_for_the_longest_answer_of_all_rows_as_tune_cuts_it(base: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": "Say it. " * 15, "completion": "Yes"}, {"prompt": "Hi", "completion": "a" * 60}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (first,) = show_tokens(DataRecipe(path=str(path)), base, num_rows=1)
    assert [piece.state for piece in first.pieces].count("cut") == 1
    assert first == show_tokens(DataRecipe(path=str(path)), base)[0]


def test_a_run_keeps_the_room_for_answers_that_it_was_tuned_with(
    data: DataRecipe, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = load_renderer(Path(base)).fitted(128, 20)
    monkeypatch.setattr(
        inspecting, "open_model_or_arm", lambda *_: SimpleNamespace(renderer=renderer, artifact=object())
    )
    _, cut, _ = show_tokens(data, "a run", max_length=60)
    assert 60 - 20 - 4 <= cut.num_tokens - cut.num_trained_tokens - 1 <= 60 - 20
    _, cut, _ = show_tokens(data, "a run", max_length=60, max_answer_tokens=10)
    assert 60 - 10 - 4 <= cut.num_tokens - cut.num_trained_tokens - 1 <= 60 - 10
