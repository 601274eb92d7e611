"""Table and chart of the training race."""

import statistics
from pathlib import Path
from typing import Any

GRID = "grid-"
"""How the names of races begin that are points of the chart."""


def write_table(found: dict[str, Any], path: Path) -> None:
    """Markdown: every race, then the sweep that chose TRL's settings."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    columns = (
        "race", "entrant", "tokens/s", "after the first step", "first step, s", "peak memory, GB",
        "share of the GEMM ceiling", "tunewright is faster, whole run", "after the first step",
        "largest gap of the losses",
    )  # fmt: skip
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    rows: dict[bool, list[str]] = {False: [], True: []}
    for name, race in found.get("races", {}).items():
        rows[name.startswith(GRID)] += [_row(name, entrant, runs, race) for entrant, runs in race["runs"].items()]
    lines = [
        f"# Training race, its newest part of {machine['date']}",
        "",
        f"`make bench-train`; {machine['processor']}, {machine['num_threads']} threads where time is not "
        f"processor time, {versions}.",
        "",
        *head,
        *rows[False],
        "",
        "## Every length and shared prompt",
        "",
        "One round of two steps (prompts: three) each; processor time is one thread's, with other work beside it.",
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
            rate = "failed" if "failed" in run else f"{run['steady_tokens_per_second']:,.0f}"
            lines.append(f"| {shape} | {setting} | {rate} | |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(name: str, entrant: str, runs: list[dict[str, Any]], race: dict[str, Any]) -> str:
    good = [run for run in runs if "failed" not in run]
    if not good:
        return f"| {name} | {entrant} | failed: {runs[0]['failed'][0]} | | | | | | | |"

    def median(figure: str) -> float:
        return statistics.median(run[figure] for run in good)

    shares = [
        race["flops"] / sum(run["step_seconds"]) / 1e9 / gflops
        for run, gflops in zip(runs, race["gemm_gflops"], strict=True)
        if "failed" not in run
    ]
    ratios, gap = race["ratios"].get(entrant), race["largest_curve_gap"].get(entrant)
    name = f"{name} (processor time)" if race["clock"] == "processor" else name
    label = f"{entrant} ({race['trl_best'].removeprefix('TRL ')})" if entrant == "TRL best" else entrant
    cells = [
        name,
        label,
        f"{median('tokens_per_second'):,.0f}",
        f"{median('steady_tokens_per_second'):,.0f}",
        f"{median('first_step_seconds'):.1f}",
        f"{median('peak_memory_bytes') / 1e9:.1f}",
        f"{statistics.median(shares):.0%}",
        f"{ratios['tokens_per_second']['median']:.2f}x" if ratios else "",
        f"{ratios['steady_tokens_per_second']['median']:.2f}x" if ratios else "",
        f"{gap:.2%}" if gap is not None else "",
    ]
    return f"| {' | '.join(cells)} |"


def write_chart(found: dict[str, Any], path: Path) -> None:
    """Cost of a thousand tokens by length, with LoRA and of all weights, and by shared prompt; by shape and entrant."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.5), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    kinds = ("length-{}-lora", "length-{}-full", "prompt-{}")
    titles = ("LoRA", "full tuning", "LoRA, rows of 100 tokens")
    labels = ("tokens of a row", "tokens of a row", "tokens of the shared prompt")
    for panel, kind, title, label in zip(panels, kinds, titles, labels, strict=True):
        lines = _lines(found, kind)
        for (shape, entrant), points in sorted(lines.items()):
            panel.plot(*zip(*sorted(points), strict=True), marker="o", label=f"{shape}, {entrant}")
        panel.set(title=title, xlabel=label, yscale="log", xscale="linear" if kind == "prompt-{}" else "log")
        ticks = sorted({tokens for points in lines.values() for tokens, _ in points})
        panel.set_xticks(ticks, [f"{tokens:,}" for tokens in ticks])
        panel.minorticks_off()
        if lines:
            panel.legend(fontsize=7)
        panel.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("seconds per 1,000 tokens")
    figure.savefig(path, metadata={"Date": None})


def _lines(found: dict[str, Any], kind: str) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """Points (tokens, seconds per 1,000 tokens after the first step) of the races of a kind, by shape and entrant."""
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for name, race in found.get("races", {}).items():
        spec = race["race"]
        is_prompt = spec["length"] == 100
        tokens = spec["num_prompt_tokens" if is_prompt else "length"]
        expected = f"{tokens}-{spec['shape']}"
        if name != GRID + kind.format(expected):
            continue
        for entrant, runs in race["runs"].items():
            rates = [run["steady_tokens_per_second"] for run in runs if "failed" not in run]
            if rates:
                lines.setdefault((spec["shape"], entrant), []).append((tokens, 1000 / statistics.median(rates)))
    return lines
