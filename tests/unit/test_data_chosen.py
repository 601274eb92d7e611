"""Pairs where one answer is needed: turned into conversations on request, else refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.contracts import SilentProgress
from tunewright.data import examine, prepare, prepare_test, require_one_answer
from tunewright.errors import DataError, RecipeError
from tunewright.records import Conversation, DataRecipe, PreferencePair, Split


def write(folder: Path, num_rows: int = 60, **beside: Any) -> str:
    path = folder / "pairs.jsonl"
    lines = [
        json.dumps({"prompt": f"question {n}", "chosen": f"good {n}", "rejected": f"bad {n}", **beside}) + "\n"
        for n in range(num_rows)
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def test_chosen_answers_are_trained_on_request_and_every_row_says_so(tmp_path: Path) -> None:
    path = write(tmp_path)
    data = prepare(DataRecipe(path=path, train_on_chosen=True))
    require_one_answer(data.examples.values())
    bodies = [example.body for example in data.examples.values()]
    assert {type(body) for body in bodies} == {Conversation}
    assert {body.answer.split()[0] for body in bodies if isinstance(body, Conversation)} == {"good"}
    assert len(data.version.changes) == 60
    assert data.version.changes[0].action == "edited"
    assert data.version.changes[0].location == f"{path}:1"
    assert data.version.changes[0].reason == (
        "preference pair: its chosen answer is trained, the rejected one is left out (data.train_on_chosen)"
    )


def test_pairs_stay_pairs_without_the_setting_and_can_be_checked(tmp_path: Path) -> None:
    examined = examine(DataRecipe(path=write(tmp_path)), None, SilentProgress())
    assert {type(example.body) for example in examined.files[Split.TRAIN]} == {PreferencePair}
    with pytest.raises(
        DataError, match=r"pairs\.jsonl:1: found a preference pair \(60 in all\), .*train_on_chosen=true"
    ):
        require_one_answer(examined.files[Split.TRAIN])


def test_the_setting_without_pairs_has_no_effect_and_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"data\.train_on_chosen: found true, expected rows with a chosen and a"):
        prepare_test(DataRecipe(path=str(path), train_on_chosen=True))


def test_rows_to_measure_need_one_answer_too(tmp_path: Path) -> None:
    path = write(tmp_path, 5)
    with pytest.raises(DataError, match=r"a preference pair \(5 in all\)"):
        prepare_test(DataRecipe(path=path))
    data = prepare_test(DataRecipe(path=path, train_on_chosen=True))
    assert data.version.num_rows(Split.TEST) == 5
    assert [change.action for change in data.version.changes] == ["edited"] * 5


def test_a_system_prompt_goes_before_the_prompt_of_a_pair(tmp_path: Path) -> None:
    data = prepare_test(DataRecipe(path=write(tmp_path, 5), train_on_chosen=True, system_prompt="Be kind."))
    rows = data.rows(Split.TEST)
    assert len(rows) == 5
    for example in rows:
        assert isinstance(example.body, Conversation)
        assert [message.role for message in example.body.messages] == ["system", "user", "assistant"]
