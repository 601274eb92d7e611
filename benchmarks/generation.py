"""How fast are the answers of an evaluation written, beside batched `transformers.generate`?

    python benchmarks/generation.py

32 rows start with the same 256 tokens and go on with 32 of their own; 64 new tokens are written for each, greedily.
Shapes: the bundled base (8M parameters) and that of SmolLM2-135M with random weights. Entrants take turns in one
process; the ratio of a round is that of its runs, and the median of the rounds counts. transformers runs in float32, in
bfloat16 under autocast (as tunewright computes) and with bfloat16 weights; tunewright is compared with the fastest of
them. The answers of both in float32 are compared token by token.

Writes benchmarks/results/generation.json. Give the machine no other work meanwhile. Some minutes on two cores.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tunewright.actions.environment import describe_environment
from tunewright.model.forward import compute_precision
from tunewright.model.generate import GreedyDecoder
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.records import Precision

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RESULTS = Path(__file__).parent / "results" / "generation.json"
NUM_ROWS, NUM_SHARED, NUM_OWN, NUM_NEW = 32, 256, 32, 64
NO_STOP: frozenset[int] = frozenset()


def bundled() -> "PreTrainedModel":
    """The base that comes with the package."""
    return load_base(find_base("bundled").folder)


def shape_of_135m() -> "PreTrainedModel":
    """SmolLM2-135M's shape with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49_152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(False)


SHAPES: dict[str, Callable[[], "PreTrainedModel"]] = {"bundled 8M": bundled, "135M shape": shape_of_135m}


def prompts_for(network: "PreTrainedModel") -> list[list[int]]:
    """The rows, of random tokens."""
    generator = torch.Generator().manual_seed(0)

    def draw(length: int) -> list[int]:
        return torch.randint(10, network.config.vocab_size, (length,), generator=generator).tolist()

    shared = draw(NUM_SHARED)
    return [shared + draw(NUM_OWN) for _ in range(NUM_ROWS)]


def ask_tunewright(network: "PreTrainedModel", prompts: list[list[int]], precision: Precision) -> list[list[int]]:
    """One batch, nothing known from an earlier one; the copy with cast weights is made anew too."""
    written = GreedyDecoder(network, precision, pad_token_id=0).generate(prompts, NUM_NEW, NO_STOP)
    return [continuation.token_ids for continuation in written]


def ask_transformers(network: "PreTrainedModel", prompts: list[list[int]], precision: Precision) -> list[list[int]]:
    """One batch through `generate`; every row writes all its tokens."""
    token_ids_BT = torch.tensor(prompts)
    with compute_precision(precision, network.device):
        written_BT = network.generate(
            token_ids_BT,
            attention_mask=torch.ones_like(token_ids_BT),
            max_new_tokens=NUM_NEW,
            min_new_tokens=NUM_NEW,
            do_sample=False,
            pad_token_id=0,
        )
    return written_BT[:, token_ids_BT.shape[1] :].tolist()


def measure(name: str, num_rounds: int) -> dict[str, object]:
    """Race one shape."""
    network, in_bfloat16 = SHAPES[name](), SHAPES[name]().to(torch.bfloat16)
    prompts = prompts_for(network)
    entrants: dict[str, Callable[[], list[list[int]]]] = {
        "tunewright float32": lambda: ask_tunewright(network, prompts, "float32"),
        "transformers float32": lambda: ask_transformers(network, prompts, "float32"),
        "tunewright bfloat16": lambda: ask_tunewright(network, prompts, "bfloat16"),
        "transformers bfloat16 autocast": lambda: ask_transformers(network, prompts, "bfloat16"),
        "transformers bfloat16 weights": lambda: ask_transformers(in_bfloat16, prompts, "float32"),
    }
    seconds: dict[str, list[float]] = {entrant: [] for entrant in entrants}
    answers: dict[str, list[list[int]]] = {}
    for turn in range(num_rounds + 1):
        for entrant, ask in entrants.items():
            started = time.perf_counter()
            answers[entrant] = ask()
            if turn:  # the first is a warm-up
                seconds[entrant].append(time.perf_counter() - started)
                print(f"{name}, {entrant}: {seconds[entrant][-1]:.2f} s", flush=True)
    return {
        "seconds": seconds,
        "equal_rows_float32": num_equal(answers["tunewright float32"], answers["transformers float32"]),
        "equal_rows_bfloat16": num_equal(answers["tunewright bfloat16"], answers["transformers bfloat16 autocast"]),
        "ratio_float32": ratio(seconds, "tunewright float32", ["transformers float32"]),
        "ratio_bfloat16": ratio(
            seconds, "tunewright bfloat16", [entrant for entrant in entrants if entrant.startswith("transformers b")]
        ),
        "ratio_bfloat16_to_any": ratio(
            seconds, "tunewright bfloat16", [entrant for entrant in entrants if entrant.startswith("transformers")]
        ),
    }


def num_equal(ours: list[list[int]], theirs: list[list[int]]) -> int:
    """Rows with the same tokens."""
    return sum(one == other for one, other in zip(ours, theirs, strict=True))


def ratio(seconds: Mapping[str, list[float]], ours: str, theirs: list[str]) -> float:
    """Median over rounds of the fastest other's time to ours."""
    best = min(theirs, key=lambda entrant: statistics.median(seconds[entrant]))
    return round(
        statistics.median(other / own for own, other in zip(seconds[ours], seconds[best], strict=True)),
        2,
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES))
    arguments = parser.parse_args()
    found = {name: measure(name, arguments.rounds) for name in arguments.shapes}
    for name, result in found.items():
        print(name, {key: value for key, value in result.items() if key != "seconds"})
    if set(found) == set(SHAPES):
        environment = describe_environment().model_dump(mode="json")
        record = {"date": time.strftime("%Y-%m-%d"), "environment": environment, "shapes": found}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
