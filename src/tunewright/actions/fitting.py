"""Whether this machine has the memory and the disk for a training, asked before a base is loaded."""

import math

from tunewright.actions.answering import ARTIFACT
from tunewright.actions.preparing import Preparation
from tunewright.model.load import weight_shapes
from tunewright.records import Full, Split, settled
from tunewright.store import RunFolder, Store
from tunewright.train.disk import disk_need, require_room, trained_of
from tunewright.train.forecast import refuse_what_cannot_fit
from tunewright.train.schedule import make_plan


def require_memory_and_disk(
    preparation: Preparation, store: Store, run: RunFolder | None = None, *, num_trainings: int = 1
) -> None:
    """Refuse what is surely too much. The forecast before the first step looks again, with what was measured.

    Args:
        run: that goes on; what it has written is no longer missing.
        num_trainings: one after the other, whose checkpoints all stay.
    Raises:
        TrainError: there is too little memory.
        StoreError: there is too little room on the disk.
    """
    recipe, shapes = preparation.recipe, weight_shapes(preparation.base.folder)
    is_full = isinstance(recipe.method, Full)
    refuse_what_cannot_fit(sum(map(math.prod, shapes)), is_full=is_full)
    if run is not None and len(list(run.path.rglob(ARTIFACT))) == num_trainings:
        return  # only measurements are left
    trained = trained_of(shapes, recipe.method, preparation.renderer.vocabulary_size)
    num_sequences = sum(map(preparation.renderer.num_sequences, preparation.data.rows(Split.TRAIN)))
    plan = make_plan(recipe.train, -(-num_sequences // settled(recipe.train.rows_per_step)))
    need = disk_need(trained, recipe.train, plan, is_watched=recipe.retention.enabled).of(num_trainings)
    if run is None:
        require_room(need, store.files.free_bytes(store.home), store.home, is_full=is_full)
    else:
        require_room(need, run.free_bytes, run.path, is_full=is_full, present_bytes=run.num_bytes)
