"""Batches of token sequences: packed into one row without padding, or side by side with padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor, device


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a packed row, S tokens from `start` to `end`, that attends within itself."""

    start: int
    end: int
    may_see_SS: "Tensor"
    """Whether a token, by row, may see another, by column."""


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Sequences one after the other in a row of T tokens, of which N are trained.

    Labels are shifted: the network's output at `positions_N` predicts `targets_N`. What comes after a sequence's last
    trained token is left out, and that token itself: nothing is predicted from them.
    """

    token_ids_T: "Tensor"
    position_ids_T: "Tensor"
    """Counted from 0 within each sequence, the shared prompt included."""
    document_offsets: tuple[int, ...]
    """Where each document starts, then T. A document is a sequence or, if there is one, the shared prompt."""
    num_shared_tokens: int
    """The first document is the beginning of every sequence, so many tokens, and the others lack it; 0 if none."""
    positions_N: "Tensor"
    targets_N: "Tensor"
    loss_weights_N: "Tensor"
    row_N: "Tensor"
    """Index of the sequence that each trained token belongs to."""
    blocks: tuple[Block, ...] | None = None
    """Who sees whom, instead of documents; see branches.py. Only our own layers know them, and without gradients."""


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """B sequences padded to T tokens. Labels are not shifted: `loss_weights_BT[b, t]` belongs to token t."""

    token_ids_BT: "Tensor"
    attention_mask_BT: "Tensor | None"
    """1 for a token, 0 for padding; None where nothing is padded."""
    loss_weights_BT: "Tensor"


def pack_sequences(sequences: Sequence[TokenSequence], device: "device", *, share: bool = True) -> PackedBatch:
    """Lay sequences end to end, in order.

    Args:
        share: lay down only once what all of them begin with, where that saves work.
    """
    import torch

    num_shared = num_shared_tokens(sequences) if share else 0
    documents = [sequence.token_ids[num_shared : num_read_tokens(sequence)] for sequence in sequences]
    starts = tuple(accumulate((len(document) for document in documents), initial=num_shared))
    positions, targets, loss_weights, rows = [], [], [], []
    for row, (sequence, start) in enumerate(zip(sequences, starts, strict=False)):
        for token, weight in enumerate(sequence.loss_weights):
            # Token 0 of a sequence has nothing before it in its sequence, only in the row.
            if token and weight > 0:
                is_after_prompt = token - 1 >= num_shared
                positions.append(start + token - 1 - num_shared if is_after_prompt else token - 1)
                targets.append(sequence.token_ids[token])
                loss_weights.append(weight)
                rows.append(row)
    prompt = sequences[0].token_ids[:num_shared]
    places = [range(num_shared), *(range(num_shared, num_shared + len(document)) for document in documents)]
    return PackedBatch(
        token_ids_T=torch.tensor([*prompt, *chain.from_iterable(documents)], device=device),
        position_ids_T=torch.tensor([*chain.from_iterable(places)], device=device),
        document_offsets=(0, *starts) if num_shared else starts,
        num_shared_tokens=num_shared,
        positions_N=torch.tensor(positions, dtype=torch.int64, device=device),
        targets_N=torch.tensor(targets, dtype=torch.int64, device=device),
        loss_weights_N=torch.tensor(loss_weights, device=device),
        row_N=torch.tensor(rows, dtype=torch.int64, device=device),
    )


TOKENS_PER_SIZE = 32
"""Sizes of products on the CPU are multiples of it. oneDNN compiles each new size for half a millisecond and asks for
fresh memory for it: eight rows of 52 to 82 tokens brought 65 of them in every step, which took 1.3 times as long (the
bundled base, one thread)."""


def rounded_up(num_tokens: int, step: int = TOKENS_PER_SIZE) -> int:
    """To the next size: a power of two up to `step`, then a multiple of it."""
    if num_tokens <= step:
        return 1 << max(0, num_tokens - 1).bit_length()
    return -(-num_tokens // step) * step


def fill_up(batch: PackedBatch) -> PackedBatch:
    """The same with fillers after its last document and after its trained tokens, so that both come in few sizes.

    Nothing before them sees fillers, and their loss weights are zero.
    """
    from torch.nn.functional import pad

    num_tokens, num_trained = len(batch.token_ids_T), len(batch.positions_N)
    tokens, trained = (0, rounded_up(num_tokens) - num_tokens), (0, rounded_up(num_trained) - num_trained)
    return replace(
        batch,
        token_ids_T=pad(batch.token_ids_T, tokens),
        position_ids_T=pad(batch.position_ids_T, tokens),
        document_offsets=(*batch.document_offsets[:-1], rounded_up(num_tokens)),
        positions_N=pad(batch.positions_N, trained),
        targets_N=pad(batch.targets_N, trained),
        loss_weights_N=pad(batch.loss_weights_N, trained),
        row_N=pad(batch.row_N, trained),
    )


def _num_untrained_tokens(sequence: TokenSequence) -> int:
    """Tokens before the first trained one."""
    weights = sequence.loss_weights
    return next((token for token in range(1, len(weights)) if weights[token] > 0), len(weights))


def num_read_tokens(sequence: TokenSequence) -> int:
    """Tokens that the network has to read to predict those that are trained; at least one."""
    weights = sequence.loss_weights
    return next((token for token in range(len(weights) - 1, 0, -1) if weights[token] > 0), 1)


MIN_SHARED_TOKENS = 16
"""A shorter common beginning is not worth a document of its own."""


def num_shared_tokens(sequences: Sequence[TokenSequence]) -> int:
    """Length of the longest beginning that all sequences share and that is worth sharing; 0 if none is.

    Nothing in it is trained, so a batch never has more trained tokens than tokens, and every sequence keeps a token of
    its own.
    """
    if len(sequences) < 2:
        return 0
    # What the first and the last in order share, those between them share too.
    one = min(sequence.token_ids for sequence in sequences)
    other = max(sequence.token_ids for sequence in sequences)
    most = min(min(num_read_tokens(sequence) - 1, _num_untrained_tokens(sequence)) for sequence in sequences)
    num_shared = next((token for token in range(most) if one[token] != other[token]), most)
    return num_shared if num_shared >= MIN_SHARED_TOKENS else 0


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
    is_padded = any(len(sequence.token_ids) < shape[1] for sequence in sequences)
    return PaddedBatch(token_ids.to(device), attention_mask.to(device) if is_padded else None, loss_weights.to(device))


MAX_LOGITS = 2**28
"""Logits held at once: 1 GB in float32, and the cross-entropy needs a copy."""


def most_logit_rows(vocabulary_size: int) -> int:
    """Most tokens whose logits may be computed at once."""
    return max(1, MAX_LOGITS // vocabulary_size)


def cut_best_fit(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Group row indices so that few groups are needed, each with at most `max_tokens` tokens: for packing.

    The longest row first, each into the group that it fills best (best-fit decreasing: at most 11/9 of the fewest
    groups; Johnson 1973). A row longer than `max_tokens` is a group of its own. The result depends only on the
    lengths.
    """
    groups: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        fitting = [group for group, left in enumerate(room) if left >= lengths[index]]
        if fitting:
            best = min(fitting, key=lambda group: (room[group], group))
            groups[best].append(index)
            room[best] -= lengths[index]
        else:
            groups.append([index])
            room.append(max_tokens - lengths[index])
    return [sorted(group) for group in groups]


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


def divide_evenly(lengths: Sequence[int], num_parts: int) -> list[list[int]]:
    """Divide row indices into parts with about as many tokens: the longest row first, each to the emptiest part.

    A part may be empty. The result depends only on the lengths.
    """
    parts: list[list[int]] = [[] for _ in range(num_parts)]
    sizes = [0] * num_parts
    for index in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        emptiest = sizes.index(min(sizes))
        parts[emptiest].append(index)
        sizes[emptiest] += lengths[index]
    return [sorted(part) for part in parts]
