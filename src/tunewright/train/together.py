"""Several processes train one network: the first conducts, the others do what it says, one command at a time.

Only the first process has rows, settings and a run; whatever has to be decided is decided there. A command is a line of
JSON that it broadcasts; then all of them carry it out. Each holds a part of every weight, its gradient and its
optimizer's state (FSDP2: torch.distributed.fsdp.fully_shard), and takes its part of the rows of a step. Layers are put
together while they are computed. Beside its part the first process keeps a whole network, which measures, validates and
publishes as in a run of one process; `show` brings it up to date.

Losses equal those of one process up to rounding: all know all rows of a step, so each divides by the trained tokens of
the whole step, gradients are summed, and the gradient's length is that of all parts.

This file needs torch: import it inside functions.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from tunewright.errors import ProcessOutOfMemoryError, StoreError
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.batch import PackedBatch, PaddedBatch, divide_evenly
from tunewright.model.forward import compute_precision, make_batches, trained_logits, trained_loss
from tunewright.model.head import taught_loss
from tunewright.model.layout import training_path, use_own_code
from tunewright.model.load import load_base
from tunewright.model.out_of_memory import is_out_of_memory, shortage
from tunewright.records import Full, Precision, TrainingPath, TuneRecipe
from tunewright.render import TokenSequence
from tunewright.train.forecast import MOMENTS
from tunewright.train.job import TrainingJob
from tunewright.train.optimizer import make_optimizers
from tunewright.train.rehearsal import RehearsalLoss, as_base, own_and_general
from tunewright.train.shards import read_shards, write_shards
from tunewright.train.trainable import (
    RANDOM_FILE,
    Alone,
    forget_gradients,
    random_state,
    restore_random_state,
    save_tensors,
    step_all,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel


LossOf = Callable[[PackedBatch | PaddedBatch], Tensor]
"""What a batch adds to the loss of all rows of a step."""


class _Sharded(nn.Module):
    """A network, as the outermost module: FSDP puts the weights outside of layers together when it is called."""

    def __init__(self, network: "PreTrainedModel") -> None:
        super().__init__()
        self.network = network

    def forward(self, compute: "Callable[[PreTrainedModel], Tensor]") -> Tensor:
        return compute(self.network)


class Part:
    """What one process holds of a network that several train. All of them call the same methods in the same order."""

    def __init__(self, base_folder: Path, recipe: TuneRecipe, *, rehearses: bool) -> None:
        self.rank, self.num_processes = dist.get_rank(), dist.get_world_size()
        network = prepare_for_training(load_base(base_folder), recipe.method, recipe.train.seed)
        self.network = network.train()
        self._sharded = _shard(network)
        needs_base = rehearses and isinstance(recipe.method, Full)
        self._base = _shard(load_base(base_folder).requires_grad_(False)) if needs_base else None
        self.parameters: dict[str, DTensor] = trainable_parameters(network)  # type: ignore[assignment]
        self.optimizers = make_optimizers(network, recipe.train)

    def start_from(self, weights: "dict[str, nn.Parameter] | None") -> None:
        """Take the first process's weights, which it gives whole."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                whole = torch.empty(parameter.shape, dtype=parameter.dtype, device=parameter.to_local().device)
                if weights is not None:
                    whole.copy_(weights[name])
                dist.broadcast(whole, 0)
                part = distribute_tensor(whole, parameter.device_mesh, parameter.placements, src_data_rank=None)
                parameter.copy_(part)

    def gradients(
        self,
        own: Sequence[TokenSequence],
        general: Sequence[TokenSequence],
        tokens_per_micro_batch: int,
        pad_token_id: int,
        precision: Precision,
        seed: int,
    ) -> float:
        """Add the gradient of all rows, of which this process computes its part; see Trainable.

        Args:
            own: the user's rows.
            general: those of a rehearsal, which are held to what the base expects; see RehearsalLoss.
            seed: of dropout; each process draws its own.
        Returns:
            The mean token loss of the user's rows.
        Raises:
            ProcessOutOfMemoryError: the others wait for this one, so none of them can go on.
        """
        torch.manual_seed(seed + self.rank)
        try:
            loss = self._add(own, self._own_loss(own), tokens_per_micro_batch, pad_token_id, precision)
            self._add(general, self._general_loss(general), tokens_per_micro_batch, pad_token_id, precision)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise ProcessOutOfMemoryError(
                f"Memory ran out in process {self.rank} of {self.num_processes} ({shortage(error)}), and the others "
                "cannot go on without it. Resume with more processes, or start again with a lower "
                "train.tokens_per_micro_batch."
            ) from None
        return loss

    def _own_loss(self, rows: Sequence[TokenSequence]) -> LossOf:
        total_weight = sum(sum(row.loss_weights) for row in rows)

        def loss_of(batch: PackedBatch | PaddedBatch) -> Tensor:
            loss: Tensor = self._sharded(lambda network: trained_loss(network, batch))
            return loss / total_weight

        return loss_of

    def _general_loss(self, rows: Sequence[TokenSequence]) -> LossOf:
        num_tokens = sum(row.num_trained_tokens for row in rows)
        teacher = self._base or self._sharded

        def loss_of(batch: PackedBatch | PaddedBatch) -> Tensor:
            with as_base(self.network, self._base and self._base.network):
                teacher_NV = teacher(lambda base: trained_logits(base, batch)[0])
            logits_NV: Tensor = self._sharded(lambda network: trained_logits(network, batch)[0])
            return taught_loss(logits_NV, teacher_NV, num_tokens)

        return loss_of

    def _add(
        self,
        rows: Sequence[TokenSequence],
        loss_of: LossOf,
        max_tokens: int,
        pad_id: int,
        precision: Precision,
    ) -> float:
        """Add the gradients of rows, and give their loss; this process computes its part of them."""
        if not rows:
            return 0.0
        device = self.network.device
        parts = divide_evenly([len(row.token_ids) for row in rows], self.num_processes)
        mine = [rows[index] for index in parts[self.rank]]
        # A process without rows of its own computes one that does not count: layers are put together by all.
        batches = [batch for _, batch in make_batches(self.network, mine or rows[:1], max_tokens, pad_id)]
        num_rounds = torch.tensor(len(batches), device=device)
        dist.all_reduce(num_rounds, dist.ReduceOp.MAX)
        total_loss = torch.zeros((), device=device, dtype=torch.float64)
        for number in range(int(num_rounds)):
            counts = bool(mine) and number < len(batches)
            with compute_precision(precision, device):
                loss = loss_of(batches[min(number, len(batches) - 1)]) * counts
            torch.autograd.backward(loss)
            total_loss += loss.detach()
        dist.all_reduce(total_loss)
        return total_loss.item()

    def clip(self, max_norm: float) -> float:
        """Shorten the gradient; gives its length before."""
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), max_norm)
        return (norm.full_tensor() if isinstance(norm, DTensor) else norm).item()

    def update(self, learning_rate: float) -> None:
        """Let the optimizers move the weights."""
        step_all(self.optimizers, learning_rate)

    def forget_gradients(self) -> None:
        """Make them empty."""
        forget_gradients(self.parameters.values())

    def gather(self, whole: "dict[str, nn.Parameter] | None") -> None:
        """Put the weights together, in the first process's own ones."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                weight = parameter.full_tensor()
                if whole is not None:
                    whole[name].copy_(weight)

    def write(self, folder: Path) -> None:
        """Save this process's part of weights and optimizer."""
        states = {
            f"{name}|{key}": value
            for name, parameter in self.parameters.items()
            for optimizer in self.optimizers
            for key, value in optimizer.state.get(parameter, {}).items()
        }
        write_shards(folder, {name: one.detach() for name, one in self.parameters.items()} | states)

    def read(self, folder: Path) -> None:
        """Restore this process's part, of a checkpoint of however many processes."""
        read_shards(folder, self.parameters, self.optimizers)


