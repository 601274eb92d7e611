"""Does what a step keeps for its backward pass fit into memory? Found out without keeping it.

A forward pass over the longest rows hands every tensor that autograd would keep to a counter, which drops it; so the
memory of the pass is that of one layer. Even that is done only where a bound from the network's shape leaves a doubt:
for most runs the answer costs nothing. Shapes of weights say nothing of states that layers keep of every token, or of
how many experts a token goes to; for such networks the answer is always measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.contracts import Progress
from tunewright.model.batch import TOKENS_PER_SIZE
from tunewright.model.forward import compute_precision, make_batches, trained_loss
from tunewright.model.layout import attention_path
from tunewright.model.passes import without_adapter
from tunewright.model.recompute import can_recompute, recompute_layers
from tunewright.records import Precision, settled
from tunewright.render import TokenSequence
from tunewright.train.forecast import BYTES_PER_WEIGHT, COMPILED_BYTES, MOMENTS, StepLengths
from tunewright.train.job import TrainingJob
from tunewright.train.memory import available_bytes, give_back_free_memory, highest_resident, resident_bytes
from tunewright.train.recovery import Recovery, tell
from tunewright.train.side_by_side import num_gradients_of_threads
from tunewright.train.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor
    from torch.multiprocessing.reductions import StorageWeakRef
    from transformers import PreTrainedModel

BYTES_PER_NUMBER = 8
"""Of the bound, for every number that a linear layer reads or writes and every attention weight. Our layers keep 2 of
bfloat16 or 4 of float32; networks' own code keeps more."""


def fit_into_memory(
    job: TrainingJob, lengths: StepLengths, trainable: Trainable, recovery: Recovery, progress: Progress
) -> None:
    """Let the run do with less memory where the longest rows would not fit, before they are computed.

    Where memory is given out before it is there, as by Linux, nothing would fail in time: the system kills the process.

    Raises:
        TrainError: one row alone is too much.
    """
    while trainable.num_processes == 1:
        recompute_as_noted(job, recovery, 0)
        rows = lengths.worst_rows(recovery.tokens_per_micro_batch(job.settings, 0))
        precision: Precision = settled(job.settings.precision)
        shortage = memory_shortage(job.network, rows, trainable.num_trained, job.pad_token_id, precision)
        if shortage is None:
            return
        compute_less(job, recovery, 0, rows, shortage, progress)


def recompute_as_noted(job: TrainingJob, recovery: Recovery, step: int) -> None:
    """Switch gradient checkpointing on or off, as step `step` (from 0) wants it and the network can."""
    may = can_recompute(job.network)
    recompute_layers(job.network, is_on=recovery.recomputes(job.settings, step, can_recompute=may))


def compute_less(
    job: TrainingJob, recovery: Recovery, step: int, rows: Sequence[TokenSequence], reason: str, progress: Progress
) -> None:
    """Let micro-batches keep less from step `step` on, and say so.

    Args:
        rows: among them the longest that has to be computed.
        reason: what the system said.
    Raises:
        TrainError: one row alone is too much.
    """
    longest, may = max(len(row.token_ids) for row in rows), can_recompute(job.network)
    tell(recovery.compute_less(job.settings, step, longest, reason, can_recompute=may), progress)


def memory_shortage(
    network: "PreTrainedModel", rows: Sequence[TokenSequence], num_trained: int, pad_token_id: int, precision: Precision
) -> str | None:
    """Why a step with these rows in one micro-batch would not fit into the memory of a CPU; None if it would.

    Args:
        network: in training mode. Draws random numbers where it has dropout.
        num_trained: weights that are trained; their gradients and the optimizer's state are still to come.
    """
    available = available_bytes()
    if available is None or network.device.type != "cpu":
        return None
    num_gradients = 1 + num_gradients_of_threads(network, rows)
    # The last are matrix products that are compiled for lengths which have not come yet.
    rest = num_trained * BYTES_PER_WEIGHT * (num_gradients + MOMENTS) + COMPILED_BYTES[precision]
    bound = _bound(network, rows)
    if bound is not None and rest + bound <= available:
        return None
    needed = rest + activation_bytes(network, rows, pad_token_id, precision)
    if needed <= available:
        return None
    num_tokens = sum(len(row.token_ids) for row in rows)
    return f"{num_tokens:,} tokens at once need {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB are free"


