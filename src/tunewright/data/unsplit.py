"""Rows that are all for testing: what `evaluate` and `tokens` read."""

from collections.abc import Mapping

from tunewright.data.chosen import require_one_answer, with_chosen_answers
from tunewright.data.prepare import PreparedData
from tunewright.data.read import LoadHubDataset
from tunewright.data.sources import read_sources
from tunewright.errors import Problem, RecipeError
from tunewright.records import Change, DataRecipe, DatasetEntry, DatasetVersion, Example, Split

UNUSED_SETTINGS = (
    "validation_path",
    "test_path",
    "validation_fraction",
    "test_fraction",
    "split_seed",
    "group_column",
    "time_column",
    "stratify",
    "keep_duplicates",
    "unusable_rows",
    "fixes",
    "checks",
)
"""Settings of data that say how rows are split, checked or repaired."""


def prepare_test(recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None = None) -> PreparedData:
    """Read all rows of a recipe's path or sources as test rows, in file order. Only the first of equal rows is kept.

    Raises:
        DataError: rows cannot be read, or are preference pairs.
        RecipeError: a setting says how to split, check or repair, which is not done here.
    """
    _refuse_unused_settings(recipe)
    read = read_sources(recipe, load_hub_dataset)
    rows: Mapping[Split, tuple[Example, ...]] = {
        Split.TEST: tuple(example for part in read for example in part.examples)
    }
    changes: list[Change] = []
    if recipe.train_on_chosen:
        rows, turned = with_chosen_answers(rows)
        changes += turned
    require_one_answer(rows[Split.TEST])
    examples: dict[str, Example] = {}
    for example in rows[Split.TEST]:
        first = examples.setdefault(example.id, example)
        if first is not example:
            reason = f"same as {first.provenance}"
            location = str(example.provenance)
            changes.append(Change(action="dropped", example_id=example.id, location=location, reason=reason))
    entries = tuple(DatasetEntry(example_id=example_id, split=Split.TEST) for example_id in examples)
    version = DatasetVersion(entries=entries, sources=tuple(part.source for part in read), changes=tuple(changes))
    return PreparedData(version, examples)


def _refuse_unused_settings(recipe: DataRecipe) -> None:
    given = recipe.model_dump(include=set(UNUSED_SETTINGS), exclude_defaults=True)
    fix = "Remove it: nothing is split, checked or repaired here, all rows are tested."
    if given:
        raise RecipeError(
            [Problem(f"data.{name}", repr(value), "no such setting", fix) for name, value in given.items()]
        )
