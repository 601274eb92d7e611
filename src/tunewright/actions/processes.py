"""Several processes for one run: torchrun starts them, the first does everything, the others follow it.

`tunewright tune --processes N` starts them on this machine (cli/processes.py). A process that the user's own torchrun
started, on one machine or several, is recognised by what torchrun sets in its environment.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.errors import (
    Problem,
    ProcessLostError,
    ProcessOutOfMemoryError,
    RecipeError,
    TrainError,
    TunewrightError,
)
from tunewright.records import TrainingPath, TuneRecipe

if TYPE_CHECKING:
    from tunewright.render import TokenSequence
    from tunewright.train.job import TrainingJob
    from tunewright.train.trainable import Trainable

PATIENCE = timedelta(days=30)
"""The others wait for the first while it measures and validates; who dies is noticed by torchrun."""


def num_processes() -> int:
    """How many processes torchrun has started for this run; 1 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def is_first() -> bool:
    """Whether this process is the only one or the first of several."""
    return num_processes() == 1 or os.environ["RANK"] == "0"


def refuse_under_torchrun(asked: int) -> None:
    """Raises: RecipeError when processes are asked for that torchrun has started already."""
    if num_processes() > 1:
        fix = "Leave it out: torchrun has started them."
        raise RecipeError(Problem("--processes", f"{asked} under torchrun", "no such option there", fix))


def require_possible(num: int, num_here: int) -> None:
    """Refuse more processes than there are devices for.

    Args:
        num: of the whole run.
        num_here: of them on this machine.
    Raises:
        TrainError: this torch cannot do it, or the machine has too few GPUs or cores.
    """
    import torch

    if num == 1:
        return
    if not torch.distributed.is_available():
        raise TrainError(
            f"--processes: got {num}, but this torch was built without torch.distributed. Use one process, or install "
            "a torch for Linux from pytorch.org."
        )
    num_gpus = torch.cuda.device_count()
    num_devices, kind = (num_gpus, "GPUs") if num_gpus else (os.cpu_count() or 1, "cores")
    if num_here > num_devices:
        raise TrainError(
            f"--processes: got {num_here} on this machine, which has {num_devices} {kind}. Each process needs one of "
            f"its own: give at most {num_devices}."
        )


@contextmanager
def joined() -> Iterator[None]:
    """Belong to the processes of this run while open; does nothing for a process that is alone.

    When the block of the first process ends, well or with words for the user, the others end too. What comes from a
    process that died, or was told to stop at once, ends the process as it is: torchrun then ends the others.
    """
    if num_processes() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    num_here = int(os.environ["LOCAL_WORLD_SIZE"])
    require_possible(num_processes(), num_here)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() // num_here))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    from tunewright.train import together

    try:
        yield
    except ProcessOutOfMemoryError:
        raise  # the others wait inside of a computation, where no word reaches them
    except TunewrightError:
        if is_first():
            together.end()
        raise
    except RuntimeError as error:
        if "onnection" not in str(error):  # gloo: "Connection closed by peer", "connection reset"
            raise
        raise ProcessLostError(
            "Another process of this run died, and this one cannot go on without it. What was saved is intact."
        ) from None
    if is_first():
        together.end()
    dist.destroy_process_group()


def follow() -> None:
    """What every process but the first does, within `joined`."""
    from tunewright.train import together

    together.follow()


def require_trainable_together(recipe: TuneRecipe) -> None:
    """Raises: RecipeError for what only one process can do."""
    if num_processes() == 1:
        return
    problems = []
    if recipe.bake is not None:
        problems.append(Problem("bake", "a prompt to bake in", "no prompt, with several processes", _ONE))
    if recipe.train.optimizer != "adamw":
        problems.append(Problem("train.optimizer", recipe.train.optimizer, "adamw, with several processes", _ONE))
    if recipe.train.gradient_checkpointing == "always":
        expected = "auto or never, with several processes"
        problems.append(Problem("train.gradient_checkpointing", "always", expected, _ONE))
    if problems:
        raise RecipeError(problems)


_ONE = "Leave it out, or use one process."


def trainable_together(
    base_folder: Path, recipe: TuneRecipe, rows: "Sequence[TokenSequence]", note: "Callable[[TrainingPath], None]"
) -> "Callable[[TrainingJob], Trainable] | None":
    """What moves the weights of a training in several processes; None in one.

    Args:
        rows: to be trained on.
        note: told how they will be computed.
    """
    if num_processes() == 1:
        return None
    from tunewright.train.together import Together

    def open_trainable(job: "TrainingJob") -> Together:
        together = Together(job, base_folder, recipe)
        note(together.path(rows))
        return together

    return open_trainable
