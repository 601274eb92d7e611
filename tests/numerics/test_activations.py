"""Too little memory for a row: gradient checkpointing, with the result of enough memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from architectures import write_architecture
from listening import Listening
from test_architectures import ROWS
from test_attention import FULL, LORA, PACKED, SEQUENCES, load
from test_training_loop import Killed, make_job, recipe
from tiny_base import write_tiny_base
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from tunewright.actions.environment import allocator_settings
from tunewright.contracts import SilentProgress
from tunewright.errors import TrainError
from tunewright.model import forward
from tunewright.model.batch import pack_sequences, pad_sequences
from tunewright.model.forward import trained_loss
from tunewright.model.layout import attention_path
from tunewright.model.load import load_base
from tunewright.model.passes import without_adapter
from tunewright.model.recompute import recompute_layers
from tunewright.records import Method, settled
from tunewright.train import activations, loop
from tunewright.train.activations import activation_bytes, memory_shortage
from tunewright.train.job import TrainingJob
from tunewright.train.loop import train
from tunewright.train.memory import Highest
from tunewright.train.recovery import Recovery
from tunewright.train.trainable import Alone


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


def take(monkeypatch: pytest.MonkeyPatch, num_bytes: int) -> None:
    """Let every counted pass take so much, whatever resident memory does here."""
    monkeypatch.setattr(activations, "resident_bytes", lambda: 0)
    monkeypatch.setattr(activations, "highest_resident", lambda: nullcontext(Highest(num_bytes)))


@pytest.fixture(autouse=True)
def _nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    take(monkeypatch, 0)


def bytes_kept_alive(network: Any) -> int:
    """What autograd holds of a pass while it is held."""
    kept: list[Tensor] = []
    is_padded = attention_path(network)[0] == "padded"
    batch = pad_sequences(SEQUENCES, 0, network.device) if is_padded else pack_sequences(SEQUENCES, network.device)

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        trained_loss(network, batch)
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in kept}
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    return sum(size for place, size in storages.items() if place not in weights)


@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("architecture", ["llama", "gpt_neox", "mamba"])
def test_counted_is_what_autograd_would_keep(architecture: str, method: Method, tmp_path: Path) -> None:
    network = load(tmp_path, architecture, method)
    held = bytes_kept_alive(network)
    assert activation_bytes(network, SEQUENCES, 0, "float32") == held + held // 2  # two layers
    recompute_layers(network, is_on=True)
    with_less = bytes_kept_alive(network) + 2 * held // 2
    assert activation_bytes(network, SEQUENCES, 0, "float32") == pytest.approx(with_less, rel=0.05)
    assert without_adapter(network).is_activation_checkpointing


@pytest.mark.filterwarnings("ignore:fan_in_fan_out")
@pytest.mark.parametrize("architecture", PACKED)
def test_the_bound_is_never_less_than_what_is_kept(architecture: str, tmp_path: Path) -> None:
    network = load(tmp_path, architecture, LORA, torch.float32)
    assert bound(network) >= activation_bytes(network, SEQUENCES, 0, "float32")


def bound(network: Any) -> int:
    return settled(activations._bound(network, SEQUENCES))


@pytest.mark.parametrize("name", ["mamba", "rwkv", "recurrent_gemma", "jamba", "bloom", "mixtral"])
def test_where_shapes_do_not_tell_what_is_kept_it_is_always_counted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_base(write_architecture(tmp_path, name)).train()
    assert activations._bound(network, ROWS) is None
    needed = activation_bytes(network, ROWS, 0, "float32")
    have(monkeypatch, needed)
    assert memory_shortage(network, ROWS, 0, 0, "float32") is None
    have(monkeypatch, needed - 1)
    assert memory_shortage(network, ROWS, 0, 0, "float32") is not None


@pytest.mark.parametrize(("architecture", "counts"), [("llama", False), ("gpt_neox", True), ("mamba", True)])
def test_what_the_network_s_own_code_takes_beside_counts_where_it_is_more_than_a_layer_keeps(
    architecture: str, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(tmp_path, architecture, LORA)
    kept, taken = bytes_kept_alive(network), 10_000_000
    take(monkeypatch, taken)
    assert activation_bytes(network, SEQUENCES, 0, "float32") == kept + (taken if counts else kept // 2)
    recompute_layers(network, is_on=True)
    with_less = bytes_kept_alive(network) + kept // 2 + (taken if counts else kept // 2)
    assert activation_bytes(network, SEQUENCES, 0, "float32") == pytest.approx(with_less, rel=0.05)


def test_rows_that_are_computed_alone_need_the_memory_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "bloom", LORA)
    longest = max(SEQUENCES, key=lambda sequence: len(sequence.token_ids))
    alone = activation_bytes(network, [longest], 0, "float32")
    monkeypatch.setattr(forward, "attention_path", lambda *_: ("alone", ""))
    assert activation_bytes(network, SEQUENCES, 0, "float32") == alone


STATES = {
    "rwkv": {"attention_hidden_size": 256, "intermediate_size": 1024},
    "mamba2": {"state_size": 64, "num_heads": 8, "head_dim": 64, "n_groups": 1, "chunk_size": 64},
    "mamba": {"state_size": 16},
}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", STATES)
def test_a_step_takes_no_more_than_was_counted_where_layers_keep_states(architecture: str) -> None:
    """Resident memory of a fresh process, since an older one has free memory inside. 0.7 to 1.0 of what was counted."""
    shape = {"vocab_size": 2000, "hidden_size": 256, "num_hidden_layers": 4, **STATES[architecture]}
    script = Path(__file__).parent.parent / "measured_step.py"
    command = [sys.executable, "-W", "ignore", str(script), architecture, json.dumps(shape)]
    output = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **allocator_settings()}).stdout
    counted, taken = json.loads(output.splitlines()[-1])
    assert 0.5 * counted < taken < 1.1 * counted


def have(monkeypatch: pytest.MonkeyPatch, num_bytes: int | None) -> None:
    monkeypatch.setattr(activations, "available_bytes", lambda: num_bytes)


def test_with_room_for_the_bound_nothing_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "llama", LORA)
    monkeypatch.setattr(activations, "activation_bytes", lambda *_: pytest.fail("computed"))
    have(monkeypatch, bound(network) + 1200)
    assert memory_shortage(network, SEQUENCES, 100, 0, "float32") is None
    have(monkeypatch, None)
    assert memory_shortage(network, SEQUENCES, 100, 0, "float32") is None


def needs(job: TrainingJob, num_rows: int, *, recomputes: bool) -> int:
    """Bytes for so many of the job's rows in one micro-batch."""
    attention_path(job.network)
    recompute_layers(job.network, is_on=recomputes)
    job.network.train()
    rows = job.stream.rows(0)[:num_rows]
    num_trained = sum(weight.numel() for weight in job.network.parameters() if weight.requires_grad)
    found = activation_bytes(job.network, rows, 0, "float32") + 12 * num_trained
    recompute_layers(job.network, is_on=False)
    return found


