"""The simulation of groups finds what grouping is for."""

import json
from pathlib import Path

import group_statistics
import pytest


def test_rows_of_alike_groups_pass_for_independent_unless_groups_are_resampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_statistics, "NUM_GROUPS", (20,))
    monkeypatch.setattr(group_statistics, "NUM_RESAMPLES", 200)
    group_statistics.main(["--comparisons", "60", "--results", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["groups"]["20"]
    assert found["by_group"]["difference_covers"] > 0.88 > 0.85 > found["by_row"]["difference_covers"]
    assert found["by_group"]["false_verdicts"] < found["by_row"]["false_verdicts"]
