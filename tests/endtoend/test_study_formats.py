"""A study of JSON answers on a tiny random model: every arm with and without constrained decoding."""

import json
import sys
from pathlib import Path

import pytest
from small_study import study_recipe, write_study_base

from tunewright.actions import study
from tunewright.records import StudyRecipe, StudyReport

KINDS = ("bug", "wish")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> StudyRecipe:
    folder = tmp_path_factory.mktemp("formats")
    rows = [
        {"prompt": f"Ticket {n}", "completion": json.dumps({"kind": KINDS[n % 2], "urgent": n % 3 == 0})}
        for n in range(80)
    ]
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    base = write_study_base(folder / "base")
    evaluate = {"num_resamples": 100, "max_answer_tokens": 60}
    return study_recipe(path, base, few_shot={"k": [1]}, max_validation_inputs=2, evaluate=evaluate)


def values(report: StudyReport, metric: str, *, is_constrained: bool) -> dict[str, float]:
    assert report.strict_formats is not None
    return {
        found.arm: result.estimate.value
        for found in report.strict_formats.arms
        if found.is_constrained == is_constrained
        for result in found.results
        if result.metric == metric and result.estimate
    }


def test_every_local_arm_fits_the_inferred_schema_under_constraint(recipe: StudyRecipe, tmp_path: Path) -> None:
    report = study(recipe, home=tmp_path)
    formats = report.strict_formats
    assert formats is not None
    assert formats.note is None
    assert formats.is_inferred
    assert formats.json_schema == {
        "type": "object",
        "properties": {"kind": {"type": "string", "enum": ["bug", "wish"]}, "urgent": {"type": "boolean"}},
        "required": ["kind", "urgent"],
        "additionalProperties": False,
    }
    arms = [arm.name for arm in report.arms]
    for metric in ("json_valid", "schema_valid", "json_fields"):
        assert list(values(report, metric, is_constrained=False)) == arms
    assert set(values(report, "schema_valid", is_constrained=True).values()) == {1.0}
    assert list(values(report, "schema_valid", is_constrained=True)) == arms
    # An untrained model guesses one of two kinds and yes or no.
    assert all(0.1 < value < 0.9 for value in values(report, "json_fields", is_constrained=True).values())
    assert all(found.num_truncated == 0 for found in formats.arms if found.is_constrained)
    # Nothing else of the study knows of the constraint.
    assert all(report.result(arm, "json_valid").estimate.value < 1.0 for arm in arms)  # type: ignore[union-attr]


def test_without_the_extra_the_study_is_whole_and_says_what_to_install(
    recipe: StudyRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "required": ["kind"]}', encoding="utf-8")
    report = study(recipe.model_copy(update={"answer_schema": str(schema)}), home=tmp_path / "home")
    formats = report.strict_formats
    assert formats is not None
    assert formats.note is not None
    assert "pip install 'tunewright[constrain]'" in formats.note
    assert (formats.json_schema, formats.is_inferred) == ({"type": "object", "required": ["kind"]}, False)
    assert len(formats.arms) == len(report.arms)
    assert not any(found.is_constrained for found in formats.arms)
