"""Make the bundled base model from nothing: tokenizer, start, training with tunewright's own loop, model folder.

    python scripts/pretrain_base.py [--build FOLDER] [--threads N] [--steps 20 60 20 9 9 9] [--from FOLDER]

All steps are minutes on a large GPU and days on a laptop's CPU, where `--steps` makes a trial of fewer. The last
three stages have small steps: two cores take an hour and a half for them from weights that have seen the others
(`--from FOLDER --steps 0 0 0 450 120 450`).

It may be stopped at any time (Ctrl-C, kill, power) and goes on where it was when it is called again: everything lies
in the build folder. The stages and all numbers stand in scripts/pretrain/stages.py. Measure the result with
benchmarks/base_model.py.
"""

import argparse
import os
import random
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pretrain.ahead import rows_ahead
from pretrain.figures import figures_of
from pretrain.mix import REPEATS, SENTENCES, TEXT, Mix, Texts, all_trained, repeats, sentences
from pretrain.open_words import read_open_words
from pretrain.page import write_page
from pretrain.stages import (
    CONTEXT,
    MAX_ANSWER_TOKENS,
    SEED,
    SHAPE,
    SKILL_SHARES,
    STAGES,
    TOKENS_PER_CUDA_MICRO_BATCH,
    TOKENS_PER_MICRO_BATCH,
    WEIGHT_DECAY,
    learning_rate,
    validation_steps,
    with_steps,
)
from pretrain.text import held_out_documents, training_documents
from pretrain.tokenizer import END_OF_TEXT, SPECIAL_TOKENS, VOCABULARY, train_tokenizer
from rich.console import Console

from tunewright.actions.environment import describe_environment
from tunewright.cli.progress import RichProgress
from tunewright.contracts import Progress, SilentProgress
from tunewright.data.skills import make_item
from tunewright.model.adapter import prepare_for_training
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.records import Conversation, Example, Full, Provenance, Run, RunStatus, TrainRecipe, content_hash
from tunewright.render import Renderer, TokenSequence, load_renderer
from tunewright.store import RunFolder, Store
from tunewright.train.checkpoint import Checkpoints
from tunewright.train.job import TrainingJob, Validation
from tunewright.train.loop import train, train_alone
from tunewright.train.schedule import Plan
from tunewright.train.stream import StepRows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

ROOT = Path(__file__).parents[1]
TOKENIZER_CHARACTERS = 12_000_000
NUM_HELD_OUT_ROWS = 48
"""Rows of each kind that a validation looks at."""


