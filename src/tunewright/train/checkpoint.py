"""Checkpoints: everything that decides the next step, by name, in safetensors and JSON.

Optimizer state is keyed by parameter name. Saved in iteration order it survives one resume and is silently permuted
by the second when two layers have the same shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.errors import CorruptError, StoreError
from tunewright.records import Record
from tunewright.store import RunFolder

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter
    from torch.optim import Optimizer

STATE_FILE = "state.json"
WEIGHTS_FILE = "weights.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
RANDOM_FILE = "random.safetensors"


class TrainState(Record):
    """Where a run stands after `step` optimizer steps."""

    step: int = 0
    best_step: int = 0
    """Lowest validation loss among the checkpoints that keep general ability."""
    best_validation_loss: float | None = None
    """None before the first validation."""
    lowest_loss_step: int = 0
    """Lowest validation loss of all."""
    lowest_validation_loss: float | None = None
    num_validations_without_gain: int = 0
    num_skipped_in_a_row: int = 0
    """Steps up to this one whose loss or gradient was not a number."""
    num_tokens: int = 0
    num_trained_tokens: int = 0
    seconds: float = 0.0
    """Training time over all sittings."""
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Checkpoints of one run: the two newest, the best one and the one with the lowest loss are kept."""

    run: RunFolder
    parameters: "dict[str, Parameter]"
    optimizers: "Sequence[Optimizer]"
    """Each weight belongs to one of them."""

    def save(self, state: TrainState) -> None:
        """Publish a checkpoint atomically, then drop the ones that are no longer needed.

        Raises:
            StoreError: the disk is full or failing; earlier checkpoints are untouched.
        """
        files = {
            WEIGHTS_FILE: {name: parameter.detach().contiguous() for name, parameter in self.parameters.items()},
            OPTIMIZER_FILE: self._optimizer_tensors(),
            RANDOM_FILE: random_state(),
        }
        needed_bytes = sum(tensor.nbytes for tensors in files.values() for tensor in tensors.values())
        with self.run.publish(_name(state.step), needed_bytes) as folder:
            for name, tensors in files.items():
                _save(tensors, folder / name)
            (folder / STATE_FILE).write_text(state.model_dump_json(indent=2), encoding="utf-8")
        self._drop_old(state)

    def _drop_old(self, state: TrainState) -> None:
        # Two, so that there is one to fall back on when the newest does not verify.
        for path in self.run.checkpoints().intact[2:]:
            name = f"checkpoints/{path.name}"
            if name not in (_name(state.best_step), _name(state.lowest_loss_step)):
                self.run.remove_published(name)

    def load_newest(self) -> TrainState | None:
        """Restore weights, optimizer and random state from the newest checkpoint that verifies; None without one."""
        newest = next(iter(self.run.checkpoints().intact), None)
        if newest is None:
            return None
        state = self._load(newest)
        self._drop_old(state)  # where a kill came between a save and this
        return state

    def load(self, step: int) -> TrainState:
        """Restore everything as it was after `step`.

        Raises:
            CorruptError: there is no such checkpoint, or it does not verify.
        """
        return self._load(self.run.published(_name(step)))

    def remove_after(self, step: int) -> None:
        """Drop the checkpoints of later steps."""
        for path in self.run.checkpoints().intact:
            if path.name > _name(step).rpartition("/")[2]:
                self.run.remove_published(f"checkpoints/{path.name}")

    def _load(self, folder: Path) -> TrainState:
        from safetensors.torch import load_file

        self._load_weights(folder)
        self._load_optimizer(load_file(folder / OPTIMIZER_FILE))
        restore_random_state(load_file(folder / RANDOM_FILE))
        return TrainState.model_validate_json((folder / STATE_FILE).read_bytes())

    def load_weights_of(self, step: int) -> None:
        """Put the trained weights back to what they were after `step`."""
        self._load_weights(self.run.published(_name(step)))

    def _load_weights(self, folder: Path) -> None:
        import torch
        from safetensors.torch import load_file

        tensors = load_file(folder / WEIGHTS_FILE)
        if tensors.keys() != self.parameters.keys():
            raise CorruptError(
                f"{folder}: holds {len(tensors)} weights, expected the {len(self.parameters)} that this recipe "
                "trains. The run was started with another method or base; start a new run."
            )
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(tensors[name])

    def _optimizer_tensors(self) -> "dict[str, Tensor]":
        return {
            f"{name}|{key}": value
            for name, parameter in self.parameters.items()
            for optimizer in self.optimizers
            for key, value in optimizer.state.get(parameter, {}).items()
        }

    def _load_optimizer(self, tensors: "dict[str, Tensor]") -> None:
        owner = {
            parameter: optimizer
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }
        for optimizer in self.optimizers:
            optimizer.state.clear()
        for full_name, value in tensors.items():
            name, _, key = full_name.rpartition("|")
            parameter = self.parameters[name]
            # The fused AdamW keeps its step counter, too, beside the weights.
            owner[parameter].state[parameter][key] = value.to(parameter.device)


def _name(step: int) -> str:
    return f"checkpoints/step-{step:08d}"


def _save(tensors: "dict[str, Tensor]", path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise StoreError(
            f"{path.parent.parent}: the checkpoint could not be written ({error}). The ones before it are whole: make "
            "room on the disk, then resume the run."
        ) from None


def random_state() -> "dict[str, Tensor]":
    """Of torch's generators, which dropout draws from."""
    import torch

    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: "dict[str, Tensor]") -> None:
    """Put torch's generators back to what random_state() gave."""
    import torch

    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
