"""Table and chart of the training race."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRID = "grid-"
"""How the names of races begin that are points of the chart."""


def write_table(found: dict[str, Any], path: Path) -> None:
    """Markdown: every race, then the sweep that chose TRL's settings."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    columns = (
        "race", "entrant", "tokens/s", "trained tokens/s", "after the first step", "first step, s", "peak memory, GB",
        "share of the GEMM ceiling", "after the first step", "tunewright is faster, whole run", "after the first step",
        "largest gap of the losses", "gap of the held-out loss",
    )  # fmt: skip
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    rows: dict[bool, list[str]] = {False: [], True: []}
    for name, race in found.get("races", {}).items():
        rows[name.startswith(GRID)] += [_row(name, entrant, runs, race) for entrant, runs in race["runs"].items()]
    lines = [
        f"# Training race, its newest part of {machine['date']}",
        "",
        f"`make bench-train`; {machine['processor']}, {machine['num_threads']} threads, {versions}. A race in "
        "processor time, if there is one, says so: one thread, with other work beside it.",
        "",
        *head,
        *rows[False],
        "",
        "## Every length and shared prompt",
        "",
        "One round of two steps (prompts: three) each.",
        "",
        *head,
        *rows[True],
        "",
        "## TRL's settings",
        "",
        "| shape and method | setting | tokens/s after the first step | peak memory, GB |",
        "|---|---|---|---|",
    ]
    for shape, settings in found.get("sweep", {}).items():
        for setting, run in settings.items():
            cells = "failed | "
            if "failed" not in run:
                cells = f"{run['steady_tokens_per_second']:,.0f} | {run['peak_memory_bytes'] / 1e9:.1f}"
            lines.append(f"| {shape} | {setting} | {cells} |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(name: str, entrant: str, runs: list[dict[str, Any]], race: dict[str, Any]) -> str:
    good = [run for run in runs if "failed" not in run]
    if not good:
        return f"| {name} | {entrant} | failed: {runs[0]['failed'][0]} | | | | | | | | | | |"

    def median(figure: str) -> float:
        return statistics.median(run[figure] for run in good)

    def share(flops: float, first: int) -> str:
        """Of the ceiling, of the steps from `first` on."""
        shares = [
            flops / sum(run["step_seconds"][first:]) / 1e9 / gflops
            for run, gflops in zip(runs, race["gemm_gflops"], strict=True)
            if "failed" not in run
        ]
        return f"{statistics.median(shares):.0%}"

    ratios = race["ratios"].get(entrant)
    gaps = [race[kind].get(entrant) for kind in ("largest_curve_gap", "held_out_gap")]
    name = f"{name} (processor time)" if race["clock"] == "processor" else name
    label = f"{entrant} ({race['trl_best'].removeprefix('TRL ')})" if entrant == "TRL best" else entrant
    cells = [
        name,
        label,
        f"{median('tokens_per_second'):,.0f}",
        f"{median('tokens_per_second') * race['trained_share']:,.0f}",
        f"{median('steady_tokens_per_second'):,.0f}",
        f"{median('first_step_seconds'):.1f}",
        f"{median('peak_memory_bytes') / 1e9:.1f}",
        share(race["flops"], 0),
        share(race["flops_after_first_step"], 1),
        f"{ratios['tokens_per_second']['median']:.2f}x" if ratios else "",
        f"{ratios['steady_tokens_per_second']['median']:.2f}x" if ratios else "",
        *("" if gap is None else f"{gap:.3%}" for gap in gaps),
    ]
    return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the chart: cost against one number of a race."""

    title: str
    axis: str
    races: str
    """How their names begin."""
    method: str
    number: Callable[[dict[str, Any]], float]
    """Of a race, for the axis."""
    is_logarithmic: bool = True


PANELS = (
    Panel("LoRA", "tokens of a row", "grid-length-", "lora", lambda race: race["length"]),
    Panel("full tuning", "tokens of a row", "grid-length-", "full", lambda race: race["length"]),
    Panel("LoRA, mixed lengths", "million parameters", "mixed-", "lora", lambda race: int(race["shape"][:-1])),
    *(
        Panel(
            f"{title}, rows of 100 tokens after a prompt",
            "share of the shared prompt, %",
            "grid-prompt-",
            method,
            lambda race: round(100 * race["num_prompt_tokens"] / (race["num_prompt_tokens"] + race["length"])),
            is_logarithmic=False,
        )
        for title, method in (("LoRA", "lora"), ("full tuning", "full"))
    ),
)


def write_chart(found: dict[str, Any], path: Path) -> None:
    """Cost of a thousand tokens by length of the rows, size of the model and share of the prompt."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(21, 4.5), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(PANELS), sharey=True), PANELS, strict=True):
        lines = _lines(found, panel)
        for (shape, entrant), points in sorted(lines.items()):
            label = f"{shape}, {entrant}" if shape else entrant
            axes.plot(*zip(*sorted(points), strict=True), marker="o", label=label)
        scale = "log" if panel.is_logarithmic else "linear"
        axes.set(title=panel.title, xlabel=panel.axis, ylabel="seconds per 1,000 tokens", yscale="log", xscale=scale)
        axes.label_outer()
        ticks = sorted({number for points in lines.values() for number, _ in points})
        axes.set_xticks(ticks, [f"{number:,}" for number in ticks])
        axes.minorticks_off()
        if lines:
            axes.legend(fontsize=7)
        axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


def _lines(found: dict[str, Any], panel: Panel) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Points (number, seconds per 1,000 tokens after the first step), by entrant and, if it is not the axis, shape."""
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for name, race in found.get("races", {}).items():
        spec = race["race"]
        if not name.startswith(panel.races) or spec["method"] != panel.method:
            continue
        shape = spec["shape"] if name.startswith(GRID) else ""
        for entrant, runs in race["runs"].items():
            rates = [run["steady_tokens_per_second"] for run in runs if "failed" not in run]
            if rates:
                point = panel.number(spec), 1000 / statistics.median(rates)
                lines.setdefault((shape, entrant), []).append(point)
    return lines