def activation_bytes(
    network: "PreTrainedModel", rows: Sequence[TokenSequence], pad_token_id: int, precision: Precision
) -> int:
    """Most memory that a step over these rows needs between its forward and its backward pass.

    What autograd keeps of the whole network, and as much as it would keep of one layer for the layer that is at work.
    A network's own code takes more for what it does not keep, Mamba's two fifths of all: as much as a pass that kept
    nothing.
    """
    is_on = network.training and without_adapter(network).is_activation_checkpointing
    num_layers: int = getattr(network.config.get_text_config(), "num_hidden_layers", 1)
    measured = _measured_pass(network, rows, pad_token_id, precision)
    if not is_on:
        return measured.kept + max(measured.kept // num_layers, measured.taken)
    recompute_layers(network, is_on=False)
    whole = _measured_pass(network, rows, pad_token_id, precision)
    recompute_layers(network, is_on=True)
    layer = whole.kept // num_layers
    return measured.kept + layer + max(layer, whole.taken)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Bytes of a forward pass."""

    kept: int
    """What autograd would keep."""
    taken: int
    """How far resident memory rose while nothing was kept. 0 for our own layers, whose products are compiled on the way
    and counted elsewhere: without it the sum was 0.92 of what a step took (8M, LoRA, 1,024 tokens)."""


def _measured_pass(
    network: "PreTrainedModel", rows: Sequence[TokenSequence], pad_token_id: int, precision: Precision
) -> _Pass:
    from torch.autograd.graph import saved_tensors_hooks

    longest = max(len(row.token_ids) for row in rows)
    is_ours = attention_path(network, longest)[0] == "fast"
    passes = []
    for _, batch in make_batches(network, rows, len(rows) * longest, pad_token_id):  # padding counts
        kept = _Kept(network)
        give_back_free_memory()
        before = resident_bytes()
        with (
            highest_resident() as highest,
            saved_tensors_hooks(kept.count, _never_unpacked),
            compute_precision(precision, network.device),
        ):
            trained_loss(network, batch)
        passes.append(_Pass(kept.num_bytes, 0 if is_ours else highest.num_bytes - before))
    return max(passes, key=lambda one: one.kept)


class _Kept:
    """Counts the bytes of what it is handed, weights aside, each storage once."""

    def __init__(self, network: "PreTrainedModel") -> None:
        self.num_bytes = 0
        self._weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
        self._seen: dict[int, StorageWeakRef] = {}

    def count(self, tensor: "Tensor") -> None:
        """Of which nothing is kept here."""
        from torch.multiprocessing.reductions import StorageWeakRef

        storage = tensor.untyped_storage()
        place = storage.data_ptr()
        # The place of a tensor that was dropped may be another one's by now.
        is_known = place in self._seen and not self._seen[place].expired()  # type: ignore[no-untyped-call]
        if place not in self._weights and not is_known:
            self._seen[place] = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
            self.num_bytes += storage.nbytes()


def _never_unpacked(nothing: object) -> "Tensor":
    raise AssertionError(nothing)


def _bound(network: "PreTrainedModel", rows: Sequence[TokenSequence]) -> int | None:
    """More than any way of computing keeps, from the shapes of layers alone; None where they do not tell.

    They do where all layers are linear maps or attention through transformers' interface.
    """
    weights = list(network.parameters())
    longest = max(len(row.token_ids) for row in rows)
    if attention_path(network, longest)[0] not in ("fast", "packed") or any(one.dim() > 2 for one in weights):
        return None
    config = network.config.get_text_config()
    lengths = [len(row.token_ids) + TOKENS_PER_SIZE for row in rows]  # rows may be filled up
    numbers_per_token = sum(sum(weight.shape) for weight in weights if weight.dim() == 2)
    attention: int = config.num_hidden_layers * config.num_attention_heads * sum(length**2 for length in lengths)
    return BYTES_PER_NUMBER * (sum(lengths) * numbers_per_token + attention)
