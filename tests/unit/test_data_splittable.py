"""Whether rows can be split is said by `check` in the words of training, and before it."""

import json
from pathlib import Path

import pytest

from tunewright.contracts import SilentProgress
from tunewright.data import Unreadable, examine, prepare, splittable
from tunewright.errors import DataError
from tunewright.records import CheckResult, DataRecipe


def write(path: Path, num_rows: int, first: int = 0) -> str:
    rows = ({"prompt": f"q{number}", "completion": f"a{number}"} for number in range(first, first + num_rows))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def looked_at(recipe: DataRecipe) -> CheckResult:
    return splittable(recipe, examine(recipe, None, SilentProgress(), unreadable=Unreadable()))


@pytest.mark.parametrize(("num_rows", "num_found"), [(50, 0), (49, 49), (12, 12)])
def test_what_training_would_refuse_is_found_with_its_words(num_rows: int, num_found: int, tmp_path: Path) -> None:
    recipe = DataRecipe(path=write(tmp_path / "rows.jsonl", num_rows))
    result = looked_at(recipe)
    assert (result.num_rows, result.blocks) == (num_found, num_found > 0)
    if num_found:
        with pytest.raises(DataError, match="at least 50 rows") as refused:
            prepare(recipe)
        (problem,) = refused.value.problems
        (finding,) = result.findings
        assert finding.locations == (problem.where,)
        assert problem.found in finding.explanation
        assert problem.expected in finding.explanation


def test_files_of_their_own_leave_fewer_rows_to_ask_for(tmp_path: Path) -> None:
    recipe = DataRecipe(
        path=write(tmp_path / "rows.jsonl", 10),
        validation_path=write(tmp_path / "validation.jsonl", 1, 100),
        test_path=write(tmp_path / "test.jsonl", 1, 200),
    )
    assert not looked_at(recipe).blocks


def test_the_check_cannot_be_accepted_and_says_what_helps(tmp_path: Path) -> None:
    result = looked_at(DataRecipe(path=write(tmp_path / "rows.jsonl", 3)))
    assert not result.is_acceptable
    assert result.advice.startswith("Add rows, or give held-out rows of your own")
