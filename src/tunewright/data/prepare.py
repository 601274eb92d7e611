"""Recipe to dataset version: examine the rows, drop duplicates, keep held-out inputs out of training, split.

The split works on inputs, not rows: all rows that share an input, or whose inputs the checks found to be nearly the
same, land in one split, or the test would ask what training has already answered. Inputs are ordered by a hash of
their content and the seed. The hash of one input does not depend on the others, so rows added later move only the few
inputs at the two borders between the splits.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from tunewright.contracts import Progress, SilentProgress
from tunewright.data.examine import ExaminedData, examine
from tunewright.data.read import LoadHubDataset
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import Change, CheckResult, DataRecipe, DatasetEntry, DatasetVersion, Example, Split

MIN_TRAIN_ROWS = 10
MIN_HELD_OUT_ROWS = 20
"""Fewest rows of a validation or test split that is cut from the data."""
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

    def rows(self, split: Split) -> tuple[Example, ...]:
        """The examples of a split in the order of the version's entries, kept duplicates included."""
        return tuple(self.examples[entry.example_id] for entry in self.version.entries if entry.split == split)


def prepare(
    recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None = None, progress: Progress | None = None
) -> PreparedData:
    """Read and check the recipe's data and freeze it into train, validation and test rows.

    Training rows stay in file order. Validation and test rows are in hash order, so the first k of them are a fair
    sample even of a sorted file.

    Args:
        recipe: what to read, how to check it and how to split it.
        load_hub_dataset: gives the rows of a hub dataset; needed only if the recipe names one.
        progress: shows which check is running; silent by default.
    Raises:
        DataError: rows cannot be read, a blocking check found rows and is not accepted, or too few rows are left for
            a split.
        RecipeError: settings contradict each other or have no effect.
    """
    _refuse_unused_fractions(recipe)
    examined = examine(recipe, load_hub_dataset, progress or SilentProgress())
    _require_nothing_blocking(examined.results, recipe)
    splitter = _Splitter(recipe, examined)
    # Test before validation before train: where they overlap, the split that judges keeps the row.
    for split in (Split.TEST, Split.VALIDATION):
        if split in examined.files:
            splitter.add_file(examined.files[split], split)
    splitter.add_main(examined.files[Split.TRAIN])
    splitter.require_rows(examined.files[Split.TRAIN])
    return splitter.freeze()


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
    problems = []
    for result in blocking:
        locations = list(dict.fromkeys(place for finding in result.findings for place in finding.locations))
        places = ", ".join(locations[:NUM_NAMED_PLACES]) + (", ..." if len(locations) > NUM_NAMED_PLACES else "")
        problems.append(
            Problem(
                f"{recipe.path}: {result.check}",
                f"{result.num_rows:,} rows ({places}): {result.findings[0].explanation.rstrip('.')}",
                "none",
                f"Look at them with `tunewright check {recipe.path}` and correct them, or accept them as they are with "
                f"--set data.checks.accept=[{accept}].",
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
        _change("dropped", example, reasons[example.id]) for example in data.examples.values() if example.id in reasons
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
    return PreparedData(version, examples, data.results)


class _Splitter:
    """Collects the rows of each split and the reason for every row that is not where its file had it."""

    def __init__(self, recipe: DataRecipe, examined: ExaminedData) -> None:
        self._recipe = recipe
        self._examined = examined
        self._rows: dict[Split, list[Example]] = {split: [] for split in Split}
        self._changes: list[Change] = []
        self._held_out: dict[str, tuple[Example, Split]] = {}
        """First example of a validation or test file with this example id or this input id."""

    def add_file(self, examples: Sequence[Example], split: Split) -> None:
        """Take the rows of a validation or test file."""
        kept = self._without_leaks(examples)
        self._assign(kept, dict.fromkeys((example.input_id for example in kept), split))
        for example in kept:
            self._held_out.setdefault(example.id, (example, split))
            self._held_out.setdefault(example.input_id, (example, split))

    def add_main(self, examples: Sequence[Example]) -> None:
        """Cut the splits that have no file of their own from the main data, and train on the rest."""
        kept = self._without_leaks(examples)
        num_distinct = len({example.id for example in kept})
        wanted = {
            split: max(MIN_HELD_OUT_ROWS, round(fraction * num_distinct))
            for split, fraction in _fractions_to_cut(self._recipe).items()
        }
        self._assign(kept, self._cut(kept, wanted))

    def require_rows(self, main: Sequence[Example]) -> None:
        """Raises: DataError when too few rows are left in a split."""
        num_train = len(self._rows[Split.TRAIN])
        if num_train < MIN_TRAIN_ROWS:
            splits_to_cut = sorted(_fractions_to_cut(self._recipe))
            num_needed = MIN_TRAIN_ROWS + MIN_HELD_OUT_ROWS * len(splits_to_cut)
            num_inputs = len({example.input_id for example in main})
            parts = [f"{MIN_TRAIN_ROWS} to train on", *(f"{MIN_HELD_OUT_ROWS} for {split}" for split in splits_to_cut)]
            raise DataError(
                Problem(
                    self._recipe.path,
                    f"{len(main)} rows with {num_inputs} distinct inputs, which leave {num_train} for training"
                    f"{self._summary()}",
                    f"at least {num_needed} rows ({', '.join(parts)}; equal inputs share a split)",
                    "Add rows, or give held-out rows of your own with --validation and --test.",
                )
            )
        if not self._rows[Split.VALIDATION]:
            raise DataError(
                Problem(
                    str(self._recipe.validation_path),
                    "only rows whose input is test data too",
                    "rows of its own",
                    "Give other rows with --validation, or leave it out.",
                )
            )

    def freeze(self) -> PreparedData:
        """Put the collected rows into a dataset version: train in file order, the other splits in hash order."""
        for split in (Split.VALIDATION, Split.TEST):
            self._rows[split].sort(key=lambda example: self._order(example.input_id))
        entries = tuple(
            DatasetEntry(example_id=example.id, split=split) for split in Split for example in self._rows[split]
        )
        changes = (*self._examined.changes, *self._changes)
        version = DatasetVersion(entries=entries, sources=self._examined.sources, changes=changes)
        examples: dict[str, Example] = {}
        for example in chain.from_iterable(self._rows.values()):
            examples.setdefault(example.id, example)
        return PreparedData(version, examples, self._examined.results)

    def _without_leaks(self, examples: Sequence[Example]) -> list[Example]:
        kept = []
        for example in examples:
            if example.input_id not in self._held_out:
                kept.append(example)
                continue
            other, split = self._held_out.get(example.id) or self._held_out[example.input_id]
            same = "same row as" if other.id == example.id else "same input, with another answer, as"
            reason = f"{same} {other.provenance}, which is {split} data"
            self._changes.append(_change("moved", example, reason))
        return kept

    def _cut(self, examples: Sequence[Example], wanted: Mapping[Split, int]) -> dict[str, Split]:
        """Choose the split of every input: fill those wanted in their order, the rest is for training."""
        group_of = {example.input_id: self._group(example) for example in examples}
        num_rows = Counter({example.id: group_of[example.input_id] for example in examples}.values())
        in_order = sorted(num_rows, key=self._order)
        split_of = dict.fromkeys(in_order, Split.TRAIN)
        pending = iter(in_order)
        for split, num_wanted in wanted.items():
            num_taken = 0
            while num_taken < num_wanted and (group := next(pending, None)) is not None:
                split_of[group] = split
                num_taken += num_rows[group]
        return {input_id: split_of[group] for input_id, group in group_of.items()}

    def _group(self, example: Example) -> str:
        return self._examined.group_of.get(example.input_id, example.input_id)

    def _assign(self, examples: Sequence[Example], split_of: Mapping[str, Split]) -> None:
        first: dict[str, Example] = {}
        for example in examples:
            split = split_of[example.input_id]
            original = first.setdefault(example.id, example)
            # Held-out duplicates never stay: the same row scored twice would narrow the intervals.
            if original is not example and not (self._recipe.keep_duplicates and split == Split.TRAIN):
                self._changes.append(_change("dropped", example, f"same as {original.provenance}"))
            else:
                self._rows[split].append(example)

    def _order(self, input_id: str) -> str:
        return hashlib.sha256(f"{self._recipe.split_seed}:{input_id}".encode()).hexdigest()

    def _summary(self) -> str:
        counts = Counter(change.action for change in self._changes)
        num_dropped = sum(change.action == "dropped" for change in self._examined.changes)
        by_checks = f"{num_dropped} dropped by checks, " if num_dropped else ""
        if not counts and not by_checks:
            return ""
        by_splitting = (
            f"{counts['dropped']} dropped as duplicates, {counts['moved']} moved out as inputs of held-out files"
        )
        return f" ({by_checks}{by_splitting})"


def _fractions_to_cut(recipe: DataRecipe) -> dict[Split, float]:
    """The splits that have no file of their own; test comes first, so it is filled first."""
    fractions = {}
    if recipe.test_path is None:
        fractions[Split.TEST] = recipe.test_fraction
    if recipe.validation_path is None:
        fractions[Split.VALIDATION] = recipe.validation_fraction
    return fractions


def _change(action: Literal["dropped", "moved"], example: Example, reason: str) -> Change:
    return Change(action=action, example_id=example.id, location=str(example.provenance), reason=reason)
