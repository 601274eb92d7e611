"""The report of the pretraining: curves of the whole loss and of each kind of held-out rows, on one page."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pretrain.mix import Mix

from tunewright.records import TrainingSummary
from tunewright.study.charts import Chart, training_curves
from tunewright.study.html import page_environment
from tunewright.study.svg import draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The bundled base: training</title><style>{{ style|safe }}</style></head><body><main>
<h1>The bundled base: training</h1>
<p>{{ facts }}</p>
{% for chart in charts %}<figure><h2>{{ chart.title }}</h2>{{ chart.svg|safe }}
<figcaption>{{ chart.caption }}</figcaption></figure>{% endfor %}
</main></body></html>
"""


def write_page(path: Path, summary: TrainingSummary, mix: Mix) -> None:
    """Write the page next to the model that it is about."""
    stages = ", ".join(f"{stage.name} ({stage.num_steps:,} steps)" for stage in mix.stages)
    facts = (
        f"{summary.num_parameters / 1e6:.1f}M parameters, {summary.num_steps:,} steps, "
        f"{summary.num_tokens / 1e6:.1f}M tokens ({summary.num_trained_tokens / 1e6:.1f}M trained), "
        f"{summary.seconds / 60:.0f} minutes. Stages: {stages}."
    )
    charts = (*training_curves(summary), _kinds_chart(summary, mix))
    style = files("tunewright.study").joinpath("page.css").read_text(encoding="utf-8")
    text = page_environment().from_string(PAGE).render(charts=charts, facts=facts, style=style)
    path.write_text(text, encoding="utf-8")


def _kinds_chart(summary: TrainingSummary, mix: Mix) -> Chart:
    points = [point for point in summary.curve if point.validation_parts]
    kinds = sorted({kind for point in points for kind in point.validation_parts or {}})

    def panel(axes: "Axes") -> None:
        for kind in kinds:
            values = [(point.validation_parts or {})[kind] for point in points]
            axes.plot([point.step for point in points], values, linewidth=1.4, label=kind)
        position = 0
        for stage in mix.stages[:-1]:
            position += stage.num_steps
            axes.axvline(position, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xlabel("optimizer step")
        axes.set_ylabel("nats per trained token")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, ncols=2)

    svg = draw("kinds", "Held-out loss of each kind of rows by optimizer step", (7.2, 4.6), panel)
    return Chart("Held-out loss by kind", "Dashed: where a stage of the mix ends.", svg)
