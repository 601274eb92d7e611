"""`doctor`: is this machine fit to train? Every check does the thing it speaks of."""

import shutil
import tempfile
import time
from pathlib import Path

from tunewright.actions.environment import memory_bytes, processor_name
from tunewright.records import DoctorCheck
from tunewright.store import Store

CORE_IMPORTS = ("torch", "transformers", "peft", "datasets", "safetensors", "scipy", "sacrebleu")
OPTIONAL_IMPORTS = {"matplotlib": "plots", "datasketch": "data", "ftfy": "data", "cleanlab": "data"}
MIN_FREE_DISK_BYTES = 2e9
MIN_MEMORY_BYTES = 4e9


def doctor(home: Path | None = None) -> tuple[DoctorCheck, ...]:
    """Look at imports, versions, processor, memory and disk, and train the bundled base for one step.

    With a package broken, the checks that need it are left out: they could only repeat it in worse words.
    """
    imports = _imports()
    sizes = (_size("memory", memory_bytes(), MIN_MEMORY_BYTES, "Use a small base and short rows."), _disk(home))
    if any(check.status == "broken" for check in imports):
        return (*imports, *sizes)
    return (*imports, _processor(), *sizes, _one_step())


def _imports() -> list[DoctorCheck]:
    from importlib import import_module
    from importlib.metadata import version

    checks = []
    for name in (*CORE_IMPORTS, *OPTIONAL_IMPORTS):
        try:
            import_module(name)
            found = version(name)
        except Exception as error:  # noqa: BLE001 - a package that does not fit the others can raise anything
            extra = OPTIONAL_IMPORTS.get(name)
            advice = (
                f"pip install 'tunewright[{extra}]'" if extra else "Install tunewright again: pip install tunewright"
            )
            status = "warning" if extra else "broken"
            checks.append(DoctorCheck(name=name, status=status, found=_told(error), advice=advice))
        else:
            checks.append(DoctorCheck(name=name, status="ok", found=found))
    return checks


def _processor() -> DoctorCheck:
    import torch

    from tunewright.train.defaults import precision_here

    precision, reason = precision_here()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()
    features = torch.backends.cpu.get_cpu_capability()
    num_threads = torch.get_num_threads()
    threads = "1 thread" if num_threads == 1 else f"{num_threads} threads"
    found = f"{device}; {features}; {threads}; trains in {precision}: {reason}"
    return DoctorCheck(name="processor", status="ok", found=found)


def _disk(home: Path | None) -> DoctorCheck:
    folder = Store(home).home
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    advice = f"Make room at {folder}, or set TUNEWRIGHT_HOME to another disk."
    return _size(f"disk at {folder}", shutil.disk_usage(existing).free, MIN_FREE_DISK_BYTES, advice)


def _size(name: str, found_bytes: float, wanted_bytes: float, advice: str) -> DoctorCheck:
    found = f"{found_bytes / 1e9:.1f} GB"
    if found_bytes < wanted_bytes:
        found += f", less than {wanted_bytes / 1e9:.0f} GB"
        return DoctorCheck(name=name, status="warning", found=found, advice=advice)
    return DoctorCheck(name=name, status="ok", found=found)


def _one_step() -> DoctorCheck:
    """The real thing: read rows, tune the bundled base for one step, measure, write the report."""
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            _tune_one_step(Path(folder))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are to be told
        return DoctorCheck(
            name="one training step",
            status="broken",
            found=_told(error),
            advice="Please report this with the output of `tunewright doctor --json -`.",
        )
    return DoctorCheck(name="one training step", status="ok", found=f"{time.monotonic() - started:.1f} s in all")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _tune_one_step(folder: Path) -> None:
    import json

    from tunewright.actions.tuning import tune
    from tunewright.records import read_recipe

    rows = [{"prompt": f"Say {number}.", "completion": f"It is {number}."} for number in range(60)]
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = {
        "data": {"path": str(path)},
        "train": {"epochs": 0.01, "min_validations": 1},
        "evaluate": {"max_inputs": 2, "num_resamples": 100},
        "retention": {"enabled": False},
    }
    tune(read_recipe(settings), home=folder / "home")
