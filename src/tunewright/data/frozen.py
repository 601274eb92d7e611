"""The frozen test split: rows that judge one version of a data set judge the later ones too."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.data.examine import ExaminedData
from tunewright.errors import DataError, Problem
from tunewright.records import DataRecipe, Example, Split

NEW_TEST = (
    "Rows of another kind are another data set: give another --name. To make a new test split of this one, add "
    "--new-test; results on the two cannot be compared."
)


@dataclass(frozen=True, slots=True)
class FrozenTest:
    """The test split of the version in which it was made."""

    origin: str
    """That version, as a person names it: `tickets@1`."""
    examples: tuple[Example, ...]

    @property
    def example_ids(self) -> frozenset[str]:
        """Ids of the frozen rows."""
        return frozenset(example.id for example in self.examples)

    @property
    def input_ids(self) -> frozenset[str]:
        """Inputs that may stand in no other split."""
        return frozenset(example.input_id for example in self.examples)

    def take(self, recipe: DataRecipe, examined: ExaminedData) -> tuple[list[Example], list[Example], str]:
        """Pick the frozen rows out of what was read.

        A row whose answer was corrected, so that none of the frozen answers to its input is left, takes the place of
        the old row. A further answer to a frozen input does not join the test.

        Returns:
            The test rows, the other rows of the main file, and a sentence on what was kept.
        Raises:
            DataError: none of the rows is left, or a test file has rows that were not in the frozen test split.
        """
        file = Split.TEST if Split.TEST in examined.files else Split.TRAIN
        rows = tuple(examined.files[file])
        frozen_ids, frozen_inputs = self.example_ids, self.input_ids
        answered = {row.input_id for row in rows if row.id in frozen_ids}
        taken: list[Example] = []
        others: list[Example] = []
        for row in rows:
            is_correction = row.input_id in frozen_inputs and row.input_id not in answered
            (taken if row.id in frozen_ids or is_correction else others).append(row)
        if file is Split.TEST and others:
            raise DataError(self._changed_file(recipe, others))
        if not taken:
            raise DataError(
                Problem(
                    f"test split of {self.origin}",
                    f"none of its {len(frozen_ids):,} rows in the sources",
                    "at least one",
                    NEW_TEST,
                )
            )
        if file is Split.TEST:
            others = list(examined.files[Split.TRAIN])
        return taken, others, self._kept(taken)

    def _changed_file(self, recipe: DataRecipe, others: Sequence[Example]) -> Problem:
        return Problem(
            str(recipe.test_path),
            f"{len(others):,} rows that are not in the test split of {self.origin}, such as {others[0].provenance}",
            "no others: the test split of a named data set is frozen",
            NEW_TEST,
        )

    def _kept(self, taken: Sequence[Example]) -> str:
        found = {row.id for row in taken}
        num_same = len(found & self.example_ids)
        gone = len(self.input_ids - {row.input_id for row in taken})
        parts = [f"{num_same:,} of {len(self.example_ids):,} rows are the same"]
        if corrected := len(found) - num_same:
            parts.append(f"{corrected:,} have a corrected answer")
        if gone:
            parts.append(f"{gone:,} inputs are no longer in the sources")
        return (
            f"The test split is that of {self.origin}, so that results stay comparable: {', '.join(parts)}. "
            "Rows added since are for training and validation."
        )
