"""Defaults that depend on the data and the base, each with its reason.

Sources: "LoRA Without Regret" (Thinking Machines Lab, 2025) for the ratio of LoRA's learning rate to full tuning's and
for adapting every linear layer; PEFT's method comparison for ranks; for bases under 50M parameters our own sweep
(benchmarks/learning_rate.py, figures in docs/recipes.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.records import Derived, Full, Lora, Precision, TuneRecipe, settled

MIN_STEPS = 100
"""Fewer optimizer steps than this rarely settle, whatever the number of rows."""

MIN_PROMPT_TOKENS = 32
"""Room that answers leave to prompts, however long they are."""

LORA_LEARNING_RATES = ((50e6, 4e-3), (1e9, 4e-4), (4e9, 3e-4), (14e9, 2e-4), (float("inf"), 1e-4))
"""(parameters of the base below, learning rate)."""


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the defaults depend on."""

    num_train_rows: int
    num_parameters: int
    context_length: int
    """Most tokens the base was made for."""
    answer_tokens: Sequence[int]
    """Length of every training row's longest answer, end of turn included; empty for plain text."""
    precision: tuple[Precision, str]
    """Of `precision_here()`."""


def derive(recipe: TuneRecipe, facts: TrainingFacts) -> tuple[TuneRecipe, tuple[Derived, ...]]:
    """Fill in what the recipe leaves open. What the user set stays.

    Returns:
        The recipe with every setting of method, train and evaluate.max_answer_tokens filled in, and one Derived per
        setting that was chosen here.
    """
    derived: list[Derived] = []

    def fill(section: str, chosen: Any, setting: str, value: Any, reason: str) -> Any:
        if getattr(chosen, setting) is not None:
            return chosen
        derived.append(Derived(setting=f"{section}.{setting}", value=value, reason=reason))
        return chosen.model_copy(update={setting: value})

    method = recipe.method
    if isinstance(method, Lora):
        method = fill("method", method, "rank", *_rank(facts.num_train_rows))
        method = fill("method", method, "alpha", 2.0 * settled(method.rank), "2 x rank")
        method = fill("method", method, "dropout", *_dropout(facts.num_train_rows))

    train = recipe.train
    train = fill("train", train, "learning_rate", *_learning_rate(facts.num_parameters, isinstance(method, Full)))
    train = fill("train", train, "rows_per_step", *_rows_per_step(facts.num_train_rows))
    train = fill("train", train, "epochs", *_epochs(facts.num_train_rows, settled(train.rows_per_step)))
    train = fill("train", train, "max_length", facts.context_length, "context length of the base (at most 2,048)")
    train = fill("train", train, "tokens_per_micro_batch", *_tokens_per_micro_batch(facts.num_parameters))
    train = fill("train", train, "precision", *facts.precision)

    room = _answer_room(facts.answer_tokens, settled(train.max_length))
    evaluate = fill("evaluate", recipe.evaluate, "max_answer_tokens", *room)
    resolved = recipe.model_copy(update={"method": method, "train": train, "evaluate": evaluate})
    return resolved, tuple(derived)


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


def _learning_rate(num_parameters: int, is_full: bool) -> tuple[float, str]:
    rate = next(rate for limit, rate in LORA_LEARNING_RATES if num_parameters < limit)
    size = f"a base of {num_parameters / 1e6:,.1f}M parameters"
    if is_full:
        return rate / 10, f"full tuning takes a tenth of LoRA's {rate:g} for {size}"
    return rate, f"LoRA on {size}"


def _rows_per_step(num_rows: int) -> tuple[int, str]:
    if num_rows < 500:
        return 8, f"8 under 500 training rows (here {num_rows:,})"
    return 16, f"16 from 500 training rows on (here {num_rows:,})"


def _epochs(num_rows: int, rows_per_step: int) -> tuple[float, str]:
    ceiling = 5.0 if num_rows < 100 else 3.0 if num_rows < 2_000 else 2.0 if num_rows < 20_000 else 1.0
    steps = ceiling * -(-num_rows // rows_per_step)
    if steps >= MIN_STEPS:
        return ceiling, f"{ceiling:g} for {num_rows:,} training rows; stops earlier when validation stops improving"
    raised = round(MIN_STEPS / -(-num_rows // rows_per_step) + 0.049, 1)
    return raised, f"{ceiling:g} epochs would be {steps:g} steps only; raised to reach {MIN_STEPS}"


def _tokens_per_micro_batch(num_parameters: int) -> tuple[int, str]:
    tokens = 4096 if num_parameters < 50e6 else 2048 if num_parameters < 1e9 else 1024
    return tokens, f"memory for activations with {num_parameters / 1e6:,.1f}M parameters"


def _answer_room(answer_tokens: Sequence[int], max_length: int) -> tuple[int, str]:
    if not answer_tokens:
        return max_length // 4, "a quarter of the context: plain text has no answers to measure"
    longest = max(answer_tokens)
    roomy = longest + -(-longest // 4)
    if roomy <= max_length // 2:
        return roomy, f"a quarter more than the longest training answer ({longest} tokens)"
    # An answer that leaves no room for a prompt is refused by the renderer, by name.
    return min(longest, max_length - MIN_PROMPT_TOKENS), f"the longest training answer ({longest} tokens)"


def precision_here() -> tuple[Precision, str]:
    """The number format that this machine multiplies fastest, and why. Loads torch."""
    import torch

    if torch.cuda.is_available():
        is_fast = torch.cuda.is_bf16_supported()
    else:
        # The only test torch offers; private, but stable since 2.4.
        is_fast = bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    if is_fast:
        return "bfloat16", "this processor multiplies bfloat16 faster than float32"
    return "float32", "this processor has no fast bfloat16"
