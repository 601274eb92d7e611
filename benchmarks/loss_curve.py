"""What more tokens would bring: a power law through the validation losses of a training run, and where it leads.

The form is that of Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically", and Hoffmann et al. 2022,
"Training Compute-Optimal Large Language Models", for one model size: loss = floor + scale x tokens^-exponent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.records import Estimate

Floats = NDArray[np.float64]

MIN_POINTS = 6
"""Three numbers are fitted; with fewer points their noise could not be told from their course."""
EXPONENTS = (0.01, 3.0)
"""Where the exponent is looked for. Losses of language models fall with exponents of 0.05 to 1."""
NUM_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class LossCurve:
    """A fitted power law and the fits to resampled losses that show how sure it is."""

    floor: float
    """Nats per token that no number of tokens brings away, by this fit."""
    scale: float
    """Nats per token above the floor at `num_tokens`."""
    exponent: float
    num_points: int
    num_tokens: float
    """Tokens at the last point."""
    refits_R3: Floats
    """(floor, scale, exponent) of each resample."""

    def predict(self, num_tokens: float) -> Estimate:
        """The loss after so many tokens in all, with a 95 % interval of the fitted course.

        The interval takes the power law for true, and a run that goes on as it went. What another schedule or mix
        would do, it does not hold.
        """
        share = num_tokens / self.num_tokens
        value = self.floor + self.scale * share**-self.exponent
        floor_R, scale_R, exponent_R = self.refits_R3.T
        low, high = np.quantile(floor_R + scale_R * share**-exponent_R, [0.025, 0.975])
        # Resamples of a course at the edge (no floor) lie on one side of it.
        return Estimate(value=value, low=min(float(low), value), high=max(float(high), value), num_rows=self.num_points)


def fit_loss_curve(points: Sequence[tuple[float, float]], seed: int = 0) -> LossCurve:
    """Fit loss = floor + scale x (tokens / last tokens)^-exponent by least squares, floor and scale not negative.

    Give points of one stage at a constant learning rate: a falling one lowers the loss at the end, and the fit would
    take that for the course of the whole. The interval comes from resampling blocks of residuals, because the losses
    of neighbouring steps err together.

    Args:
        points: (tokens seen, validation loss in nats per token), in the order of training.
        seed: of the resampling.
    Raises:
        ValueError: fewer than MIN_POINTS points, or tokens that are not positive and rising.
    """
    if len(points) < MIN_POINTS:
        raise ValueError(f"found {len(points)} points of a loss curve, expected at least {MIN_POINTS}")
    tokens_N, losses_N = np.array(points, dtype=np.float64).T
    if tokens_N[0] <= 0 or np.any(np.diff(tokens_N) <= 0):
        raise ValueError("expected the tokens of a loss curve to be positive and rising")
    shares_N = tokens_N / tokens_N[-1]
    floor, scale, exponent = _fit(shares_N, losses_N)
    fitted_N = floor + scale * shares_N**-exponent
    # Three fitted numbers make the residuals smaller than the noise.
    residuals_N = (losses_N - fitted_N) * np.sqrt(len(points) / (len(points) - 3))
    rng = np.random.default_rng(seed)
    refits = [_fit(shares_N, fitted_N + _resampled_blocks(residuals_N, rng)) for _ in range(NUM_RESAMPLES)]
    return LossCurve(floor, scale, exponent, len(points), float(tokens_N[-1]), np.array(refits))


def describe(curve: LossCurve, losses: str = "validation losses") -> str:
    """Say in a sentence what twice and ten times the tokens would bring.

    Args:
        losses: what the fitted points are.
    """
    now, twice, ten_times = (curve.predict(factor * curve.num_tokens) for factor in (1, 2, 10))
    return (
        f"A power law through {curve.num_points} {losses} (floor {curve.floor:.2f}, exponent "
        f"{curve.exponent:.2f}) is at {now.value:.2f} nats per token after {curve.num_tokens / 1e6:,.0f}M tokens. "
        f"Going on in the same way would reach {_with_interval(twice)} with twice the tokens and "
        f"{_with_interval(ten_times)} with ten times as many (95 % intervals of the fit alone)."
    )


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _fit(shares_N: Floats, losses_N: Floats) -> tuple[float, float, float]:
    """Given the exponent the rest is linear, so only the exponent is searched for (Golub and Pereyra 1973)."""
    from scipy.optimize import minimize_scalar, nnls

    def solve(exponent: float) -> tuple[Floats, float]:
        return nnls(np.stack([np.ones_like(shares_N), shares_N**-exponent], axis=1), losses_N)

    found = minimize_scalar(lambda exponent: solve(exponent)[1], bounds=EXPONENTS, method="bounded")
    exponent = float(found.x)
    (floor, scale), _ = solve(exponent)
    return float(floor), float(scale), exponent


def _resampled_blocks(residuals_N: Floats, rng: np.random.Generator) -> Floats:
    """As many residuals, drawn in blocks of neighbours that wrap around (Politis and Romano 1992)."""
    num = len(residuals_N)
    length = max(1, round(num ** (1 / 3)))
    starts = rng.integers(num, size=-(-num // length))
    resampled: Floats = residuals_N[(starts[:, None] + np.arange(length)).ravel()[:num] % num]
    return resampled
