"""Batches of token sequences: packed into one row without padding, or side by side with padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor, device


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Sequences one after the other in a row of T tokens, of which N are trained.

    Labels are shifted: the network's output at `positions_N` predicts `targets_N`.
    """

    token_ids_T: "Tensor"
    position_ids_T: "Tensor"
    """Counted from 0 within each document."""
    document_offsets: tuple[int, ...]
    """Where each document starts, then T."""
    positions_N: "Tensor"
    targets_N: "Tensor"
    loss_weights_N: "Tensor"
    row_N: "Tensor"
    """Index of the sequence that each trained token belongs to."""


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """B sequences padded to T tokens. Labels are not shifted: `loss_weights_BT[b, t]` belongs to token t."""

    token_ids_BT: "Tensor"
    attention_mask_BT: "Tensor"
    loss_weights_BT: "Tensor"


def pack_sequences(sequences: Sequence[TokenSequence], device: "device") -> PackedBatch:
    """Lay sequences end to end, in order."""
    import torch

    lengths = [len(sequence.token_ids) for sequence in sequences]
    offsets = (0, *accumulate(lengths))
    token_ids_T = torch.tensor([token for sequence in sequences for token in sequence.token_ids])
    loss_weights_T = torch.tensor([weight for sequence in sequences for weight in sequence.loss_weights])
    # Token 0 of a document has nothing before it in its document, only in the row.
    loss_weights_T[list(offsets[:-1])] = 0.0
    trained_N = loss_weights_T.nonzero()[:, 0]
    row_T = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    return PackedBatch(
        token_ids_T=token_ids_T.to(device),
        position_ids_T=torch.cat([torch.arange(length) for length in lengths]).to(device),
        document_offsets=offsets,
        positions_N=(trained_N - 1).to(device),
        targets_N=token_ids_T[trained_N].to(device),
        loss_weights_N=loss_weights_T[trained_N].to(device),
        row_N=row_T[trained_N].to(device),
    )


def pad_sequences(sequences: Sequence[TokenSequence], pad_token_id: int, device: "device") -> PaddedBatch:
    """Lay sequences side by side, padding on the right with weight 0 and no attention."""
    import torch

    shape = (len(sequences), max(len(sequence.token_ids) for sequence in sequences))
    token_ids = torch.full(shape, pad_token_id, dtype=torch.int64)
    attention_mask = torch.zeros(shape, dtype=torch.int64)
    loss_weights = torch.zeros(shape, dtype=torch.float32)
    for row, sequence in enumerate(sequences):
        length = len(sequence.token_ids)
        token_ids[row, :length] = torch.tensor(sequence.token_ids)
        attention_mask[row, :length] = 1
        loss_weights[row, :length] = torch.tensor(sequence.loss_weights)
    return PaddedBatch(token_ids.to(device), attention_mask.to(device), loss_weights.to(device))


MAX_LOGITS = 2**28
"""Logits held at once: 1 GB in float32, and the cross-entropy needs a copy."""


def most_logit_rows(vocabulary_size: int) -> int:
    """Most tokens whose logits may be computed at once."""
    return max(1, MAX_LOGITS // vocabulary_size)


def cut_in_order(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Group row indices in their order, each group with at most `max_tokens` tokens: for packing.

    A single row longer than that is a group of its own. The result depends only on the lengths.
    """
    group: list[int] = []
    num_tokens = 0
    for index, length in enumerate(lengths):
        if group and num_tokens + length > max_tokens:
            yield group
            group, num_tokens = [], 0
        group.append(index)
        num_tokens += length
    if group:
        yield group


def cut_by_longest(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Group row indices of similar length so that rows x longest stays within `max_tokens`: for padding.

    A single row longer than that is a group of its own. The result depends only on the lengths.
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        longest = lengths[group[0]] if group else lengths[index]
        if group and (len(group) + 1) * longest > max_tokens:
            yield group
            group = []
        group.append(index)
    if group:
        yield group
