"""How much disk a training needs at its peak, told before anything is written.

    a checkpoint is written    those that are kept, and the new one under its temporary name
    the result is published    those that are kept, the artifact (the adapter, or every weight in float32), the report

A checkpoint holds the trained weights in float32 and the optimizer's state, which is empty before the first step. Not
counted are the run's copy of the rows, which is there by then, and its answers. How near it comes:
tests/endtoend/test_disk_need.py.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.errors import StoreError
from tunewright.records import Full, Method, TrainRecipe, format_bytes, settled
from tunewright.train.forecast import BYTES_PER_WEIGHT, MOMENTS
from tunewright.train.schedule import Plan

HEADER_BYTES = 140
"""Of one tensor in a safetensors file: its name, shape and place. Measured: 120 to 150."""
RANDOM_BYTES, STATE_BYTES = 5_200, 2_000
"""Of each checkpoint: torch's generator; step, best checkpoints and manifest."""
RECORD_BYTES, CURVE_POINT_BYTES = 20_000, 150
"""Recipe, record and other small files; a step's line of metrics.jsonl."""
REPORT_BYTES = 150_000
"""report.html and report.json, without the answers that they show."""

Shapes = Collection[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Trained:
    """The weights that are trained, all of which are held in float32."""

    num_weights: int
    num_tensors: int

    def file_bytes(self, copies: int = 1) -> int:
        """Of safetensors files that hold so many numbers for each weight."""
        return copies * (self.num_weights * BYTES_PER_WEIGHT + self.num_tensors * HEADER_BYTES)


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """What one training writes."""

    num_checkpoints: int
    """Most that there are at once."""
    checkpoint_bytes: int
    """Of the largest."""
    peak_bytes: int
    lasting_bytes: int
    """What is still there when it has ended."""

    def of(self, num_trainings: int) -> "DiskNeed":
        """The same of so many trainings, one after the other."""
        before = (num_trainings - 1) * self.lasting_bytes
        return replace(self, peak_bytes=before + self.peak_bytes, lasting_bytes=before + self.lasting_bytes)


def trained_of(shapes: Shapes, method: Method, vocabulary_size: int) -> Trained:
    """What a method trains of a base, from the shapes of the base's weights alone.

    Exact for full tuning. LoRA's update of a matrix (out, in) has rank x (out + in) weights. Tables of words, which it
    leaves out, are told by their rows; with method.layers=mlp it is too much.
    """
    if isinstance(method, Full):
        return Trained(sum(map(math.prod, shapes)), len(shapes))
    matrices = [shape for shape in shapes if len(shape) == 2 and shape[0] < vocabulary_size]
    return Trained(settled(method.rank) * sum(map(sum, matrices)), 2 * len(matrices))


def disk_need(
    trained: Trained, settings: TrainRecipe, plan: Plan, *, is_watched: bool, seconds: float = 0.0
) -> DiskNeed:
    """Add up what stands on the disk at once.

    Args:
        is_watched: whether general ability decides, too, which checkpoint is kept.
        seconds: that training will take, where that is known; long ones save between validations, too.
    """
    num_between = _num_saves_between(settings, plan, seconds)
    num_saves = min(len(plan.validate_after) + num_between, plan.num_steps + 1)
    most_kept = _most_kept(settings, is_watched=is_watched, saves_between=num_between > 0)
    num_kept, num_at_once = min(num_saves, most_kept), min(num_saves, most_kept + 1)
    state = trained.file_bytes(MOMENTS) + trained.num_tensors * (BYTES_PER_WEIGHT + HEADER_BYTES)
    checkpoint = trained.file_bytes() + state + RANDOM_BYTES + STATE_BYTES

    def together(number: int) -> int:
        # Where all that are ever saved stand there, the one from before the first step is among them.
        return number * checkpoint - (state if number == num_saves else 0)

    small = RECORD_BYTES + plan.num_steps * CURVE_POINT_BYTES
    lasting = together(num_kept) + trained.file_bytes() + REPORT_BYTES + small
    return DiskNeed(num_at_once, checkpoint, max(together(num_at_once) + small, lasting), lasting)


def require_room(need: DiskNeed, free_bytes: int, folder: Path, *, is_full: bool, present_bytes: int = 0) -> None:
    """Refuse what the disk cannot hold.

    Args:
        free_bytes: on the disk of the folder.
        folder: where the run is kept.
        is_full: whether every weight is trained.
        present_bytes: what an earlier sitting has written; it is no longer among the free.
    Raises:
        StoreError: less is free than is missing.
    """
    if free_bytes >= need.peak_bytes - present_bytes:
        return
    present = f", of which {format_bytes(present_bytes)} are there," if present_bytes else ""
    fewer = "use method.kind=lora" if is_full else "lower method.rank"
    raise StoreError(
        f"It cannot fit on the disk of {folder}: the run needs about {format_bytes(need.peak_bytes)}{present} with up "
        f"to {need.num_checkpoints} checkpoints of {format_bytes(need.checkpoint_bytes)} at once, and "
        f"{format_bytes(free_bytes)} are free. Free some space, {fewer}, or set TUNEWRIGHT_HOME to another disk."
    )


def _num_saves_between(settings: TrainRecipe, plan: Plan, seconds: float) -> int:
    """How often the time between two checkpoints passes before the next validation, which saves one anyway."""
    num_gaps = len(plan.validate_after) - 1
    return num_gaps * int(seconds / num_gaps / settings.seconds_between_checkpoints)


def _most_kept(settings: TrainRecipe, *, is_watched: bool, saves_between: bool) -> int:
    """The two newest; the best, where it can fall behind them; the best at the task, where another may be kept.

    With a patience of two validations training ends before a third one is saved after the best. But a lower loss is
    patience's reason to go on, too, where answers say which checkpoint is the best.
    """
    falls_behind = saves_between or settings.patience > 2 or settings.keep_by == "metric"
    return 2 + falls_behind + is_watched
