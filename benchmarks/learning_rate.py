"""Which learning rate and how many steps suit a base under 50M parameters? The sweep behind train/defaults.py.

    python benchmarks/learning_rate.py [--results benchmarks/results] [--only short|long] [--most N]

Trains the bundled base on up to 1,000 rows each of the bundled tickets and, where ../shared/data is there, of E2E NLG
and CLINC150, once per setting, and writes the best validation loss and the seconds of training to a JSON and a
Markdown file; then (long) on 5,000 and on all rows of CLINC150, which get a rank of 32. What a high rate does there is
a drift that shows before the loss does: the JSON has medians of loss and gradient norm for each tenth of the steps.
About half an hour on 2 cores for each part; started again on the same day, it goes on where it stopped.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tunewright.actions.environment import describe_environment
from tunewright.actions.preparing import prepare_tuning
from tunewright.contracts import SilentProgress
from tunewright.model.adapter import prepare_for_training
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.records import BaseModelRef, Environment, Run, RunStatus, Split, TuneRecipe, read_recipe, settled
from tunewright.store import Store
from tunewright.train.job import TrainingJob, Validation
from tunewright.train.loop import train
from tunewright.train.schedule import make_plan
from tunewright.train.stream import TokenStream

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "datasets"
MAX_ROWS = 1_000
# Both methods see the same rows in the same order; full tuning is tried around a tenth of LoRA's rate.
LORA_RATES = (1e-3, 2e-3, 4e-3, 8e-3)
FULL_RATES = (2e-4, 4e-4, 8e-4)
STEPS = ((8, 100), (16, 150), (16, 300))
"""(rows per step, optimizer steps) tried on the tickets at the middle rate."""
LONG = (("clinc150, 5,000 rows", 5_000, 312), ("clinc150, all rows", 15_000, 1_856))
"""(name, rows, steps of 16 rows)."""
LONG_RATES = ((64.0, 2e-3), (32.0, 4e-3), (64.0, 4e-3))
"""(alpha, learning rate)."""


@dataclass(frozen=True)
class Setting:
    data: str
    method: str
    learning_rate: float
    rows_per_step: int
    num_steps: int
    alpha: float | None = None
    """None: as derived."""
    seed: int = 0


def settings(names: list[str]) -> Iterator[Setting]:
    """Every setting of the short trainings, in order."""
    for name in names:
        for rate in LORA_RATES if name in ("tickets", "e2e", "clinc150") else ():
            yield Setting(name, "lora", rate, 8, 300)
    for rate in FULL_RATES:
        yield Setting("tickets", "full", rate, 8, 300)
    for rows_per_step, num_steps in STEPS:
        yield Setting("tickets", "lora", 4e-3, rows_per_step, num_steps)


def long_settings(names: list[str]) -> Iterator[Setting]:
    """Every setting of the long training, in order."""
    for name, _, num_steps in LONG:
        for alpha, rate in LONG_RATES if name in names else ():
            yield Setting(name, "lora", rate, 16, num_steps, alpha)


def write_rows(folder: Path) -> dict[str, Path]:
    """The data sets as JSON Lines files of at most MAX_ROWS rows (taken evenly, so that every label occurs)."""
    import csv

    files = {"tickets": ROOT / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl"}
    rows: dict[str, list[tuple[str, str]]] = {}
    if (SHARED / "e2e_nlg").is_dir():
        with (SHARED / "e2e_nlg" / "devset.csv").open(encoding="utf-8", newline="") as file:
            rows["e2e"] = [(row["mr"], row["ref"]) for row in csv.DictReader(file)]
    if (SHARED / "clinc150").is_dir():
        rows["clinc150"] = [
            (text, label) for text, label in json.loads((SHARED / "clinc150" / "data_full.json").read_text())["train"]
        ]
    wanted = [(name, name, MAX_ROWS) for name in rows]
    if "clinc150" in rows:
        wanted += [(name, "clinc150", most) for name, most, _ in LONG]
    for name, source, most in wanted:
        files[name] = folder / f"{name}.jsonl"
        pairs = rows[source]
        taken = pairs[:: max(1, len(pairs) // most)][:most]
        lines = [json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in taken]
        files[name].write_text("".join(lines), encoding="utf-8")
    return files


def measure(setting: Setting, path: Path, environment: Environment, home: Path) -> dict[str, object]:
    """Train once and give the best validation loss, the seconds of training, and what led there."""
    progress = SilentProgress()
    recipe = read_recipe(
        {
            "data": {"path": str(path)},
            "method": {"kind": setting.method, **({"alpha": setting.alpha} if setting.alpha else {})},
            "train": {
                "seed": setting.seed,
                "learning_rate": setting.learning_rate,
                "rows_per_step": setting.rows_per_step,
                "epochs": 1_000,
                "patience": 1_000,
            },
        }
    )
    preparation = prepare_tuning(recipe, progress)
    sequences, validation = preparation.sequences(Split.TRAIN), preparation.sequences(Split.VALIDATION)
    epochs = setting.num_steps / -(-len(sequences) // setting.rows_per_step)
    resolved = preparation.recipe.model_copy(
        update={"train": preparation.recipe.train.model_copy(update={"epochs": epochs})}
    )
    network = prepare_for_training(load_base(preparation.base.folder), resolved.method, setting.seed)
    model = LanguageModel(network, preparation.renderer, settled(resolved.train.precision))

    def validate() -> Validation:
        with progress.bar("", 0) as advance:
            return Validation(model.mean_loss(validation, advance))

    run = Store(home).create_run(
        resolved.id, lambda run_id, at: _run(run_id, at, resolved, preparation.base.ref, environment)
    )
    stream = TokenStream(sequences, setting.rows_per_step, resolved.train.seed)
    plan = make_plan(resolved.train, stream.steps_per_epoch)
    pad_token_id = preparation.renderer.pad_token_id
    job = TrainingJob(network, resolved.train, stream, plan, pad_token_id, validate, {}, run, "")
    summary = train(job, progress)
    points = [point for point in summary.curve if point.train_loss is not None]
    tenths = [points[len(points) * part // 10 : len(points) * (part + 1) // 10] for part in range(10)]
    return {
        "validation_loss": summary.best_validation_loss,
        "best_step": summary.best_step,
        "seconds": summary.seconds,
        "went_back": "; ".join(remedy.reason for remedy in summary.remedies),
        "train_losses": [round(median(settled(point.train_loss) for point in tenth), 4) for tenth in tenths],
        "gradient_norms": [round(median(settled(point.gradient_norm) for point in tenth), 2) for tenth in tenths],
    }


def _run(run_id: str, at: str, recipe: TuneRecipe, base: BaseModelRef, environment: Environment) -> Run:
    return Run(
        id=run_id, kind="tune", status=RunStatus.RUNNING, created_at=at, command="benchmarks/learning_rate.py",
        recipe_id=recipe.id, dataset_id="", base=base, renderer_hash="", environment=environment,
    )  # fmt: skip


def main() -> None:
    """Run the sweep and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--only", choices=["short", "long"])
    parser.add_argument("--most", type=int, help="settings to try in this sitting")
    arguments = parser.parse_args()
    environment = describe_environment()
    name = f"learning_rate-{datetime.now(UTC):%Y-%m-%d}"
    path = arguments.results / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
    done = {tuple(row[field] for field in Setting.__annotations__) for row in found}
    with tempfile.TemporaryDirectory() as scratch:
        files = write_rows(Path(scratch))
        wanted = [*settings(list(files))] * (arguments.only != "long")
        wanted += [*long_settings(list(files))] * (arguments.only != "short")
        left = [setting for setting in wanted if astuple(setting) not in done]
        for number, setting in enumerate(left[: arguments.most]):
            result = measure(setting, files[setting.data], environment, Path(scratch) / str(number))
            found.append({**vars(setting), **result})
            print(found[-1], flush=True)
            machine = environment.model_dump(mode="json", include={"processor", "num_threads", "packages"})
            record = {"machine": machine, "results": found}
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            title = f"{environment.processor}, torch {environment.packages['torch']}, {name[-10:]}"
            path.with_suffix(".md").write_text(_page(title, found), encoding="utf-8")


def _page(title: str, found: list[dict[str, object]]) -> str:
    header = [key for key, value in found[0].items() if not isinstance(value, list)]
    lines = [f"{title}\n", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(row[key]) for key in header) + " |" for row in found]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return "derived"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
