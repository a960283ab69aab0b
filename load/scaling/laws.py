"""
Four laws of how throughput grows with the number of workers, as pure functions.

Each is X(N) = lambda·N / g(N): lambda is what one worker serves (requests a second), and the
slowdown g(N) says how many times longer a request takes among N workers than with one.
"""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


class Law(StrEnum):
    """What holds the workers back."""

    LINEAR = "linear"  # nothing: g = 1
    AMDAHL = "Amdahl"  # a share sigma of the time only one can have: g = 1 + sigma·(N−1)
    USL = "USL"  # also agreement in pairs, kappa: g = 1 + sigma·(N−1) + kappa·N·(N−1)
    QUEUE = "queue"  # waiting in line for one thing, by exact mean value analysis


NAMES = {
    Law.LINEAR: ("lambda",),
    Law.AMDAHL: ("lambda", "sigma"),
    Law.USL: ("lambda", "sigma", "kappa"),
    Law.QUEUE: ("lambda", "demand"),
}
UPPER_BOUNDS = {"lambda": np.inf, "sigma": 1.0, "kappa": np.inf, "demand": 1.0}
LOWER_BOUNDS = {
    "lambda": -np.inf,
    "sigma": 0.0,
    "kappa": 0.0,
    "demand": 0.0,
}  # lambda's: of its log


def slowdown(law: Law, shape: Floats, workers: Ints) -> tuple[Floats, Floats]:
    """
    g(N) and its derivatives by each parameter of *shape*.

    *shape* is (draws, parameters but lambda), *workers* (points,); the answers are (draws, points)
    and (draws, points, parameters). The USL is Gunther's (2007); the closed queue, also known as
    the machine repairman, has a customer per worker, who works alone for a share 1−demand of a
    request and then queues for the share *demand* (Reiser and Lavenberg 1980).
    """
    if law is Law.QUEUE:
        return _queue(shape, workers)
    each = workers.astype(float)
    columns = np.stack([each - 1, each * (each - 1)], axis=1)[:, : shape.shape[1]]
    return 1 + shape @ columns.T, np.broadcast_to(columns, (len(shape), *columns.shape))


def _queue(shape: Floats, workers: Ints) -> tuple[Floats, Floats]:
    demand = shape[:, 0]
    waited = np.empty((2, int(workers.max()), len(demand)))  # for the queue; derivative by demand
    length = rate = np.zeros_like(demand)  # of the queue, and its derivative
    for alone in range(waited.shape[1]):
        waiting, faster = demand * length, length + demand * rate
        waited[:, alone] = waiting, faster
        share = (alone + 1) / (1 + waiting)
        length = share * (demand + waiting)
        rate = share * (1 + faster) - length * faster / (1 + waiting)
    chosen = waited[:, workers - 1]
    return 1 + chosen[0].T, chosen[1].T[:, :, None]


def curve(law: Law, theta: Floats, workers: Ints) -> tuple[Floats, Floats]:
    """
    The logarithm of X(N), (draws, points), and its derivatives, (draws, points, parameters).

    *theta* is (ln lambda, shape…), (draws, parameters). Not a number where the law does not exist.
    """
    factor, slopes = slowdown(law, theta[:, 1:], workers)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = theta[:, :1] + np.log(workers) - np.log(factor)
        shape = -slopes / factor[..., None]
    return values, np.concatenate([np.ones_like(factor)[..., None], shape], axis=2)


def log_throughput(law: Law, theta: Floats, workers: Ints) -> Floats:
    """The logarithm of X(N), (draws, points), of *theta*, (draws, parameters)."""
    return curve(law, theta, workers)[0]


def throughput(law: Law, parameters: dict[str, float], workers: Ints) -> Floats:
    """X(N) in requests a second at each of *workers*, of *parameters* by name."""
    values = [parameters[name] for name in NAMES[law]]
    theta = np.array([[np.log(values[0]), *values[1:]]])
    answer: Floats = np.exp(log_throughput(law, theta, np.asarray(workers, dtype=np.int64)))[0]
    return answer


def peak(sigma: Floats, kappa: Floats) -> Floats:
    """N* = sqrt((1−sigma)/kappa), where the USL turns down; infinite where kappa is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        where: Floats = np.sqrt((1 - np.minimum(sigma, 1)) / kappa)
    return np.where(kappa > 0, where, np.inf)
