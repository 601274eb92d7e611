"""Several sources in a recipe: named once and apart, settings that fall back, records of older versions."""

from pathlib import Path

import pytest

from tunewright.errors import RecipeError
from tunewright.records import DataRecipe, DatasetVersion, Example, Source, SourceRecipe, read_recipe


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {},
            r"recipe: data\.path: found nothing, expected a value\. Add it, or list several sources",
        ),
        (
            {"path": "a", "sources": [{"path": "b"}]},
            r"recipe: data\.path: found a path beside data\.sources, expected one of them\. Remove the path",
        ),
        (
            {"sources": [{"path": "a"}, {"path": "b", "name": "a"}]},
            r"recipe: data\.sources: found 'a' twice, expected sources that can be told apart\. Give each",
        ),
        ({"sources": [{"name": "a"}]}, r"recipe: data\.sources\.0\.path: found nothing, expected a value"),
        (
            {"sources": [{"path": "a", "wieght": 2}]},
            r"data\.sources\.0\.wieght: .*Did you mean data\.sources\.weight",
        ),
        ({"path": "a", "source": []}, r"data\.source: found an unknown setting.*Did you mean data\.sources"),
        (
            {"sources": [{"path": "a", "weight": -1}]},
            r"data\.sources\.0\.weight: found -1",
        ),
    ],
)
def test_rows_are_named_once_and_each_source_apart(data: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_recipe({"data": data})


@pytest.mark.parametrize("blank", ["", " "])
def test_an_empty_path_is_not_the_current_folder(blank: str) -> None:
    rows = {"path": blank, "validation_path": blank, "test_path": blank}
    with pytest.raises(RecipeError) as caught:
        read_recipe({"data": rows})
    refused = "found an empty text, expected a file or folder. Is a variable of the shell not set?"
    for problem, setting in zip(caught.value.problems, rows, strict=True):
        assert str(problem).startswith(f"recipe: data.{setting}: {refused}")
    with pytest.raises(RecipeError, match=r"^recipe: data\.sources\.0\.path: found an empty text"):
        read_recipe({"data": {"sources": [{"path": blank}]}})
    assert read_recipe({"data": {"path": "."}}).data.path == "."


def test_a_recipe_file_lists_its_sources(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("data:\n  sources:\n    - {path: a.jsonl, weight: 2}\n    - {path: logs/*.jsonl, name: logs}\n")
    data = read_recipe({}, path).data
    assert [(source.title, source.weight) for source in data.sources] == [("a.jsonl", 2.0), ("logs", 1.0)]
    assert data.path is None
    override = read_recipe({}, None, ("data.sources=[{path: a.jsonl}]",))
    assert override.data.sources == (SourceRecipe(path="a.jsonl"),)


def test_the_title_names_a_few_sources() -> None:
    def named(*paths: str) -> str:
        return DataRecipe(sources=tuple(SourceRecipe(path=path) for path in paths)).title

    assert DataRecipe(path="rows.jsonl").title == "rows.jsonl"
    assert named("a", "b", "c") == "a, b, c"
    assert named("a", "b", "c", "d", "e") == "a, b, c and 2 more"


def test_settings_of_a_source_fall_back_to_those_of_the_recipe() -> None:
    recipe = DataRecipe(sources=(SourceRecipe(path="a"),), input="q", output="a", system_prompt="x", split_seed=3)
    read = recipe.for_source(SourceRecipe(path="b", output="z", system_prompt=""))
    assert (read.path, read.sources, read.split_seed) == ("b", (), 3)
    assert (read.form, read.input, read.output, read.system_prompt) == (None, "q", "z", "")
    assert recipe.for_source(SourceRecipe(path="b", group_column="part")).group_column == "part"
    by_form = recipe.for_source(SourceRecipe(path="b", form="messages"))
    assert (by_form.form, by_form.input, by_form.output, by_form.system_prompt) == ("messages", None, None, "x")


def test_records_stored_before_there_were_sources_still_load() -> None:
    stored = {"name": "rows.jsonl", "sha256": "0" * 64, "form": "messages", "num_rows": 1, "warnings": []}
    source = Source.model_validate(stored)
    assert (source.part_of, source.licence, source.owner, source.weight) == (None, None, None, 1.0)
    version = DatasetVersion.model_validate({"entries": [], "sources": [stored], "changes": []})
    assert version.sources == (source,)
    body = {"kind": "text", "text": "Once."}
    example = Example.model_validate({"body": body, "provenance": {"source": "a.txt", "row": 1}})
    assert (example.provenance.licence, example.provenance.part_of) == (None, None)
    licensed = {"source": "b.txt", "row": 9, "licence": "MIT", "part_of": "b"}
    assert Example.model_validate({"body": body, "provenance": licensed}).id == example.id
