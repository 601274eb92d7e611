"""Checkpoints of weights that are spread over several processes, by torch's distributed checkpoints (DCP).

Each process writes its part of every tensor into a safetensors file of its own, under the names that a single process
uses. They are read by any number of processes, and so are the checkpoints of a single one.

This file needs torch: import it inside functions.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.optim import Optimizer

from tunewright.errors import StoreError
from tunewright.train.trainable import owners, require_same_weights, words_of_failed_save

NOT_WEIGHTS = frozenset({"cpu", "cuda"})
"""Names in the file of the random state."""


def write_shards(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write this process's part of all tensors. Every process has to call it.

    Raises:
        StoreError: a disk is full or failing, in every process.
    """
    try:
        save(dict(tensors), storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True))
    except CheckpointException as error:
        reason = "; ".join(f"process {rank}: {failure[0]}" for rank, failure in sorted(error.failures.items()))
        raise StoreError(words_of_failed_save(folder, reason)) from None


def read_shards(
    folder: Path, parameters: Mapping[str, Tensor], optimizers: Sequence[Optimizer], *, is_alone: bool = False
) -> None:
    """Restore weights and the state of optimizers, this process's part of them. Every process has to call it.

    Args:
        optimizers: none, where only weights are wanted.
        is_alone: whether one process reads everything.
    Raises:
        CorruptError: the checkpoint holds other weights.
    """
    found = HuggingFaceStorageReader(str(folder)).read_metadata().state_dict_metadata
    require_same_weights(folder, {name for name in found if "|" not in name} - NOT_WEIGHTS, parameters.keys())
    tensors = {name: parameter.detach() for name, parameter in parameters.items()}
    owner = owners(optimizers)
    for optimizer in optimizers:
        optimizer.state.clear()
    for full_name, stored in found.items():
        name, is_state, key = full_name.rpartition("|")
        if is_state and parameters[name] in owner:
            assert isinstance(stored, TensorStorageMetadata), full_name
            parameter = parameters[name]
            if stored.size == parameter.shape:
                value = torch.zeros_like(parameter, requires_grad=False)
            else:  # the step counter
                value = torch.zeros(stored.size, dtype=stored.properties.dtype, device=parameter.device)
            owner[parameter].state[parameter][key] = tensors[full_name] = value
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
        load(dict(tensors), storage_reader=HuggingFaceStorageReader(str(folder)), no_dist=is_alone)
