"""Entrant of the training race: TRL's SFTTrainer on transformers and PEFT.

    python benchmarks/race_trl.py JOB RESULT

Settings are those of `trl.SFTConfig`; what is not given keeps TRL's default (bfloat16 autocast and gradient
checkpointing among them). The rows arrive as tokens and labels, so TRL prepares nothing within the measured time.
"""

import json
import sys
import tempfile
from pathlib import Path

from datasets import Dataset
from race_job import Clock, Job, device, load_network, read_rows, write_result
from transformers import PreTrainedTokenizerFast, TrainerCallback
from trl import SFTConfig, SFTTrainer


class Stopwatch(TrainerCallback):
    """Takes the time of every optimizer step and the loss that the trainer logs for it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_step_begin(self, *_: object, **__: object) -> None:
        self.clock.start_step()

    def on_step_end(self, *_: object, **__: object) -> None:
        self.clock.end_step()

    def on_log(self, *_: object, logs: dict[str, float], **__: object) -> None:
        if "loss" in logs:
            self.clock.losses.append(float(logs["loss"]))


def main() -> None:
    """Train on the job's rows and write the result."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    network = load_network(job)
    rows = read_rows(job.rows)
    columns = {
        "input_ids": [row.token_ids for row in rows],
        "labels": [[-100] * row.first_trained + row.token_ids[row.first_trained :] for row in rows],
    }
    if job.settings.get("packing"):  # TRL packs only what it prepares itself, and takes the mask instead of labels
        del columns["labels"]
        columns["completion_mask"] = [
            [0] * row.first_trained + [1] * (len(row.token_ids) - row.first_trained) for row in rows
        ]
    clock = Clock(job.clock)
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=network,
            args=make_config(job, folder),
            train_dataset=Dataset.from_dict(columns),
            processing_class=make_tokenizer(job.base),
            callbacks=[Stopwatch(clock)],
        )
        trainer.train()
    write_result(sys.argv[2], clock, network, job)


def make_config(job: Job, folder: str) -> SFTConfig:
    """The race's settings, then the entrant's."""
    accumulation = int(job.settings.get("gradient_accumulation_steps", 1))
    settings = {
        "output_dir": folder,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "num_train_epochs": 1,
        "per_device_train_batch_size": job.rows_per_step // accumulation,
        "train_sampling_strategy": "sequential",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": device() == "cpu",
        "bf16": True,
        "dataset_kwargs": None if job.settings.get("packing") else {"skip_prepare_dataset": True},
        "completion_only_loss": True if job.settings.get("packing") else None,
        **job.settings,
    }
    return SFTConfig(**settings)


def make_tokenizer(base: str) -> PreTrainedTokenizerFast:
    """No text is read; the trainer only asks for the padding token."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    vocabulary = {"<pad>": 0, "<eos>": 1}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(vocabulary, unk_token="<pad>")), pad_token="<pad>", eos_token="<eos>"
    )


if __name__ == "__main__":
    main()
