"""Rows that are all for testing: what `evaluate` and `tokens` read."""

from tunewright.data.prepare import PreparedData
from tunewright.data.read import LoadHubDataset, read_rows
from tunewright.errors import Problem, RecipeError
from tunewright.records import Change, DataRecipe, DatasetEntry, DatasetVersion, Example, Split

SPLIT_SETTINGS = (
    "validation_path",
    "test_path",
    "validation_fraction",
    "test_fraction",
    "split_seed",
    "keep_duplicates",
    "unusable_rows",
)


def prepare_test(recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None = None) -> PreparedData:
    """Read all rows of `recipe.path` as test rows, in file order. Only the first of equal rows is kept.

    Raises:
        DataError: rows cannot be read.
        RecipeError: a setting says how to split, which is not done here.
    """
    _refuse_split_settings(recipe)
    read = read_rows(recipe.path, recipe, load_hub_dataset)
    examples: dict[str, Example] = {}
    changes: list[Change] = []
    for example in read.examples:
        first = examples.setdefault(example.id, example)
        if first is not example:
            reason = f"same as {first.provenance}"
            location = str(example.provenance)
            changes.append(Change(action="dropped", example_id=example.id, location=location, reason=reason))
    entries = tuple(DatasetEntry(example_id=example_id, split=Split.TEST) for example_id in examples)
    version = DatasetVersion(entries=entries, sources=(read.source,), changes=tuple(changes))
    return PreparedData(version, examples)


def _refuse_split_settings(recipe: DataRecipe) -> None:
    given = [name for name in SPLIT_SETTINGS if getattr(recipe, name) != DataRecipe.model_fields[name].default]
    fix = "Remove it: nothing is split here, all rows are tested."
    if given:
        raise RecipeError(
            [Problem(f"data.{name}", repr(getattr(recipe, name)), "no such setting", fix) for name in given]
        )
