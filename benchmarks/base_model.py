"""Measure base models side by side: predicting text, grammar (BLiMP), and skills within the prompt.

    python benchmarks/base_model.py [--models bundled ../shared/models/mini-base-v0 ...] [--items 300]

Every model gets the same documents, pairs and items, through the renderer and the LanguageModel that `tunewright
evaluate` uses. Writes benchmarks/results/base-model.json, and the same as a section of Markdown beside it. A model of
8M parameters takes 2 to 3 minutes of one core.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from base_model_figures import Comparison, MeasuredModel, render_section
from base_model_skills import measure_skills
from base_model_text import Document, MinimalPair, for_text, measure_bits_per_byte, measure_blimp, read_blimp
from rich.console import Console

from tunewright.actions.environment import describe_environment
from tunewright.cli.progress import RichProgress
from tunewright.contracts import Progress
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length, load_base, num_parameters
from tunewright.outside.hub import find_base
from tunewright.render import load_renderer
from tunewright.train.defaults import precision_here

ROOT = Path(__file__).parents[1]
SHARED = Path("..") / "shared"
MODELS = ("bundled", str(SHARED / "models" / "mini-base-v0"), str(SHARED / "models" / "tinystories-260k-llama"))
RESULTS = ROOT / "benchmarks" / "results" / "base-model.json"
ROWS_PER_BATCH = 64


def held_out_documents() -> Sequence[Document]:
    """The documents that the bundled base was not trained on."""
    sys.path.append(str(ROOT / "scripts"))
    from pretrain import text

    return text.held_out_documents()


def measure(
    name: str, documents: Sequence[Document], pairs: Sequence[MinimalPair], num_items: int, progress: Progress
) -> MeasuredModel:
    """Measure one model.

    Args:
        name: `bundled`, a folder in the hub's layout, or a hub id.
        num_items: items of each skill.
    """
    base = find_base(name)
    progress.say(f"{name}:")
    started = time.monotonic()
    model = _open_model(base.folder)
    reader = for_text(model)
    figures = [*measure_bits_per_byte(reader, documents, progress), *measure_blimp(reader, pairs, progress)]
    skills, notes = measure_skills(model, num_items, progress)
    return MeasuredModel(
        # By the name it was asked for: a full path would tell of this machine only.
        base=base.ref.model_copy(update={"name": name}),
        num_parameters=num_parameters(base.folder),
        precision=model.precision,
        seconds=time.monotonic() - started,
        notes=(*model.renderer.notes, *notes),
        figures=(*figures, *skills),
    )


def measure_again(model: MeasuredModel, skills: Sequence[str], num_items: int, progress: Progress) -> MeasuredModel:
    """The model with new figures of some skills, where the first of their old ones stood."""
    progress.say(f"{model.base.name}:")
    figures, _ = measure_skills(_open_model(find_base(model.base.name).folder), num_items, progress, skills)
    is_old = [figure.name.partition("/")[0] in skills for figure in model.figures]
    first = is_old.index(True) if any(is_old) else len(is_old)
    others = [figure for figure, old in zip(model.figures, is_old, strict=True) if not old]
    return model.model_copy(update={"figures": (*others[:first], *figures, *others[first:])})


def _open_model(folder: Path) -> LanguageModel:
    renderer = load_renderer(folder).fitted(context_length(folder), max_answer_tokens=1)
    precision, _ = precision_here()
    return LanguageModel(load_base(folder), renderer, precision, ROWS_PER_BATCH)


def read_kept(results: Path, names: Sequence[str]) -> dict[str, MeasuredModel]:
    """The models of these names in the file of results.

    Raises:
        SystemExit: one of them is not there.
    """
    if not names:
        return {}
    measured = {model.base.name: model for model in Comparison.model_validate_json(results.read_bytes()).models}
    if missing := [name for name in names if name not in measured]:
        raise SystemExit(f"{results}: no figures of {', '.join(missing)}; it has {', '.join(measured)}")
    return {name: measured[name] for name in names}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the file of results and its section, and print the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="MODEL", help="bundled, folders or hub ids")
    parser.add_argument("--items", type=int, default=300, help="items of each skill")
    parser.add_argument("--blimp-pairs", type=int, default=100, help="pairs of each paradigm")
    parser.add_argument("--blimp", type=Path, default=SHARED / "data" / "benchmarks" / "blimp", help="folder of BLiMP")
    parser.add_argument(
        "--keep", nargs="*", default=(), metavar="MODEL",
        help="models of the file of results that are not measured again, where neither they nor the items changed",
    )  # fmt: skip
    parser.add_argument(
        "--skills", nargs="+", default=(), metavar="SKILL",
        help="measure these alone, where their items changed, and keep all other figures of the file of results",
    )  # fmt: skip
    parser.add_argument("--results", type=Path, default=RESULTS, help="the JSON file; the section has its name and .md")
    chosen = parser.parse_args(arguments)
    progress = RichProgress(Console(stderr=True))
    if chosen.skills:
        before = Comparison.model_validate_json(chosen.results.read_bytes())
        models = tuple(measure_again(model, chosen.skills, before.num_items, progress) for model in before.models)
        write(before.model_copy(update={"models": models}), chosen.results)
        return
    documents, pairs = held_out_documents(), read_blimp(chosen.blimp, chosen.blimp_pairs)
    kept = read_kept(chosen.results, chosen.keep)
    comparison = Comparison(
        measured_on=f"{datetime.now(UTC):%Y-%m-%d}",
        environment=describe_environment(),
        num_items=chosen.items,
        num_blimp_pairs=chosen.blimp_pairs,
        num_documents=len(documents),
        models=tuple(
            kept.get(name) or measure(name, documents, pairs, chosen.items, progress) for name in chosen.models
        ),
    )
    write(comparison, chosen.results)


def write(comparison: Comparison, results: Path) -> None:
    """Write the file of results and its section, and print the section."""
    results.write_text(comparison.model_dump_json(indent=1) + "\n", encoding="utf-8")
    section = render_section(comparison)
    results.with_suffix(".md").write_text(section, encoding="utf-8")
    print(section)


if __name__ == "__main__":
    main()
