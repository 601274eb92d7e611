"""The base's general ability: measured when something is compared with it, and kept in the home for later runs.

A second run on the same base would measure the same numbers. So they are kept under a hash of everything that decides
them: weights and tokenizer, renderer, every text of the suite, longest sequence, precision, libraries, processor,
threads, settings of the libraries in the environment, and our own code.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import tunewright
from tunewright.actions.preparing import Preparation
from tunewright.contracts import Progress
from tunewright.errors import Problem, TrainError
from tunewright.evaluate.retention import RetentionScores, RetentionSuite
from tunewright.records import content_hash, settled
from tunewright.store import RunFolder

BASE_FILES = BASE_FILE, BASE_SECONDS_FILE, SUITE_FILE = (
    "retention-base.json",
    "retention-seconds.json",
    "retention-suite.json",
)

NUMERIC_SETTINGS = ("ATEN_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "TORCH_")
"""How the names of environment variables begin that change how libraries compute."""

WITHOUT_EFFECT = {"tunewright", "code_revision", "memory_bytes", "allocator"}
"""Of an environment. Our code counts by its text: it may have changes that no revision names."""


def require_same_suite(run: RunFolder, suite: RetentionSuite) -> None:
    """Note in the run which texts it measures. Scores of other texts could not be compared with the base's.

    Raises:
        TrainError: an earlier sitting of the run measured other texts.
    """
    if not run.has(SUITE_FILE):
        run.write_json(SUITE_FILE, suite.hash)
    recorded = run.read_json(SUITE_FILE)
    if recorded != suite.hash:
        found = f"other texts in retention.files, or in the suite of this version of tunewright ({suite.hash[:12]})"
        expected = f"those that the run started with ({str(recorded)[:12]})"
        fix = "Put the old files or the old version back, or start a new run."
        raise TrainError(str(Problem(str(run.path / SUITE_FILE), found, expected, fix)))


def take_base(run: RunFolder, key: str, progress: Progress) -> bool:
    """Write into the run what an earlier run of this home has measured, if one has.

    Args:
        key: see `base_key`.
    """
    kept = run.measurements.get(key)
    if kept is None:
        return False
    progress.say(
        f"General ability of the base is taken from an earlier run, which measured it in {kept['seconds']} s: same "
        f"weights, texts, libraries and threads. To measure it again, remove {run.measurements.folder}."
    )
    _write(run, kept, progress)
    return True


def measure_base(run: RunFolder, key: str, measure: Callable[[], RetentionScores], progress: Progress) -> None:
    """Write the base's scores into the run, and keep them for later runs.

    Args:
        key: see `base_key`.
        measure: runs the suite on the base.
    """
    started = time.monotonic()
    scores = measure()
    seconds = round(time.monotonic() - started, 2)
    measured = {"seconds": seconds, "scores": scores.model_dump(mode="json")}
    run.measurements.put(key, measured)
    progress.say(f"General ability of the base: measured in {seconds} s.")
    _write(run, measured, progress)


def _write(run: RunFolder, measured: Mapping[str, Any], progress: Progress) -> None:
    scores = RetentionScores.model_validate(measured["scores"])
    run.write_json(BASE_SECONDS_FILE, measured["seconds"])
    run.write_json(BASE_FILE, measured["scores"])
    reasons = [score.reason for part in scores.scores.values() for score in part if score.reason]
    if reasons:
        progress.say(f"{len(reasons):,} items of the retention suite cannot be scored; the first: {reasons[0]}")


def share_base(source: RunFolder, target: RunFolder) -> None:
    """Give one run what another has measured of the same base, so that it need not be measured again."""
    for name in BASE_FILES:
        if source.has(name) and not target.has(name):
            target.write_json(name, source.read_json(name))


def base_key(run: RunFolder, preparation: Preparation, suite: RetentionSuite, max_length: int) -> str:
    """SHA-256 of everything that decides what the base scores.

    Args:
        max_length: most tokens of a sequence of the suite.
    """
    return content_hash(
        {
            "what": "general ability of the base",
            "base": preparation.base.ref.sha256,
            "renderer": preparation.renderer.hash,
            "suite": suite.hash,
            "max_length": max_length,
            "precision": settled(preparation.recipe.train.precision),
            "environment": run.record.environment.model_dump(mode="json", exclude=WITHOUT_EFFECT),
            "settings": {name: value for name, value in os.environ.items() if name.startswith(NUMERIC_SETTINGS)},
            "code": _hash_of_code(),
        }
    )


@cache
def _hash_of_code() -> str:
    """SHA-256 over the names and texts of all modules of this package."""
    package, digest = Path(tunewright.__file__).parent, sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
