"""Bits of weights that were saved flip, or their end is missing: that is found before they are used."""

import re
import shutil

import pytest
import torch
from damaged_files import bits_and_ends, files_of
from listening import Listening
from small_job import adapter_bytes, small_recipe, stop_at_step, write_rows
from tiny_base import write_tiny_base
from transformers import AutoModelForCausalLM

from tunewright.actions import resume, tune
from tunewright.actions.answering import open_model
from tunewright.contracts import SilentProgress
from tunewright.errors import BaseMismatchError, CorruptError, InterruptedRunError
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.load import load_base
from tunewright.records import TuneRecipe
from tunewright.store import Store
from tunewright.train.checkpoint import Checkpoints
from tunewright.train.optimizer import make_optimizers
from tunewright.train.trainable import Alone

FEW = (
    *("evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.rows_per_step=5"),
    "train.seconds_between_checkpoints=0.000001",
)
# Validated after steps 4 and 8.
STOPPED_AT = 7
BEST, SECOND_NEWEST, NEWEST = "step-00000004", "step-00000006", "step-00000007"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    rows, base = write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base")
    network = AutoModelForCausalLM.from_pretrained(base)
    (base / "model.safetensors").unlink()
    network.save_pretrained(base, max_shard_size="50KB")
    return rows, base


@pytest.fixture(scope="module")
def straight(inputs, tmp_path_factory):
    """The home of a run that nobody disturbed."""
    home = tmp_path_factory.mktemp("straight")
    tune(small_recipe(*inputs, *FEW), home=home)
    return home


@pytest.fixture(scope="module")
def interrupted(inputs, tmp_path_factory):
    """The home of a run that was stopped after seven of eight steps."""
    home = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        stop_at_step(patch, STOPPED_AT)
        with pytest.raises(InterruptedRunError):
            tune(small_recipe(*inputs, *FEW), home=home)
    return home


def checkpoints_of(home):
    return sorted(path.name for path in (Store(home).run("last").path / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("damaged", "dropped", "goes_on"),
    [
        ([NEWEST], [NEWEST], "Resuming after step 6 of"),
        ([NEWEST, SECOND_NEWEST], [NEWEST, SECOND_NEWEST], "Resuming after step 4 of"),
        # Nothing could be kept at the end of those that call it the best.
        ([BEST], [NEWEST, SECOND_NEWEST, BEST], "No checkpoint is left to go on from: training starts again."),
        (
            [NEWEST, SECOND_NEWEST, BEST],
            [NEWEST, SECOND_NEWEST, BEST],
            "No checkpoint is left to go on from: training starts again.",
        ),
    ],
    ids=["the newest", "the two newest", "the best", "all"],
)
def test_damaged_checkpoints_are_named_and_made_again(interrupted, straight, tmp_path, damaged, dropped, goes_on):
    home = tmp_path / "home"
    shutil.copytree(interrupted, home)
    folder = Store(home).run("last").path / "checkpoints"
    assert checkpoints_of(home) == [BEST, SECOND_NEWEST, NEWEST]
    for name in damaged:
        path = folder / name / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:-1])
    progress = Listening()
    resume("last", home=home, progress=progress)
    said = [line for line in progress.lines if line.startswith("Dropped a checkpoint. ")]
    assert [re.findall(r"step-\d+", line)[0] for line in said] == dropped
    for name, line in zip(dropped, said, strict=True):
        why = (
            "weights.safetensors: found .* bytes, expected " if name in damaged else ": found a damaged best checkpoint"
        )
        assert re.search(f"{name}/?{why}", line)
    assert any(line.startswith(goes_on) for line in progress.lines)
    assert adapter_bytes(home) == adapter_bytes(straight)
    assert checkpoints_of(home) == checkpoints_of(straight)


def named_in(folder, name):
    """What the words about a damaged file hold. A manifest that changed says of another file that it did."""
    return f"{folder}/" if name == "MANIFEST.json" else f"{folder}/{name}: found"


@pytest.mark.slow
def test_250_damages_of_every_file_of_the_newest_checkpoint_let_the_one_before_be_used(inputs, interrupted, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(interrupted, home)
    run = Store(home).run("last")
    recipe = run.read_record("recipe.json", TuneRecipe)
    network = prepare_for_training(load_base(inputs[1]), recipe.method, recipe.train.seed)
    parameters = trainable_parameters(network)
    alone = Alone(network, parameters, make_optimizers(network, recipe.train), lambda: 0.0)
    checkpoints, newest = Checkpoints(run, alone), run.path / "checkpoints" / NEWEST
    shutil.copytree(newest, tmp_path / "whole")
    checkpoints.load(6)
    expected = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    files = [path.name for path in files_of(newest)]
    assert len(files) == 5
    for name in files:
        for case, content in bits_and_ends((newest / name).read_bytes(), name):
            (newest / name).write_bytes(content)
            progress = Listening()
            state = checkpoints.load_newest(progress)
            assert state is not None, case
            assert state.step == 6, case
            assert named_in(NEWEST, name) in progress.lines[0], case
            assert all(torch.equal(parameters[key], value) for key, value in expected.items()), case
            shutil.copytree(tmp_path / "whole", newest)
    state = checkpoints.load_newest(SilentProgress())
    assert state is not None
    assert state.step == STOPPED_AT


def test_250_damages_of_every_file_of_a_tuned_model_are_refused_by_name(straight):
    artifact = Store(straight).run("last").path / "artifact"
    files = files_of(artifact)
    assert "adapter_model.safetensors" in [path.name for path in files]
    for path in files:
        whole = path.read_bytes()
        for case, content in bits_and_ends(whole, path.name):
            path.write_bytes(content)
            with pytest.raises(CorruptError) as caught:
                open_model("last", straight)
            assert named_in("artifact", path.name) in str(caught.value), case
        path.write_bytes(whole)
    open_model("last", straight)


@pytest.mark.slow
def test_250_damages_of_every_shard_of_a_base_are_refused_with_both_hashes(inputs, interrupted, straight):
    shards = sorted(inputs[1].glob("*.safetensors"))
    assert len(shards) > 1
    for shard in shards:
        whole = shard.read_bytes()
        for _, content in bits_and_ends(whole, shard.name):
            shard.write_bytes(content)
            for refuse in (lambda: resume("last", home=interrupted), lambda: open_model("last", straight)):
                with pytest.raises(BaseMismatchError, match=r"base [0-9a-f]{12}, (expected|found) [0-9a-f]{12}"):
                    refuse()
        shard.write_bytes(whole)
    open_model("last", straight)
