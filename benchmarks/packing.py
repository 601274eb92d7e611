"""How much faster is a training step on packed batches than on padded ones? Run it on an otherwise idle machine.

    OMP_NUM_THREADS=1 python benchmarks/packing.py

Trains every weight of a random Llama (hidden 256, 8 layers, 8 heads, 4 key heads, intermediate 704, vocabulary 8,192,
tied; 8.4M parameters) in bfloat16 on steps of 8,192 tokens: documents of 60 to 500 tokens, half of them trained
throughout, the others on their last 15 %. Packed and padded steps alternate on the same rows. Prints tokens per second
without padding (medians after a warm-up), the median of the ratios of neighbouring steps, and both losses.
"""

import random
import statistics
import time
from unittest.mock import patch

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from tunewright.model import forward
from tunewright.render import TokenSequence
from tunewright.train.loss import accumulate_gradients

VOCABULARY_SIZE = 8192
TOKENS_PER_STEP, TOKENS_PER_MICRO_BATCH = 8192, 4096
NUM_STEPS, NUM_WARM_UP = 10, 2


def main() -> None:
    """Measure and print."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    network = make_network()
    seconds: dict[str, list[float]] = {"packed": [], "padded": []}
    losses: dict[str, list[float]] = {"packed": [], "padded": []}
    rows = make_rows(random.Random(0))
    for _ in range(NUM_STEPS):
        for path in seconds:
            network.zero_grad()
            with patch.object(forward, "attention_path", lambda *_, path=path: (path, "")):
                started = time.perf_counter()
                losses[path].append(
                    accumulate_gradients(
                        network,
                        rows,
                        tokens_per_micro_batch=TOKENS_PER_MICRO_BATCH,
                        pad_token_id=0,
                        precision="bfloat16",
                    )
                )
                seconds[path].append(time.perf_counter() - started)
    for path, taken in seconds.items():
        rate = TOKENS_PER_STEP / statistics.median(taken[NUM_WARM_UP:])
        print(f"{path}: {rate:,.0f} tokens/s, loss {losses[path][-1]:.4f}")
    ratios = [padded / packed for packed, padded in zip(seconds["packed"], seconds["padded"], strict=True)]
    print(f"packed is {statistics.median(ratios[NUM_WARM_UP:]):.2f} times as fast")


def make_network() -> PreTrainedModel:
    """The same random weights every time, in training mode."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=256,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=4,
        intermediate_size=704,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).train()


def make_rows(chance: random.Random) -> list[TokenSequence]:
    """Documents of one step, TOKENS_PER_STEP tokens in all."""
    rows: list[TokenSequence] = []
    left = TOKENS_PER_STEP
    while left:
        length = min(left, chance.randint(60, 500))
        untrained = 1 if len(rows) % 2 else max(1, round(0.85 * length))
        weights = (0.0,) * untrained + (1.0,) * (length - untrained)
        token_ids = tuple(chance.randrange(VOCABULARY_SIZE) for _ in range(length))
        rows.append(TokenSequence(str(len(rows)), token_ids, weights, None))
        left -= length
    return rows


if __name__ == "__main__":
    main()