def test_a_row_that_does_not_fit_alone_is_trained_with_gradient_checkpointing(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train(make_job(tmp_path, base, recipe(tokens_per_micro_batch=5), name="enough"), SilentProgress())
    other = make_job(tmp_path, base, recipe(), name="other")
    have(monkeypatch, needs(other, 1, recomputes=True))
    assert needs(other, 1, recomputes=False) > needs(other, 1, recomputes=True)
    job, progress = make_job(tmp_path, base, recipe()), Listening()
    real_step = loop._step

    def step(job: TrainingJob, trainable: Alone, state: Any, *others: Any) -> Any:
        if state.step == 5:
            raise Killed
        return real_step(job, trainable, state, *others)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", step)
        with pytest.raises(Killed):
            train(job, progress)
    assert [(one.tokens_per_micro_batch, one.gradient_checkpointing) for one in Recovery(job.run).remedies] == [
        (5, None),
        (None, True),
    ]
    words = "Memory is short: from step 1 on, gradient checkpointing. Layers are computed a second time in the "
    assert any(line.startswith(words) and "5 tokens at once need 0.0 GB, and" in line for line in progress.lines)

    resumed = make_job(tmp_path, base, recipe())
    have(monkeypatch, None)
    summary = train(resumed, SilentProgress())
    assert without_adapter(resumed.network).is_activation_checkpointing
    assert summary.curve == expected.curve


def test_where_memory_runs_out_with_one_row_layers_are_computed_again(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = train(make_job(tmp_path, base, recipe(tokens_per_micro_batch=5), name="enough"), SilentProgress())
    real = Alone.gradients

    def limited(alone: Alone, *rows: Any, **settings: Any) -> float:
        loss = real(alone, *rows, **settings)
        if not without_adapter(alone.network).is_activation_checkpointing:
            raise MemoryError
        return loss

    monkeypatch.setattr(Alone, "gradients", limited)
    summary = train(make_job(tmp_path, base, recipe()), SilentProgress())
    assert [one.gradient_checkpointing for one in summary.remedies] == [None, True]
    assert summary.curve == enough.curve
    with pytest.raises(
        TrainError, match=r"too short for micro-batches of 5 tokens.* the longest has 5 \(out of memory"
    ):
        train(make_job(tmp_path, base, recipe(gradient_checkpointing="never"), name="never"), SilentProgress())


@pytest.mark.parametrize("chosen", ["auto", "never"])
def test_a_row_that_does_not_fit_at_all_is_refused(
    chosen: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, progress = make_job(tmp_path, base, recipe(gradient_checkpointing=chosen)), Listening()
    have(monkeypatch, needs(job, 1, recomputes=True) - 1)
    with pytest.raises(TrainError, match=r"the longest has 5 \(5 tokens at once need .* Set a lower train\.max_length"):
        train(job, progress)
    assert any("gradient checkpointing" in line for line in progress.lines) is (chosen == "auto")
    with pytest.raises(TrainError, match=r"the longest has 5 \(5 tokens at once need"):  # nor when it is resumed
        train(make_job(tmp_path, base, recipe(gradient_checkpointing=chosen)), progress)
    have(monkeypatch, None)
    assert len(train(make_job(tmp_path, base, recipe(gradient_checkpointing=chosen)), progress).curve) > 1


def test_it_can_be_asked_for(base: Path, tmp_path: Path) -> None:
    jobs, curves = [], []
    for chosen in ("never", "always"):
        jobs.append(make_job(tmp_path, base, recipe(gradient_checkpointing=chosen), name=chosen))
        curves.append(train(jobs[-1], SilentProgress()).curve)
    plain, asked = jobs
    assert curves[0] == curves[1]
    assert without_adapter(asked.network).is_activation_checkpointing
    assert not without_adapter(plain.network).is_activation_checkpointing


def test_several_processes_do_not_choose_smaller_micro_batches_each_for_itself(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forecast(*_: Any, compute_less: Callable[[str], None], **__: Any) -> None:
        compute_less("no room")

    monkeypatch.setattr(loop, "forecast", forecast)
    alone = loop.train_alone
    monkeypatch.setattr(loop, "train_alone", lambda job: replace(alone(job), num_processes=2))
    with pytest.raises(TrainError, match=r"It cannot fit: no room\. Set a lower train\.tokens_per_micro_batch"):
        train(make_job(tmp_path, base, recipe()), SilentProgress())
