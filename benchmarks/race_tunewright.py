"""Entrant of the training race: tunewright's own step, as `train/loop.py` makes it.

    python benchmarks/race_tunewright.py JOB RESULT

Settings: `share` (default true) computes a prompt that all rows share once; `tokens_per_micro_batch`, by default what
`tunewright tune` derives for such a base.
"""

import json
import sys
from pathlib import Path
from unittest.mock import patch

import torch
from race_job import Clock, Job, load_network, read_rows, steps_of, write_result

from tunewright.model.adapter import trainable_parameters
from tunewright.records import TrainRecipe
from tunewright.render import TokenSequence
from tunewright.train.defaults import SMALL_BASE
from tunewright.train.loss import accumulate_gradients
from tunewright.train.optimizer import make_optimizers


def main() -> None:
    """Train on the job's rows and write the result."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    network = load_network(job).train()
    parameters = trainable_parameters(network)
    optimizers = make_optimizers(network, TrainRecipe())
    tokens_per_micro_batch = 4096 if network.num_parameters() < SMALL_BASE else 2048
    clock = Clock(job.clock)
    least = 16 if job.settings.get("share", True) else sys.maxsize
    with patch("tunewright.model.batch.MIN_SHARED_TOKENS", least):
        for rows in steps_of(read_rows(job.rows), job.rows_per_step):
            clock.start_step()
            loss = accumulate_gradients(
                network,
                [to_sequence(index, row) for index, row in enumerate(rows)],
                tokens_per_micro_batch=job.settings.get("tokens_per_micro_batch", tokens_per_micro_batch),
                pad_token_id=0,
                precision="bfloat16",
            )
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = job.learning_rate
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            clock.end_step()
            clock.losses.append(loss)
    write_result(sys.argv[2], clock, network, job)


def to_sequence(index: int, row: object) -> TokenSequence:
    """Loss weight 1 from the first trained token on."""
    num_trained = len(row.token_ids) - row.first_trained
    return TokenSequence(str(index), tuple(row.token_ids), (0.0,) * row.first_trained + (1.0,) * num_trained, None)


if __name__ == "__main__":
    main()
