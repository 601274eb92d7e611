"""Verbs that look at stored versions of data sets: show, log, diff, export; and opening one for training."""

from pathlib import Path

from tunewright.contracts import Progress
from tunewright.data import (
    ExportFormat,
    PreparedData,
    count_repeated,
    count_steps,
    difference,
    export_splits,
    summarise_splits,
)
from tunewright.data.checks.check import checked_row
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import (
    DataRecipe,
    DatasetCard,
    DatasetLog,
    ShownRow,
    Split,
    VersionDifference,
    VersionEntry,
)
from tunewright.store import Store, publish_folder
from tunewright.store.logs import CARD
from tunewright.study.dataset_card import render_card

VERSION_PREFIX = "data:"
"""What tells a stored version from a file: `data:tickets`, `data:tickets@2` or `data:3fa2`, where names and ids have no
dot and no slash. No file that can be read and no hub id is written so."""
NUM_SHOWN_ROWS = 2
"""Rows of each split on a card."""
_FIELDS_WITH_EFFECT = frozenset({"path", "unusable_rows"})


def show_dataset(reference: str, home: Path | None = None) -> DatasetCard:
    """Everything there is to say about a version.

    Args:
        reference: `NAME`, `NAME@2`, an id or its start.
    Raises:
        StoreError: there is no such version, or its bytes have changed.
    """
    return _card(Store(home), reference)


def dataset_card(reference: str, home: Path | None = None) -> str:
    """The card of a version as Markdown."""
    return render_card(_card(Store(home), reference))


def dataset_log(name: str, home: Path | None = None) -> DatasetLog:
    """The history of one named data set, oldest line first."""
    return Store(home).logs.get(name.removeprefix(VERSION_PREFIX))


def list_datasets(home: Path | None = None) -> list[DatasetLog]:
    """The history of every named data set, by name."""
    logs = Store(home).logs
    return [logs.get(name) for name in logs.names()]


def diff_datasets(older: str, newer: str, home: Path | None = None) -> VersionDifference:
    """What the second of two versions has and the first has not, and the other way round.

    Args:
        older, newer: as for `show_dataset`.
    """
    store = Store(home)
    return difference(load_version(store, older)[0], load_version(store, newer)[0])


def export_dataset(
    reference: str, to: ExportFormat, out: Path, home: Path | None = None
) -> tuple[tuple[Path, ...], int]:
    """Write a version as one file per split, with its card, into a new folder.

    The folder appears complete or not at all, with the hashes of its files in MANIFEST.json.

    Args:
        reference: as for `show_dataset`.
        to: the format of the files.
        out: the folder; must not exist.
    Returns:
        The files of the splits, and how many training rows are copies, which a reader drops unless it is told.
    Raises:
        DataError: the format cannot hold the rows.
        StoreError: the folder exists, or the disk refuses.
    """
    store = Store(home)
    data, _ = load_version(store, reference)
    card = render_card(_card(store, reference))
    with publish_folder(out, store.files) as folder:
        export_splits(data, to, folder)
        (folder / CARD).write_text(card, encoding="utf-8", newline="\n")
    train = data.rows(Split.TRAIN)
    files = tuple(path for split in Split for path in sorted(out.glob(f"{split}.*")))
    return files, len(train) - len({row.id for row in train})


def load_version(store: Store, reference: str) -> tuple[PreparedData, VersionEntry | None]:
    """A stored version, and its line of the log if it was named.

    An id alone means rows and splits: the sources, groups and changes are those of whoever stored them first.

    Raises:
        StoreError: there is no such version, or its bytes have changed.
    """
    reference = reference.removeprefix(VERSION_PREFIX)
    found = store.logs.entry(reference)
    if found is None:
        return PreparedData(*store.get_dataset(reference)), None
    entry = found[1]
    return PreparedData(*store.get_dataset(entry.version_id, entry.dataset_hash)), entry


def is_version(recipe: DataRecipe) -> bool:
    """Whether a recipe names a stored version instead of files."""
    return recipe.path is not None and recipe.path.startswith(VERSION_PREFIX)


def open_version(recipe: DataRecipe, home: Path | None, progress: Progress) -> tuple[DataRecipe, PreparedData]:
    """The rows and splits of the stored version that a recipe names, exactly as they were frozen.

    Returns:
        The recipe with a name that does not move on (`data:tickets@2` for `data:tickets`), and the rows.
    Raises:
        RecipeError: a setting says how to read, check or split, which was decided when the version was made.
        DataError: the version has no training, validation or test rows.
        StoreError: there is no such version, or its bytes have changed.
    """
    assert recipe.path is not None
    _refuse_other_settings(recipe)
    store = Store(home)
    reference = recipe.path.removeprefix(VERSION_PREFIX)
    data, _ = load_version(store, reference)
    found = store.logs.entry(reference)
    pinned = f"{found[0]}@{found[1].number}" if found else data.version.id
    progress.say(f"Data set {pinned}, version {data.version.id[:16]}; splits as they were frozen.")
    if not found and store.num_stored(data.version.id) > 1:
        progress.say(
            "The same rows are stored with other sources, groups or changes too. An id means those that were stored "
            "first, a name its own."
        )
    empty = [split.value for split in Split if not data.rows(split)]
    if empty:
        fix = "Make a version with splits: tunewright data build DATA."
        raise DataError(Problem(recipe.path, f"no {' and no '.join(empty)} rows", "rows in every split", fix))
    return recipe.model_copy(update={"path": f"{VERSION_PREFIX}{pinned}"}), data


def _refuse_other_settings(recipe: DataRecipe) -> None:
    given = [
        name
        for name, field in DataRecipe.model_fields.items()
        if name not in _FIELDS_WITH_EFFECT and getattr(recipe, name) != field.default
    ]
    fix = "Remove it, or make a version with it: tunewright data build DATA."
    expected = f"no such setting beside {recipe.path}, whose rows are frozen"
    if given:
        raise RecipeError([Problem(f"data.{name}", repr(getattr(recipe, name)), expected, fix) for name in given])


def _card(store: Store, reference: str) -> DatasetCard:
    data, entry = load_version(store, reference)
    found = store.logs.entry(reference.removeprefix(VERSION_PREFIX))
    return describe_version(data, found[0] if found else None, entry)


def describe_version(data: PreparedData, name: str | None, entry: VersionEntry | None) -> DatasetCard:
    """Put together what the card of a version says.

    Args:
        name, entry: the named data set and its line of the log, if it has one.
    """
    rows = []
    for split in Split:
        for example in data.rows(split)[:NUM_SHOWN_ROWS]:
            row = checked_row(example)
            rows.append(ShownRow(split=split, location=row.location, input=row.input, answer=row.answer))
    sources = entry.sources if entry else data.version.sources
    steps = entry.steps if entry else count_steps(data.version.changes)
    return DatasetCard(
        version_id=data.version.id,
        name=name,
        entry=entry,
        sources=sources,
        steps=(*steps, *count_repeated(sources, steps, len(data.version.entries))),
        splits=summarise_splits(data),
        rows=tuple(rows),
    )
