"""Verbs that make versions of named data sets: build, refresh, take back. Every one is a line of the log."""

import re
from pathlib import Path
from typing import Literal

from tunewright.actions.announcing import announce_sources
from tunewright.actions.stored import VERSION_PREFIX, describe_version, is_version, load_version
from tunewright.contracts import Progress, SilentProgress
from tunewright.data import FrozenTest, PreparedData, count_steps, difference, known_gaps, prepare
from tunewright.errors import Problem, RecipeError, StoreError
from tunewright.outside.hub import load_hub_dataset
from tunewright.records import BuildResult, DataRecipe, DatasetLog, Example, Split, VersionEntry
from tunewright.store import Store, require_name
from tunewright.study.dataset_card import render_card

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
MAX_NAME = 64


def build_dataset(
    recipe: DataRecipe,
    *,
    name: str | None = None,
    new_test: bool = False,
    home: Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> BuildResult:
    """Read, check and split rows as `tune` does, and freeze them as the next version of a named data set.

    The test split of the name is frozen when it is first made. Later versions keep its rows in the test, put rows that
    are added into training and validation only, and leave out what is nearly the same as a test row.

    Args:
        recipe: what to read, check and split.
        name: of the data set. Default: from the file.
        new_test: cut a new test split; results on the two cannot be compared.
        command: what the card gives as the command to repeat.
    Returns:
        The current line of the log. `is_new` is False when recipe and rows are those of the current version, and the
        group, licence and time of each row too.
    Raises:
        DataError: rows cannot be read, a problem blocks, or too few rows are left for a split.
        RecipeError: settings contradict each other or have no effect.
        StoreError: the disk refuses, or another process has added a version meanwhile.
    """
    if is_version(recipe):
        fix = "Name the files, or refresh it: tunewright data refresh NAME."
        raise RecipeError(Problem("data.path", repr(recipe.path), "rows to read, not a stored version", fix))
    store = Store(home)
    name = require_name(name or default_name(recipe))
    command = command or f"tunewright data build --name {name}"
    return _make(store, name, recipe, "build", new_test, progress or SilentProgress(), command)


def refresh_dataset(
    name: str,
    *,
    new_test: bool = False,
    home: Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> BuildResult:
    """Read the sources of the current version again, and make a new version if their rows have changed.

    The group, licence and time of a row count, its place in a file does not.

    Args:
        name: of the data set.
        new_test: as for `build_dataset`.
    Raises:
        DataError, RecipeError, StoreError: as `build_dataset`; also StoreError when there is no such name.
    """
    store, progress = Store(home), progress or SilentProgress()
    name = name.removeprefix(VERSION_PREFIX)
    entry = store.logs.get(name).current
    if entry.folder != str(Path.cwd()):
        progress.say(f"{name} was built in {entry.folder}; relative paths now start in {Path.cwd()}.")
    return _make(store, name, entry.recipe, "refresh", new_test, progress, command or f"tunewright data refresh {name}")


def take_back(name: str, version: str, *, home: Path | None = None, command: str = "") -> BuildResult:
    """Make an older version of a named data set the current one again, as a new line of its log.

    Args:
        name: of the data set.
        version: its number, `NAME@2`, or the start of its id.
    Raises:
        StoreError: the log has no such version, or it is the current one.
    """
    store = Store(home)
    name = name.removeprefix(VERSION_PREFIX)
    log = store.logs.get(name)
    older = _line(log, version)
    if (older.version_id, older.dataset_hash) == (log.current.version_id, log.current.dataset_hash):
        problem = Problem(version, "the current version", "an older one", f"See: tunewright data log {name}")
        raise StoreError(str(problem))
    before, _ = load_version(store, f"{name}@{log.current.number}")
    data, _ = load_version(store, f"{name}@{older.number}")
    change = difference(before, data)
    entry = older.model_copy(
        update={
            "number": len(log.entries) + 1,
            "action": "back",
            "parent_id": log.current.version_id,
            "created_at": store.logs.now(),
            "differences": change.sources,
            "num_more_copies": change.num_more_copies,
            "num_fewer_copies": change.num_fewer_copies,
            "command": command or f"tunewright data back {name} {older.number}",
        }
    )
    return _append(store, name, entry, before, data)


def default_name(recipe: DataRecipe) -> str:
    """The name of a data set from its first file: `my tickets.v2.jsonl` gives `my-tickets`."""
    path = recipe.path or recipe.sources[0].title
    stem = Path(path.rstrip("/")).name.partition(".")[0]
    return _NO_NAME.sub("-", stem).strip("-_")[:MAX_NAME] or "data"


def _line(log: DatasetLog, version: str) -> VersionEntry:
    number = version.removeprefix(VERSION_PREFIX).removeprefix(f"{log.name}@")
    if number.isascii() and number.isdigit() and 1 <= int(number) <= len(log.entries):
        return log.entries[int(number) - 1]
    matches = {entry.version_id: entry for entry in log.entries if version and entry.version_id.startswith(version)}
    if len(matches) != 1:
        found = f"{len(matches)} versions of that id" if matches else "no such version"
        expected = f"a number from 1 to {len(log.entries)} or the start of an id"
        raise StoreError(str(Problem(version, found, expected, f"See: tunewright data log {log.name}")))
    return next(iter(matches.values()))


Action = Literal["build", "refresh"]


def _make(
    store: Store, name: str, recipe: DataRecipe, action: Action, new_test: bool, progress: Progress, command: str
) -> BuildResult:
    log = store.logs.find(name)
    current = log.current if log else None
    frozen = _frozen_test(store, log) if log and not new_test else None
    read_at = store.logs.now()
    data = prepare(recipe, load_hub_dataset, progress, frozen)
    announce_sources(data.version.sources, progress)
    before = load_version(store, f"{name}@{current.number}")[0] if current else None
    if current and before and current.version_id == data.version.id:
        if num_rows := _num_labelled_anew(before, data):
            progress.say(f"Rows with another group, licence or time than in {name}@{current.number}: {num_rows:,}.")
        elif action == "refresh" or current.recipe == recipe:
            return _result(name, current, before, before, is_new=False)
    dataset_hash = store.put_dataset(data.version, data.examples)
    number = current.number + 1 if current else 1
    change = difference(before, data) if before else None
    entry = VersionEntry(
        number=number,
        action=action,
        version_id=data.version.id,
        dataset_hash=dataset_hash,
        parent_id=current.version_id if current else None,
        created_at=store.logs.now(),
        read_at=read_at,
        command=command,
        folder=str(Path.cwd()),
        recipe=recipe,
        sources=data.version.sources,
        test_number=current.test_number if current and frozen else number,
        differences=change.sources if change else (),
        num_more_copies=change.num_more_copies if change else 0,
        num_fewer_copies=change.num_fewer_copies if change else 0,
        steps=count_steps(data.version.changes),
        notes=data.notes,
        gaps=known_gaps(data.results),
    )
    return _append(store, name, entry, before, data)


def _num_labelled_anew(before: PreparedData, data: PreparedData) -> int:
    """Rows of two versions with the same rows whose group, licence or time differs."""
    return sum(_labels(before.examples[id_]) != _labels(example) for id_, example in data.examples.items())


def _labels(row: Example) -> tuple[str | None, ...]:
    return row.provenance.group, row.provenance.licence, row.provenance.time


def _frozen_test(store: Store, log: DatasetLog) -> FrozenTest:
    origin = f"{log.name}@{log.current.test_number}"
    return FrozenTest(origin, load_version(store, origin)[0].rows(Split.TEST))


def _append(
    store: Store, name: str, entry: VersionEntry, before: PreparedData | None, data: PreparedData
) -> BuildResult:
    store.logs.append(name, entry, render_card(describe_version(data, name, entry)))
    return _result(name, entry, before, data, is_new=True)


def _result(
    name: str, entry: VersionEntry, before: PreparedData | None, data: PreparedData, *, is_new: bool
) -> BuildResult:
    return BuildResult(
        name=name,
        is_new=is_new,
        entry=entry,
        num_rows={split.value: data.version.num_rows(split) for split in Split},
        difference=difference(before, data) if before else None,
    )
