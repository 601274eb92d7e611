"""How fast are the answers of an evaluation written, beside batched `transformers.generate`?

    python benchmarks/generation.py

32 rows start with the same 256 tokens and go on with 32 of their own; 64 new tokens are written for each, greedily.
Shapes: the bundled base (8M parameters) and that of SmolLM2-135M with random weights. Entrants take turns in one
process; the ratio of a round is that of its runs, and the median of the rounds counts. transformers runs in float32, in
bfloat16 under autocast (as tunewright computes) and with bfloat16 weights; tunewright is compared with the fastest of
them. The answers of both in float32 are compared token by token.

Also measured: what constrained decoding costs, as milliseconds per token of a batch of 32 rows that write demo tickets.

Writes benchmarks/results/generation.json, with the shapes of --shapes.
Some minutes on two cores. Give the machine no other work meanwhile, or use
--processor-time: one thread, whose processor time counts, so that other work weighs on both sides alike.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch

from tunewright.actions.environment import describe_environment
from tunewright.evaluate.formats import infer_schema, json_style
from tunewright.model.constrain import AnswerGrammar, ConstrainedRows, JsonStyle
from tunewright.model.forward import compute_precision
from tunewright.model.generate import GreedyDecoder
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.records import Precision
from tunewright.render import load_renderer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "generation.json"
DEMO = ROOT / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl"
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


Clock = Callable[[], float]
SHAPES: dict[str, Callable[[], "PreTrainedModel"]] = {"bundled base": bundled, "135M shape": shape_of_135m}


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


def measure(name: str, num_rounds: int, clock: Clock) -> dict[str, object]:
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
            started = clock()
            answers[entrant] = ask()
            if turn:  # the first is a warm-up
                seconds[entrant].append(clock() - started)
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


class TimedRows(ConstrainedRows):
    """Counts the time that the mask takes."""

    clock: ClassVar[Clock] = time.perf_counter
    seconds: ClassVar[float] = 0.0
    num_masks: ClassVar[int] = 0

    def forbid(self, logits_BV: torch.Tensor, rows: Sequence[int]) -> None:
        started = TimedRows.clock()
        super().forbid(logits_BV, rows)
        TimedRows.seconds += TimedRows.clock() - started
        TimedRows.num_masks += 1

    def follow(self, row: int, token: int) -> None:
        started = TimedRows.clock()
        super().follow(row, token)
        TimedRows.seconds += TimedRows.clock() - started


def measure_mask(num_rounds: int, clock: Clock) -> dict[str, float]:
    """Answers under the demo's inferred schema, and the part of their time that goes into the mask."""
    TimedRows.clock = clock
    network, renderer = bundled(), load_renderer(find_base("bundled").folder)
    answers = [json.loads(line)["messages"][-1]["content"] for line in DEMO.read_text(encoding="utf-8").splitlines()]
    started = clock()
    grammar = AnswerGrammar(infer_schema(answers), renderer, JsonStyle(*json_style(answers)))
    seconds_to_build = clock() - started
    start = grammar.start
    grammar.start = lambda num_rows: TimedRows(start(num_rows).matchers, start(num_rows).executor)  # type: ignore[method-assign]
    decoder = GreedyDecoder(network, "bfloat16", pad_token_id=0)
    started = clock()
    for _ in range(num_rounds):
        decoder.generate(prompts_for(network), NUM_NEW, renderer.stop_token_ids, grammar=grammar)
    seconds = clock() - started
    return {
        "milliseconds_to_build": round(1000 * seconds_to_build, 1),
        "milliseconds_per_token_of_the_batch": round(1000 * TimedRows.seconds / TimedRows.num_masks, 2),
        "share_of_the_time": round(TimedRows.seconds / seconds, 3),
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
    parser.add_argument("--processor-time", action="store_true")
    arguments = parser.parse_args()
    if arguments.processor_time:
        torch.set_num_threads(1)
    clock = time.process_time if arguments.processor_time else time.perf_counter
    mask = measure_mask(arguments.rounds, clock)
    print("mask", mask)
    found: dict[str, object] = {}
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "clock": clock.__name__,
        "environment": describe_environment().model_dump(mode="json"),
        "shapes": found,
        "mask": mask,
    }
    for name in arguments.shapes:
        found[name] = result = measure(name, arguments.rounds, clock)
        print(name, {key: value for key, value in result.items() if key != "seconds"})
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
