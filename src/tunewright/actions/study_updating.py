"""Exchange the documents of a study after training, and ask again for the answers that have changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.actions.preparing import Preparation
from tunewright.actions.study_arms import StudiedArm
from tunewright.contracts import Progress
from tunewright.data import prepare_test
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.evaluate import ArmScores, TestItem, test_items
from tunewright.evaluate.scorers import SCORERS
from tunewright.outside.hub import load_hub_dataset
from tunewright.records import DataRecipe, Example, Passage, Split, StudyRecipe, UpdatedArm
from tunewright.retrieve.lance import build_lance
from tunewright.store import RunFolder, Store
from tunewright.store.runs import INDEXES
from tunewright.study.bench import Bench
from tunewright.study.options import Option
from tunewright.study.updated import UpdatedItems, measure_update, pair_with_old, with_corrected_verdicts

UPDATED_ROWS_FILE, UPDATED_PASSAGES_FILE = "updated-rows.json", "updated-passages.json"


@dataclass(frozen=True, slots=True)
class Update:
    """What the user gave: the documents as they are now, and the rows whose answer they change."""

    passages: tuple[Passage, ...]
    rows: tuple[Example, ...]


def read_updated_rows(recipe: StudyRecipe) -> tuple[Example, ...]:
    """The rows of `updated.answers`, read as those of the data are.

    Raises:
        RecipeError: documents were updated that the study does not have.
        DataError: a row cannot be read.
    """
    assert recipe.updated is not None
    if recipe.documents is None:
        expected = "`documents` as they were before"
        fix = "Give them with --documents: the question is which arms follow the change."
        raise RecipeError(Problem("updated.documents", "no documents to update", expected, fix))
    data = recipe.data
    settings = DataRecipe(
        path=recipe.updated.answers,
        form=data.form,
        input=data.input,
        output=data.output,
        system_prompt=data.system_prompt,
    )
    return prepare_test(settings, load_hub_dataset).rows(Split.TEST)


def require_changes(rows: Sequence[Example], preparation: Preparation, path: str, progress: Progress) -> None:
    """Say which of the updated rows show nothing.

    Raises:
        DataError: none of them changes an answer of the data.
    """
    items, others = _paired(rows, preparation)
    if not items.new:
        expected = "inputs that the data has, with another answer"
        fix = "Take rows of the data and write the answer that is right now."
        raise DataError(Problem(path, f"{len(others)} rows that change no answer of the data", expected, fix))
    progress.say(f"Read {len(items.new):,} changed answers of {path}.")
    if others:
        progress.say(
            f"  {len(others):,} more rows change no answer of the data and are left out, such as "
            f"{others[0].example.provenance}."
        )


def _paired(rows: Sequence[Example], preparation: Preparation) -> tuple[UpdatedItems, tuple[TestItem, ...]]:
    known = [row for split in Split for row in preparation.data.rows(split)]
    return pair_with_old(test_items(rows, None), known)


def update_files(update: Update) -> dict[str, object]:
    """What the user's files held, by file of the run: a resumed study reads them no more."""
    return {
        UPDATED_PASSAGES_FILE: [passage.model_dump(mode="json") for passage in update.passages],
        UPDATED_ROWS_FILE: [row.model_dump(mode="json") for row in update.rows],
    }


def measure_updates(
    run: RunFolder, store: Store, bench: Bench, preparation: Preparation, arms: Sequence[StudiedArm]
) -> tuple[UpdatedArm, ...]:
    """Every arm before and after the exchange; empty where no update was given."""
    if not run.has(UPDATED_ROWS_FILE):
        return ()
    passages = [Passage.model_validate(passage) for passage in run.read_json(UPDATED_PASSAGES_FILE)]
    rows = [Example.model_validate(row) for row in run.read_json(UPDATED_ROWS_FILE)]
    items, _ = _paired(rows, preparation)
    index = build_lance(passages, run.path / INDEXES, store.files)
    metric = SCORERS[bench.headline].metric

    def judge(option: Option, asked: Sequence[TestItem]) -> ArmScores:
        return bench.judge_headline("changed answers", option, asked)

    return with_corrected_verdicts(
        [measure_update(arm.described.name, arm.option, index, items, judge, metric, bench.settings) for arm in arms]
    )
