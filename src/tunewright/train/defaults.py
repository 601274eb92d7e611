"""Defaults that depend on the data and the base, each with its reason.

Sources: "LoRA Without Regret" (Thinking Machines Lab, 2025) for the ratio of LoRA's learning rate to full tuning's and
for adapting every linear layer; PEFT's method comparison for ranks; for bases under 50M parameters our own sweep
(benchmarks/learning_rate.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunewright.model.batch import most_logit_rows
from tunewright.records import Derived, Full, Lora, Method, Precision, RetentionRecipe, TuneRecipe, settled

SMALL_BASE = 50e6
"""Parameters. Bases below were measured here (benchmarks/results/learning_rate-2026-11-20.md): they want a larger
learning rate, more steps and, at equal rows, smaller steps."""

MIN_PROMPT_TOKENS = 32
"""Room that answers leave to prompts, however long they are."""

LORA_LEARNING_RATES = ((SMALL_BASE, 4e-3), (1e9, 4e-4), (4e9, 3e-4), (14e9, 2e-4), (float("inf"), 1e-4))
"""(parameters of the base below, learning rate)."""

SWEPT_RANK = 16
"""Rank that the rate of small bases was measured with. With alpha at 2 x rank the update of one step grows with the
rank; at rank 32 the same rate let it outgrow the base's own weights within 300 steps, with every number finite, and
half of it trained well (benchmarks/results/learning_rate-2026-11-26.md)."""


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the defaults depend on."""

    num_train_rows: int
    num_train_sequences: int
    """What the rows become and steps count: long texts are several windows, and some conversations one per answer."""
    num_parameters: int
    vocabulary_size: int
    precision: tuple[Precision, str]
    """Of `precision_here()`."""


def derive_limits(
    recipe: TuneRecipe, context_length: int, answer_tokens: Sequence[int]
) -> tuple[TuneRecipe, tuple[Derived, ...]]:
    """Fill in train.max_length and evaluate.max_answer_tokens, which decide what sequences rows become.

    Args:
        context_length: most tokens the base was made for.
        answer_tokens: length of every row's longest answer, held-out rows and end of turn included; empty for plain
            text.
    """
    derived: list[Derived] = []
    fill = partial(_fill, derived)
    train = fill("train", recipe.train, "max_length", context_length, "context length of the base (at most 2,048)")
    room = answer_room(answer_tokens, settled(train.max_length))
    evaluate = fill("evaluate", recipe.evaluate, "max_answer_tokens", *room)
    return recipe.model_copy(update={"train": train, "evaluate": evaluate}), tuple(derived)


def derive(recipe: TuneRecipe, facts: TrainingFacts) -> tuple[TuneRecipe, tuple[Derived, ...]]:
    """Fill in what the recipe leaves open beside the limits. What the user set stays.

    Returns:
        The recipe with every other setting of method and train and, where general ability is watched, retention.beyond
        and retention.rehearsal filled in, and one Derived per setting that was chosen here.
    """
    derived: list[Derived] = []
    fill = partial(_fill, derived)
    method = recipe.method
    if isinstance(method, Lora):
        method = fill("method", method, "rank", *_rank(facts.num_train_rows))
        method = fill("method", method, "alpha", 2.0 * settled(method.rank), "2 x rank")
        method = fill("method", method, "dropout", *_dropout(facts.num_train_rows))

    train = recipe.train
    train = fill("train", train, "learning_rate", *_learning_rate(facts.num_parameters, method))
    train = fill("train", train, "rows_per_step", *_rows_per_step(facts))
    train = fill("train", train, "epochs", *_epochs(facts, settled(train.rows_per_step)))
    train = fill("train", train, "tokens_per_micro_batch", *_tokens_per_micro_batch(facts))
    train = fill("train", train, "precision", *facts.precision)

    retention = recipe.retention
    if retention.enabled:
        retention = fill("retention", retention, "beyond", *_beyond(facts.num_parameters, retention))
        retention = fill("retention", retention, "rehearsal", *_rehearsal(facts.num_parameters))
    return recipe.model_copy(update={"method": method, "train": train, "retention": retention}), tuple(derived)


def _fill(derived: list[Derived], section: str, chosen: Any, setting: str, value: Any, reason: str) -> Any:
    if getattr(chosen, setting) is not None:
        return chosen
    derived.append(Derived(setting=f"{section}.{setting}", value=value, reason=reason))
    return chosen.model_copy(update={setting: value})


def _rank(num_rows: int) -> tuple[int, str]:
    if num_rows < 2_000:
        return 16, f"16 under 2,000 training rows (here {num_rows:,})"
    if num_rows <= 20_000:
        return 32, f"32 for 2,000 to 20,000 training rows (here {num_rows:,})"
    return 64, f"64 above 20,000 training rows (here {num_rows:,})"


def _dropout(num_rows: int) -> tuple[float, str]:
    if num_rows < 500:
        return 0.05, f"0.05 under 500 training rows (here {num_rows:,}), against overfitting"
    return 0.0, f"0 from 500 training rows on (here {num_rows:,})"


