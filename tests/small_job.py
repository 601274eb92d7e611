"""A complete job of seconds: a tiny random base and rows that it can learn something from."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tunewright.records import TuneRecipe, read_recipe
from tunewright.store import Store
from tunewright.train import loop
from tunewright.train.checkpoint import TrainState

COLOURS = ("red", "blue", "green", "black", "white")


def write_rows(path: Path, num_rows: int = 80, first: int = 0) -> Path:
    """Questions with one of five short answers."""
    rows = [
        {"prompt": f"What is the colour of place {number}?", "completion": COLOURS[number % 5]}
        for number in range(first, first + num_rows)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_long_texts(path: Path, num_rows: int = 60) -> Path:
    """Plain texts of several windows each under the tiny base's context of 128 tokens."""
    chance = random.Random(0)
    texts = (
        " ".join(f"{chance.choice(COLOURS)} {chance.randrange(1000)}" for _ in range(200)) for _ in range(num_rows)
    )
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


SMALL = (
    "method.dropout=0.1",
    "train.epochs=2",
    "train.learning_rate=0.01",
    "train.precision=float32",
    "train.min_validations=2",
    "evaluate.num_resamples=100",
    # A random base has no ability to keep; tests of retention switch it on.
    "retention.enabled=false",
)
FEW = ("evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.rows_per_step=10")
"""For tests that carry the job out often."""


def small_recipe(rows: Path, base: Path, *overrides: str) -> TuneRecipe:
    """Ten optimizer steps with dropout, so that random numbers matter; overrides win."""
    return read_recipe({"data": {"path": str(rows)}, "base": str(base)}, None, (*SMALL, *overrides))


def stop_at_step(monkeypatch: pytest.MonkeyPatch, stopped_at: int) -> None:
    """Let training end as on Ctrl-C when it reaches a step."""
    real_step = loop._step

    def step(*arguments: Any) -> TrainState:
        if arguments[2].step == stopped_at:
            raise KeyboardInterrupt
        return real_step(*arguments)

    monkeypatch.setattr(loop, "_step", step)


def adapter_bytes(home: Path) -> bytes:
    """The trained weights of the home's last run."""
    return (Store(home).run("last").path / "artifact" / "adapter_model.safetensors").read_bytes()
