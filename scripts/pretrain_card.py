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
from pretrain.figures import PretrainingFigures, StageFigures, TrainingFigures, draw_curve
from pretrain.mix import ECHOES, REPEATS, SENTENCES, TEXT
from pretrain.stages import SHAPE

from tunewright.data.skills import MANY_ANSWERS

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
        sitting = TrainingFigures.model_validate_json((arguments.build / "figures.json").read_bytes())
        kept = PretrainingFigures.model_validate_json(FIGURES.read_bytes()).followed_by(sitting)
        FIGURES.write_text(kept.model_dump_json() + "\n", encoding="utf-8")
        return
    figures = PretrainingFigures.model_validate_json(FIGURES.read_bytes())
    draw_curve(figures, PICTURE)
    (BUNDLED / "README.md").write_text(card(figures, MEASURED.read_text(encoding="utf-8")), encoding="utf-8")


def card(figures: PretrainingFigures, measured: str) -> str:
    """The model card: what it is for, how it was made, what was measured, what it read."""
    template = (Path(__file__).parent / "pretrain" / "card.md.j2").read_text(encoding="utf-8")
    # Markdown, not HTML: nothing here comes from a user.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    num_parameters = figures.sittings[-1].num_parameters
    text = environment.from_string(template).render(
        parameters=f"{num_parameters / 1e6:.1f}",
        shape=SHAPE,
        megabytes=f"{2 * num_parameters / 1e6:.0f}",
        tokens=f"{sum(sitting.num_tokens for sitting in figures.sittings) / 1e6:.1f}",
        trained=f"{sum(sitting.num_trained_tokens for sitting in figures.sittings) / 1e6:.1f}",
        sittings=figures.sittings,
        stages=[_stage(stage) for sitting in figures.sittings for stage in sitting.stages],
        measured=measured.replace("\n# ", "\n## ").strip(),
        forecast=forecast(figures.sittings[0]),
    )
    return text.rstrip("\n") + "\n"


def _stage(stage: StageFigures) -> dict[str, str]:
    """One line of the table of stages."""
    many = sum(stage.shares.get(kind, 0.0) for kind in MANY_ANSWERS)
    named = {"text": (TEXT, SENTENCES), "repeats": (REPEATS,), "echoes": (ECHOES,)}
    shares = {name: sum(stage.shares.get(kind, 0.0) for kind in kinds) for name, kinds in named.items()}
    shares["many"] = many
    shares["tasks"] = sum(stage.shares.values()) - sum(shares.values())
    return {
        "name": stage.name,
        "steps": f"{stage.num_steps:,}",
        "tokens": f"{stage.tokens_per_step:,}",
        "rate": f"{stage.learning_rate:g}",
        **{name: f"{100 * share:.0f} %" for name, share in shares.items()},
    }


def forecast(figures: TrainingFigures) -> str:
    """The course of the training loss over the stage of constant rate, and where it would go."""
    sys.path.append(str(ROOT / "benchmarks"))
    from loss_curve import MIN_POINTS, describe, fit_loss_curve

    before, grow = (stage.num_steps for stage in figures.stages[:2])
    # The first half of the stage still bends: copying, and with it every task, has just come.
    first, last = before + grow // 3, before + grow
    losses = figures.train_losses[first:last]
    tokens_per_step = figures.stages[1].tokens_per_step
    points = [
        ((first + end) * float(tokens_per_step), sum(losses[end - STEPS_PER_POINT : end]) / STEPS_PER_POINT)
        for end in range(STEPS_PER_POINT, len(losses) + 1, STEPS_PER_POINT)
    ]
    if len(points) < MIN_POINTS:
        return "The stage of constant rate had too few steps to tell."
    return (
        f"Training loss of the first sitting over steps {first:,} to {last:,}, at a constant rate, means of "
        f"{STEPS_PER_POINT} steps; the stage after it, in which the rate falls, lowers it further. Answers count three "
        "times.\n\n"
        + describe(fit_loss_curve(points), "means of training losses")
        + " More of that mix would not have taught it to tell subjects apart, which came with other rows: the lab "
        "notebook has what each of them brought."
    )


if __name__ == "__main__":
    main()
