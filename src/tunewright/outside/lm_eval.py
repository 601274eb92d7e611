"""Tasks of lm-evaluation-harness, run in a process of its own: its dependencies and its memory stay out of ours.

What is read back is the value of every item, so that two models are compared item by item.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewright.errors import MissingExtraError, ModelError

RunProcess = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
PREFERRED = ("acc_norm", "acc", "exact_match")
"""Of several metrics of a task the first of these is taken; else the first one named."""
NO_FILTER = "none"
"""The harness's own word for answers that are judged as they are."""
MAX_SHOWN_LINES = 12


@dataclass(frozen=True)
class TaskValues:
    """One task under one model."""

    task: str
    metric: str
    version: str
    higher_is_better: bool
    values: dict[str, float]
    """By the task's own number of the item."""
    filter: str | None = None
    """Of several ways in which the task takes an answer out of the text, the one that these values are of."""


def require_lm_eval() -> None:
    """Look whether it is installed, before hours of work that end in it.

    Raises:
        MissingExtraError: it is not.
    """
    if importlib.util.find_spec("lm_eval") is None:
        raise MissingExtraError("lm_eval", "eval", "run retention.tasks")


def run_lm_eval(
    base: Path,
    adapter: Path | None,
    tasks: Sequence[str],
    folder: str | None = None,
    max_items: int | None = None,
    run: RunProcess | None = None,
) -> tuple[TaskValues, ...]:
    """Run tasks on a model folder, with an adapter or without.

    Args:
        base: in the hub's layout.
        adapter: of PEFT.
        tasks: names that lm-evaluation-harness knows, or that stand in `folder`; a group gives each of its tasks.
        folder: YAML files of tasks of your own.
        max_items: of each task; None for all.
        run: starts the process; for tests.
    Raises:
        MissingExtraError: lm-eval is not installed.
        ModelError: it ended with an error, such as an unknown task or a data set that is not there.
    """
    if run is None:
        require_lm_eval()
    with tempfile.TemporaryDirectory(prefix="tunewright-lm-eval-") as scratch:
        model = f"pretrained={base},dtype=float32" + (f",peft={adapter}" if adapter else "")
        command = [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", model]
        command += ["--tasks", ",".join(tasks), "--output_path", scratch, "--log_samples", "--batch_size", "8"]
        command += ["--include_path", folder] if folder else []
        command += ["--limit", str(max_items)] if max_items else []
        finished = (run or _run)(command)
        if finished.returncode != 0:
            lines = [line for line in finished.stderr.splitlines() if line.strip()][-MAX_SHOWN_LINES:]
            shown = "\n".join(f"  {line}" for line in lines)
            raise ModelError(
                f"retention.tasks: lm-eval ended with exit code {finished.returncode} on {', '.join(tasks)}. A task's "
                f"data must be on this machine or on a hub that can be reached. Its last lines:\n{shown}"
            )
        return _read(Path(scratch))


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def _read(folder: Path) -> tuple[TaskValues, ...]:
    (results,) = folder.rglob("results_*.json")
    record = json.loads(results.read_text(encoding="utf-8"))
    found = []
    for path in sorted(results.parent.glob("samples_*.jsonl")):
        every = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        # Each item stands there once for each filter, in the order of the task's filters: the first is taken.
        filters = list(dict.fromkeys(line.get("filter", NO_FILTER) for line in every))
        lines = [line for line in every if line.get("filter", NO_FILTER) == filters[0]]
        # After the name comes the time; of `math` and `math_2` the longer name is the file's.
        fitting = [name for name in record["higher_is_better"] if path.name.startswith(f"samples_{name}_2")]
        task = max(fitting, key=len)
        metric = _metric([name for name in lines[0]["metrics"] if isinstance(lines[0][name], int | float)])
        if metric is None:  # perplexities, say, are no mean over items
            continue
        found.append(
            TaskValues(
                task=task,
                metric=metric,
                version=str(record["versions"].get(task, "")),
                higher_is_better=bool(record["higher_is_better"][task].get(metric, True)),
                values={str(line["doc_id"]): float(line[metric]) for line in lines},
                filter=filters[0] if len(filters) > 1 else None,
            )
        )
    return tuple(found)


def _metric(names: Sequence[str]) -> str | None:
    return next((name for name in (*PREFERRED, *names) if name in names), None)
