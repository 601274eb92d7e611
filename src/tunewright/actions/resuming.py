"""What a run saves before it computes anything, and how it is opened again: same rows, base, renderer and threads."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tunewright.actions.environment import describe_environment
from tunewright.actions.handover import RECIPE_FILE as RECIPE_FILE
from tunewright.actions.handover import command_to_continue, home_option
from tunewright.actions.preparing import Preparation
from tunewright.contracts import Progress
from tunewright.data import PreparedData
from tunewright.errors import BaseMismatchError, StoreError, TrainError
from tunewright.evaluate.house import HouseRules
from tunewright.model.libraries import import_libraries
from tunewright.outside.hub import find_again
from tunewright.records import Derived, Record, RunKind, RunStatus, TuneRecipe, settled
from tunewright.render import load_renderer
from tunewright.store import RunFolder, Store

DERIVED_FILE, HOUSE_FILE, HEADLINE_FILE = "derived.json", "house.json", "headline.json"
SECONDS_FILE = "seconds.json"


def preparation_files(recipe: Record, preparation: Preparation) -> dict[str, object]:
    """What `reopen` needs, by file name; the headline comes last, so its file says that all of it is there."""
    return {
        RECIPE_FILE: recipe.model_dump(mode="json"),
        DERIVED_FILE: [derived.model_dump(mode="json") for derived in preparation.derived],
        **({HOUSE_FILE: preparation.house.model_dump(mode="json")} if preparation.house else {}),
        HEADLINE_FILE: preparation.headline_metric,
    }


def require_unfinished(run: RunFolder, kind: RunKind, home: Path | None, *, has_gaps: bool = False) -> None:
    """Raises: TrainError when a run has succeeded, is of another kind, or saved nothing that could be continued;
    CorruptError when what it was made with has changed.

    Args:
        home: where the run was looked for; the commands in the errors name it.
        has_gaps: whether a run that has succeeded left something out that can be made up for.
    """
    if run.record.status is RunStatus.SUCCEEDED and not has_gaps:
        see = f"tunewright show {run.record.id}{home_option(home)}"
        raise TrainError(f"Run {run.record.id} has already succeeded. See it with: {see}")
    if not run.has(HEADLINE_FILE):
        again = f"Start it again with: {run.record.command}"
        raise TrainError(f"Run {run.record.id} ({run.record.kind}) has saved nothing that could be continued. {again}")
    if run.record.kind != kind:
        command = command_to_continue(run.record.id, home, run.record.environment.num_processes, run.record.kind)
        raise TrainError(f"Run {run.record.id} is of kind {run.record.kind}, not {kind}. Continue it with: {command}")
    run.require_unchanged()


def reopen(store: Store, run: RunFolder, recipe: TuneRecipe, progress: Progress) -> Preparation:
    """The preparation of a run that was stopped.

    Args:
        recipe: resolved, as the run saved it.
    Raises:
        BaseMismatchError: the base or its renderer is no longer what the run started with.
        StoreError: its rows do not verify.
    """
    import_libraries()
    base = find_again(run.record.base)
    # First: a template or vocabulary that was edited may not make a renderer at all.
    _require_same("base", run.record.base.sha256, base.ref.sha256, run)
    renderer = load_renderer(base.folder).fitted(
        settled(recipe.train.max_length), settled(recipe.evaluate.max_answer_tokens)
    )
    _require_same("renderer", run.record.renderer_hash, renderer.hash, run)
    _use_recorded_threads(run, progress)
    _tell_other_environment(run, progress)
    version, examples = store.get_dataset(run.record.dataset_id, run.record.dataset_hash)
    return Preparation(
        recipe=recipe,
        derived=tuple(Derived.model_validate(item) for item in run.read_json(DERIVED_FILE)),
        base=base,
        renderer=renderer,
        data=PreparedData(version, examples),
        headline_metric=run.read_json(HEADLINE_FILE),
        house=_read_house(run),
    )


def _read_house(run: RunFolder) -> HouseRules | None:
    return run.read_record(HOUSE_FILE, HouseRules) if run.has(HOUSE_FILE) else None


def _require_same(what: str, recorded: str, found: str, run: RunFolder) -> None:
    if recorded != found:
        raise BaseMismatchError(
            f"run {run.record.id}: found {what} {found[:12]}, expected {recorded[:12]} as when it started. "
            "Continuing would mix two models. Put the old files back, or start a new run."
        )


def _use_recorded_threads(run: RunFolder, progress: Progress) -> None:
    """One and two threads add up in another order, which changes the final bits. What the user asks for now wins."""
    import torch

    recorded, now = run.record.environment.num_threads, torch.get_num_threads()
    if now == recorded:
        return
    if os.environ.get("OMP_NUM_THREADS"):
        progress.say(
            f"Warning: {now} threads, as OMP_NUM_THREADS asks, but the run started with {recorded}: the result will "
            "not be bit-identical to that of an uninterrupted run."
        )
        return
    progress.say(f"Using {recorded} threads, as when the run started, so that it ends in the same bytes.")
    torch.set_num_threads(recorded)


def _tell_other_environment(run: RunFolder, progress: Progress) -> None:
    before, now = run.record.environment, describe_environment()
    changed = [
        f"{name} was {old}, is {new}"
        for name, old, new in (
            ("processor", before.processor, now.processor),
            ("accelerator", before.accelerator, now.accelerator),
            ("number of processes", before.num_processes, now.num_processes),
            *((name, before.packages.get(name), found) for name, found in now.packages.items()),
        )
        if old != new
    ]
    if changed:
        progress.say(f"Resumed under other conditions ({'; '.join(changed)}): the final bytes may differ.")


@contextmanager
def timed(run: RunFolder, stage: str) -> Iterator[None]:
    """Add the wall time of a stage to what earlier sittings spent on it, however it ends.

    Only a kill leaves no time to write: what the stage took until then is missing.
    """
    started = time.monotonic()
    try:
        yield
    except BaseException:
        with suppress(StoreError):  # what ended the stage is the one to tell
            _add_seconds(run, stage, time.monotonic() - started)
        raise
    _add_seconds(run, stage, time.monotonic() - started)


def _add_seconds(run: RunFolder, stage: str, seconds: float) -> None:
    so_far = seconds_of(run)
    so_far[stage] = round(so_far.get(stage, 0.0) + seconds, 2)
    run.write_json(SECONDS_FILE, so_far)


def seconds_of(run: RunFolder) -> dict[str, float]:
    """Wall time by stage, over all sittings; see `timed`."""
    return dict(run.read_json(SECONDS_FILE)) if run.has(SECONDS_FILE) else {}
