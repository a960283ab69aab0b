"""
Robust regression of a law in log space, many problems at once.

A bootstrap is two thousand fits of three parameters: solved one by one they would take seconds.
"""

from dataclasses import dataclass

import numpy as np

from load.scaling.laws import Floats, Ints, Law, curve

TUNING = 1.345  # Huber (1964): 95 % as efficient as least squares under normal noise
ROUNDS = 200
ENOUGH = 1e-7  # of the loss, which is in units of chi²
STUCK = 1e12
LEAST_DAMPING = 1e-9  # keeps the equations solvable where two parameters do the same


@dataclass(frozen=True)
class Data:
    """What is fitted; ln X may have a row for each problem."""

    workers: Ints  # (points,)
    log_rps: Floats  # (points,) or (problems, points)
    whitening: Floats  # (points, points): makes the noise of a round independent
    scale: float  # the noise's standard deviation, after whitening
    weights: Floats | float = 1.0  # broadcast to (problems, points)


@dataclass(frozen=True)
class Bounds:
    """Where each parameter may be: (problems, parameters); equal bounds hold it."""

    lower: Floats
    upper: Floats


def unbounded(theta: Floats) -> Bounds:
    """Bounds that hold nothing."""
    return Bounds(np.full_like(theta, -np.inf), np.full_like(theta, np.inf))


def standardised(law: Law, data: Data, theta: Floats) -> tuple[Floats, Floats]:
    """
    The whitened residuals in units of their noise, (problems, points).

    And how the law moves, in the same units, by each parameter: (problems, points, parameters).
    """
    values, slopes = curve(law, theta, data.workers)
    white = data.whitening / data.scale
    return (data.log_rps - values) @ white.T, white @ slopes


def loss(data: Data, residuals: Floats) -> Floats:
    """Huber's loss of each problem, infinite where the law does not exist."""
    size = np.abs(residuals)
    each = np.where(size <= TUNING, size**2 / 2, TUNING * size - TUNING**2 / 2)
    total: Floats = (data.weights * each).sum(axis=1)
    return np.where(np.isfinite(total), total, np.inf)


def solve(law: Law, data: Data, start: Floats, bounds: Bounds) -> tuple[Floats, Floats]:
    """
    The parameters of least Huber loss within *bounds*, and that loss, of every problem.

    Projected Levenberg-Marquardt on reweighted squares. *start* is (problems, parameters) and must
    be a point where the law exists.
    """
    theta = np.clip(start, bounds.lower, bounds.upper)
    residuals, moves = standardised(law, data, theta)
    best = loss(data, residuals)
    damping: Floats = np.full(len(theta), 1e-4)
    for _ in range(ROUNDS):
        step, promised = _step(theta, bounds, damping, *normal_equations(data, residuals, moves))
        if np.all((promised < ENOUGH) | (damping > STUCK)):
            break
        trial = np.clip(theta + step, bounds.lower, bounds.upper)
        beyond, turned = standardised(law, data, trial)
        reached = loss(data, beyond)
        better = reached < best
        theta = np.where(better[:, None], trial, theta)
        residuals = np.where(better[:, None], beyond, residuals)
        moves = np.where(better[:, None, None], turned, moves)
        best = np.where(better, reached, best)
        damping = np.where(better, np.maximum(damping / 10, LEAST_DAMPING), damping * 10)
    return theta, best


def _step(
    theta: Floats, bounds: Bounds, damping: Floats, slope: Floats, curvature: Floats
) -> tuple[Floats, Floats]:
    held = ((theta <= bounds.lower) & (slope <= 0)) | ((theta >= bounds.upper) & (slope >= 0))
    slope = np.where(held, 0, slope)
    curvature = np.where(held[:, :, None] | held[:, None, :], 0, curvature)
    diagonal = np.einsum("bpp->bp", curvature)
    added = np.where(diagonal > 0, diagonal * damping[:, None], 1)
    damped = curvature + added[:, :, None] * np.eye(theta.shape[1])
    step: Floats = np.linalg.solve(damped, slope[:, :, None])[:, :, 0]
    return step, (step * slope).sum(axis=1)


def normal_equations(data: Data, residuals: Floats, moves: Floats) -> tuple[Floats, Floats]:
    """The direction of descent (problems, parameters) and Gauss-Newton's curvature of the loss."""
    trust = data.weights * np.minimum(1, TUNING / np.maximum(np.abs(residuals), TUNING))
    weighed = (moves * trust[:, :, None]).transpose(0, 2, 1)
    return (weighed @ residuals[:, :, None])[:, :, 0], weighed @ moves
