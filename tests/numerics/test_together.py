"""Two processes train to the losses and weights of one, and each goes on from the other's checkpoints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from tiny_base import write_tiny_base
from together_runs import LENGTHS, carry_out

from tunewright.errors import CorruptError, StoreError
from tunewright.model.batch import divide_evenly
from tunewright.records import DataRecipe, Full, Lora, TrainRecipe, TuneRecipe
from tunewright.store import Store
from tunewright.train.shards import read_shards, write_shards
from tunewright.train.trainable import is_shared

SCRIPT = Path(__file__).parents[1] / "together_runs.py"
FOLDERS = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]
LORA = Lora(rank=1, alpha=8.0, dropout=0.0)
METHODS: dict[str, Lora | Full] = {
    "lora": LORA, "full": Full(), "tied": Full(), "rehearsed": LORA, "rehearsed-full": Full(),
}  # fmt: skip
"""Of rank 1, the second process's part of a matrix is empty. Gemma's head has the weights of its embeddings."""
BASE_OF = {"tied": "gemma"}
"""Llama's, where nothing else is said."""
NUMBERS = {"lora": ("2", "12", "21", "22", "212"), "full": ("2", "22", "212"), "tied": ("2", "22", "212")}
NUMBERS |= {"rehearsed": ("2",), "rehearsed-full": ("2",)}
"""How many processes a training began with and went on with; 212 goes through what 12 and 21 do."""
STOP_AT, STOP_AGAIN_AT = 5, 9
FULL_AT = 3


def recipe(method: Lora | Full, rate: float) -> TuneRecipe:
    train = TrainRecipe.model_validate(
        {
            "learning_rate": rate, "rows_per_step": 4, "epochs": 3, "max_length": 64, "tokens_per_micro_batch": 48,
            "precision": "float32", "seconds_between_checkpoints": 1e-9, "patience": 99, "max_gradient_norm": 0.5,
        }
    )  # fmt: skip
    return TuneRecipe(data=DataRecipe(path="rows.jsonl"), method=method, train=train)


RECIPES = {name: recipe(method, 0.01 if method == LORA else 0.002) for name, method in METHODS.items()}


def carry_out_together(home: Path, plan: list[dict[str, object]]) -> None:
    """Let two processes carry out trainings."""
    (home / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    process = start(home / "plan.json")
    output, _ = process.communicate()
    assert process.returncode == 0, output


def start(plan: Path, num_processes: int = 2) -> subprocess.Popen[str]:
    command = ["torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}", str(SCRIPT), str(plan)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(FOLDERS), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every training of this file: `METHOD-NUMBERS`."""

    def training(name: str, numbers: str, until: int) -> dict[str, object]:
        recipe, rehearses = RECIPES[name].model_dump(mode="json"), name.startswith("rehearsed")
        own = {"home": str(home / f"{name}-{numbers}"), "until": until}
        return {"base": str(bases[name]), "recipe": recipe, "rehearses": rehearses, **own}

    home = tmp_path_factory.mktemp("home")
    bases = {name: write_tiny_base(home / f"{name}-base", BASE_OF.get(name, "llama")) for name in METHODS}
    plan = []
    for name, chosen in RECIPES.items():
        carry_out(bases[name], home / f"{name}-1", chosen, until=99, rehearses=name.startswith("rehearsed"))
        if "12" in NUMBERS[name]:
            carry_out(bases[name], home / f"{name}-12", chosen, until=STOP_AT)
        if name == "lora":  # for a moment the second process's disk is full
            plan += [{**training(name, "full", 99), "full_at": FULL_AT}, training(name, "full", 99)]
        stops = ("2", 99), ("12", 99), ("21", STOP_AT), ("212", STOP_AT), ("22", STOP_AT), ("22", 99)
        plan += [training(name, numbers, until) for numbers, until in stops if numbers in NUMBERS[name]]
    carry_out_together(home, plan)
    for name, chosen in RECIPES.items():
        if "21" in NUMBERS[name]:
            carry_out(bases[name], home / f"{name}-21", chosen, until=99)
        if "212" not in NUMBERS[name]:
            continue
        require_written_by(home / f"{name}-212", STOP_AT, together=True)
        carry_out(bases[name], home / f"{name}-212", chosen, until=STOP_AGAIN_AT)
        require_written_by(home / f"{name}-212", STOP_AGAIN_AT, together=False)
    carry_out_together(home, [training(name, "212", 99) for name in RECIPES if "212" in NUMBERS[name]])
    return home


def require_written_by(home: Path, step: int, *, together: bool) -> None:
    newest = Store(home).run("last").checkpoints().intact[0]
    assert (newest.name, is_shared(newest)) == (f"step-{step:08d}", together)


def curve(home: Path) -> list[dict[str, object]]:
    return Store(home).run("last").metrics()


@pytest.mark.parametrize(
    ("method", "numbers"),
    [*((method, numbers) for method in METHODS for numbers in NUMBERS[method]), ("lora", "full")],
)
def test_losses_gradient_norms_and_weights_are_those_of_one_process(home: Path, method: str, numbers: str) -> None:
    expected, found = curve(home / f"{method}-1"), curve(home / f"{method}-{numbers}")
    assert [row["step"] for row in found] == [row["step"] for row in expected]
    # Words that only general rows have start with gradients of rounding alone, which AdamW makes as long as all others.
    starts_with_rounding = method == "rehearsed-full"
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=1e-3 if starts_with_rounding else 2e-5)
    if starts_with_rounding:
        return
    one = load_file(home / f"{method}-1" / "weights.safetensors")
    other = load_file(home / f"{method}-{numbers}" / "weights.safetensors")
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, rtol=1e-4, atol=1e-5)


def test_a_full_disk_under_one_process_ends_a_training_in_words_and_both_go_on(home: Path) -> None:
    words = (home / "lora-full" / "words").read_text()
    assert "checkpoint could not be written (process 1: [Errno 28] No space left on device)" in words
    assert "make room on the disk, or check it, then resume the run" in words


@pytest.mark.parametrize("method", METHODS)
def test_each_process_writes_its_part_of_a_checkpoint_and_nothing_is_pickled(home: Path, method: str) -> None:
    newest = Store(home / f"{method}-2").run("last").checkpoints().intact[0]
    names = sorted(path.name for path in newest.iterdir())
    shards = [f"shard-0000{rank}-model-00001-of-00001.safetensors" for rank in (1, 2)]
    assert names == ["MANIFEST.json", "random.safetensors", *shards, "state.json"]


def test_rows_are_divided_by_their_tokens() -> None:
    parts = divide_evenly(LENGTHS, 2)
    assert sorted(parts[0] + parts[1]) == list(range(len(LENGTHS)))
    sizes = [sum(LENGTHS[index] for index in part) for part in parts]
    assert abs(sizes[0] - sizes[1]) <= min(LENGTHS)
    assert divide_evenly([3], 3) == [[0], [], []]


def test_shards_that_cannot_be_written_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        with pytest.raises(StoreError, match=r"checkpoint could not be written \(process 0: .*then resume the run"):
            write_shards(tmp_path / "folder" / "step", {"weight": torch.ones(2)})
    finally:
        dist.destroy_process_group()


def test_shards_of_another_method_are_refused(home: Path) -> None:
    newest = Store(home / "lora-2").run("last").checkpoints().intact[0]
    with pytest.raises(CorruptError, match="started with another method or base"):
        read_shards(newest, {"weight": torch.ones(2)}, (), is_alone=True)
