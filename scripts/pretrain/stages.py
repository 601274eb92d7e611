"""The shape of the bundled base and its training, in numbers."""

import math

from pretrain.mix import ECHOES, REPEATS, TEXT, Stage
from pretrain.tokenizer import VOCABULARY

SEED = 11
CONTEXT = 1024
MAX_ANSWER_TOKENS = 256
TOKENS_PER_STEP = 4096
TOKENS_PER_MICRO_BATCH = 4608
LEARNING_RATE = 4e-3
NUM_WARMUP_STEPS = 60
STEPS_BETWEEN_VALIDATIONS = 150

SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 704,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    "rms_norm_eps": 1e-5,
}
"""Of a Llama: 8.0M parameters."""

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
    # Looking back first: without it no task is learned. It starts from many short repeats of few tokens ...
    Stage("look back", 700, _shares(text=0.25, repeats=0.60, echoes=0.0), text_length=256, repeated_vocabulary=512),
    # ... and comes faster on pieces of text, whose tokens the model knows by then.
    Stage("copy", 700, _shares(0.05, 0.10, 0.50), text_length=256, repeated_vocabulary=VOCABULARY),
    Stage("grow", 1350, _shares(0.36, 0.02, 0.08), text_length=512, repeated_vocabulary=VOCABULARY),
    # The learning rate falls to zero here; the full context is seen only here.
    Stage("settle", 450, _shares(0.36, 0.01, 0.03), text_length=1024, repeated_vocabulary=VOCABULARY),
)


def learning_rate(step: int) -> float:
    """Warm-up, a constant, then a straight line to zero over the last stage (Hägele et al. 2024, arXiv:2405.18392).

    Until the last stage nothing depends on how long the run will be.
    """
    before_last = sum(stage.num_steps for stage in STAGES[:-1])
    left = 1.0 - max(0, step - before_last) / STAGES[-1].num_steps
    return LEARNING_RATE * min(1.0, (step + 1) / NUM_WARMUP_STEPS) * left


def validation_steps() -> frozenset[int]:
    """After how many steps the held-out rows are looked at."""
    num_steps = sum(stage.num_steps for stage in STAGES)
    ends = math.ceil(num_steps / STEPS_BETWEEN_VALIDATIONS) + 1
    return frozenset(min(num_steps, number * STEPS_BETWEEN_VALIDATIONS) for number in range(ends))
