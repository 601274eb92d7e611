"""Put the trained model into the package, or write its card from what was measured.

python scripts/pretrain_card.py bundle     copy build/pretrain-base/model over src/tunewright/bundled/base, and keep the
                                           figures of its training in benchmarks/results/pretrain.json
python scripts/pretrain_card.py write      write its README.md from these, and their picture; by then
                                           benchmarks/base_model.py has measured it
"""

import argparse
import shutil
import sys
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from pretrain.figures import TrainingFigures, draw_curve, figures_of
from pretrain.mix import ECHOES, REPEATS, TEXT
from pretrain.stages import LEARNING_RATE, SHAPE, STAGES, TOKENS_PER_STEP

from tunewright.records import Run, TrainingSummary

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "src" / "tunewright" / "bundled" / "base"
RESULTS = ROOT / "benchmarks" / "results"
MEASURED = RESULTS / "base-model.md"
FIGURES = RESULTS / "pretrain.json"
PICTURE = RESULTS / "pretrain.svg"
STEPS_PER_POINT = 15
"""Training losses are noisy step by step; so many are one point of the fitted curve."""


def main() -> None:
    """Bundle or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["bundle", "write"])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "pretrain-base")
    arguments = parser.parse_args()
    if arguments.action == "bundle":
        for path in sorted((arguments.build / "model").iterdir()):
            shutil.copy(path, BUNDLED / path.name)
        summary = TrainingSummary.model_validate_json((arguments.build / "summary.json").read_bytes())
        run = Run.model_validate_json((arguments.build / "run.json").read_bytes())
        kept = figures_of(summary, run, BUNDLED / "model.safetensors")
        FIGURES.write_text(kept.model_dump_json() + "\n", encoding="utf-8")
        return
    figures = TrainingFigures.model_validate_json(FIGURES.read_bytes())
    draw_curve(figures, PICTURE)
    (BUNDLED / "README.md").write_text(card(figures, MEASURED.read_text(encoding="utf-8")), encoding="utf-8")


def card(figures: TrainingFigures, measured: str) -> str:
    """The model card: what it is for, how it was made, what was measured, what it read."""
    template = (Path(__file__).parent / "pretrain" / "card.md.j2").read_text(encoding="utf-8")
    # Markdown, not HTML: nothing here comes from a user.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    text = environment.from_string(template).render(
        parameters=f"{figures.num_parameters / 1e6:.1f}",
        shape=SHAPE,
        megabytes=f"{2 * figures.num_parameters / 1e6:.0f}",
        tokens=f"{figures.num_tokens / 1e6:.1f}",
        trained=f"{figures.num_trained_tokens / 1e6:.1f}",
        steps=f"{figures.num_steps:,}",
        tokens_per_step=f"{TOKENS_PER_STEP:,}",
        minutes=f"{figures.seconds / 60:.0f}",
        machine=figures.machine,
        versions=figures.versions,
        learning_rate=f"{LEARNING_RATE:g}",
        stages=[_stage(stage.name, stage.num_steps, dict(stage.shares)) for stage in STAGES],
        measured=measured.replace("\n# ", "\n## ").strip(),
        forecast=forecast(figures),
    )
    return text.rstrip("\n") + "\n"


def _stage(name: str, num_steps: int, shares: dict[str, float]) -> dict[str, str]:
    named = {"text": shares.pop(TEXT, 0.0), "repeats": shares.pop(REPEATS, 0.0), "echoes": shares.pop(ECHOES, 0.0)}
    cells = {kind: f"{100 * share:.0f} %" for kind, share in (named | {"tasks": sum(shares.values())}).items()}
    return {"name": name, "steps": f"{num_steps:,}", **cells}


def forecast(figures: TrainingFigures) -> str:
    """The course of the training loss over the stage of constant rate, and where it would go."""
    sys.path.append(str(ROOT / "benchmarks"))
    from loss_curve import describe, fit_loss_curve

    before, grow, _ = (stage.num_steps for stage in STAGES)
    # The first half of the stage still bends: copying, and with it every task, has just come.
    first, last = before + grow // 3, before + grow
    losses = figures.train_losses[first:last]
    points = [
        ((first + end) * float(TOKENS_PER_STEP), sum(losses[end - STEPS_PER_POINT : end]) / STEPS_PER_POINT)
        for end in range(STEPS_PER_POINT, len(losses) + 1, STEPS_PER_POINT)
    ]
    return (
        f"Training loss of the mix over steps {first:,} to {last:,}, at a constant rate, means of {STEPS_PER_POINT} "
        "steps; the last stage, in which the rate falls, lowers it further. Answers count three times.\n\n"
        + describe(fit_loss_curve(points), "means of training losses")
    )


if __name__ == "__main__":
    main()
