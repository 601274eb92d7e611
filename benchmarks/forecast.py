"""How near do the forecasts before the first step come to what is then measured? Run it on an otherwise idle machine.

    python benchmarks/forecast.py            all shapes
    python benchmarks/forecast.py NAME ...   only these

What was measured joins benchmarks/results/forecast.json, and all of it is written to forecast.md. Each shape trains a
random Llama in a process of its own, with the allocator settings of a worker, through the loop that `tunewright tune`
uses: LoRA or every weight, 8 rows a step, documents of lognormal length of which the last third is trained. Errors are
forecast / measured - 1; the goal is 25 %.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewright.actions.environment import allocator_settings, describe_environment
from tunewright.contracts import SilentProgress
from tunewright.model.adapter import prepare_for_training
from tunewright.model.forward import compute_precision, make_batches, trained_loss
from tunewright.records import BaseModelRef, DataRecipe, Full, Lora, Run, RunStatus, TrainRecipe, TuneRecipe
from tunewright.render import TokenSequence
from tunewright.store import Store
from tunewright.train.job import TrainingJob, Validation
from tunewright.train.loop import train
from tunewright.train.schedule import make_plan
from tunewright.train.stream import TokenStream

RESULTS = Path(__file__).parent / "results"
GOAL = 0.25


@dataclass(frozen=True, slots=True)
class Shape:
    """A network, what is trained of it, and rows."""

    hidden_size: int
    num_layers: int
    vocabulary_size: int
    median_tokens: int
    max_tokens: int
    is_full: bool = False
    tokens_per_micro_batch: int = 4096
    num_steps: int = 12
    precision: str = "bfloat16"
    gradient_checkpointing: str = "never"


SHAPES = {
    "8M, LoRA, mixed lengths": Shape(256, 8, 8192, 180, 512, num_steps=24),
    "8M, full, mixed lengths": Shape(256, 8, 8192, 180, 512, is_full=True, num_steps=24),
    "8M, full, float32": Shape(256, 8, 8192, 180, 512, is_full=True, num_steps=24, precision="float32"),
    "8M, LoRA, 2,048 tokens": Shape(256, 8, 8192, 1500, 2048),
    "8M, LoRA, large vocabulary": Shape(256, 8, 128_000, 180, 512),
    "50M, LoRA, mixed lengths": Shape(512, 12, 32_000, 180, 512),
    "50M, full, mixed lengths": Shape(512, 12, 32_000, 180, 512, is_full=True),
    "135M, LoRA, mixed lengths": Shape(576, 30, 49_152, 180, 512, tokens_per_micro_batch=2048, num_steps=8),
    "135M, full, mixed lengths": Shape(
        576, 30, 49_152, 180, 512, is_full=True, tokens_per_micro_batch=2048, num_steps=8
    ),
    "8M, LoRA, 2,048 tokens, checkpointing": Shape(256, 8, 8192, 1500, 2048, gradient_checkpointing="always"),
}


def main(names: list[str]) -> None:
    """Measure, print and write."""
    path = RESULTS / "forecast.json"
    found: dict[str, dict[str, float]] = json.loads(path.read_bytes()) if path.exists() else {}
    for name in names or SHAPES:
        environment = {**allocator_settings(), **os.environ}
        command = [sys.executable, __file__, "--one", name]
        found[name] = json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
        print(name, found[name], flush=True)
        found = {one: found[one] for one in SHAPES if one in found}
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(as_table(found), encoding="utf-8")
    print(as_table(found))


def as_table(found: dict[str, dict[str, float]]) -> str:
    """Forecasts beside measurements."""
    environment = describe_environment()
    lines = [
        f"{environment.processor}, {environment.num_threads} threads, torch {environment.packages['torch']}, "
        f"{datetime.now(UTC):%Y-%m-%d}. Forecasts within {GOAL:.0%}: memory {share(found, 'memory_error')}, time "
        f"{share(found, 'time_error')}.",
        "",
        "| shape | memory forecast | measured | error | time forecast | measured | error |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        lines.append(
            f"| {name} | {one['forecast_bytes'] / 1e9:.2f} GB | {one['measured_bytes'] / 1e9:.2f} GB | "
            f"{one['memory_error']:+.0%} | {one['forecast_seconds']:.1f} s | {one['measured_seconds']:.1f} s | "
            f"{one['time_error']:+.0%} |"
        )
    return "\n".join(lines) + "\n"


def share(found: dict[str, dict[str, float]], key: str) -> str:
    """As in "7 of 8"."""
    return f"{sum(abs(one[key]) <= GOAL for one in found.values())} of {len(found)}"


def measure(shape: Shape) -> dict[str, float]:
    """Train the shape in this process; forecast and measurement."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape.vocabulary_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.hidden_size // 64,
        num_key_value_heads=max(1, shape.hidden_size // 192),
        intermediate_size=round(shape.hidden_size * 8 / 3),
        max_position_embeddings=4096,
        tie_word_embeddings=True,
    )
    method = Full() if shape.is_full else Lora(rank=16, alpha=32.0, dropout=0.0)
    network = prepare_for_training(LlamaForCausalLM(config).requires_grad_(False), method, seed=0)
    settings = TrainRecipe(
        learning_rate=1e-4,
        rows_per_step=8,
        epochs=1,
        tokens_per_micro_batch=shape.tokens_per_micro_batch,
        precision=shape.precision,
        gradient_checkpointing=shape.gradient_checkpointing,
        min_validations=2,
    )
    rows = make_rows(shape, 8 * shape.num_steps + 8)
    stream = TokenStream(rows[8:], 8, seed=0)
    with tempfile.TemporaryDirectory() as home:
        job = TrainingJob(
            network=network,
            settings=settings,
            stream=stream,
            plan=make_plan(settings, stream.steps_per_epoch),
            pad_token_id=0,
            validate=lambda: Validation(mean_loss(network, rows[:8], settings)),
            locations={},
            run=Store(Path(home)).create_run("0" * 64, as_run),
            command_to_continue="",
        )
        summary = train(job, SilentProgress())
    forecast = summary.forecast
    assert forecast is not None
    return {
        "forecast_bytes": forecast.peak_memory_bytes,
        "measured_bytes": summary.peak_memory_bytes,
        "memory_error": round(forecast.peak_memory_bytes / summary.peak_memory_bytes - 1, 3),
        "forecast_seconds": forecast.seconds,
        "measured_seconds": round(summary.seconds, 2),
        "time_error": round(forecast.seconds / summary.seconds - 1, 3),
        "num_tokens": summary.num_tokens,
    }