def _shard(network: "PreTrainedModel") -> _Sharded:
    """Give each process its part of every weight: layer by layer, then what is outside of layers."""
    num_processes = dist.get_world_size()
    use_own_code(network, f"its layers are spread over {num_processes} processes")
    mesh = init_device_mesh(network.device.type, (num_processes,))
    names = set(getattr(network, "_no_split_modules", None) or ())
    for module in network.modules():
        if type(module).__name__ in names:
            fully_shard(module, mesh=mesh)
    sharded = _Sharded(network)
    fully_shard(sharded, mesh=mesh)
    for module in sharded.modules():
        if isinstance(module, FSDPModule):
            # Gradients are summed; gloo knows no average, and a loss is divided by the tokens of the whole step.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    return sharded


class Together:
    """What the first process has: it conducts."""

    def __init__(self, job: TrainingJob, base_folder: Path, recipe: TuneRecipe) -> None:
        self._job = job
        self._whole = trainable_parameters(job.network)
        loss = job.accumulate
        self._general_ids = loss.general_ids if isinstance(loss, RehearsalLoss) else frozenset()
        rehearses = bool(self._general_ids)
        with _told("begin", str(base_folder), recipe.model_dump(mode="json"), rehearses):
            self._part = Part(base_folder, recipe, rehearses=rehearses)
            self._part.start_from(self._whole)
        self.num_processes = self._part.num_processes

    def path(self, rows: Sequence[TokenSequence]) -> TrainingPath:
        """How rows will be computed, and why not faster."""
        return training_path(self._part.network, rows).model_copy(update={"num_processes": self.num_processes})

    @property
    def num_trained(self) -> int:
        """How many weights this process keeps the optimizer's state of."""
        return sum(parameter.to_local().numel() for parameter in self._part.parameters.values())

    @property
    def num_bytes(self) -> int:
        """What `write` is about to write."""
        has_moments = any(optimizer.state for optimizer in self._part.optimizers)
        return sum(parameter.nbytes for parameter in self._whole.values()) * (1 + MOMENTS * has_moments)

    def gradients(
        self, rows: Sequence[TokenSequence], *, tokens_per_micro_batch: int, pad_token_id: int, precision: Precision
    ) -> float:
        """See Trainable."""
        # Drawn from our generator, whose state is in every checkpoint: a resumed run draws the same.
        seed = int(torch.randint(2**31, ()))
        own, general = own_and_general(rows, self._general_ids)
        plain_rows = ([(row.token_ids, row.loss_weights) for row in part] for part in (own, general))
        with _told("gradients", *plain_rows, tokens_per_micro_batch, pad_token_id, precision, seed):
            return self._part.gradients(own, general, tokens_per_micro_batch, pad_token_id, precision, seed)

    def clip(self, max_norm: float) -> float:
        """Shorten the gradient; gives its length before."""
        with _told("clip", max_norm):
            return self._part.clip(max_norm)

    def update(self, learning_rate: float) -> None:
        """Let the optimizers move the weights."""
        with _told("update", learning_rate):
            self._part.update(learning_rate)

    def forget_gradients(self) -> None:
        """Make them empty."""
        with _told("forget_gradients"):
            self._part.forget_gradients()

    def show(self) -> None:
        """Bring the whole network up to date."""
        with _told("gather"):
            self._part.gather(self._whole)

    def write(self, folder: Path) -> None:
        """Save weights, optimizer and random state."""
        with _told("write", str(folder)):
            self._part.write(folder)
        save_tensors(random_state(), folder / RANDOM_FILE)

    def read(self, folder: Path) -> None:
        """Restore what `write` saved, with however many processes."""
        from safetensors.torch import load_file

        with _told("read", str(folder)):
            self._part.read(folder)
        restore_random_state(load_file(folder / RANDOM_FILE))

    def read_weights(self, folder: Path) -> None:
        """Put the weights of a checkpoint into the network of the job."""
        Alone(self._job.network, self._whole, (), self._job.accumulate).read_weights(folder)


