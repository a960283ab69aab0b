"""How far each parameter can be from its best value before the measurements object."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from load.scaling.laws import LOWER_BOUNDS, NAMES, UPPER_BOUNDS, Floats, Law
from load.scaling.regression import (
    TUNING,
    Bounds,
    Data,
    normal_equations,
    solve,
    standardised,
    unbounded,
)
from load.scaling.selection import Selection, bounds

CONFIDENCE = 0.95
BLIND = 0.01  # the first guess of an error where the loss is flat at its least
STEPS = np.array([0.5, 0.8, 0.95, 1.1, 1.4, 2.0, 4.0, 12.0])


@dataclass(frozen=True)
class Interval:
    """Between which values the measurements cannot tell, at 95 % confidence."""

    low: float
    high: float


def intervals(law: Law, selection: Selection) -> tuple[Interval, ...]:
    """
    The profile-likelihood interval of each parameter of *law*, that of lambda as a logarithm.

    The likelihood is followed beyond what is possible and only then cut: so the interval of a
    parameter that is truly 0 holds it as often as it says. Should nothing possible remain, the
    parameter is kept possible from the start.
    """
    theta = selection.of(law).theta
    wider = bounds(law) if law is Law.QUEUE else unbounded(theta[None])  # it mirrors itself at 0
    free, _ = solve(law, selection.data, theta[None], wider)
    limits = _limits(law, selection, free[0])
    wide = _profile(law, selection.data, free[0], wider, limits)
    cut = tuple(map(_cut, wide, NAMES[law], theta.tolist()))
    if all(each.low < each.high for each in cut):
        return cut
    kept = _profile(law, selection.data, theta, bounds(law), limits)
    return tuple(a if a.low < a.high else b for a, b in zip(cut, kept, strict=True))


def _cut(interval: Interval, name: str, value: float) -> Interval:
    low = min(max(interval.low, LOWER_BOUNDS[name]), value)
    return Interval(low, max(min(interval.high, UPPER_BOUNDS[name]), value))


def _limits(law: Law, selection: Selection, theta: Floats) -> Floats:
    """
    Student's quantile for each parameter.

    What a round shares moves lambda alone, and of rounds there are few (Satterthwaite 1946).
    """
    freedom = np.full(len(theta), float(len(selection.data.workers) - len(theta)))
    variance = _errors(law, selection.data, theta)[0] ** 2
    shared = min(1.0, selection.between_rounds**2 / selection.rounds / variance)
    if shared > 0:
        freedom[0] = 1 / (shared**2 / (selection.rounds - 1) + (1 - shared) ** 2 / freedom[0])
    answer: Floats = stdtrit(freedom, (1 + CONFIDENCE) / 2)
    return answer


def _profile(
    law: Law, data: Data, theta: Floats, allowed: Bounds, limits: Floats
) -> tuple[Interval, ...]:
    """
    Hold a parameter at a value, let the others adapt: the interval ends where the loss tells.

    The likelihood ratio of a Huber loss is scaled to its chi² (Ronchetti 1982).
    """
    values = _tried(law, data, theta, allowed, limits)
    rows, which = np.arange(values.size), np.repeat(np.arange(len(theta)), values.shape[1])
    lower = np.repeat(allowed.lower, values.size, axis=0)
    upper = np.repeat(allowed.upper, values.size, axis=0)
    lower[rows, which] = upper[rows, which] = values.ravel()
    _, lost = solve(law, data, np.repeat(theta[None], values.size, axis=0), Bounds(lower, upper))
    _, least = solve(law, data, theta[None], allowed)
    ratio = 2 * np.maximum(0, lost - least[0]) * calibration(law, data, theta)
    root = np.sqrt(ratio).reshape(values.shape)
    half = len(STEPS)
    return tuple(
        Interval(
            _crossing(values[i, :half], root[i, :half], theta[i], limits[i]),
            _crossing(values[i, half:], root[i, half:], theta[i], limits[i]),
        )
        for i in range(len(theta))
    )


def calibration(law: Law, data: Data, theta: Floats) -> float:
    """
    What makes twice a difference of Huber losses a chi²: mean psi' over mean psi².

    With few points that is too much; Huber (1973) corrects it.
    """
    residuals = standardised(law, data, theta[None])[0][0]
    freedom = len(residuals) - len(theta)
    squares = float((np.clip(residuals, -TUNING, TUNING) ** 2).sum())
    straight = max(float(np.mean(np.abs(residuals) <= TUNING)), 1 / len(residuals))
    correction = 1 + len(theta) / len(residuals) * (1 - straight) / straight
    return straight * freedom / max(squares, 1e-12) / correction**2


def _errors(law: Law, data: Data, theta: Floats) -> Floats:
    """Rough standard errors, from the curvature of the loss."""
    curvature = normal_equations(data, *standardised(law, data, theta[None]))[1][0]
    diagonal = np.diag(curvature)
    scale = np.where(diagonal > 0, np.sqrt(diagonal), 1.0)
    inverse = np.linalg.pinv(curvature / np.outer(scale, scale), hermitian=True)
    return np.where(diagonal > 0, np.sqrt(np.diag(inverse)) / scale, BLIND)


def _tried(law: Law, data: Data, theta: Floats, allowed: Bounds, limits: Floats) -> Floats:
    """Values around the best one, outwards: (parameters, twice the steps)."""
    reach = (_errors(law, data, theta) * limits)[:, None] * STEPS
    values = np.concatenate([theta[:, None] - reach, theta[:, None] + reach], axis=1)
    answer: Floats = np.clip(values, allowed.lower.reshape(-1, 1), allowed.upper.reshape(-1, 1))
    return answer


def _crossing(tried: Floats, root: Floats, best: float, limit: float) -> float:
    """Where the root of the ratio, nearly straight in the parameter, reaches *limit*."""
    root = np.maximum.accumulate(root)
    if root[-1] <= limit:
        return float(tried[-1])
    return float(np.interp(limit, [0.0, *root], [best, *tried]))
