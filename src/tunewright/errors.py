"""Every error a user can meet, one branch per stage.

    TunewrightError
    ├── RecipeError        (ValueError)    a setting is wrong, unknown or has no effect
    ├── DataError          (ValueError)    rows cannot be read or are not fit to train on
    ├── RenderError        (ValueError)    messages cannot become tokens under the base's template
    ├── ModelError         (ValueError)    a base or artifact cannot be found, trusted or loaded
    │   └── BaseMismatchError              the artifact was made for another base or renderer
    ├── TrainError         (RuntimeError)  training cannot go on
    │   ├── DivergedError                  loss or gradient is not a number
    │   ├── InterruptedRunError            stopped on request; the run can be resumed
    │   ├── WorkerCrashedError             the training process died again and again
    │   ├── ProcessOutOfMemoryError        memory ran out in one of several training processes
    │   └── ProcessLostError               another of several training processes died
    ├── StoreError         (OSError)       the disk refused, or what it holds is not what was written
    │   ├── RunInUseError                  another process holds the run's lock
    │   └── CorruptError                   bytes differ from their recorded hash
    ├── OutOfMemoryError   (MemoryError)   memory ran out, and nothing less can be computed at once
    └── MissingExtraError  (ImportError)   an optional dependency is not installed

A message says where, what was found, what was expected, and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_LISTED_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in the four parts every message of ours has.

    >>> print(Problem("rows.jsonl:3 messages[1].role", "'robot'", "system, user or assistant", "Rename the role."))
    rows.jsonl:3 messages[1].role: found 'robot', expected system, user or assistant. Rename the role.
    """

    where: str
    found: str
    expected: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}, expected {self.expected}. {self.fix}"


class TunewrightError(Exception):
    """Base of all errors that tunewright raises for its user."""


class _ListedProblemsError(ValueError):
    """Shared by errors that report many bad places at once.

    Args:
        problems: what is wrong, in the order of the input; up to MAX_LISTED_PROBLEMS are shown.
        num_more: problems that were counted but not kept.
    """

    def __init__(self, problems: Sequence[Problem] | Problem, num_more: int = 0) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        shown = self.problems[:MAX_LISTED_PROBLEMS]
        num_hidden = len(self.problems) - len(shown) + num_more
        lines = [str(problem) for problem in shown]
        if num_hidden:
            lines.append(f"... and {num_hidden} more.")
        super().__init__("\n".join(lines))


class RecipeError(_ListedProblemsError, TunewrightError):
    """A setting is wrong, unknown or has no effect."""


class DataError(_ListedProblemsError, TunewrightError):
    """Rows cannot be read or are not fit to train on. Nothing was trained."""


class RenderError(_ListedProblemsError, TunewrightError):
    """Messages cannot become tokens under the base's chat template."""


class ModelError(TunewrightError, ValueError):
    """A base or artifact cannot be found, trusted or loaded."""


class BaseMismatchError(ModelError):
    """The artifact was made for another base or renderer."""


class TrainError(TunewrightError, RuntimeError):
    """Training cannot go on."""


class DivergedError(TrainError):
    """The loss or its gradient is not a number; the weights were not updated."""


class InterruptedRunError(TrainError):
    """Stopped on request after saving; the message holds the command that resumes."""


class WorkerCrashedError(TrainError):
    """The process that trains died as often as it may without getting further; the message ends with its log."""


class ProcessOutOfMemoryError(TrainError):
    """Memory ran out in one of several processes that train together; none of them can go on."""


class ProcessLostError(TrainError):
    """Another of several processes that train together died; this one cannot go on without it."""


class StoreError(TunewrightError, OSError):
    """The disk refused, or the store does not hold what was asked for."""


class RunInUseError(StoreError):
    """Another living process holds the lock of this run."""


class CorruptError(StoreError):
    """Stored bytes differ from their recorded hash."""


class OutOfMemoryError(TunewrightError, MemoryError):
    """Memory ran out, and nothing less can be computed at once."""


class MissingExtraError(TunewrightError, ImportError):
    """An optional dependency is not installed.

    Args:
        package: the import that failed.
        extra: the extra of tunewright that brings it.
        purpose: what it is needed for, completing "... is needed to ...".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{package} is needed to {purpose}. Install it with: pip install 'tunewright[{extra}]'")