def follow() -> None:
    """Do what the first process says, until it says that all is done."""
    part: Part | None = None
    while (command := _hear())[0] != "end":
        do, *arguments = command
        if do == "begin":
            part = None  # what an earlier training held is free before the next is loaded
            part = Part(Path(arguments[0]), TuneRecipe.model_validate(arguments[1]), rehearses=arguments[2])
            part.start_from(None)
        else:
            assert part is not None, do
            _carry_out(part, do, arguments)


def _carry_out(part: Part, do: str, arguments: list[Any]) -> None:
    if do == "gradients":
        own, general = (
            [TokenSequence("", tuple(ids), tuple(weights), cut=None) for ids, weights in rows] for rows in arguments[:2]
        )
        part.gradients(own, general, *arguments[2:])
    elif do == "gather":
        part.gather(None)
    elif do in ("write", "read"):
        # What one process could not do all of them are told; the first says it to the user, and goes on or ends.
        with suppress(StoreError):
            getattr(part, do)(Path(arguments[0]))
    else:
        assert do in ("clip", "update", "forget_gradients"), do
        getattr(part, do)(*arguments)


_unfinished: list[str] = []
"""The command that the others still carry out, or wait in."""


def end() -> None:
    """Let the other processes end, if they can hear it. For the first one."""
    if not _unfinished:
        _send(["end"])


@contextmanager
def _told(do: str, *arguments: object) -> Iterator[None]:
    """Let the others carry out a command, beside the block that carries it out here."""
    _unfinished.append(do)
    _send([do, *arguments])
    try:
        yield
    except StoreError:  # all of them were told
        _unfinished.clear()
        raise
    _unfinished.clear()


def _send(command: list[object]) -> None:
    line = json.dumps(command).encode()
    dist.broadcast(torch.tensor(len(line)), 0)
    dist.broadcast(torch.frombuffer(bytearray(line), dtype=torch.uint8), 0)


def _hear() -> list[Any]:
    length = torch.zeros((), dtype=torch.int64)
    dist.broadcast(length, 0)
    line = torch.empty(int(length), dtype=torch.uint8)
    dist.broadcast(line, 0)
    command: list[Any] = json.loads(bytes(line.numpy().tobytes()))
    return command
