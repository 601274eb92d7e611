"""Examined rows to train, validation and test rows that share nothing a test could leak through.

Rows that share an input (up to white space and case), inputs that the checks found to be nearly the same, a chat and
the row that asks what one of its earlier turns answers, and rows of one group (a customer, a document) make one unit,
and a unit lies in one split; otherwise the test would ask what training has already answered.
Units are ordered by a hash of their name and the seed. The hash of one unit does not depend on the others, so rows
added later move only the few units at the borders between the splits. With labels there is a border in each label,
and a row added to a label moves only units of that label and, where a share is rounded, of one other. With a time
column the order is that of time instead: the newest units are the test.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from tunewright.data.checks.answers import answer_kind, normal_label
from tunewright.data.cut import SplitOf, Unit, cut_around_giants, cut_by_label, cut_in_order, seeded_hash
from tunewright.data.examine import ExaminedData
from tunewright.data.facets import times_of
from tunewright.data.frozen import FrozenTest
from tunewright.data.groups import Groups
from tunewright.data.shared_inputs import Mark, marks, ties
from tunewright.errors import MAX_LISTED_PROBLEMS, DataError, Problem, RecipeError
from tunewright.records import Change, Conversation, DataRecipe, Example, Split

MIN_TRAIN_ROWS = 10
MIN_HELD_OUT_ROWS = 20
"""Fewest rows of a validation or test split that is cut from the data."""

MAX_LISTED_GROUPS = 5
"""The largest ones, where groups leave too few rows for a split."""

Key = tuple[int, str]
"""What ties a row to others. Group values sort before inputs and so name their unit: it keeps its name, and with it
its split, when rows join the group. Loose inputs sort last and name none."""
_GROUP, _INPUT, _LOOSE_INPUT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The rows of each split, and everything that was decided on the way."""

    rows: Mapping[Split, Sequence[Example]]
    """Train in file order, the others in hash order."""
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def split_rows(recipe: DataRecipe, examined: ExaminedData, frozen_test: FrozenTest | None = None) -> SplitRows:
    """Put every row where it belongs.

    Args:
        frozen_test: takes the place of a test file.
    Raises:
        DataError: too few rows are left for a split, a time cannot be read, or the frozen test split is lost.
        RecipeError: labels are to be shared out evenly, and the answers are none.
    """
    splitter = _Splitter(recipe, examined)
    main: Sequence[Example] = tuple(examined.files[Split.TRAIN])  # training holds them in memory anyway
    cut_before: Sequence[Example] = ()
    # Test before validation before train: where they overlap, the split that judges keeps the row.
    if frozen_test is not None:
        test, main, note = frozen_test.take(recipe, examined)
        splitter.notes.append(note)
        splitter.add_held_out(test, Split.TEST)
        cut_before = () if Split.TEST in examined.files else test
    elif Split.TEST in examined.files:
        splitter.add_held_out(examined.files[Split.TEST], Split.TEST)
    if Split.VALIDATION in examined.files:
        splitter.add_held_out(examined.files[Split.VALIDATION], Split.VALIDATION)
    splitter.add_main(main, cut_before)
    splitter.require_rows(main)
    return splitter.finish()


def refuse_unused_settings(recipe: DataRecipe) -> None:
    """Raises: RecipeError when settings about splits contradict each other or have nothing to split."""
    problems = []
    if recipe.time_column is not None and recipe.stratify:
        fix = "Remove one of them: rows are put in order by time or shared out by label."
        problems.append(Problem("data.stratify", "true, beside data.time_column", "one of them", fix))
    if recipe.test_path is not None and recipe.validation_path is not None:
        settings = {"time_column": recipe.time_column, "stratify": recipe.stratify}
        fix = "Remove it: nothing is cut when both held-out splits have files of their own."
        problems += [
            Problem(f"data.{name}", repr(value), "no such setting", fix) for name, value in settings.items() if value
        ]
    if problems:
        raise RecipeError(problems)


