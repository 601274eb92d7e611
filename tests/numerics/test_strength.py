"""A lower strength of an adapter: equal to PEFT's own scaling, and chosen by loss among those that keep ability."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from store_samples import RECIPE_ID, run_record
from tiny_base import write_tiny_base

from tunewright.contracts import SilentProgress
from tunewright.model.adapter import adapter_outputs, load_adapter, prepare_for_training, save_tuned
from tunewright.model.load import load_base
from tunewright.records import Estimate, Full, Lora, RetentionPart, RetentionResult, TrainRecipe
from tunewright.render import TokenSequence
from tunewright.store import Store
from tunewright.train.job import TrainingJob, Validation
from tunewright.train.loop import train
from tunewright.train.schedule import make_plan
from tunewright.train.stream import TokenStream
from tunewright.train.strength import STRENGTHS, find_strength, find_weakest

ROWS = tuple(TokenSequence(str(n), (5, 6 + n, 7, 8 + n, 9), (0.0, 0.0, 1.0, 1.0, 1.0), cut=None) for n in range(8))
TOKENS = torch.tensor([[5, 6, 7, 8, 9]])
SETTINGS = TrainRecipe(
    learning_rate=0.05, rows_per_step=4, epochs=2, max_length=64, tokens_per_micro_batch=40, precision="float32",
    patience=99,
)  # fmt: skip
BASE_LOSS = 1.0


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


class Job:
    """A trained adapter, whose loss and drop are functions of the strength that the network has."""

    def __init__(
        self, folder: Path, base: Path, loss_at: Callable[[float], float], drop_at: Callable[[float], float]
    ) -> None:
        network = prepare_for_training(load_base(base), Lora(rank=4, alpha=8.0, dropout=0.0), 0)
        self.asked: list[float] = []
        self.trained_norm: float | None = None
        self.outputs = adapter_outputs(network)
        self.loss_at, self.drop_at = loss_at, drop_at
        stream = TokenStream(ROWS, 4, 0)
        run = Store(folder).create_run(RECIPE_ID, run_record)
        self.job = TrainingJob(
            network, SETTINGS, stream, make_plan(SETTINGS, 2), 0, self.validate, {}, run, "", self.measure
        )
        train(self.job, SilentProgress())
        checkpoint = run.published("checkpoints/step-00000004")
        self.checkpoint = {
            name: value for name, value in _load(checkpoint / "weights.safetensors").items() if ".lora_B." in name
        }
        self.trained_norm = _norm(self.checkpoint)
        self.asked.clear()

    @property
    def strength(self) -> float:
        if self.trained_norm is None:
            return 1.0  # while training
        return round(_norm(self.outputs) / self.trained_norm, 4)

    def validate(self) -> Validation:
        return Validation(self.loss_at(self.strength))

    def measure(self) -> RetentionResult:
        self.asked.append(self.strength)
        drop = self.drop_at(self.strength)
        estimate = Estimate(value=drop, low=drop, high=drop, num_rows=100)
        return RetentionResult(parts=(RetentionPart(part="text", drop=estimate, limit=0.03),))


def _load(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _norm(outputs: dict[str, torch.Tensor] | dict[str, torch.nn.Parameter]) -> float:
    return float(torch.stack([value.detach().norm() for value in outputs.values()]).norm())


def test_the_strongest_adapter_within_the_limits_is_kept_when_loss_falls_with_strength(
    base: Path, tmp_path: Path
) -> None:
    made = Job(tmp_path, base, lambda strength: 1.0 - 0.5 * strength, lambda strength: 0.07 * strength)
    found = find_strength(made.job, 4, BASE_LOSS)
    assert found.value == 0.4
    assert [trial.strength for trial in found.trials] == list(STRENGTHS)
    assert found.kept is not None
    assert found.kept.validation_loss == pytest.approx(0.8)
    # From the lowest loss on, and not beyond the first that keeps within the limits.
    assert made.asked == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    for name, parameter in made.outputs.items():
        assert torch.equal(parameter.detach(), made.checkpoint[name] * 0.4)


def test_when_no_strength_will_do_the_base_is_left_in_the_network(base: Path, tmp_path: Path) -> None:
    made = Job(tmp_path, base, lambda strength: 1.0 - 0.5 * strength, lambda strength: 1.0 + strength)
    found = find_strength(made.job, 4, BASE_LOSS)
    assert (found.value, found.kept, len(made.asked)) == (0.0, None, 9)
    assert all(not parameter.any() for parameter in made.outputs.values())


def test_a_strength_that_is_no_better_than_the_base_is_not_measured(base: Path, tmp_path: Path) -> None:
    made = Job(tmp_path, base, lambda strength: 0.9 + strength, lambda strength: 0.0)
    found = find_strength(made.job, 4, BASE_LOSS)
    assert found.value == 0.0
    assert made.asked == []
    assert all(trial.retention is None for trial in found.trials)


def test_the_lowest_loss_wins_where_less_is_better_than_more(base: Path, tmp_path: Path) -> None:
    made = Job(tmp_path, base, lambda strength: 0.5 + abs(strength - 0.3), lambda strength: 0.0)
    assert find_strength(made.job, 4, BASE_LOSS).value == 0.3


@pytest.mark.parametrize(("max_loss", "strength"), [(0.8, 0.4), (0.56, 0.9), (0.51, 1.0), (2.0, 0.1)])
def test_the_lowest_strength_whose_loss_is_low_enough_is_left_in_the_network(
    base: Path, tmp_path: Path, max_loss: float, strength: float
) -> None:
    made = Job(tmp_path, base, lambda strength: 1.0 - 0.5 * strength + 1e-9, lambda strength: 0.0)
    found = find_weakest(made.job, 4, max_loss + 1e-6)
    assert found.value == strength
    assert found.trials[-1].validation_loss > max_loss or strength == 0.1
    assert made.asked == []
    for name, parameter in made.outputs.items():
        assert torch.equal(parameter.detach(), made.checkpoint[name] * strength)


def test_scaling_b_is_what_peft_calls_scaling_and_survives_saving(base: Path, tmp_path: Path) -> None:
    method = Lora(rank=4, alpha=8.0, dropout=0.0)
    network = prepare_for_training(load_base(base), method, 0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in adapter_outputs(network).values():
            parameter.normal_(std=0.3, generator=generator)
        scalings = [one.scaling for one in network.modules() if isinstance(getattr(one, "scaling", None), dict)]
        for scaling in scalings:
            scaling["default"] *= 0.3
        expected = network(TOKENS).logits
        for scaling in scalings:
            scaling["default"] /= 0.3
        full = network(TOKENS).logits
        for parameter in adapter_outputs(network).values():
            parameter.mul_(0.3)
        scaled = network(TOKENS).logits
        save_tuned(network, method, tmp_path / "artifact", base, "base")
        loaded = load_adapter(load_base(base), tmp_path / "artifact")(TOKENS).logits
    assert torch.allclose(scaled, expected, atol=1e-5)
    assert torch.allclose(loaded, expected, atol=1e-5)
    assert not torch.allclose(scaled, full, atol=1e-2)


def test_a_network_without_an_adapter_has_no_outputs_to_scale(base: Path) -> None:
    assert adapter_outputs(prepare_for_training(load_base(base), Full(), 0)) == {}
