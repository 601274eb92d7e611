"""Recipe to dataset version: examine the rows, refuse what blocks, split (split.py), weigh (weights.py), freeze."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunewright.contracts import Progress, SilentProgress
from tunewright.data.check_command import check_command
from tunewright.data.examine import examine
from tunewright.data.frozen import FrozenTest
from tunewright.data.read import LoadHubDataset
from tunewright.data.split import MIN_TRAIN_ROWS, refuse_unused_settings, split_rows
from tunewright.data.weights import weigh
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import Change, CheckResult, DataRecipe, DatasetEntry, DatasetVersion, Example, Split

NUM_NAMED_PLACES = 3
"""Rows that a refusal names; `tunewright check` shows more."""


@dataclass(frozen=True, slots=True)
class PreparedData:
    """A dataset version together with its examples."""

    version: DatasetVersion
    examples: Mapping[str, Example]
    """By id."""
    results: tuple[CheckResult, ...] = ()
    """What the checks found. Not part of the version's identity."""
    notes: tuple[str, ...] = ()
    """What splitting decided by itself and why, one sentence each."""

    def rows(self, split: Split) -> tuple[Example, ...]:
        """The examples of a split in the order of the version's entries, kept duplicates included."""
        return tuple(self.examples[entry.example_id] for entry in self.version.entries if entry.split == split)


def prepare(
    recipe: DataRecipe,
    load_hub_dataset: LoadHubDataset | None = None,
    progress: Progress | None = None,
    frozen_test: FrozenTest | None = None,
) -> PreparedData:
    """Read and check the recipe's data and freeze it into train, validation and test rows.

    Training rows stay in file order. Validation and test rows are in hash order, so the first k of them are a fair
    sample even of a sorted file.

    Args:
        recipe: what to read, how to check it and how to split it.
        load_hub_dataset: gives the rows of a hub dataset; needed only if the recipe names one.
        progress: shows which check is running; silent by default.
        frozen_test: the test split of an earlier version; its rows stay test rows, and no other row joins them.
    Raises:
        DataError: rows cannot be read, a blocking check found rows and is not accepted, or too few rows are left for
            a split.
        RecipeError: settings contradict each other or have no effect.
    """
    _refuse_unused_fractions(recipe)
    refuse_unused_settings(recipe)
    kept = frozen_test.example_ids if frozen_test else frozenset()
    examined = examine(recipe, load_hub_dataset, progress or SilentProgress(), kept)
    _require_nothing_blocking(examined.results, recipe)
    split = split_rows(recipe, examined, frozen_test)
    train, sampled_out = weigh(split.rows[Split.TRAIN], recipe)
    rows = {**split.rows, Split.TRAIN: train}
    entries = tuple(DatasetEntry(example_id=row.id, split=name) for name in Split for row in rows[name])
    changes = (*examined.changes, *split.changes, *sampled_out)
    version = DatasetVersion(entries=entries, sources=examined.sources, changes=changes)
    examples: dict[str, Example] = {}
    for name in Split:
        for row in rows[name]:
            examples.setdefault(row.id, row)
    return PreparedData(version, examples, examined.results, split.notes)


def _refuse_unused_fractions(recipe: DataRecipe) -> None:
    """Raises: RecipeError when a share is set of a split that has a file of its own."""
    paths = {"validation": recipe.validation_path, "test": recipe.test_path}
    fractions = {"validation": recipe.validation_fraction, "test": recipe.test_fraction}
    problems = [
        Problem(
            f"data.{split}_fraction",
            f"{fractions[split]:g}, beside data.{split}_path",
            "one of them",
            f"Rows of {path} are the {split} split, so nothing is cut. Remove one of the settings.",
        )
        for split, path in paths.items()
        # A default says nothing: a recipe that a run has written down names every setting.
        if path is not None and fractions[split] != DataRecipe.model_fields[f"{split}_fraction"].default
    ]
    if problems:
        raise RecipeError(problems)


def _require_nothing_blocking(results: Sequence[CheckResult], recipe: DataRecipe) -> None:
    blocking = [result for result in results if result.blocks]
    if not blocking:
        return
    accept = ",".join(dict.fromkeys((*recipe.checks.accept, *(result.check for result in blocking))))
    look = f"`{check_command(recipe)}`" + (" (your recipe file)" if recipe.sources else "")
    problems = []
    for result in blocking:
        locations = list(dict.fromkeys(place for finding in result.findings for place in finding.locations))
        places = ", ".join(locations[:NUM_NAMED_PLACES]) + (", ..." if len(locations) > NUM_NAMED_PLACES else "")
        problems.append(
            Problem(
                f"{recipe.title}: {result.check}",
                f"{result.num_rows:,} rows ({places}): {result.findings[0].explanation.rstrip('.')}",
                "none",
                f"Look at them with {look} and correct them, or accept them as they are with "
                f"--set 'data.checks.accept=[{accept}]'.",
            )
        )
    raise DataError(problems)


def drop_rows(data: PreparedData, reasons: Mapping[str, str]) -> PreparedData:
    """Leave out rows that turned out to be unusable, such as those whose answer is longer than the context.

    Args:
        data: what `prepare` gave.
        reasons: why, by example id. A row that was kept in several copies is left out once and for all.
    Returns:
        A new version, with a change for every row left out.
    Raises:
        DataError: fewer than MIN_TRAIN_ROWS training rows remain, or no validation or no test row.
    """
    assert reasons.keys() <= data.examples.keys()
    entries = tuple(entry for entry in data.version.entries if entry.example_id not in reasons)
    dropped = tuple(
        Change(
            action="dropped",
            example_id=example.id,
            location=str(example.provenance),
            reason=reasons[example.id],
            cause="unusable rows",
        )
        for example in data.examples.values()
        if example.id in reasons
    )
    num_rows = Counter(entry.split for entry in entries)
    for split, needed in ((Split.TRAIN, MIN_TRAIN_ROWS), (Split.VALIDATION, 1), (Split.TEST, 1)):
        if num_rows[split] < needed:
            raise DataError(
                Problem(
                    f"{split} split",
                    f"{num_rows[split]} usable rows ({len(dropped)} left out in all splits)",
                    f"at least {needed}",
                    f"Correct these rows or add others. The first is {dropped[0].location}: {dropped[0].reason}",
                )
            )
    version = DatasetVersion(entries=entries, sources=data.version.sources, changes=(*data.version.changes, *dropped))
    examples = {id_: example for id_, example in data.examples.items() if id_ not in reasons}
    return PreparedData(version, examples, data.results, data.notes)
