"""How much a worker does: at once, and beside other workers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from load.campaign import Arrivals, Point, Window

NEARLY_ONE_MORE = 0.25  # a measured concurrency of 3.2 is three slots and some overhead
SECOND_MS = 1000.0


def crowding(
    windows: Iterable[Window], cpu_ms: Mapping[int, float], cores: int
) -> dict[int, float]:
    """
    How much slower a worker is beside others, by number of workers: the scaling law's subject.

    *cpu_ms* is a request's CPU time by number of workers, *cores* what the server had.

    Only saturated (closed) points count, and only where less than half of the server's cores was
    in use: with full cores a worker is slow for want of CPU, which the simulation does itself.
    """
    paces = {
        workers: rate
        for workers, rate in _worker_rates(windows, Arrivals.CLOSED).items()
        if workers * rate * cpu_ms[workers] / SECOND_MS < cores / 2
    }
    if not paces:
        return {1: 1.0}
    alone = paces[min(paces)]
    return {workers: max(1.0, alone / rate) for workers, rate in paces.items()}


def concurrency(
    windows: Iterable[Window], service_ms: float, cpu_ms: Mapping[int, float]
) -> tuple[int, int]:
    """
    Slots and lanes of a worker, by Little's law.

    They are how many service times, and how many requests' CPU times, its highest throughput fits
    into a second.
    """
    rates = _worker_rates(windows, *Arrivals)
    slots = max(rates.values()) * service_ms / SECOND_MS
    lanes = max(rate * cpu_ms[workers] for workers, rate in rates.items()) / SECOND_MS
    whole_lanes = _whole(lanes)
    return max(_whole(slots), whole_lanes), whole_lanes


def _whole(concurrency: float) -> int:
    return max(1, int(np.ceil(concurrency - NEARLY_ONE_MORE)))


def _worker_rates(windows: Iterable[Window], *arrivals: Arrivals) -> dict[int, float]:
    """The highest throughput of a worker, by number of workers: of each point the median."""
    by_point: dict[Point, list[float]] = defaultdict(list)
    for window in windows:
        if window.point.arrivals in arrivals:
            by_point[window.point].append(window.throughput_rps / window.point.workers)
    rates: dict[int, float] = defaultdict(float)
    for point, seen in by_point.items():
        rates[point.workers] = max(rates[point.workers], float(np.median(seen)))
    return rates
