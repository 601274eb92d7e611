"""What a training needs on the disk, added up by hand. What runs really write: tests/endtoend/test_disk_need.py."""

from pathlib import Path

import pytest
from tiny_base import ARCHITECTURES, write_tiny_base

from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.load import load_base, num_parameters, weight_shapes
from tunewright.records import Full, Lora, TrainRecipe
from tunewright.train.disk import Trained, disk_need, trained_of
from tunewright.train.schedule import make_plan

TRAINED = Trained(num_weights=1_000_000, num_tensors=10)
WEIGHTS = 4_000_000 + 10 * 140
STATE = 2 * WEIGHTS + 10 * (4 + 140)  # both moments, and the step counter of each tensor
CHECKPOINT = WEIGHTS + STATE + 5_200 + 2_000
SMALL = 20_000 + 150 * 100  # a hundred steps


def need_of(num_validations: int, *, is_watched: bool = False, seconds: float = 0.0, **settings: object):
    recipe = TrainRecipe.model_validate(
        {"epochs": 1, "min_validations": num_validations, "keep_by": "loss", **settings}
    )
    return disk_need(TRAINED, recipe, make_plan(recipe, 100), is_watched=is_watched, seconds=seconds)


def test_the_two_newest_stand_beside_the_one_that_is_written() -> None:
    need = need_of(4)
    assert (need.num_checkpoints, need.checkpoint_bytes) == (3, CHECKPOINT)
    assert need.peak_bytes == 3 * CHECKPOINT + SMALL
    assert need.lasting_bytes == 2 * CHECKPOINT + WEIGHTS + 150_000 + SMALL


@pytest.mark.parametrize(
    ("expected", "changed"),
    [
        (4, {"patience": 3}),
        (4, {"keep_by": "metric"}),
        (4, {"is_watched": True}),
        (5, {"is_watched": True, "keep_by": "metric"}),
        # Four gaps of 25 s and a checkpoint every 26 s; every 25 s.
        (3, {"seconds": 100.0, "seconds_between_checkpoints": 26.0}),
        (4, {"seconds": 100.0, "seconds_between_checkpoints": 25.0}),
    ],
)
def test_more_stand_there_where_the_best_may_fall_behind_or_two_may_be_kept(
    expected: int, changed: dict[str, object]
) -> None:
    need = need_of(4, **changed)
    assert need.num_checkpoints == expected
    assert need.peak_bytes >= expected * CHECKPOINT + SMALL - STATE


def test_where_all_checkpoints_stand_there_the_first_has_no_state_and_publishing_takes_most() -> None:
    need = need_of(1)
    assert need.num_checkpoints == 2
    assert need.peak_bytes == need.lasting_bytes == 2 * CHECKPOINT - STATE + WEIGHTS + 150_000 + SMALL


def test_trainings_one_after_the_other_leave_what_lasts() -> None:
    need = need_of(4)
    assert need.of(1) == need
    assert need.of(3).peak_bytes == need.peak_bytes + 2 * need.lasting_bytes
    assert need.of(3).lasting_bytes == 3 * need.lasting_bytes


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_trained_is_told_from_the_shapes_of_the_files(architecture: str, tmp_path: Path) -> None:
    folder = write_tiny_base(tmp_path / "base", architecture)
    shapes = weight_shapes(folder)
    network = load_base(folder)
    vocabulary_size = network.config.vocab_size
    assert sum(parameter.numel() for parameter in network.parameters()) == num_parameters(folder)
    for method, too_many in ((Full(), 0), (Lora(rank=2, alpha=4.0, dropout=0.0), 1 if architecture == "gpt2" else 0)):
        trained = trained_of(shapes, method, vocabulary_size)
        parameters = trainable_parameters(prepare_for_training(network, method, seed=0)).values()
        # GPT-2's table of positions has fewer rows than there are words.
        assert trained.num_tensors - 2 * too_many == len(parameters)
        assert trained.num_weights - too_many * 2 * (128 + 32) == sum(parameter.numel() for parameter in parameters)
