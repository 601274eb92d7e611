"""Which number format trains and decodes the bundled base fastest? Run it on an otherwise idle machine.

    python benchmarks/precision.py

Prints tokens per second of a training step (16 rows of 96 tokens, the last 40 trained) and milliseconds per decoding
step (32 prompts of 40 tokens, 40 new tokens), medians after a warm-up.
"""

import statistics
import time

import torch

from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.generate import generate_greedy
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.records import Full, Lora, Precision
from tunewright.render import TokenSequence
from tunewright.train.loss import accumulate_gradients

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
NUM_STEPS, NUM_WARM_UP = 12, 2
ROWS = [TokenSequence(str(row), tuple(range(row, row + 96)), (0.0,) * 56 + (1.0,) * 40, None) for row in range(16)]
PROMPTS = [list(range(10, 50 + row % 7)) for row in range(32)]


def main() -> None:
    """Measure and print."""
    folder = find_base("bundled").folder
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for precision in PRECISIONS:
        for method in (Lora(rank=16, alpha=32.0, dropout=0.0), Full()):
            network = prepare_for_training(load_base(folder), method, seed=0).train()
            optimizer = torch.optim.AdamW(trainable_parameters(network).values(), lr=1e-4, fused=True)
            seconds = []
            for _ in range(NUM_STEPS):
                started = time.perf_counter()
                accumulate_gradients(network, ROWS, tokens_per_micro_batch=4096, pad_token_id=0, precision=precision)
                optimizer.step()
                optimizer.zero_grad()
                seconds.append(time.perf_counter() - started)
            rate = len(ROWS) * 96 / statistics.median(seconds[NUM_WARM_UP:])
            print(f"train {method.kind} {precision}: {rate:,.0f} tokens/s")
        network = load_base(folder)
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            settings = {"max_new_tokens": 40, "stop_token_ids": frozenset(), "pad_token_id": 0}
            generate_greedy(network, PROMPTS, **settings, precision=precision)
            seconds.append(time.perf_counter() - started)
        print(f"decode {precision}: {1000 * statistics.median(seconds[1:]) / 40:.1f} ms per step")


if __name__ == "__main__":
    main()