def main() -> None:
    """Train from where the build folder stands to the end, and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "pretrain-base")
    parser.add_argument("--threads", type=int, help="threads of one matrix product (default: all cores)")
    parser.add_argument("--steps", type=int, nargs=len(STAGES), metavar="N", help="steps of each stage instead of all")
    parser.add_argument("--seed", type=int, default=SEED, help="of the rows: another one where training goes on again")
    parser.add_argument("--from", dest="start", type=Path, help="folder of a model to go on from (default: a new one)")
    parser.add_argument(
        "--keep", type=float, default=0.0, metavar="SHARE",
        help="of the weights that it goes on from, in the average with the trained ones that is written",
    )  # fmt: skip
    arguments = parser.parse_args()
    import torch

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    progress = RichProgress(Console())
    start = arguments.build / "start"
    if not (start / "config.json").exists():
        if arguments.start:
            shutil.copytree(arguments.start, start)
        else:
            make_start(start, progress)
    texts = read_texts(arguments.build / "texts.safetensors", start, progress)
    renderer = load_renderer(start).fitted(CONTEXT, MAX_ANSWER_TOKENS)
    vocabulary = range(len(SPECIAL_TOKENS), VOCABULARY)
    stages = with_steps(arguments.steps) if arguments.steps else STAGES
    open_words = read_open_words(arguments.build / "words.json")
    mix = Mix(stages, texts, renderer, vocabulary, open_words, arguments.seed)
    held_out = held_out_rows(renderer, start, vocabulary)
    run = open_run(Store(arguments.build / "home"), start, renderer, mix)
    # A GPU takes a step in less time than one process needs to make its rows.
    num_processes = max(1, (os.cpu_count() or 2) - 1) if torch.cuda.is_available() else 0
    with run.lock(), rows_ahead(mix, mix.num_steps, num_processes) as stream:
        network = prepare_for_training(load_base(start), Full(), SEED)
        if torch.cuda.is_available():
            compile_pointwise(network)
        job = make_job(network, renderer, mix, stream, held_out, run)
        summary = train(job, progress)
        # Not those of the best validation, as a tuning keeps them: a high rate makes all in the middle look worse than
        # the start, and so few rows of each kind do not tell the end from it.
        Checkpoints(run, train_alone(job)).load_weights_of(mix.num_steps)
        write_page(arguments.build / "report.html", summary, mix)
        average(network, start, arguments.keep)
        save_model(network, start, arguments.build / "model")
        run.update(RunStatus.SUCCEEDED)
        figures = figures_of(summary, run.record, stages, start, arguments.build / "model", arguments.keep)
        (arguments.build / "figures.json").write_text(figures.model_dump_json() + "\n", encoding="utf-8")
    progress.say(f"The model is in {arguments.build / 'model'}, the curves in {arguments.build / 'report.html'}.")


def make_start(folder: Path, progress: Progress) -> None:
    """Train the tokenizer and write a model folder with random weights: the base that training continues from."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    progress.say("Training the tokenizer ...")
    tokenizer = train_tokenizer(_tokenizer_texts(), folder)
    torch.manual_seed(SEED)
    config = LlamaConfig(
        **SHAPE, bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def _tokenizer_texts() -> list[str]:
    """A sample of the documents and some tasks, so that braces and quotes are not cut into single bytes."""
    documents = [document.text for document in training_documents()]
    random.Random(SEED).shuffle(documents)
    chosen, num_characters = [], 0
    for text in documents:
        if num_characters > TOKENIZER_CHARACTERS:
            break
        chosen.append(text)
        num_characters += len(text)
    tasks = [make_item(skill, SEED, index, "train") for skill in SKILL_SHARES for index in range(300)]
    return chosen + ["\n".join(message.content for message in item.messages) for item in tasks]


def read_texts(cache: Path, start: Path, progress: Progress) -> Texts:
    """All training documents as token ids; made once."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    if not cache.exists():
        progress.say("Cutting the texts into tokens ...")
        tokenizer = _tokenizer(start)
        end = tokenizer.convert_tokens_to_ids(END_OF_TEXT)
        chosen = [document.text for document in training_documents()]
        encodings = tokenizer(chosen, add_special_tokens=False, verbose=False)["input_ids"]
        rows = [np.asarray([*ids, end], dtype=np.uint16) for ids in encodings]
        tensors = {"token_ids": np.concatenate(rows), "ends": np.cumsum([len(row) for row in rows])}
        save_file(tensors, cache)
    tensors = load_file(cache)
    return Texts(tensors["token_ids"], tensors["ends"])


def _tokenizer(folder: Path) -> "PreTrainedTokenizerFast":
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def held_out_rows(renderer: Renderer, start: Path, vocabulary: range) -> dict[str, list[TokenSequence]]:
    """Rows that no step sees: held-out documents, and tasks about names and in phrasings that training never has."""
    documents = held_out_documents()
    random.Random(SEED).shuffle(documents)
    texts = [one.text for one in documents[: 2 * NUM_HELD_OUT_ROWS]]
    encodings = _tokenizer(start)(texts, verbose=False)["input_ids"]
    windows = [tuple(ids[:512]) for ids in encodings if len(ids) >= 64][:NUM_HELD_OUT_ROWS]
    chance = random.Random("held-out repeats")
    found = [row for text in texts if (row := sentences(text, chance))][:NUM_HELD_OUT_ROWS]
    rows = {
        TEXT: [all_trained(TEXT, ids) for ids in windows],
        SENTENCES: [all_trained(SENTENCES, ids) for ids in _tokenizer(start)(found)["input_ids"]],
        REPEATS: [repeats(chance, vocabulary) for _ in range(NUM_HELD_OUT_ROWS)],
    }
    for skill in SKILL_SHARES:
        items = (make_item(skill, SEED + 1, index, "held_out") for index in range(NUM_HELD_OUT_ROWS))
        examples = (
            Example(body=Conversation(messages=item.messages), provenance=Provenance(source=skill, row=index))
            for index, item in enumerate(items)
        )
        rows[skill] = [sequence for example in examples for sequence in renderer.render(example)]
    return rows


def open_run(store: Store, start: Path, renderer: Renderer, mix: Mix) -> RunFolder:
    """The run that was stopped, or a new one."""
    if store.runs():
        run = store.run("last")
        run.update(RunStatus.RUNNING)
        return run
    recipe_id = content_hash([repr(mix.stages), SHAPE, mix.seed])
    return store.create_run(
        recipe_id,
        lambda run_id, created_at: Run(
            id=run_id,
            kind="pretrain",
            status=RunStatus.RUNNING,
            created_at=created_at,
            command="make pretrain-base",
            recipe_id=recipe_id,
            dataset_id="",
            base=find_base(str(start)).ref,
            renderer_hash=renderer.hash,
            environment=describe_environment(),
        ),
    )


def make_job(
    network: "PreTrainedModel",
    renderer: Renderer,
    mix: Mix,
    stream: StepRows,
    held_out: dict[str, list[TokenSequence]],
    run: RunFolder,
) -> TrainingJob:
    """What the training loop needs."""
    import torch

    settings = TrainRecipe(
        optimizer="muon",
        precision="bfloat16",
        weight_decay=WEIGHT_DECAY,
        patience=10**6,
        tokens_per_micro_batch=TOKENS_PER_CUDA_MICRO_BATCH if network.device.type == "cuda" else TOKENS_PER_MICRO_BATCH,
        seconds_between_checkpoints=300.0,
        seed=SEED,
    )
    model = LanguageModel(network, renderer, "bfloat16")

    def validate() -> Validation:
        # Few and short: compiling the layers once more, without gradients, would take longer than all of them.
        with torch.compiler.set_stance("force_eager"), SilentProgress().bar("", 0) as advance:
            parts = {kind: model.mean_loss(rows, advance) for kind, rows in held_out.items()}
        return Validation(sum(parts.values()) / len(parts), parts)

    tokens_per_step = max(stage.tokens_per_step for stage in mix.stages)
    steps_per_epoch = max(1, len(mix.texts.token_ids) // tokens_per_step)
    plan = Plan(mix.num_steps, steps_per_epoch, validation_steps(mix.num_steps), partial(learning_rate, mix.stages))
    return TrainingJob(
        network, settings, stream, plan, renderer.pad_token_id, validate, _Places(), run, "make pretrain-base",
        steps_are_alike=False,  # each stage has another mix
    )  # fmt: skip


def compile_pointwise(network: "PreTrainedModel") -> None:
    """Fuse the norms and the gated products: on a GPU they take as long as the matrix products between them."""
    for name, module in network.named_modules():
        if name.endswith(("norm", "mlp")):
            module.compile(dynamic=True)


class _Places(dict[str, str]):
    """Rows are made and name themselves."""

    def __missing__(self, name: str) -> str:
        return name


def average(network: "PreTrainedModel", start: Path, start_share: float) -> None:
    """Put a share of the weights that training went on from into the trained ones.

    Two ends of one road, each with a rate that has fallen to zero, are often worse than what lies between them: what
    each learned by chance of its rows cancels out (Wortsman et al. 2022, "Model soups", arXiv:2203.05482).
    """
    import torch
    from safetensors.torch import load_file

    if not start_share:
        return
    before = load_file(start / "model.safetensors")
    with torch.no_grad():
        for name, weights in network.named_parameters():
            weights.lerp_(before[name].to(weights), start_share)


def save_model(network: "PreTrainedModel", start: Path, folder: Path) -> None:
    """Write the trained weights in fp16, and everything else as the start has it, in the hub's layout.

    What transformers would write names float16 as the type to load, in which nothing trains, and how the tokenizer was
    loaded here.
    """
    import torch

    network.to(torch.float16).save_pretrained(folder)
    left_out = shutil.ignore_patterns("*.safetensors", "README.md")
    shutil.copytree(start, folder, ignore=left_out, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
