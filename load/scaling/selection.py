"""Every law fitted to the same measurements, and which of them the measurements prefer."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from load.scaling import noise
from load.scaling.laws import LOWER_BOUNDS, NAMES, UPPER_BOUNDS, Floats, Ints, Law, log_throughput
from load.scaling.regression import Bounds, Data, solve

FEWEST_COUNTS = 3  # numbers of workers that a law of three parameters needs
FEWEST_SAMPLES = 6  # three parameters, the noise, and one to spare for AICc
STEEPEST = 0.1  # one worker is not begun with at more than ten times what it did
ALTERNATIONS = 2  # between a law and the noise around it


@dataclass(frozen=True)
class Measured:
    """The samples as arrays, (points,) each."""

    workers: Ints
    log_rps: Floats
    rounds: Ints


@dataclass(frozen=True)
class Candidate:
    """A law at its best."""

    law: Law
    theta: Floats  # (parameters,), the first ln lambda
    loss: float
    aicc: float
    weight: float  # its Akaike weight: its share of plausibility, all laws together 1


@dataclass(frozen=True)
class Selection:
    """All laws, the most plausible first, and the noise that they leave."""

    candidates: tuple[Candidate, ...]
    data: Data
    rounds: int
    within_round: float  # relative standard deviation of a window
    between_rounds: float  # of what all windows of a round share

    def of(self, law: Law) -> Candidate:
        """The candidate of *law*."""
        return next(each for each in self.candidates if each.law is law)


def select(measured: Measured) -> Selection:
    """Fit every law by Huber's loss in log space and weigh them by AICc."""
    points = len(measured.workers)
    plain = Data(measured.workers, measured.log_rps, np.eye(points), 1.0)
    rough = {law: _alternate(law, plain, start(law, measured)) for law in Law}
    closest = min(rough, key=lambda law: rough[law][1].scale)
    theta, data = rough[closest]
    residuals = measured.log_rps - log_throughput(closest, theta, measured.workers)[0]
    within, between = noise.components(residuals, measured.rounds, theta.shape[1])
    white = replace(data, whitening=noise.whitening(measured.rounds, within, between))
    fitted = {law: _alternate(law, white, theta) for law, (theta, _) in rough.items()}
    common = replace(white, scale=min(data.scale for _, data in fitted.values()))
    solved = {law: solve(law, common, theta, bounds(law)) for law, (theta, _) in fitted.items()}
    rounds = len(np.unique(measured.rounds))
    return Selection(_ranked(solved, points), common, rounds, common.scale, between)


def bounds(law: Law) -> Bounds:
    """What the parameters of *law* may be: nothing negative, no share above one."""
    lower = np.array([[LOWER_BOUNDS[name] for name in NAMES[law]]])
    upper = np.array([[UPPER_BOUNDS[name] for name in NAMES[law]]])
    return Bounds(lower, upper)


def start(law: Law, measured: Measured) -> Floats:
    """
    Where to begin: (1, parameters).

    N/X = a + b·(N−1) + c·N·(N−1) is linear; X/N as weights make its errors relative.
    """
    each = measured.workers.astype(float)
    weight = np.exp(measured.log_rps) / each
    columns = np.stack([np.ones_like(each), each - 1, each * (each - 1)], axis=1)
    count = min(len(NAMES[law]), 3)
    (first, *shape), _ = nnls(columns[:, :count] * weight[:, None], np.ones_like(each))
    first = max(first, STEEPEST / weight[each == each.min()].mean())
    if law is Law.QUEUE:
        return np.array([[-np.log(first), min(0.9, max(0.01, shape[0] / first))]])
    return np.array([[-np.log(first), *(value / first for value in shape)]])


def _alternate(law: Law, data: Data, theta: Floats) -> tuple[Floats, Data]:
    freedom = len(data.workers) - theta.shape[1]
    for _ in range(ALTERNATIONS):
        residuals = data.log_rps - log_throughput(law, theta, data.workers)[0]
        data = replace(data, scale=noise.spread(data.whitening @ residuals, freedom))
        theta, _ = solve(law, data, theta, bounds(law))
    return theta, data


def _ranked(solved: dict[Law, tuple[Floats, Floats]], points: int) -> tuple[Candidate, ...]:
    """Akaike's criterion corrected for few points (Hurvich and Tsai 1989), at a common scale."""
    aicc = {}
    for law, (theta, lost) in solved.items():
        count = theta.shape[1] + 1  # the noise is a parameter too
        aicc[law] = 2 * float(lost[0]) + 2 * count * points / (points - count - 1)
    least = min(aicc.values())
    plausibility = {law: np.exp((least - value) / 2) for law, value in aicc.items()}
    total = sum(plausibility.values())
    candidates = [
        Candidate(law, theta[0], float(lost[0]), aicc[law], float(plausibility[law] / total))
        for law, (theta, lost) in solved.items()
    ]
    return tuple(sorted(candidates, key=lambda each: each.aicc))
