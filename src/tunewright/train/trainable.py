"""The weights that are trained, and everything that is done to them between two checkpoints.

`Alone` is a process by itself. `train/together.py` does the same with several, which share the weights among them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tunewright.errors import CorruptError, StoreError
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter
    from torch.optim import Optimizer
    from transformers import PreTrainedModel

WEIGHTS_FILE = "weights.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
RANDOM_FILE = "random.safetensors"

Accumulate = Callable[..., float]
"""Adds the gradient of a step; as train.loss.accumulate_gradients."""


class Trainable(Protocol):
    """What the loop and its checkpoints ask of the weights."""

    @property
    def num_processes(self) -> int:
        """How many share the weights."""

    @property
    def num_trained(self) -> int:
        """How many weights are trained, of which the optimizer keeps its state in this process."""

    @property
    def num_bytes(self) -> int:
        """What `write` is about to write."""

    def gradients(
        self, rows: Sequence[TokenSequence], *, tokens_per_micro_batch: int, pad_token_id: int, precision: Precision
    ) -> float:
        """Add the gradient of a step's mean token loss, and give that loss in nats per trained token."""

    def clip(self, max_norm: float) -> float:
        """Shorten the gradient to `max_norm` where it is longer; gives its length before."""

    def update(self, learning_rate: float) -> None:
        """Let the optimizers move the weights along their gradients."""

    def forget_gradients(self) -> None:
        """Make them empty."""

    def show(self) -> None:
        """Let the network of the job have the weights as they stand, to be measured."""

    def write(self, folder: Path) -> None:
        """Save weights, optimizer and random state.

        Raises:
            StoreError: the disk is full or failing.
        """

    def read(self, folder: Path) -> None:
        """Restore what `write` saved, with however many processes.

        Raises:
            CorruptError: it holds other weights.
        """

    def read_weights(self, folder: Path) -> None:
        """Put the weights of a checkpoint into the network of the job, to be kept. They are not trained further.

        Raises:
            CorruptError: it holds other weights.
        """


@dataclass(frozen=True, slots=True)
class Alone:
    """All weights in this process."""

    network: "PreTrainedModel"
    parameters: "dict[str, Parameter]"
    optimizers: "Sequence[Optimizer]"
    """Each weight belongs to one of them."""
    accumulate: Accumulate
    num_processes: int = 1

    @property
    def num_trained(self) -> int:
        """How many weights this process keeps the optimizer's state of."""
        return sum(parameter.numel() for parameter in self.parameters.values())

    @property
    def num_bytes(self) -> int:
        """What `write` is about to write."""
        tensors = (*self.parameters.values(), *self._optimizer_tensors().values(), *random_state().values())
        return sum(tensor.nbytes for tensor in tensors)

    def gradients(
        self, rows: Sequence[TokenSequence], *, tokens_per_micro_batch: int, pad_token_id: int, precision: Precision
    ) -> float:
        """See Trainable."""
        return self.accumulate(
            self.network,
            rows,
            tokens_per_micro_batch=tokens_per_micro_batch,
            pad_token_id=pad_token_id,
            precision=precision,
        )

    def clip(self, max_norm: float) -> float:
        """Shorten the gradient; gives its length before."""
        import torch

        return torch.nn.utils.clip_grad_norm_(self.parameters.values(), max_norm).item()

    def update(self, learning_rate: float) -> None:
        """Let the optimizers move the weights."""
        step_all(self.optimizers, learning_rate)

    def forget_gradients(self) -> None:
        """Make them empty."""
        forget_gradients(self.parameters.values())

    def show(self) -> None:
        """Nothing to do: the network is the one that is trained."""

    def write(self, folder: Path) -> None:
        """Save weights, optimizer and random state."""
        weights = {name: parameter.detach().contiguous() for name, parameter in self.parameters.items()}
        save_tensors(weights, folder / WEIGHTS_FILE)
        save_tensors(self._optimizer_tensors(), folder / OPTIMIZER_FILE)
        save_tensors(random_state(), folder / RANDOM_FILE)

    def read(self, folder: Path) -> None:
        """Restore what `write` saved, with however many processes."""
        from safetensors.torch import load_file

        if is_shared(folder):
            from tunewright.train.shards import read_shards

            read_shards(folder, self.parameters, self.optimizers, is_alone=True)
        else:
            self.read_weights(folder)
            self._load_optimizer(load_file(folder / OPTIMIZER_FILE))
        restore_random_state(load_file(folder / RANDOM_FILE))

    def read_weights(self, folder: Path) -> None:
        """Put the weights of a checkpoint into the network of the job."""
        import torch
        from safetensors.torch import load_file

        if is_shared(folder):
            from tunewright.train.shards import read_shards

            read_shards(folder, self.parameters, (), is_alone=True)
            return
        tensors = load_file(folder / WEIGHTS_FILE)
        require_same_weights(folder, tensors.keys(), self.parameters.keys())
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
        owner = owners(self.optimizers)
        for optimizer in self.optimizers:
            optimizer.state.clear()
        for full_name, value in tensors.items():
            name, _, key = full_name.rpartition("|")
            parameter = self.parameters[name]
            # The fused AdamW keeps its step counter, too, beside the weights.
            # A copy: what is read lies in the mapped file, whose bytes would stay on the disk after it is removed.
            owner[parameter].state[parameter][key] = value.to(parameter.device, copy=True)


def step_all(optimizers: "Sequence[Optimizer]", learning_rate: float) -> None:
    """Let every optimizer move its weights along their gradients."""
    for optimizer in optimizers:
        optimizer.param_groups[0]["lr"] = learning_rate
        optimizer.step()


def forget_gradients(parameters: "Iterable[Tensor]") -> None:
    """Make them empty."""
    for parameter in parameters:
        parameter.grad = None


def owners(optimizers: "Sequence[Optimizer]") -> "dict[Tensor, Optimizer]":
    """Which optimizer moves each weight."""
    return {
        parameter: optimizer
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def is_shared(folder: Path) -> bool:
    """Whether several processes wrote a checkpoint, each its part."""
    return not (folder / WEIGHTS_FILE).exists()


def require_same_weights(folder: Path, found: Iterable[str], expected: Iterable[str]) -> None:
    """Raises: CorruptError when a checkpoint holds other weights than are trained."""
    names, trained = set(found), set(expected)
    if names != trained:
        raise CorruptError(
            f"{folder}: holds {len(names)} weights, expected the {len(trained)} that this recipe trains. The run was "
            "started with another method or base; start a new run."
        )


def save_tensors(tensors: "dict[str, Tensor]", path: Path) -> None:
    """Raises: StoreError when the disk is full or failing."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise StoreError(words_of_failed_save(path, str(error))) from None


def words_of_failed_save(path: Path, reason: str) -> str:
    """What to say about a checkpoint, or a file of it, that the disk refused."""
    return (
        f"{path}: the checkpoint could not be written ({reason}). The ones before it are whole: make room on the disk, "
        "or check it, then resume the run."
    )


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