def _learning_rate(num_parameters: int, method: Method) -> tuple[float, str]:
    rate = next(rate for limit, rate in LORA_LEARNING_RATES if num_parameters < limit)
    size = f"a base of {num_parameters / 1e6:,.1f}M parameters"
    if isinstance(method, Full):
        return rate / 10, f"full tuning takes a tenth of LoRA's {rate:g} for {size}"
    rank = settled(method.rank)
    if num_parameters >= SMALL_BASE or rank <= SWEPT_RANK:
        return rate, f"LoRA on {size}"
    lower = float(f"{rate * SWEPT_RANK / rank:.2g}")
    return lower, f"LoRA on {size}: {rate:g} up to rank {SWEPT_RANK}, less in proportion above (here {rank})"


def _rows_per_step(facts: TrainingFacts) -> tuple[int, str]:
    few = 2_000 if facts.num_parameters < SMALL_BASE else 500
    which = " for a base under 50M parameters" if facts.num_parameters < SMALL_BASE else ""
    num, (what, of_rows) = facts.num_train_sequences, _words_for_sequences(facts)
    if num < few:
        return 8, f"8 under {few:,} training {what} (here {num:,}{of_rows}){which}"
    return 16, f"16 from {few:,} training {what} on (here {num:,}{of_rows}){which}"


def _epochs(facts: TrainingFacts, rows_per_step: int) -> tuple[float, str]:
    num = facts.num_train_sequences
    ceiling = 5.0 if num < 100 else 3.0 if num < 2_000 else 2.0 if num < 20_000 else 1.0
    steps_per_epoch = -(-num // rows_per_step)
    steps = ceiling * steps_per_epoch
    fewest = 300 if facts.num_parameters < SMALL_BASE else 100
    if steps >= fewest:
        what, of_rows = _words_for_sequences(facts)
        these = f"{num:,} training {what}{of_rows}"
        return ceiling, f"{ceiling:g} for {these}; stops earlier when validation stops improving"
    raised = math.ceil(10 * fewest / steps_per_epoch) / 10
    return raised, f"{ceiling:g} epochs would be {steps:g} steps only; raised to reach {fewest}"


def _words_for_sequences(facts: TrainingFacts) -> tuple[str, str]:
    """How to call them, and what follows their number."""
    if facts.num_train_sequences == facts.num_train_rows:
        return "rows", ""
    return "sequences", f" of {facts.num_train_rows:,} rows"


def _tokens_per_micro_batch(facts: TrainingFacts) -> tuple[int, str]:
    tokens = 4096 if facts.num_parameters < 50e6 else 2048 if facts.num_parameters < 1e9 else 1024
    most = most_logit_rows(facts.vocabulary_size)
    if most < tokens:
        return most, f"memory for the logits of {facts.vocabulary_size:,} words per trained token"
    return tokens, f"memory for activations with {facts.num_parameters / 1e6:,.1f}M parameters"


def answer_room(answer_tokens: Sequence[int], max_length: int) -> tuple[int, str]:
    """Tokens of the context to keep free for an answer, and why.

    Args:
        answer_tokens: lengths of the answers to expect; empty for plain text.
    """
    if not answer_tokens:
        return max_length // 4, "a quarter of the context: plain text has no answers to measure"
    # An answer that leaves no room for a prompt is refused by the renderer, by name. Counted here, one such row would
    # take the room of every other row's prompt.
    most = max(max_length - MIN_PROMPT_TOKENS, max_length // 2)
    longest = max((length for length in answer_tokens if length <= most), default=most)
    roomy = longest + -(-longest // 4)
    if roomy <= max_length // 2:
        return roomy, f"a quarter more than the longest answer that fits the context ({longest} tokens)"
    return longest, f"the longest answer that fits the context ({longest} tokens)"


def _beyond(num_parameters: int, retention: RetentionRecipe) -> tuple[str, str]:
    if retention.max_task_loss_increase:
        return "tell", "retention.max_task_loss_increase is set, and only `tell` reads it"
    size = f"here {num_parameters / 1e6:,.1f}M"
    if num_parameters >= SMALL_BASE:
        return "refuse", f"where nothing is within the limits a base of 50M parameters and more is kept ({size})"
    return "tell", f"what a base under 50M parameters can do is worth less than the task ({size})"


def _rehearsal(num_parameters: int) -> tuple[str, str]:
    size = f"here {num_parameters / 1e6:,.1f}M"
    if num_parameters >= SMALL_BASE:
        return "fallback", f"bases of 50M parameters and more rehearse only where they forget too much ({size})"
    # Without it the demo's training loses 18 points, with it 1 to 3 (docs/lab-notebook.md, 2026-11-26).
    return "from_start", f"bases under 50M parameters forget most of what they could do without it ({size})"


def has_gpu() -> bool:
    """Whether networks are computed on a GPU here. Loads torch."""
    import torch

    return torch.cuda.is_available()


def precision_here() -> tuple[Precision, str]:
    """The number format that this machine multiplies fastest, and why. Loads torch."""
    import torch

    if torch.cuda.is_available():
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # The only test torch offers; private, but stable since 2.4.
        is_fast = bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    if is_fast:
        return "bfloat16", "this processor multiplies bfloat16 faster than float32"
    return "float32", "this processor has no fast bfloat16"
