"""TokenBatch: token sequences side by side, padded on the right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor, device


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """B sequences padded to T tokens. Labels are not shifted: `loss_weights_BT[b, t]` belongs to token t."""

    token_ids_BT: "Tensor"
    attention_mask_BT: "Tensor"
    loss_weights_BT: "Tensor"


def pad_sequences(sequences: Sequence[TokenSequence], pad_token_id: int, device: "device") -> TokenBatch:
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
    return TokenBatch(token_ids.to(device), attention_mask.to(device), loss_weights.to(device))


MAX_LOGITS = 2**28
"""Logits held at once: 1 GB in float32, and the cross-entropy needs a copy."""


def most_logit_rows(vocabulary_size: int) -> int:
    """Most tokens whose logits may be computed at once."""
    return max(1, MAX_LOGITS // vocabulary_size)


def cut_by_tokens(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Group row indices of similar length so that rows x longest stays within `max_tokens`.

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
