"""KeptArm: what a study keeps of an arm, so that it can be opened afterwards."""

from tunewright.records.base import Record
from tunewright.records.decision import ArmKind


def arm_slug(kind: ArmKind) -> str:
    """What an arm is called in a name such as STUDY/few-shot."""
    return kind.replace("_", "-")


class KeptArm(Record):
    """One arm as it was settled on validation rows: all that its study holds nowhere else.

    Limits, number format and the address of a hosted model stand in the study's recipe.json, the base and the version
    of the training rows in its run.json. Places are relative to the study's folder, so that it can be moved.
    """

    kind: ArmKind
    identity: str
    """Hash of everything that decides its answers; an arm that is opened must come to the same."""
    system_prompt: str | None = None
    num_examples: int | None = None
    """Most similar training rows of the study that are shown; None where the arm shows none."""
    num_passages: int | None = None
    index: str | None = None
    """Folder of the passages that are searched."""
    weights: str | None = None
    """Folder of the run that trained it; None for the base and for a hosted model."""

    @property
    def slug(self) -> str:
        """What follows the slash in STUDY/few-shot."""
        return arm_slug(self.kind)

    @property
    def told(self) -> str:
        """What it puts before a message, in a few words; empty where it puts nothing."""
        counted = ((self.num_examples, "similar training row"), (self.num_passages, "passage"))
        return " and ".join(
            [
                *(["a system prompt"] if self.system_prompt else []),
                *(f"{number} {what}{'' if number == 1 else 's'}" for number, what in counted if number),
            ]
        )
