"""Greedy decoding in batches that compute what all prompts start with once.

How the network is run over a batch is decode.py's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tunewright.model.constrain import AnswerGrammar
from tunewright.model.decode import Decoding, decoding_path, open_decoding, prompts_at_once
from tunewright.model.forward import compute_precision
from tunewright.model.shared_decoding import OverSharedCache
from tunewright.records import Precision

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(slots=True)
class Continuation:
    """What was written after one prompt; `token_ids` includes the stop token when there was one."""

    token_ids: list[int] = field(default_factory=list)
    finish: Literal["stop", "length", "not finite"] = "length"


class GreedyDecoder:
    """Continues prompts with their most likely tokens, as `transformers.generate(do_sample=False)` does.

    It works on a copy of the network with the adapter merged, see decoding_copy.py, and remembers the keys and values
    that the last batch's prompts shared. So it must not outlive a change of the weights.

    Args:
        network: a causal language model, in eval mode for as long as the decoder is used.
        precision: of the matrix products.
    """

    def __init__(self, network: "PreTrainedModel", precision: Precision, pad_token_id: int) -> None:
        import torch

        from tunewright.model.cached_attention import SharedTokens
        from tunewright.model.decoding_copy import decoding_copy

        self._original = network
        self._network = decoding_copy(network, torch.bfloat16 if precision == "bfloat16" else None)
        self._precision = precision
        self._pad_token_id = pad_token_id
        self.shared = SharedTokens()

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int,
        stop_token_ids: frozenset[int],
        on_token: Callable[[int], None] | None = None,
        grammar: AnswerGrammar | None = None,
    ) -> list[Continuation]:
        """Continue each prompt until it stops.

        Rows that have finished leave the batch once they are a quarter of it, so a few long answers do not pay for all.

        Args:
            prompts: token ids, at least one each. Similar lengths in one batch waste least.
            max_new_tokens: most tokens per row, stop token included.
            on_token: called with every token id of the first row, for streaming.
            grammar: what the answers may be; anything by default.
        Returns:
            One continuation per prompt, in order. A row whose best logit is not finite ends with finish "not finite".
        """
        import torch

        path, _ = decoding_path(self._original, max(map(len, prompts)) + max_new_tokens)
        at_once = prompts_at_once(path, len(prompts))
        continuations: list[Continuation] = []
        for start in range(0, len(prompts), at_once):
            decoding = open_decoding(path, self._network, self._pad_token_id, self.shared)
            batch = _Batch(decoding, prompts[start : start + at_once], stop_token_ids, grammar)
            with torch.inference_mode(), compute_precision(self._precision, self._network.device):
                batch.run(max_new_tokens, None if start else on_token)
            if isinstance(decoding, OverSharedCache):
                self.shared = decoding.shared
            continuations += batch.continuations
        return continuations


def generate_greedy(
    network: "PreTrainedModel",
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_token_ids: frozenset[int],
    pad_token_id: int,
    precision: Precision = "float32",
) -> list[Continuation]:
    """Continue one batch of prompts; see `GreedyDecoder`."""
    return GreedyDecoder(network, precision, pad_token_id).generate(prompts, max_new_tokens, stop_token_ids)


class _Batch:
    """The rows that are being written, of which some have left."""

    def __init__(
        self,
        decoding: Decoding,
        prompts: Sequence[Sequence[int]],
        stop_token_ids: frozenset[int],
        grammar: AnswerGrammar | None,
    ) -> None:
        self.continuations = [Continuation() for _ in prompts]
        self._decoding = decoding
        self._prompts = prompts
        self._stop_token_ids = stop_token_ids
        self._rows = list(range(len(prompts)))
        self._constrained = grammar.start(len(prompts)) if grammar else None

    def run(self, max_new_tokens: int, on_token: Callable[[int], None] | None) -> None:
        """Write until all rows have finished; `on_token` as in `GreedyDecoder.generate`."""
        logits_BV = self._decoding.start(self._prompts, max_new_tokens)
        for step in range(max_new_tokens):
            next_B = self._write(logits_BV)
            if on_token and self.continuations[0].finish != "not finite":
                on_token(self.continuations[0].token_ids[-1])
            if next_B is None or step + 1 == max_new_tokens:
                break
            logits_BV = self._decoding.step(next_B)

    def _write(self, logits_BV: "Tensor") -> "Tensor | None":
        """Write the most likely token to every row that is still going.

        Returns:
            The tokens_B to go on with; None when all rows have finished.
        """
        import torch

        if self._constrained:
            self._constrained.forbid(logits_BV, self._rows)
        best_B, next_B = logits_BV.max(dim=-1)  # to max, NaN is more than any number
        alive = self._append(next_B.tolist(), best_B.isfinite().tolist())
        if not alive:
            return None
        if 4 * len(alive) <= 3 * len(self._rows):
            keep = torch.tensor(alive, device=next_B.device)
            self._decoding.keep(keep)
            self._rows = [self._rows[index] for index in alive]
            return next_B[keep]
        return next_B

    def _append(self, tokens: Sequence[int], finite: Sequence[bool]) -> list[int]:
        """Returns the positions in the batch that go on."""
        alive = []
        for index, row in enumerate(self._rows):
            continuation = self.continuations[row]
            if continuation.finish != "length":
                continue
            if not finite[index]:
                continuation.finish = "not finite"
                continue
            continuation.token_ids.append(tokens[index])
            if tokens[index] in self._stop_token_ids:
                continuation.finish = "stop"
                continue
            alive.append(index)
            if self._constrained:
                self._constrained.follow(row, tokens[index])
        return alive
