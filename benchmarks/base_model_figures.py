"""What measuring base models gives: the figures, the file they are kept in, and the section of Markdown they become."""

from collections.abc import Mapping, Sequence
from typing import Literal

from tunewright.records import BaseModelRef, Environment, Estimate, Metric, Precision, Record, format_estimate

GOALS: Mapping[str, float] = {
    "blimp": 0.66,
    "context_answer": 0.85,
    "few_shot_labels_known_words": 0.75,
    "json_extraction": 0.80,
}
"""What the bundled base was made to reach, by figure."""
WINDOW_TOKENS = 512
MAX_CHARACTERS = 4_000
"""Read from the start of each held-out document: every document counts, and no book outweighs a hundred short texts."""
SHOWN_PARTS = ("bits_per_byte/", "blimp/field/", "few_shot_labels_known_words/", "few_shot_labels/", "json_extraction/")
"""Parts of figures that the section shows; the file of results has them all."""


class Figure(Record):
    """One measured number of one model."""

    name: str
    """`blimp`, or `blimp/morphology` for a part of it."""
    title: str
    kind: Literal["share", "bits per byte"]
    estimate: Estimate | None
    """None when fewer than two items could be scored."""


class MeasuredModel(Record):
    """Everything measured about one model."""

    base: BaseModelRef
    num_parameters: int
    precision: Precision
    seconds: float
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]


class Comparison(Record):
    """Models measured on the same items, as kept in the file of results."""

    measured_on: str
    """Date, UTC."""
    environment: Environment
    num_items: int
    """Items of each skill; of few-shot labels, for each number of examples."""
    num_blimp_pairs: int
    """Of each paradigm."""
    num_documents: int
    """Held out, for bits per byte."""
    models: tuple[MeasuredModel, ...]


def render_section(comparison: Comparison) -> str:
    """Write the comparison as Markdown: how it was measured, a table of the figures and a table of some parts."""
    names = list(_titles(comparison))
    paragraphs = [
        _introduction(comparison),
        _table(comparison, [name for name in names if "/" not in name]),
        _notes(comparison),
        "Some of them by kind; `benchmarks/results/base-model.json` has every kind:",
        _table(comparison, [name for name in names if name.startswith(SHOWN_PARTS)]),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _introduction(comparison: Comparison) -> str:
    machine = comparison.environment
    device = machine.accelerator or machine.processor
    seconds = ", ".join(f"{model.seconds:.0f} s for {_name(model)}" for model in comparison.models)
    return (
        f"Measured by `python benchmarks/base_model.py` on {device} ({machine.num_threads} threads, torch "
        f"{machine.packages['torch']}, {comparison.measured_on}; {seconds}). Brackets hold 95 % intervals.\n\n"
        f"- **Held-out bits per byte**: {comparison.num_documents:,} documents that the bundled base was not trained "
        f"on, set aside by hash; the first {MAX_CHARACTERS:,} characters of each, in windows of at most "
        f"{WINDOW_TOKENS} tokens; bootstrap over documents. Other models may have read them.\n"
        f"- **BLiMP**: {comparison.num_blimp_pairs:,} pairs of each paradigm; right when the good sentence is the more "
        "probable one (summed log-probability); mean over paradigms, pairs resampled within each paradigm. Guessing "
        "gives 50 %.\n"
        f"- **Skills**: {comparison.num_items:,} generated items each, with names and phrasings that no training item "
        "has; of few-shot labels for each number of examples; greedy answers, exact match. *Does not say* is measured "
        "on as many questions with an answer as without. *Few-shot labels* sort texts by names, forms, or words that "
        "training sorted under other labels; *by words never sorted before* has those words held out, too."
    )


def _table(comparison: Comparison, names: Sequence[str]) -> str:
    has_goals = not GOALS.keys().isdisjoint(names)
    header = ["measure", "n", *map(_name, comparison.models)] + ["goal"] * has_goals
    lines = [header, ["---"] * len(header)]
    for name in names:
        figures = [_figure(model, name) for model in comparison.models]
        # A folder of one document, say, has no figure for any model.
        if "/" not in name or any(figure and figure.estimate for figure in figures):
            goal = [f"{100 * GOALS[name]:.0f} %" if name in GOALS else ""] * has_goals
            lines.append([_titles(comparison)[name], _num_items(figures), *map(_cell, figures), *goal])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _figure(model: MeasuredModel, name: str) -> Figure | None:
    return next((figure for figure in model.figures if figure.name == name), None)


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.estimate is None:
        return "too few items"
    is_share = figure.kind == "share"
    metric = Metric(name=figure.name, title=figure.title, explanation="", higher_is_better=is_share, is_share=is_share)
    num_unscored = figure.estimate.num_unscored
    unscored = [f"({num_unscored:,} unscored)"] if num_unscored else []
    return " ".join([*format_estimate(figure.estimate, metric), *unscored])


def _num_items(figures: Sequence[Figure | None]) -> str:
    """How many items are behind a row. Models differ where the items depend on what a model answered."""
    counts = [figure.estimate.num_rows if figure and figure.estimate else 0 for figure in figures]
    return f"{counts[0]:,}" if len(set(counts)) == 1 else " / ".join(f"{count:,}" for count in counts)


def _notes(comparison: Comparison) -> str:
    return "\n".join(f"- {_name(model)}: {note}" for model in comparison.models for note in model.notes)


def _titles(comparison: Comparison) -> dict[str, str]:
    return {figure.name: figure.title for model in comparison.models for figure in model.figures}


def _name(model: MeasuredModel) -> str:
    return model.base.name.rstrip("/").rpartition("/")[2]
