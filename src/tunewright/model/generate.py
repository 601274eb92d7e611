"""Greedy decoding in batches with a key/value cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from tunewright.errors import ModelError
from tunewright.model.forward import can_keep_logits

if TYPE_CHECKING:
    from torch import LongTensor, Tensor
    from transformers import Cache, PreTrainedModel
    from transformers.utils import ModelOutput


@dataclass(slots=True)
class Continuation:
    """What was written after one prompt; `token_ids` includes the stop token when there was one."""

    token_ids: list[int] = field(default_factory=list)
    finish: Literal["stop", "length", "not finite"] = "length"


def generate_greedy(
    network: "PreTrainedModel",
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_token_ids: frozenset[int],
    pad_token_id: int,
    on_token: Callable[[int], None] | None = None,
) -> list[Continuation]:
    """Continue each prompt with its most likely tokens until it stops, as `transformers.generate(do_sample=False)`.

    Rows that have finished leave the batch once they are half of it, so a few long answers do not pay for all.

    Args:
        network: a causal language model in eval mode; called once for the prompts and once per new token.
        prompts: token ids, at least one each; padded on the left here.
        max_new_tokens: most tokens per row, stop token included.
        on_token: called with every token id of the first row, for streaming.
    Returns:
        One continuation per prompt, in order. A row whose logits are not finite ends with finish "not finite".
    Raises:
        ModelError: the architecture keeps its state in another way than a key/value cache, as Mamba does.
    """
    import torch

    continuations = [Continuation() for _ in prompts]
    rows = list(range(len(prompts)))
    step_ids_BT, mask_BT = (tensor.to(network.device) for tensor in _pad_left(prompts, pad_token_id))
    cache = None
    keep_last = {"logits_to_keep": 1} if can_keep_logits(network) else {}
    with torch.inference_mode():
        for _ in range(max_new_tokens):
            output = network(
                input_ids=step_ids_BT,
                attention_mask=mask_BT,
                position_ids=(mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -step_ids_BT.shape[1] :],
                past_key_values=cache,
                use_cache=True,
                **keep_last,
            )
            cache, logits_BV = _require_cache(network, output), output.logits[:, -1].float()
            next_B, finite_B = logits_BV.argmax(-1), logits_BV.isfinite().all(-1)
            alive = _append([continuations[row] for row in rows], next_B.tolist(), finite_B.tolist(), stop_token_ids)
            if on_token and continuations[0].finish != "not finite":
                on_token(continuations[0].token_ids[-1])
            if not alive:
                break
            if 2 * len(alive) <= len(rows):
                keep = cast("LongTensor", torch.tensor(alive, device=network.device))
                cache.reorder_cache(keep)  # layers with linear attention have no batch_select_indices
                mask_BT, next_B = mask_BT[keep], next_B[keep]
                rows = [rows[index] for index in alive]
            step_ids_BT = next_B[:, None]
            mask_BT = torch.cat([mask_BT, mask_BT.new_ones(len(rows), 1)], dim=1)
    return continuations


def _require_cache(network: "PreTrainedModel", output: "ModelOutput") -> "Cache":
    cache: Cache | None = output.get("past_key_values")
    if cache is None:
        raise ModelError(
            f"base {type(network).__name__}: found an architecture that gives no key/value cache, expected one that "
            "does, as Llama, Qwen or Gemma. Its answers could not be measured; choose another base."
        )
    return cache


def _append(
    batch: Sequence[Continuation], tokens: Sequence[int], finite: Sequence[bool], stop_token_ids: frozenset[int]
) -> list[int]:
    """Write one token to every row that is still going; returns the positions in the batch that go on."""
    alive = []
    for index, continuation in enumerate(batch):
        if continuation.finish != "length":
            continue
        if not finite[index]:
            continuation.finish = "not finite"
            continue
        continuation.token_ids.append(tokens[index])
        if tokens[index] in stop_token_ids:
            continuation.finish = "stop"
        else:
            alive.append(index)
    return alive


def _pad_left(prompts: Sequence[Sequence[int]], pad_token_id: int) -> tuple["Tensor", "Tensor"]:
    import torch

    longest = max(len(prompt) for prompt in prompts)
    token_ids = torch.full((len(prompts), longest), pad_token_id, dtype=torch.int64)
    mask = torch.zeros_like(token_ids)
    for row, prompt in enumerate(prompts):
        token_ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    return token_ids, mask
