"""Rows for which memory can be short on the bundled base, and settings under which few of them are computed."""

import json
import random
from pathlib import Path

from tunewright.store import RunFolder

WORDS = ("river", "stone", "table", "lamp", "green", "window", "paper", "cloud", "train", "bread", "garden", "winter")
FULL = ("train.max_length=1024", "method.kind=full")
# Other micro-batches draw other numbers for dropout.
LORA = ("train.max_length=1024", "method.dropout=0")
FEW = (
    "retention.enabled=false", "train.epochs=1", "train.rows_per_step=8", "evaluate.max_inputs=2",
    "evaluate.max_answer_tokens=8", "train.min_validations=2",
)  # fmt: skip
IN_BFLOAT16 = 1e-2
"""How near the losses of a few steps lie where the same rows are computed in other portions."""


def write_long_rows(path: Path) -> Path:
    """64 of 900 to 1,000 tokens each."""
    chance = random.Random(1)
    texts = [[chance.choice(WORDS) for _ in range(930)] for _ in range(64)]
    lines = [
        json.dumps({"prompt": f"{number}: {' '.join(text)}\nFirst and last?", "completion": f"{text[0]} {text[-1]}"})
        for number, text in enumerate(texts)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def losses(run: RunFolder) -> list[float]:
    """Of the steps of training."""
    return [point["train_loss"] for point in run.metrics() if "train_loss" in point]
