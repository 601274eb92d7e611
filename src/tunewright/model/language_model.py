"""LanguageModel: weights and renderer together, as the ChatModel and ScoringModel of contracts.py."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from tunewright.contracts import Advance
from tunewright.errors import RenderError
from tunewright.model.batch import PackedBatch, PaddedBatch, most_logit_rows
from tunewright.model.constrain import AnswerGrammar
from tunewright.model.decode import decoding_path, describe_slow_decoding
from tunewright.model.forward import compute_precision, make_scoring_batches, trained_logits, trained_token_losses
from tunewright.model.generate import Continuation, GreedyDecoder
from tunewright.model.threads import num_threads, side_by_side, threads_refusal
from tunewright.records import Answer, Example, Message, Precision, TokenLoss
from tunewright.render import Prompt, Renderer, TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TOKENS_PER_SCORING_BATCH = 8192
"""Tokens, padding included, scored at once. No gradients are kept, so it can be larger than in training."""

BATCHES_PER_THREAD = 4
"""Where threads compute batches side by side; with fewer one thread may wait for another's last."""

MIN_TOKENS_OF_A_THREAD = 256
"""In a batch, if there are so many. 24,900 tokens took 3.2 s of two threads for the first time instead of 3.9, then 2.8
instead of 3.0; a few hundred as long as before (the bundled base, bfloat16, 2026-11-27)."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Answers conversations and scores examples with the tokens that training saw."""

    network: "PreTrainedModel"
    renderer: Renderer
    precision: Precision
    rows_per_batch: int = 32
    decoder: GreedyDecoder | None = None
    """Kept from one call of `answer` to the next, if there is one; see `for_answering`."""
    grammar: AnswerGrammar | None = None
    """What answers may be; see `constrained`."""

    def for_answering(self) -> "LanguageModel":
        """The same model for many calls of `answer`: what its prompts share is not computed again for each.

        The weights must not change any more. How answers are written is tried here, once: it takes as long as tens of
        answers of a small base, and would count as the time of the first ones.
        """
        decoding_path(self.network, self.renderer.max_length)
        return replace(self, decoder=self._decoder())

    def constrained(self, grammar: AnswerGrammar) -> "LanguageModel":
        """The same model, which can only write answers of a grammar."""
        return replace(self, grammar=grammar)

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """Answer each prompt greedily, in order; see contracts.ChatModel."""
        answers: dict[int, Answer] = {}
        rendered: dict[int, Prompt] = {}
        for row, messages in enumerate(prompts):
            try:
                rendered[row] = self.renderer.prompt(messages)
            except RenderError as error:
                answers[row] = Answer(text=None, finish="failed", reason=str(error))
        # Prompts of similar length share a batch; the longest first, so that the time left is not underestimated.
        order = sorted(rendered, key=lambda row: -len(rendered[row].token_ids))
        advance(len(answers))
        with _in_eval_mode(self.network):
            decoder = self.decoder or self._decoder()
            for start in range(0, len(order), self.rows_per_batch):
                rows = order[start : start + self.rows_per_batch]
                answers.update(zip(rows, self._answer_batch(decoder, [rendered[row] for row in rows]), strict=True))
                advance(len(rows))
        return [answers[row] for row in range(len(prompts))]

    @property
    def slow_answers(self) -> str | None:
        """How answers are written and why, for the user, where decode.py has no fast way; None where it has."""
        return describe_slow_decoding(self.network, self.renderer.max_length)

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether a prompt leaves room for an answer without being shortened."""
        return self.renderer.fits(messages)

    def left_out(self, messages: Sequence[Message]) -> str:
        """The text that is cut out of the middle of a prompt so that it fits; empty where nothing is.

        Raises:
            RenderError: the messages cannot become tokens.
        """
        cut = self.renderer.prompt(messages).cut
        return cut.text if cut else ""

    def stream(self, messages: Sequence[Message], on_text: Callable[[str], None]) -> Answer:
        """Answer one prompt, handing over text as it is written.

        Raises:
            RenderError: the messages cannot become tokens.
        """
        written: list[int] = []
        shown = ""

        def show(token: int) -> None:
            nonlocal shown
            written.append(token)
            text = self.renderer.decode(written)
            # A character of several tokens decodes to U+FFFD until its last token is there.
            if text.startswith(shown) and not text.endswith("\ufffd"):
                on_text(text[len(shown) :])
                shown = text

        prompt = self.renderer.prompt(messages)
        answer = self._answer_batch(self.decoder or self._decoder(), [prompt], show)[0]
        if answer.text and answer.text.startswith(shown):
            on_text(answer.text[len(shown) :])  # an answer cut within a character ends in U+FFFD
        return answer

    def token_losses(self, examples: Sequence[Example], advance: Advance) -> list[TokenLoss | str]:
        """Cross-entropy of each example's trained tokens, in order; see contracts.ScoringModel."""
        reasons: dict[int, str] = {}
        sequences: list[TokenSequence] = []
        owners: list[int] = []
        for row, example in enumerate(examples):
            try:
                parts = self.renderer.render(example)
            except RenderError as error:
                reasons[row] = str(error)
                continue
            sequences += parts
            owners += [row] * len(parts)
        advance(len(reasons))
        sums = [0.0] * len(examples)
        counts = [0] * len(examples)
        for group, nats_of_group in self._sequence_losses(sequences):
            for index, nats in zip(group, nats_of_group, strict=True):
                sums[owners[index]] += nats
                counts[owners[index]] += sequences[index].num_trained_tokens
            # An example can have several sequences; it is counted with its first.
            advance(sum(index == 0 or owners[index] != owners[index - 1] for index in group))
        reasons |= {row: f"the loss is {nats}" for row, nats in enumerate(sums) if not math.isfinite(nats)}
        return [
            reasons.get(row) or TokenLoss(sum_nats=sums[row], num_tokens=counts[row]) for row in range(len(examples))
        ]

    def mean_loss(self, sequences: Sequence[TokenSequence], advance: Advance) -> float:
        """Nats per trained token over all sequences: the validation loss."""
        total = 0.0
        for group, sums in self._sequence_losses(sequences):
            total += sum(sums)
            advance(len(group))
        return total / sum(sequence.num_trained_tokens for sequence in sequences)

    def sequence_losses(self, sequences: Sequence[TokenSequence], advance: Advance) -> list[float]:
        """Loss of each sequence's trained tokens in nats, in order; infinite or NaN where the network's output is."""
        losses = [0.0] * len(sequences)
        for group, sums in self._sequence_losses(sequences):
            for index, nats in zip(group, sums, strict=True):
                losses[index] = nats
            advance(len(group))
        return losses

    def writes(self, sequences: Sequence[TokenSequence]) -> list[bool]:
        """Whether greedy decoding writes all trained tokens of each sequence after the others, in order.

        One pass tells: where the likeliest token is the sequence's own at every place, decoding would have come there.
        """
        import torch

        def missed(pair: tuple[list[int], PackedBatch | PaddedBatch]) -> list[int]:
            with torch.inference_mode(), compute_precision(self.precision, self.network.device):
                logits_NV, targets_N, _, row_N = trained_logits(self.network, pair[1])
                return [pair[0][place] for place in set(row_N[logits_NV.argmax(-1) != targets_N].tolist())]

        found = [True] * len(sequences)
        for _, of_group in self._of_scoring_batches(missed, sequences):
            for index in of_group:
                found[index] = False
        return found

    def _sequence_losses(self, sequences: Sequence[TokenSequence]) -> Iterator[tuple[list[int], list[float]]]:
        """Summed loss of each sequence, a group of row indices at a time."""
        import torch

        def sums(pair: tuple[list[int], PackedBatch | PaddedBatch]) -> list[float]:
            with torch.inference_mode(), compute_precision(self.precision, self.network.device):
                losses_N, weights_N, row_N = trained_token_losses(self.network, pair[1])
                zeros = torch.zeros(len(pair[0]), dtype=torch.float64, device=losses_N.device)
                return zeros.index_add_(0, row_N, (losses_N * weights_N).double()).tolist()

        return self._of_scoring_batches(sums, sequences)

    def _of_scoring_batches(
        self,
        compute: Callable[[tuple[list[int], PackedBatch | PaddedBatch]], Found],
        sequences: Sequence[TokenSequence],
    ) -> Iterator[tuple[list[int], Found]]:
        """Row indices of each batch and what `compute` makes of it without gradients, in order.

        Batches are computed side by side where that is faster.
        """
        most = min(TOKENS_PER_SCORING_BATCH, most_logit_rows(self.renderer.vocabulary_size))
        longest = max((len(sequence.token_ids) for sequence in sequences), default=0)
        num_parts = 1 if threads_refusal(self.network, longest) else num_threads()
        if num_parts > 1:
            num_all = sum(len(sequence.token_ids) for sequence in sequences)
            most = min(most // num_parts, max(MIN_TOKENS_OF_A_THREAD, num_all // (BATCHES_PER_THREAD * num_parts)))
        with _in_eval_mode(self.network):
            batches = list(make_scoring_batches(self.network, sequences, most, self.renderer.pad_token_id))
            found = side_by_side(compute, batches, min(num_parts, len(batches)))
            yield from zip((group for group, _ in batches), found, strict=True)

    def _decoder(self) -> GreedyDecoder:
        return GreedyDecoder(self.network, self.precision, self.renderer.pad_token_id)

    def _answer_batch(
        self, decoder: GreedyDecoder, prompts: Sequence[Prompt], on_token: Callable[[int], None] | None = None
    ) -> list[Answer]:
        continuations = decoder.generate(
            [prompt.token_ids for prompt in prompts],
            self.renderer.max_answer_tokens,
            self.renderer.stop_token_ids,
            on_token,
            self.grammar,
        )
        return [self._to_answer(*pair) for pair in zip(prompts, continuations, strict=True)]

    def _to_answer(self, prompt: Prompt, continuation: Continuation) -> Answer:
        counts = {"num_prompt_tokens": len(prompt.token_ids), "num_answer_tokens": len(continuation.token_ids)}
        if continuation.finish == "not finite":
            reason = "the model's logits were not finite numbers"
            return Answer(text=None, finish="failed", reason=reason, **counts)
        text = self.renderer.decode(continuation.token_ids)
        return Answer(text=text, finish=continuation.finish, **counts)


@contextmanager
def _in_eval_mode(network: "PreTrainedModel") -> Iterator[None]:
    """No dropout while open; training goes on as before, whatever happens inside."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
