"""What a training step was counted to need, and how far resident memory then rose: `measured_step.py MODEL SHAPE_JSON`.

Prints both in bytes. A script of its own: memory that stands free inside a process would hide what a step takes.
"""

import json
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tunewright.model.adapter import prepare_for_training
from tunewright.records import Lora
from tunewright.render import TokenSequence
from tunewright.train.activations import activation_bytes
from tunewright.train.loss import accumulate_gradients
from tunewright.train.memory import give_back_free_memory, highest_resident, resident_bytes

NUM_ROWS, NUM_TOKENS, VOCABULARY_SIZE = 4, 256, 2000


def main(model_type: str, shape: dict[str, int]) -> tuple[int, int]:
    """Counted, then taken."""
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **shape), dtype=torch.float32)
    network = prepare_for_training(network, Lora(rank=8, alpha=16.0, dropout=0.05), seed=0).train()
    tokens = torch.randint(3, VOCABULARY_SIZE, (NUM_ROWS, NUM_TOKENS)).tolist()
    weights = (0.0,) + (1.0,) * (NUM_TOKENS - 1)
    rows = [TokenSequence(str(number), tuple(row), weights, None) for number, row in enumerate(tokens)]
    counted = activation_bytes(network, rows, 0, "float32")
    give_back_free_memory()
    before = resident_bytes()
    with highest_resident() as highest:
        accumulate_gradients(
            network, rows, tokens_per_micro_batch=NUM_ROWS * NUM_TOKENS, pad_token_id=0, precision="float32"
        )
    return counted, highest.num_bytes - before


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