def make_rows(shape: Shape, num_rows: int) -> list[TokenSequence]:
    """Documents of lognormal length, the last third trained."""
    chance = random.Random(0)
    rows = []
    for row in range(num_rows):
        length = min(shape.max_tokens, max(16, round(chance.lognormvariate(0, 0.6) * shape.median_tokens)))
        num_trained = length // 3
        token_ids = tuple(chance.randrange(shape.vocabulary_size) for _ in range(length))
        weights = (0.0,) * (length - num_trained) + (1.0,) * num_trained
        rows.append(TokenSequence(str(row), token_ids, weights, None))
    return rows


def mean_loss(network: Any, rows: list[TokenSequence], settings: TrainRecipe) -> float:
    """Validation as the language model does it, without a renderer."""
    import torch

    network.eval()
    total = 0.0
    with torch.no_grad(), compute_precision(settings.precision or "float32", network.device):
        for _, batch in make_batches(network, rows, settings.tokens_per_micro_batch or 1, 0):
            total += trained_loss(network, batch).item()
    network.train()
    return total / sum(sum(row.loss_weights) for row in rows)


def as_run(run_id: str, created_at: str) -> Run:
    """A record for the run folder that the loop writes to."""
    return Run(
        id=run_id,
        kind="tune",
        status=RunStatus.RUNNING,
        created_at=created_at,
        command="python benchmarks/forecast.py",
        recipe_id=TuneRecipe(data=DataRecipe(path="none")).id,
        dataset_id="0" * 64,
        base=BaseModelRef(name="random", origin="folder", revision="none", sha256="0" * 64),
        renderer_hash="0" * 64,
        environment=describe_environment(),
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(SHAPES[sys.argv[2]])))
    else:
        main(sys.argv[1:])