class _Splitter:
    """Collects the rows of each split and the reason for every row that is not where its file had it."""

    def __init__(self, recipe: DataRecipe, examined: ExaminedData) -> None:
        self._recipe = recipe
        self._examined = examined
        self._rows: dict[Split, list[Example]] = {split: [] for split in Split}
        self._changes: list[Change] = []
        self.notes: list[str] = []
        self._has_groups = False
        self._held_out: dict[Mark, tuple[Example, Split]] = {}
        """The first example of a held-out split behind everything that ties other rows to it."""
        self._to_cut: Mapping[Split, float] = {}
        """The share of each split that has no rows of its own; test comes first, so it is filled first."""

    def add_held_out(self, examples: Sequence[Example], split: Split) -> None:
        """Take the rows of a validation or test file, or of a frozen test split."""
        kept = self._without_leaks(examples)
        self._assign(kept, dict.fromkeys((example.input_id for example in kept), split))
        for example in kept:
            for mark in chain(marks(example), (mark for _, mark in self._wider_ties(example))):
                self._held_out.setdefault(mark, (example, split))

    def add_main(self, examples: Sequence[Example], cut_before: Sequence[Example] = ()) -> None:
        """Cut the splits that have no rows yet from the main data, and train on the rest.

        Args:
            examples: all other rows of the main data.
            cut_before: its rows that are a frozen test split. Shares are shares of both, or a version that is built
                again from the same rows would have another validation split.
        """
        kept = self._without_leaks(examples)
        num_distinct = len({example.id for example in chain(kept, cut_before)})
        fractions = {Split.TEST: self._recipe.test_fraction, Split.VALIDATION: self._recipe.validation_fraction}
        self._to_cut = {
            split: fraction
            for split, fraction in fractions.items()
            if split not in self._examined.files and not self._rows[split]
        }
        wanted = {
            split: max(MIN_HELD_OUT_ROWS, round(fraction * num_distinct)) for split, fraction in self._to_cut.items()
        }
        self._assign(kept, self._cut(kept, wanted, cut_before))

    def require_rows(self, main: Sequence[Example]) -> None:
        """Raises: DataError when too few rows are left in a split."""
        num_train = len(self._rows[Split.TRAIN])
        if num_train < MIN_TRAIN_ROWS:
            splits_to_cut = sorted(self._to_cut)
            num_needed = MIN_TRAIN_ROWS + MIN_HELD_OUT_ROWS * len(splits_to_cut)
            num_inputs = len({example.input_id for example in main})
            parts = [f"{MIN_TRAIN_ROWS} to train on", *(f"{MIN_HELD_OUT_ROWS} for {split}" for split in splits_to_cut)]
            column = self._recipe.group_title or ("document" if self._has_groups else None)
            together = f"equal inputs {f'and rows with one {column} ' if column else ''}share a split"
            raise DataError(
                Problem(
                    self._recipe.title,
                    f"{len(main)} rows with {num_inputs} distinct inputs, which leave {num_train} for training"
                    f"{self._summary()}{self._largest_groups(main)}",
                    f"at least {num_needed} rows ({', '.join(parts)}; {together})",
                    "Add rows, or give held-out rows of your own with --validation and --test.",
                )
            )
        for split, path in ((Split.TEST, self._recipe.test_path), (Split.VALIDATION, self._recipe.validation_path)):
            if not self._rows[split]:
                are_left = bool(self._examined.files[split])
                found = "only rows whose input is test data too" if are_left else "only rows that are dropped"
                fix = f"Give other rows with --{split}, or leave it out."
                raise DataError(Problem(str(path), found, "rows of its own", fix))

    def _largest_groups(self, main: Sequence[Example]) -> str:
        sizes = Counter(example.provenance.group for example in main if example.provenance.group)
        if not sizes:
            return ""
        shown = [f"{group} {count:,}" for group, count in sizes.most_common(MAX_LISTED_GROUPS)]
        more = ", …" if len(sizes) > len(shown) else ""
        return f"; rows by {self._recipe.group_title or 'document'}: {', '.join(shown)}{more}"

    def finish(self) -> SplitRows:
        """Put validation and test rows into hash order."""
        for split in (Split.VALIDATION, Split.TEST):
            self._rows[split].sort(key=lambda example: seeded_hash(self._recipe.split_seed, example.input_id))
        return SplitRows(self._rows, tuple(self._changes), (*self.notes, *self._notes_on_columns()))

    def _notes_on_columns(self) -> Iterator[str]:
        if column := self._recipe.group_title:
            num_alone = sum(row.provenance.group is None for row in chain.from_iterable(self._rows.values()))
            alone = f" {num_alone:,} rows have no {column} and stand alone." if num_alone else ""
            yield f"Rows with the same {column} share a split.{alone}"
        elif self._has_groups:
            yield "Passages of one document share a split."
        if self._recipe.time_column and self._to_cut:
            yield f"The newest rows by {self._recipe.time_column} are held out: {', '.join(self._to_cut)}."

    def _wider_ties(self, example: Example) -> Iterator[tuple[str, Mark]]:
        """As `ties`: what rows share beside what stands in them."""
        if near := self._examined.group_of.get(example.input_id):
            yield "nearly the same input as", ("near", near)
        if example.provenance.group:
            yield f"same {self._recipe.group_title or 'document'} as", ("group", example.provenance.group)

    def _without_leaks(self, examples: Sequence[Example]) -> list[Example]:
        kept = []
        for example in examples:
            found = chain(ties(example), self._wider_ties(example))
            tie = next(((shared, mark) for shared, mark in found if mark in self._held_out), None)
            if tie is None:
                kept.append(example)
                continue
            shared, mark = tie
            other, split = self._held_out[mark]
            reason = f"{shared} {other.provenance}, which is {split} data"
            self._changes.append(_change("moved", example, reason, "held-out rows"))
        return kept

    def _assign(self, examples: Sequence[Example], split_of: Mapping[str, Split]) -> None:
        first: dict[str, Example] = {}
        for example in examples:
            split = split_of[example.input_id]
            original = first.setdefault(example.id, example)
            # Held-out duplicates never stay: the same row scored twice would narrow the intervals.
            if original is not example and not (self._recipe.keep_duplicates and split == Split.TRAIN):
                self._changes.append(_change("dropped", example, f"same as {original.provenance}", "duplicates"))
            else:
                self._rows[split].append(example)

    def _cut(
        self, examples: Sequence[Example], wanted: Mapping[Split, int], cut_before: Sequence[Example]
    ) -> dict[str, Split]:
        """Choose the split of every input: fill those wanted in their order, the rest is for training."""
        groups: Groups[Key] = Groups()
        asked = {example.loose_input_id for example in chain(examples, cut_before)}
        for example in chain(examples, cut_before):
            groups.join(self._keys(example, asked))
        name_of = {example.input_id: groups.name((_INPUT, example.input_id)) for example in chain(examples, cut_before)}
        units = self._units(examples, name_of)
        if self._recipe.time_column is not None:
            split_of = cut_in_order(sorted(units, key=lambda unit: (-unit.time, unit.order)), wanted)
        elif self._is_stratified():
            units_before = self._units(cut_before, name_of)

            def by_label(units: Sequence[Unit], wanted: Mapping[Split, int], others: Sequence[Unit]) -> SplitOf:
                return cut_by_label(units, wanted, (*others, *units_before), self._recipe.split_seed)

            split_of = cut_around_giants(units, wanted, MIN_HELD_OUT_ROWS, by_label)
            self._note_missing_labels(units, split_of, wanted)
        else:
            split_of = cut_around_giants(units, wanted, MIN_HELD_OUT_ROWS, _by_hash)
        return {example.input_id: split_of.get(name_of[example.input_id], Split.TRAIN) for example in examples}

    def _note_missing_labels(self, units: Sequence[Unit], split_of: SplitOf, splits: Iterable[Split]) -> None:
        labels = {unit.label for unit in units}
        for split in splits:
            num_missing = len(labels - {unit.label for unit in units if split_of.get(unit.name) is split})
            if num_missing:
                self.notes.append(f"{num_missing} of {len(labels)} labels are too rare for a {split} row.")

    def _keys(self, example: Example, asked: Set[str]) -> Iterator[Key]:
        yield _INPUT, example.input_id
        yield _INPUT, self._examined.group_of.get(example.input_id, example.input_id)
        yield _LOOSE_INPUT, example.loose_input_id
        # Only what another row asks: all chats that begin with "Hi" would be one unit.
        yield from ((_LOOSE_INPUT, earlier) for earlier in example.earlier_input_ids if earlier in asked)
        if example.provenance.group:
            self._has_groups = True
            yield _GROUP, example.provenance.group

    def _units(self, examples: Sequence[Example], name_of: Mapping[str, Key]) -> list[Unit]:
        times = self._times(examples)
        members: dict[Key, dict[str, Example]] = {}
        newest: dict[Key, float] = {}
        for example in examples:
            name = name_of[example.input_id]
            members.setdefault(name, {}).setdefault(example.id, example)
            time = times.get(str(example.provenance), 0.0)
            newest[name] = max(time, newest.get(name, time))
        seed = self._recipe.split_seed
        return [
            Unit(name, seeded_hash(seed, name[1]), len(rows), _label(rows.values()), newest[name])
            for name, rows in members.items()
        ]

    def _times(self, examples: Sequence[Example]) -> Mapping[str, float]:
        if self._recipe.time_column is None:
            return {}
        times, problems = times_of(examples, self._recipe.time_column)
        if problems:
            raise DataError(problems[:MAX_LISTED_PROBLEMS], len(problems[MAX_LISTED_PROBLEMS:]))
        return times

    def _is_stratified(self) -> bool:
        if self._recipe.stratify is False or not self._to_cut:
            return False
        if answer_kind(self._examined.rows) == "label":
            self.notes.append("The answers are labels: each split has the same share of every label, in whole rows.")
            return True
        if self._recipe.stratify:
            fix = "Remove it: only labels (few short answers that repeat) can be shared out evenly."
            raise RecipeError(Problem("data.stratify", "true", "answers that are labels", fix))
        return False

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


def _by_hash(units: Sequence[Unit], wanted: Mapping[Split, int], others: Sequence[Unit]) -> SplitOf:
    del others
    return cut_in_order(sorted(units, key=lambda unit: unit.order), wanted)


def _label(rows: Iterable[Example]) -> str:
    """The most frequent label of a unit; of equally frequent ones the first in the alphabet."""
    labels = Counter(normal_label(row.body.answer) for row in rows if isinstance(row.body, Conversation))
    return min(labels, key=lambda label: (-labels[label], label), default="")


def _change(action: Literal["dropped", "moved"], example: Example, reason: str, cause: str) -> Change:
    return Change(action=action, example_id=example.id, location=str(example.provenance), reason=reason, cause=cause)
