"""Which checkpoint is the best at the task: by its leading metric, and among those about as good by validation loss.

A metric of a few dozen answers is a coarse measure. A checkpoint takes the lead when it is no more than one answer
behind the highest metric so far, and has a lower loss, which moves smoothly, than the leader, or the leader is further
behind. One that has lost the lead, or never had it, does not get it later: its weights are not kept that long.
"""

from tunewright.records import Estimate, Record


class Leader(Record):
    """The best at the task among some checkpoints."""

    step: int = 0
    loss: float | None = None
    """Its validation loss; None before the first validation."""
    task: Estimate | None = None
    """Its leading metric, where that decides."""
    highest: float | None = None
    """The highest metric among these checkpoints. The leader's own may be a little lower."""

    def after(self, step: int, loss: float, task: Estimate | None) -> "Leader":
        """The best with one checkpoint more.

        A checkpoint without a metric is compared by its loss.

        Args:
            task: its leading metric, of which more is better.
        """
        highest = self.highest
        if task is not None and (highest is None or task.value > highest):
            highest = task.value
        leads = self.loss is None or loss < self.loss
        if task is not None and self.task is not None and highest is not None:
            leads = task.is_within_a_row(highest) and (leads or not self.task.is_within_a_row(highest))
        if leads:
            return Leader(step=step, loss=loss, task=task, highest=highest)
        return self.model_copy(update={"highest": highest})
