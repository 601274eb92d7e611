"""Answer with a network's own code, whatever it keeps of the tokens that it has read."""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from tunewright.errors import ModelError
from tunewright.model.passes import can_keep_logits, without_adapter

if TYPE_CHECKING:
    from torch import LongTensor, Tensor
    from transformers import PreTrainedModel
    from transformers.utils import ModelOutput

KEYS_AND_VALUES = "past_key_values"

STATES = (KEYS_AND_VALUES, "cache_params", "state", "past_buckets_states")
"""What networks of transformers call, in what they give and in what they take, that which they keep of the tokens read:
most of them, Mamba, RWKV, Reformer."""


class OverOwnState:
    """Prompts side by side, padded on the left, over the state that the architecture brings along.

    A network that cannot be told what is padding, or keeps the state in its layers, can only have one prompt at a time.
    """

    def __init__(self, network: "PreTrainedModel", pad_token_id: int) -> None:
        self._network = network
        self._pad_token_id = pad_token_id
        self._keep_last = _only_last_logits(network)
        self._state: dict[str, Any] = {}
        self._mask_BT: Tensor

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> "Tensor":
        """As Decoding.

        Raises:
            ModelError: the network keeps nothing of what it has read.
        """
        del max_new_tokens
        token_ids_BT, mask_BT = _pad_left(prompts, self._pad_token_id)
        self._mask_BT = mask_BT.to(self._network.device)
        self._state = _empty_state(self._network)
        if token_ids_BT.shape[1] == 1:
            # RecurrentGemma keeps its state in its layers, and takes one token for the next of an earlier text.
            self._network(input_ids=token_ids_BT.to(self._network.device), use_cache=False)
        return self._run(token_ids_BT.to(self._network.device), self._mask_BT)

    def step(self, tokens_B: "Tensor") -> "Tensor":
        """As Decoding."""
        import torch

        self._mask_BT = torch.cat([self._mask_BT, self._mask_BT.new_ones(len(tokens_B), 1)], dim=1)
        # A state that is no keys and values has done with the padding, and wants no mask of tokens that were read.
        return self._run(tokens_B[:, None], self._mask_BT if KEYS_AND_VALUES in self._state else None)

    def keep(self, rows: "Tensor") -> None:
        """As Decoding.

        Raises:
            ModelError: the network's state is of a kind that rows cannot leave.
        """
        for name, state in self._state.items():
            if not hasattr(state, "reorder_cache"):
                raise ModelError(f"rows cannot leave its `{name}`, a {type(state).__name__}")
            state.reorder_cache(cast("LongTensor", rows))  # layers with linear attention have no batch_select_indices
        self._mask_BT = self._mask_BT[rows]

    def _run(self, token_ids_BT: "Tensor", mask_BT: "Tensor | None") -> "Tensor":
        output = self._network(
            input_ids=token_ids_BT,
            attention_mask=mask_BT,
            position_ids=(self._mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -token_ids_BT.shape[1] :],
            use_cache=True,
            **self._state,
            **self._keep_last,
        )
        self._state |= _state_of(output)
        if not self._state:
            raise ModelError(
                f"{type(self._network).__name__}: found no state beside the logits, expected one of "
                f"{', '.join(STATES)}. It can only read each text again for every token."
            )
        return cast("Tensor", output.logits[:, -1].float())


class Rereading:
    """One prompt, which is read as a whole again for every token: slow, and right for every causal network."""

    def __init__(self, network: "PreTrainedModel") -> None:
        self._network = network
        self._keep_last = _only_last_logits(network)
        self._token_ids_BT: Tensor

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> "Tensor":
        """As Decoding."""
        import torch

        del max_new_tokens
        self._token_ids_BT = torch.tensor(prompts, device=self._network.device)
        return self._run()

    def step(self, tokens_B: "Tensor") -> "Tensor":
        """As Decoding."""
        import torch

        self._token_ids_BT = torch.cat([self._token_ids_BT, tokens_B[:, None]], dim=1)
        return self._run()

    def keep(self, rows: "Tensor") -> None:
        """As Decoding."""
        self._token_ids_BT = self._token_ids_BT[rows]

    def _run(self) -> "Tensor":
        output = self._network(input_ids=self._token_ids_BT, use_cache=False, **self._keep_last)
        return cast("Tensor", output.logits[:, -1].float())


def _only_last_logits(network: "PreTrainedModel") -> dict[str, int]:
    return {"logits_to_keep": 1} if can_keep_logits(network) else {}


def _empty_state(network: "PreTrainedModel") -> dict[str, Any]:
    """Where the network will write keys and values. RecurrentGemma does not give back those that it makes itself."""
    from transformers import DynamicCache

    base = without_adapter(network)
    if KEYS_AND_VALUES not in inspect.signature(base.forward).parameters or not base._supports_default_dynamic_cache():
        return {}
    return {KEYS_AND_VALUES: DynamicCache(config=base.config.get_text_config(decoder=True))}


def _state_of(output: "ModelOutput") -> dict[str, Any]:
    """What the network has kept, under the name that it wants it back under."""
    return {name: output[name] for name in STATES if output.get(name) is not None}


def _pad_left(prompts: Sequence[Sequence[int]], pad_token_id: int) -> tuple["Tensor", "Tensor"]:
    import torch

    longest = max(len(prompt) for prompt in prompts)
    token_ids = torch.full((len(prompts), longest), pad_token_id, dtype=torch.int64)
    mask = torch.zeros_like(token_ids)
    for row, prompt in enumerate(prompts):
        token_ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    return token_ids, mask
