"""How much a window differs from the next, and a round from the next."""

import numpy as np

from load.scaling.laws import Floats, Ints
from load.scaling.regression import TUNING

EXPECTED = 0.7101645  # of Huber's psi² under the standard normal, at TUNING
FLOOR = 1e-6  # a relative noise below a millionth is a synthetic curve's rounding


def spread(residuals: Floats, freedom: int) -> float:
    """The standard deviation of *residuals*, robust to outliers (Huber's proposal 2)."""
    scale = float(np.median(np.abs(residuals))) * 1.4826
    scale = max(scale, float(np.sqrt(np.mean(residuals**2))) / 10, FLOOR)
    for _ in range(20):
        bounded = np.clip(residuals / scale, -TUNING, TUNING)
        scale = max(FLOOR, scale * float(np.sqrt((bounded**2).sum() / freedom / EXPECTED)))
    return scale


def components(residuals: Floats, rounds: Ints, parameters: int) -> tuple[float, float]:
    """
    The standard deviation of a window within its round, and of what a whole round shares.

    One-way analysis of variance on the residuals of a law of so many *parameters*, outliers cut.
    """
    names, which = np.unique(rounds, return_inverse=True)
    sizes = np.bincount(which)
    within_freedom = len(residuals) - len(names) - parameters + 1
    scale = spread(residuals, len(residuals) - parameters)
    if len(names) < 2 or within_freedom < 1:
        return scale, 0.0
    cut = np.clip(residuals, -3 * scale, 3 * scale)
    cut = cut - cut.mean()
    means = np.bincount(which, weights=cut) / sizes
    between = float((sizes * means**2).sum()) / (len(names) - 1)
    within = float(((cut - means[which]) ** 2).sum()) / within_freedom
    size = (len(cut) - float((sizes**2).sum()) / len(cut)) / (len(names) - 1)
    return max(FLOOR, within**0.5), max(0.0, (between - within) / size) ** 0.5


def whitening(rounds: Ints, within: float, between: float) -> Floats:
    """
    The matrix that makes the noise of every round independent, of standard deviation *within*.

    A round's shared part is *between*: of each point a share of its round's mean is taken away
    (the random-effects transform of Fuller and Battese 1974).
    """
    same = (rounds[:, None] == rounds[None, :]).astype(float)
    size = same.sum(axis=1)
    taken = 1 - within / np.sqrt(within**2 + size * between**2)
    answer: Floats = np.eye(len(rounds)) - same * (taken / size)[:, None]
    return answer
