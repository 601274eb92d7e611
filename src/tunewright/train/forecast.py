"""Forecast: steps, tokens, time and peak memory of a training, said before its first step.

Three computations are thrown away for it: a usual step; on top of its gradients the longest rows that could meet, for
the memory; and the usual step again, for the time. What comes later is added: the optimizer's state. Where that finds
no room beside the longest rows, fewer of them are computed at once. How near it comes: benchmarks/forecast.py.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from tunewright.errors import TrainError
from tunewright.records import Forecast, Precision, settled
from tunewright.render import TokenSequence
from tunewright.train.memory import (
    available_bytes,
    give_back_free_memory,
    highest_resident,
    peak_bytes,
    resident_bytes,
)
from tunewright.train.schedule import Plan

BYTES_PER_WEIGHT = 4
"""Weights, gradients and each of the optimizer's moments are float32."""

MOMENTS = 2
"""Of AdamW; Muon has one, and is forecast with the second."""

MAX_STEPS_LOOKED_AT = 1000

COMPILED_BYTES: dict[Precision, int] = {"bfloat16": 250_000_000, "float32": 0}
"""Matrix products that a CPU will have compiled for lengths which only later steps bring; they are kept (see
actions/environment.py). Measured: 0.2 to 0.3 GB for bases of 8M to 135M parameters; those in float32 are not
compiled, but come from a library that is."""

MAX_WARM_UP_SECONDS = 20.0
"""A step that takes longer is not computed twice: what was slow the first time is a small part of it."""

Rows = Sequence[TokenSequence]


@dataclass(frozen=True, slots=True)
class StepLengths:
    """What the steps of a run look like, from all of them or from a thousand spread evenly."""

    num_steps: int
    tokens_per_step: float
    usual_rows: Rows
    """Of the step whose tokens are nearest the mean."""
    longest_rows: Rows
    """Longest first: the step with most tokens and the longest row of all. Where not every step was looked at, as many
    of the longest rows as any step has, which may never meet."""

    @property
    def num_tokens(self) -> int:
        """Of the whole run; exact when all steps were looked at."""
        return round(self.num_steps * self.tokens_per_step)

    def worst_rows(self, tokens_per_micro_batch: int) -> Rows:
        """The longest rows that one micro-batch could hold; at least one."""
        sums = accumulate(len(row.token_ids) for row in self.longest_rows)
        num_fitting = sum(total <= tokens_per_micro_batch for total in sums)
        return self.longest_rows[: max(1, num_fitting)]


def look_at_steps(rows_of: Callable[[int], Rows], num_steps: int) -> StepLengths:
    """Read the rows of the steps to come."""
    num_looks = min(num_steps, MAX_STEPS_LOOKED_AT)
    steps = [rows_of(look * num_steps // num_looks) for look in range(num_looks)]
    sizes = [_num_tokens(rows) for rows in steps]
    mean = fmean(sizes)
    usual = min(range(num_looks), key=lambda look: abs(sizes[look] - mean))
    rows_per_step = max(len(rows) for rows in steps)
    longest = sorted((row for rows in steps for row in rows), key=_length, reverse=True)[:rows_per_step]
    if num_looks == num_steps:
        heaviest = sorted(steps[max(range(num_looks), key=sizes.__getitem__)], key=_length, reverse=True)
        is_there = _length(heaviest[0]) == _length(longest[0])
        longest = heaviest if is_there else [longest[0], *heaviest]
    return StepLengths(num_steps, mean, steps[usual], longest)


def forecast(
    lengths: StepLengths,
    plan: Plan,
    compute: Callable[[Rows], object],
    worst_rows: Callable[[], Rows],
    num_trained: int,
    seconds_per_validation: float,
    precision: Precision,
    compute_less: Callable[[str], None],
) -> Forecast:
    """Measure and add up.

    Args:
        compute: adds the gradients of rows to the trained weights, as a step does.
        worst_rows: what could meet in one micro-batch. Asked after the usual step, which may have made them smaller.
        num_trained: weights that are trained.
        seconds_per_validation: of the one that was made before the first step.
        precision: of matrix products.
        compute_less: told why, lets less be kept of the longest rows, or raises TrainError.
    Raises:
        TrainError: what is still to come does not fit in memory, however little is computed at once.
    """
    seconds = _seconds_of(lambda: compute(lengths.usual_rows))
    state_bytes = num_trained * BYTES_PER_WEIGHT * MOMENTS
    while True:
        with highest_resident() as highest:
            compute(worst_rows())
        missing = _missing_bytes(highest.num_bytes, state_bytes)
        if not missing:
            break
        compute_less(
            f"the optimizer's state of {num_trained:,} trained weights needs {state_bytes / 1e9:.1f} GB, of which "
            f"{missing / 1e9:.1f} GB are not free"
        )
    if seconds < MAX_WARM_UP_SECONDS:
        # Everything is a little slower the first time.
        seconds = _seconds_of(lambda: compute(lengths.usual_rows))
    seconds_per_token = seconds / _num_tokens(lengths.usual_rows)
    num_validations = len(plan.validate_after) - 1
    return Forecast(
        num_steps=plan.num_steps,
        num_tokens=lengths.num_tokens,
        seconds=round(lengths.num_tokens * seconds_per_token + num_validations * seconds_per_validation, 2),
        peak_memory_bytes=max(peak_bytes(), highest.num_bytes + state_bytes + COMPILED_BYTES[precision]),
        longest_row=_length(lengths.longest_rows[0]),
    )


def refuse_what_cannot_fit(num_parameters: int, *, is_full: bool) -> None:
    """Before a base is loaded: its weights, and for full tuning what each of them needs in training.

    Raises:
        TrainError: that alone is more than the machine can give.
    """
    copies = 1 + (1 + MOMENTS) * is_full
    needed = num_parameters * BYTES_PER_WEIGHT * copies
    what = "weights, gradients and the optimizer's state" if is_full else "the weights"
    available = available_bytes()
    if available is not None and needed > available:
        raise TrainError(
            f"It cannot fit: {what} of a base of {num_parameters / 1e6:,.0f}M parameters need "
            f"{needed / 1e9:,.1f} GB of memory, and {available / 1e9:,.1f} GB are free. Close other programs, use "
            "method.kind=lora if every weight is trained, or take a smaller base or a machine with more memory."
        )


def _missing_bytes(highest: int, state_bytes: int) -> int:
    """How much of the optimizer's state finds no room beside what a step takes; 0 where all of it does.

    Args:
        highest: resident memory while a step was computed.
    """
    import torch

    available = available_bytes()
    if available is None or torch.cuda.is_available():  # there the device holds it
        return 0
    # Whether what the step took counts as free by now depends on the limit; with room for both it does not matter.
    if highest + state_bytes <= available:
        return 0
    # What the step took and left may stand free inside this process, where the next step finds it.
    give_back_free_memory()
    return max(0, highest - resident_bytes() + state_bytes - settled(available_bytes()))


def _seconds_of(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _length(row: TokenSequence) -> int:
    return len(row.token_ids)


def _num_tokens(rows: Rows) -> int:
    return sum(len(row.token_ids) for row in rows)
