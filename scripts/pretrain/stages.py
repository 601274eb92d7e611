"""The shape of the bundled base and its training, in numbers."""

import math
from collections.abc import Sequence
from dataclasses import replace

from pretrain.mix import ECHOES, REPEATS, TEXT, Stage
from pretrain.tokenizer import VOCABULARY

SEED = 11
CONTEXT = 1024
MAX_ANSWER_TOKENS = 256
TOKENS_PER_STEP = 196_608
TOKENS_PER_MICRO_BATCH = 4608
TOKENS_PER_CUDA_MICRO_BATCH = 210_000
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.1
NUM_WARMUP_STEPS = 100
STEPS_BETWEEN_VALIDATIONS = 200

SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 320,
    "intermediate_size": 832,
    "num_hidden_layers": 8,
    "num_attention_heads": 10,
    "num_key_value_heads": 5,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    "rms_norm_eps": 1e-5,
}
"""Of a Llama: 11.5M parameters."""

SKILL_SHARES = {
    "context_answer": 0.21,
    "few_shot_labels": 0.17,
    "json_extraction": 0.17,
    "multi_turn": 0.10,
    "copying": 0.08,
    "format_following": 0.08,
    "rewriting": 0.06,
    "ordering": 0.05,
    "comparing": 0.04,
    "arithmetic": 0.04,
}


def _shares(text: float, repeats: float, echoes: float) -> dict[str, float]:
    """What text, repeats and echoes leave is for the skills."""
    rest = 1.0 - text - repeats - echoes
    skills = {skill: share * rest for skill, share in SKILL_SHARES.items()}
    shares = {TEXT: text, REPEATS: repeats, ECHOES: echoes, **skills}
    return {kind: share for kind, share in shares.items() if share}


STAGES = (
    # Looking back first: without it no task is learned. It comes fastest on pieces of text that stand there twice.
    Stage("look back", 150, _shares(text=0.30, repeats=0.10, echoes=0.50), 256, repeated_vocabulary=VOCABULARY),
    Stage("grow", 461, _shares(text=0.50, repeats=0.01, echoes=0.04), 512, repeated_vocabulary=VOCABULARY),
    # The learning rate falls to zero here; the full context is seen only here.
    Stage("settle", 224, _shares(text=0.50, repeats=0.005, echoes=0.015), 1024, repeated_vocabulary=VOCABULARY),
)


def with_steps(num_steps: Sequence[int]) -> tuple[Stage, ...]:
    """The same stages with other numbers of steps: a trial, or a run that has to end by a certain time."""
    return tuple(replace(stage, num_steps=number) for stage, number in zip(STAGES, num_steps, strict=True))


def learning_rate(stages: Sequence[Stage], step: int) -> float:
    """Warm-up, a constant, then a straight line to zero over the last stage (Hägele et al. 2024, arXiv:2405.18392).

    Until the last stage nothing depends on how long the run will be.
    """
    before_last = sum(stage.num_steps for stage in stages[:-1])
    left = 1.0 - max(0, step - before_last) / stages[-1].num_steps
    return LEARNING_RATE * min(1.0, (step + 1) / NUM_WARMUP_STEPS) * left


def validation_steps(num_steps: int) -> frozenset[int]:
    """After how many of the steps the held-out rows are looked at."""
    ends = math.ceil(num_steps / STEPS_BETWEEN_VALIDATIONS) + 1
    return frozenset(min(num_steps, number * STEPS_BETWEEN_VALIDATIONS) for number in range(ends))
