"""What a run changes about itself to be able to go on: smaller micro-batches, then gradient checkpointing; and one
second try at a lower rate.

Each change is a line of `recovery.jsonl`, written before it takes effect, and says from which step on it holds. A
resumed run reads it and does the same at the same steps, so it still ends in the bytes of an uninterrupted one. Loads
no torch: the supervisor writes here too, after the system has killed a worker.
"""

from tunewright.contracts import Progress
from tunewright.errors import DivergedError, TrainError
from tunewright.records import Remedy, TrainRecipe, settled
from tunewright.store import RunFolder
from tunewright.train.checkpoint import Checkpoints, TrainState

FILE = "recovery.jsonl"
RATE_FACTOR = 0.5
MAX_SKIPPED_IN_A_ROW = 3


class Recovery:
    """The remedies of one run, read once. The caller holds the run's lock, so that nobody else takes any.

    Raises:
        CorruptError: a remedy cannot be read.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.remedies = tuple(Remedy.model_validate(line) for line in run.recover_json_lines(FILE))
        """In the order in which they were taken."""

    @property
    def has_lower_rate(self) -> bool:
        """Whether the run went back once and on at a lower learning rate."""
        return any(one.learning_rate_factor is not None for one in self.remedies)

    def tokens_per_micro_batch(self, settings: TrainRecipe, step: int) -> int:
        """Most tokens computed at once in step `step` (from 0)."""
        sizes = [one.tokens_per_micro_batch for one in self.remedies if one.from_step <= step]
        return min([settled(settings.tokens_per_micro_batch), *(size for size in sizes if size is not None)])

    def recomputes(self, settings: TrainRecipe, step: int, *, can_recompute: bool = True) -> bool:
        """Whether layers are computed a second time in step `step` (from 0): gradient checkpointing.

        Args:
            can_recompute: whether the network knows it, which the supervisor that notes a remedy cannot know.
        """
        is_short = any(one.gradient_checkpointing for one in self.remedies if one.from_step <= step)
        return settings.gradient_checkpointing == "always" or (is_short and can_recompute)

    def rate_factor(self, step: int) -> float:
        """What the planned learning rate of step `step` (from 0) is multiplied with."""
        factors = [one.learning_rate_factor for one in self.remedies if one.from_step <= step]
        return min([1.0, *(factor for factor in factors if factor is not None)])

    def compute_less(
        self, settings: TrainRecipe, step: int, longest: int, reason: str, *, can_recompute: bool = True
    ) -> Remedy:
        """Halve the micro-batches from step `step` on; where they hold one row, turn on gradient checkpointing.

        The rows of a step stay the same, and so does the result, but for which inputs dropout zeroes in smaller
        micro-batches.

        Args:
            longest: tokens of the longest row, which is never cut.
            reason: what the system said.
            can_recompute: whether the network knows gradient checkpointing.
        Raises:
            TrainError: one row alone is too much.
        """
        size = self.tokens_per_micro_batch(settings, step)
        if size > longest:
            return self._note(Remedy(from_step=step, tokens_per_micro_batch=max(longest, size // 2), reason=reason))
        is_open = settings.gradient_checkpointing == "auto" and not self.recomputes(settings, step)
        if is_open and can_recompute:
            return self._note(Remedy(from_step=step, gradient_checkpointing=True, reason=reason))
        raise TrainError(
            f"Memory is too short for micro-batches of {size} tokens, which no longer hold more than one row: the "
            f"longest has {longest} ({reason}). Set a lower train.max_length, use method.kind=lora if every weight "
            "is trained, or take a smaller base or a machine with more memory."
        )

    def roll_back(self, checkpoints: Checkpoints, state: TrainState, error: DivergedError) -> TrainState:
        """Go back to the best checkpoint, once, and on from there at half the learning rate.

        Raises:
            DivergedError: `error`, when that was done before.
        """
        if self.has_lower_rate:
            raise error
        good = checkpoints.load(state.best.step)
        # In this order a kill in between leaves a run that diverges, and rolls back, once more.
        checkpoints.remove_after(good.step)
        self._note(Remedy(from_step=good.step, learning_rate_factor=RATE_FACTOR, reason=str(error)))
        self.run.truncate_metrics(good.step)
        return good

    def _note(self, remedy: Remedy) -> Remedy:
        self.run.append_json(FILE, remedy.model_dump(mode="json", exclude_none=True))
        # Appended lines are not synced, and this one decides what later steps do.
        self.run.sync(FILE)
        self.remedies += (remedy,)
        return remedy


def tell(remedy: Remedy, progress: Progress) -> None:
    """Say a remedy aloud."""
    progress.say(f"{remedy.told} ({remedy.reason.splitlines()[0]})")
