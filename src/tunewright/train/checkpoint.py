"""Checkpoints: everything that decides the next step, by name, in safetensors and JSON.

Optimizer state is keyed by parameter name. Saved in iteration order it survives one resume and is silently permuted
by the second when two layers have the same shape.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tunewright.contracts import Progress
from tunewright.errors import CorruptError, Problem
from tunewright.records import Record
from tunewright.store import METRICS, RunFolder
from tunewright.train.leader import Leader
from tunewright.train.trainable import Trainable

STATE_FILE = "state.json"


class TrainState(Record):
    """Where a run stands after `step` optimizer steps."""

    step: int = 0
    best: Leader = Leader()
    """Of the checkpoints that keep general ability: the one to keep."""
    leader: Leader = Leader()
    """Of all checkpoints, whatever was forgotten."""
    lowest_loss_step: int = 0
    """Lowest validation loss of all."""
    lowest_validation_loss: float | None = None
    num_validations_without_gain: int = 0
    num_skipped_in_a_row: int = 0
    """Steps up to this one whose loss or gradient was not a number."""
    recent_losses: tuple[float, ...] = ()
    """Training losses of the last steps whose loss was a number."""
    lowest_recent_loss: float | None = None
    """Lowest median of a full window of such losses (see explosion.py)."""
    lowest_recent_step: int = 0
    curve_hash: str | None = None
    """Of the rows of the curve up to this step: what they say is reported, and in part decided from."""
    num_tokens: int = 0
    num_trained_tokens: int = 0
    seconds: float = 0.0
    """Training time over all sittings."""
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Checkpoints of one run: the two newest, the best one and the one that is best at the task are kept."""

    run: RunFolder
    trainable: Trainable

    def save(self, state: TrainState) -> None:
        """Publish a checkpoint atomically, then drop the ones that are no longer needed.

        Raises:
            StoreError: the disk is full or failing; earlier checkpoints are untouched.
        """
        with self.run.publish(_name(state.step), self.trainable.num_bytes) as folder:
            self.trainable.write(folder)
            state = state.model_copy(update={"curve_hash": self.run.metrics_hash(state.step)})
            (folder / STATE_FILE).write_text(state.model_dump_json(indent=2), encoding="utf-8")
        self._drop_old(state)

    def _drop_old(self, state: TrainState) -> None:
        # Two, so that there is one to fall back on when the newest does not verify.
        for path in self.run.checkpoints().intact[2:]:
            name = f"checkpoints/{path.name}"
            if name not in (_name(state.best.step), _name(state.leader.step)):
                self.run.remove_published(name)

    def load_newest(self, progress: Progress) -> TrainState | None:
        """Restore weights, optimizer and random state from the newest checkpoint that verifies; None without one.

        Those that do not, or call one of them the best, are named and dropped: training makes them again.

        Raises:
            CorruptError: the curve up to it has changed.
            StoreError: the disk does not give a checkpoint.
        """
        found = self.run.checkpoints()
        words = "found a damaged best checkpoint, expected one that can be kept at the end"
        dropped = {path: f"{path}: {words}" for path in found.intact if self._may_keep(found.corrupt, path)}
        # Corrupt ones last: a kill in between leaves them to be found again.
        for path, reason in (dropped | found.corrupt).items():
            progress.say(f"Dropped a checkpoint. {reason.partition('. ')[0]}.")
            self.run.remove_published(f"checkpoints/{path.name}")
        newest = next((path for path in found.intact if path not in dropped), None)
        if newest is None:
            if found.corrupt:
                progress.say("No checkpoint is left to go on from: training starts again.")
            return None
        state = self._load(newest)
        self._drop_old(state)  # where a kill came between a save and this
        return state

    def load(self, step: int) -> TrainState:
        """Restore everything as it was after `step`.

        Raises:
            CorruptError: there is no such checkpoint, or it does not verify, or the curve up to it has changed.
        """
        return self._load(self.run.published(_name(step)))

    def remove_after(self, step: int) -> None:
        """Drop the checkpoints of later steps."""
        for path in self.run.checkpoints().intact:
            if path.name > _name(step).rpartition("/")[2]:
                self.run.remove_published(f"checkpoints/{path.name}")

    def _may_keep(self, corrupt: Collection[Path], folder: Path) -> bool:
        """Whether training that goes on from a checkpoint may end with the weights of one of these."""
        state = self._state(folder)
        return any(self.run.path / _name(one.step) in corrupt for one in (state.best, state.leader))

    def _state(self, folder: Path) -> TrainState:
        return self.run.read_record(f"{folder.relative_to(self.run.path)}/{STATE_FILE}", TrainState)

    def _load(self, folder: Path) -> TrainState:
        state = self._state(folder)
        # Checkpoints of older versions have no hash.
        if state.curve_hash not in (None, self.run.metrics_hash(state.step)):
            found, expected = f"other rows up to step {state.step}", f"those that {folder.name} was saved after"
            fix = "It was damaged or edited. Put it back from a copy, or start a new run."
            raise CorruptError(str(Problem(str(self.run.path / METRICS), found, expected, fix)))
        self.trainable.read(folder)
        return state

    def load_weights_of(self, step: int) -> None:
        """Put the trained weights back to what they were after `step`."""
        self.trainable.read_weights(self.run.published(_name(step)))


def _name(step: int) -> str:
    return f"checkpoints/step-{step:08d}"
