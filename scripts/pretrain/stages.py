"""The shape of the bundled base and its training, in numbers."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from pretrain.mix import ECHOES, REPEATS, SENTENCES, TEXT, Stage, stage_at
from pretrain.tokenizer import VOCABULARY

SEED = 11
CONTEXT = 1024
MAX_ANSWER_TOKENS = 256
TOKENS_PER_MICRO_BATCH = 4608
TOKENS_PER_CUDA_MICRO_BATCH = 210_000
WEIGHT_DECAY = 0.1
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


def _shares(
    text: float, repeats: float, echoes: float, sentences: float = 0.0, **many_answers: float
) -> dict[str, float]:
    """What text, sentences, repeats, echoes and rows of many answers leave is for the skills."""
    rest = 1.0 - text - sentences - repeats - echoes - sum(many_answers.values())
    skills = {skill: share * rest for skill, share in SKILL_SHARES.items()}
    shares = {TEXT: text, SENTENCES: sentences, REPEATS: repeats, ECHOES: echoes, **many_answers, **skills}
    return {kind: share for kind, share in shares.items() if share}


_large = partial(Stage, repeated_vocabulary=VOCABULARY, tokens_per_step=196_608, learning_rate=4e-3)
"""Steps for a GPU."""
_small = partial(Stage, text_length=512, repeated_vocabulary=VOCABULARY, tokens_per_step=16_384, learning_rate=1e-3)
"""Steps that two cores can take."""

STAGES = (
    # Looking back first: without it no task is learned. It comes fastest on pieces of text that stand there twice.
    _large(
        "look back", 150, _shares(text=0.30, repeats=0.10, echoes=0.50), text_length=256, num_warmup_steps=100
    ),
    _large("grow", 461, _shares(text=0.50, repeats=0.01, echoes=0.04), text_length=512),
    _large("settle", 224, _shares(text=0.50, repeats=0.005, echoes=0.015), text_length=1024, falls_to_zero=True),
    # Telling subjects apart: not learned until here, and then within some hundred small steps of bare pairs.
    _small(
        "look up", 450,
        _shares(
            text=0.13, repeats=0.01, echoes=0.01,
            lookups=0.36, many_questions=0.25, said_again=0.05, many_records=0.05, many_labels=0.08,
        ),
        num_warmup_steps=20,
    ),
    _small(
        "read", 120,
        _shares(
            text=0.13, repeats=0.005, echoes=0.005,
            lookups=0.08, many_questions=0.26, near_words=0.18, said_again=0.01, many_records=0.06, many_labels=0.18,
        ),
    ),
    _small(
        "answer", 450,
        _shares(
            text=0.28, sentences=0.09, repeats=0.005, echoes=0.005,
            lookups=0.02, many_questions=0.08, near_words=0.05, said_again=0.01, many_records=0.14, many_labels=0.20,
        ),
        falls_to_zero=True,
    ),
)  # fmt: skip


def with_steps(num_steps: Sequence[int]) -> tuple[Stage, ...]:
    """The same stages with other numbers of steps: a trial, or a run that has to end by a certain time."""
    return tuple(replace(stage, num_steps=number) for stage, number in zip(STAGES, num_steps, strict=True))


def learning_rate(stages: Sequence[Stage], step: int) -> float:
    """Of step `step` (from 0), as its stage says."""
    stage, position = stage_at(stages, step)
    risen = min(1.0, (position + 1) / max(1, stage.num_warmup_steps))
    left = 1.0 - position / stage.num_steps if stage.falls_to_zero else 1.0
    return stage.learning_rate * risen * left


def validation_steps(num_steps: int) -> frozenset[int]:
    """After how many of the steps the held-out rows are looked at."""
    ends = math.ceil(num_steps / STEPS_BETWEEN_VALIDATIONS) + 1
    return frozenset(min(num_steps, number * STEPS_BETWEEN_VALIDATIONS) for number in range(ends))
