"""The list names every setting; a printed recipe can be read back and says why it is as it is."""

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from cli_fixture import Shell
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tunewright.cli.recipe_view import annotated_yaml, list_settings
from tunewright.records import DataRecipe, Derived, EvaluateRecipe, Lora, TrainRecipe, TuneRecipe, read_recipe

RECIPE = TuneRecipe(
    data=DataRecipe(path="my rows: all.csv", input="q", system_prompt="Be brief.\n# Not a comment"),
    method=Lora(rank=16, alpha=32.0, dropout=0.0),
    train=TrainRecipe(learning_rate=1e-5),
    evaluate=EvaluateRecipe(metrics=("loss", "chrf")),
)
DERIVED = (
    Derived(setting="method.rank", value=16, reason="16 under 2,000 training rows\n(here 615)"),
    Derived(setting="train.learning_rate", value=1e-5, reason="a test"),
    Derived(setting="evaluate.metrics", value=("loss", "chrf"), reason="the answers are text"),
)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all settings, found by another way than the list's."""
    for name, field in model.model_fields.items():
        variants = get_args(field.annotation) if isinstance(field.annotation, types.UnionType) else (field.annotation,)
        records = [variant for variant in variants if isinstance(variant, type) and issubclass(variant, BaseModel)]
        for record in records:
            yield from leaves(record, f"{prefix}{name}.")
        if not records:
            yield prefix + name
        item = get_args(field.annotation)[0] if get_origin(field.annotation) is tuple else None
        if isinstance(item, type) and issubclass(item, BaseModel):
            yield from leaves(item, f"{prefix}{name}[].")


def test_the_list_holds_every_setting_once() -> None:
    names = [setting.name for setting in list_settings()]
    assert sorted(names) == sorted(set(leaves(TuneRecipe)))


def test_every_setting_is_explained() -> None:
    assert [setting.name for setting in list_settings() if len(setting.explanation) < 10] == []


def test_kinds_and_defaults_read_as_words() -> None:
    found = {setting.name: setting for setting in list_settings()}
    assert found["data.sources"].kind == "list of settings"
    assert found["data.sources[].path"].is_required
    assert found["data.sources[].weight"].kind == "number, at least 0.0, at most 100.0"
    assert found["method.kind"].kind == "lora or full"
    assert found["method.kind"].default == "lora"
    assert found["method.rank"].kind == "whole number, at least 1, at most 1,024"
    assert found["train.learning_rate"].kind == "number, above 0"
    assert found["data.keep_duplicates"].kind == "true or false"
    assert found["data.form"].kind.endswith("text or columns")
    assert found["evaluate.metrics"].kind == "list of text"


def test_without_settings_the_command_lists_them_all(shell: Shell) -> None:
    text = shell.run("recipe").stdout
    assert [setting.name for setting in list_settings() if f"{setting.name}: " not in text] == []
    assert "train.patience: whole number, at least 1, default 2\n" in text


def test_the_list_as_json_has_the_same_settings(shell: Shell) -> None:
    listed: list[dict[str, Any]] = json.loads(shell.run("recipe", "--json", "-").stdout)
    assert [item["name"] for item in listed] == [setting.name for setting in list_settings()]


def test_a_printed_recipe_reads_back_as_the_same_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(annotated_yaml(RECIPE, DERIVED), encoding="utf-8")
    assert read_recipe({}, tmp_path / "recipe.yaml") == RECIPE


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives_the_printing(text: str) -> None:
    recipe = TuneRecipe(data=DataRecipe(path="rows.csv", system_prompt=text))
    assert yaml.safe_load(annotated_yaml(recipe, ())) == recipe.model_dump(mode="json")


def test_derived_settings_carry_their_reason_on_their_line() -> None:
    lines = annotated_yaml(RECIPE, DERIVED).splitlines()
    assert "  rank: 16  # 16 under 2,000 training rows (here 615)" in lines
    assert "  metrics: [loss, chrf]  # the answers are text" in lines
    assert "  alpha: 32.0" in lines


def test_the_command_resolves_and_prints_the_recipe(shell: Shell) -> None:
    explain = shell.fake("explain_recipe", (RECIPE, DERIVED))
    outcome = shell.run("recipe", "my rows: all.csv", "--input", "q")
    assert explain.arguments[0] == TuneRecipe(data=DataRecipe(path="my rows: all.csv", input="q"))
    assert outcome.stdout == annotated_yaml(RECIPE, DERIVED) + "\n"


def test_the_json_record_holds_recipe_and_reasons(shell: Shell) -> None:
    shell.fake("explain_recipe", (RECIPE, DERIVED))
    record = json.loads(shell.run("recipe", "rows.csv", "--json", "-").stdout)
    assert TuneRecipe.model_validate(record["recipe"]) == RECIPE
    assert [item["setting"] for item in record["derived"]] == [item.setting for item in DERIVED]


def test_the_schema_is_that_of_the_recipe(shell: Shell) -> None:
    assert json.loads(shell.run("recipe", "--schema").stdout) == TuneRecipe.model_json_schema()


def test_the_schema_has_no_use_for_settings(shell: Shell) -> None:
    outcome = shell.run("recipe", "rows.csv", "--schema")
    assert outcome.code == 2
    assert "--schema: found DATA, expected no settings beside it" in outcome.stderr
