"""Trainings in two processes under torchrun, for tests/numerics/test_together.py.

    torchrun --standalone --nproc-per-node 2 tests/together_runs.py PLAN.json

The plan lists trainings: {"base", "home", "recipe", "until", "rehearses"}. The first process carries them out one after
the other, each from where its run stands, and saves weights and curve; the second follows. In the first checkpoint of a
step that is named as "full_at" the second finds its disk full.
"""

import errno
import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import torch
from safetensors.torch import save_file
from store_samples import RECIPE_ID, run_record
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter

from tunewright.contracts import SilentProgress
from tunewright.errors import StoreError
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.load import load_base
from tunewright.records import Full, TuneRecipe
from tunewright.render import TokenSequence
from tunewright.store import Store
from tunewright.train import loop
from tunewright.train.job import TrainingJob, Validation
from tunewright.train.loop import train
from tunewright.train.loss import accumulate_gradients
from tunewright.train.rehearsal import RehearsalLoss
from tunewright.train.schedule import make_plan
from tunewright.train.stream import TokenStream

LENGTHS = (5, 40, 11, 23, 8, 31, 17, 5, 26, 9, 13, 38, 7)
"""13 rows in steps of 4: the last step of an epoch has one row, and so a process has none."""
ROWS = tuple(
    TokenSequence(
        str(n), tuple((7 * n + 3 * t) % 90 + 1 for t in range(length)), (0.0, 0.0, *[1.0] * (length - 2)), None
    )
    for n, length in enumerate(LENGTHS)
)


def fill_disk(at_step: int) -> None:
    """Refuse this process's part of a checkpoint, once."""
    real_write = HuggingFaceStorageWriter.write_data

    def write(self, plan, planner):
        if f"step-{at_step:08d}" in str(self.path):
            HuggingFaceStorageWriter.write_data = real_write
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(self, plan, planner)

    HuggingFaceStorageWriter.write_data = write


class Stopped(BaseException):
    """Stands in for a kill, after so many steps."""


def carry_out(
    base: Path, home: Path, recipe: TuneRecipe, until: int, open_trainable=None, *, rehearses: bool = False
) -> None:
    """Train up to a step, from where the run in `home` stands; weights and curve are saved beside it.

    Where it rehearses, the last five rows are general ones: some steps have none of them, and some nothing else.
    """
    store = Store(home)
    run = store.run("last") if store.runs() else store.create_run(RECIPE_ID, run_record)
    network = prepare_for_training(load_base(base), recipe.method, recipe.train.seed)

    def validate() -> Validation:
        return Validation(sum(weight.double().abs().sum().item() for weight in trainable_parameters(network).values()))

    stream = TokenStream(ROWS, recipe.train.rows_per_step, recipe.train.seed)
    plan = make_plan(recipe.train, stream.steps_per_epoch)
    job = TrainingJob(
        network, recipe.train, stream, plan, 0, validate, {str(n): f"rows:{n}" for n in range(len(ROWS))}, run, "again"
    )
    if rehearses:
        teacher = load_base(base).requires_grad_(False) if isinstance(recipe.method, Full) else None
        general_ids = frozenset(row.example_id for row in ROWS[-5:])
        job = replace(job, accumulate=RehearsalLoss(accumulate_gradients, general_ids, teacher))
    if open_trainable:
        job = replace(job, open_trainable=open_trainable)
    real_step = loop._step

    def step(job, trainable, state, *others):
        if state.step == until:
            raise Stopped
        return real_step(job, trainable, state, *others)

    loop._step = step
    try:
        train(job, SilentProgress())
    except Stopped:
        return
    finally:
        loop._step = real_step
    save_file(
        {name: weight.detach().contiguous() for name, weight in trainable_parameters(network).items()},
        home / "weights.safetensors",
    )


def main(plan: Path) -> None:
    import torch.distributed as dist

    from tunewright.train import together

    dist.init_process_group("gloo", timeout=timedelta(minutes=10))
    torch.set_num_threads(1)
    trainings = json.loads(plan.read_text())
    if dist.get_rank() > 0:
        for one in trainings:
            if "full_at" in one:
                fill_disk(one["full_at"])
        together.follow()
        return
    for one in trainings:
        recipe = TuneRecipe.model_validate(one["recipe"])
        base = Path(one["base"])

        def open_trainable(job, base=base, recipe=recipe):
            return together.Together(job, base, recipe)

        try:
            home, rehearses = Path(one["home"]), one["rehearses"]
            carry_out(base, home, recipe, one["until"], open_trainable, rehearses=rehearses)
        except StoreError as error:
            (Path(one["home"]) / "words").write_text(str(error))
    together.end()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    main(Path(sys.argv[1]))
