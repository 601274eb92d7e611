"""How much faster does a study ask its arms than `transformers.generate` would, one row after another?

    python benchmarks/study.py

The arms of a study of the demo rows: zero-shot, prompted (the longest of the assembled system prompts), few-shot (four
examples after that prompt) and tuned (two epochs are enough to have its answers' lengths). Both sides answer the same
test rows from the same prompts, which are rendered beforehand for transformers. Arm by arm they take turns, and the
median ratio of the rounds counts. In float32 the answers are compared; in the study's own number format, bfloat16 under
autocast, near ties may fall either way, and how many do is reported.

Writes benchmarks/results/study.json. About ten minutes on two cores. Give the machine no other work meanwhile, or use
--processor-time: one thread, whose processor time counts, so that other work weighs on both sides alike.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from tunewright.actions import tune
from tunewright.actions.answering import open_model
from tunewright.actions.environment import describe_environment
from tunewright.actions.preparing import Preparation, prepare_tuning
from tunewright.contracts import Advance, SilentProgress
from tunewright.evaluate import test_items
from tunewright.model.forward import compute_precision
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.records import Answer, Message, Precision, Split, read_recipe, settled
from tunewright.study.arms import FewShot, Prompted, ZeroShot
from tunewright.study.instructions import assemble_instructions
from tunewright.study.similar_examples import ExamplePool

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "study.json"
DEMO = ROOT / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl"
NUM_EXAMPLES = 4
Prompts = list[Sequence[Message]]


class Recorder:
    """A ChatModel that keeps what it is asked."""

    def __init__(self) -> None:
        self.prompts: Prompts = []

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        self.prompts = list(prompts)
        advance(len(prompts))
        return [Answer(text="", finish="stop") for _ in prompts]


def prompts_by_arm(preparation: Preparation, num_rows: int) -> dict[str, Prompts]:
    """What each arm gives to the model for the test rows."""
    rows = preparation.data.rows(Split.TRAIN)
    prompt = max((each.text for each in assemble_instructions(rows, preparation.headline_metric)), key=len)
    recorder = Recorder()
    plain = ZeroShot(recorder, "recorder", preparation.renderer.fits)
    prompted = Prompted(plain, prompt)
    few_shot = FewShot(prompted, ExamplePool(rows), NUM_EXAMPLES)
    questions = [item.prompt for item in test_items(preparation.data.rows(Split.TEST), num_rows)]
    found = {}
    for name, arm in {"zero-shot": plain, "prompted": prompted, "few-shot": few_shot, "tuned": plain}.items():
        arm.answer(questions, no_advance)
        found[name] = recorder.prompts
    return found


def no_advance(done: int = 1, note: str = "") -> None:
    """No bar."""
    del done, note


def ask_one_by_one(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> list[str]:
    """Every row through `generate`, in the number format of the model."""
    texts = []
    with compute_precision(model.precision, model.network.device):
        for token_ids in prompts:
            written = model.network.generate(
                input_ids=torch.tensor([token_ids]),
                attention_mask=torch.ones(1, len(token_ids), dtype=torch.int64),
                max_new_tokens=model.renderer.max_answer_tokens,
                do_sample=False,
                eos_token_id=sorted(model.renderer.stop_token_ids),
                pad_token_id=model.renderer.pad_token_id,
            )
            texts.append(model.renderer.decode(written[0, len(token_ids) :].tolist()))
    return texts


def race(model: LanguageModel, prompts: Prompts, num_rounds: int, clock: Callable[[], float]) -> dict[str, Any]:
    """Seconds of both sides on one arm, round by round, and how many answers are equal."""
    rendered = [model.renderer.prompt(messages).token_ids for messages in prompts]
    ours, theirs = [], []
    for turn in range(num_rounds + 1):
        started = clock()
        answers = model.for_answering().answer(prompts, no_advance)
        between = clock()
        texts = ask_one_by_one(model, rendered if turn else rendered[:2])
        if turn:  # the first is a warm-up
            ours.append(between - started)
            theirs.append(clock() - between)
    return {
        "tunewright_seconds": ours,
        "transformers_seconds": theirs,
        "ratio": round(statistics.median(slow / fast for fast, slow in zip(ours, theirs, strict=True)), 2),
        "num_rows": len(prompts),
        "num_equal": sum(answer.text == text for answer, text in zip(answers, texts, strict=True)),
        "mean_prompt_tokens": round(statistics.fmean(map(len, rendered)), 1),
        "mean_answer_tokens": round(statistics.fmean(answer.num_answer_tokens for answer in answers), 1),
    }


def main() -> None:
    """Train, race, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--processor-time", action="store_true")
    arguments = parser.parse_args()
    if arguments.processor_time:
        torch.set_num_threads(1)
    clock = time.process_time if arguments.processor_time else time.perf_counter
    recipe = read_recipe({"data": {"path": str(DEMO)}, "train": {"epochs": 2}, "retention": {"enabled": False}})
    preparation = prepare_tuning(recipe, SilentProgress())
    found: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        run_id = tune(recipe, home=Path(folder)).run_id
        tuned = open_model(run_id, Path(folder))
        precisions: tuple[Precision, ...] = ("float32", settled(preparation.recipe.train.precision))
        for name, prompts in prompts_by_arm(preparation, arguments.rows).items():
            for precision in dict.fromkeys(precisions):
                base = LanguageModel(load_base(preparation.base.folder), preparation.renderer, precision)
                model = tuned.load(precision, base.rows_per_batch) if name == "tuned" else base
                result = race(model, prompts, arguments.rounds, clock)
                found.setdefault(precision, {})[name] = result
                print(name, precision, json.dumps(result), flush=True)
    for precision, arms in found.items():
        sums = [sum(statistics.median(arm[side]) for arm in arms.values()) for side in SIDES]
        print(f"{precision}: all arms {sums[0]:.1f} s and {sums[1]:.1f} s, ratio {sums[1] / sums[0]:.2f}")
        arms["all"] = {"ratio": round(sums[1] / sums[0], 2)}
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "clock": clock.__name__,
        "environment": describe_environment().model_dump(mode="json"),
        "arms": found,
    }
    arguments.results.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


SIDES = ("tunewright_seconds", "transformers_seconds")


if __name__ == "__main__":
    main()
