"""How much a worker does: at once, and beside other workers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from load.campaign import Arrivals, Window
from load.grouping import by_point
from load.plan.cost import Cost

NEARLY_ONE_MORE = 0.25  # a measured concurrency of 3.2 is three slots and some overhead
SECOND_MS = 1000.0


def crowding(windows: Iterable[Window], costs: Mapping[int, Cost], cores: int) -> dict[int, float]:
    """
    How much slower a worker is beside others, by number of workers: the scaling law's subject.

    *costs* are a request's by number of workers, *cores* what the server had.

    Only saturated (closed) points count, and only where less than half of the server's cores was
    in use: with full cores a worker is slow for want of CPU, which the simulation does itself.
    """
    paces = {
        workers: rate
        for workers, rate in _worker_rates(windows, Arrivals.CLOSED).items()
        if workers * rate * costs[workers].cpu_ms / SECOND_MS < cores / 2
    }
    if not paces:
        return {1: 1.0}
    alone = paces[min(paces)]
    return {workers: max(1.0, alone / rate) for workers, rate in paces.items()}


def concurrency(
    windows: Iterable[Window], service_ms: float, costs: Mapping[int, Cost]
) -> tuple[int, int]:
    """
    Slots and lanes of a worker, by Little's law.

    They are how many service times, and how many requests' CPU times, its highest throughput fits
    into a second.
    """
    rates = _worker_rates(windows, *Arrivals)
    slots = max(rates.values()) * service_ms / SECOND_MS
    lanes = max(rate * costs[workers].cpu_ms for workers, rate in rates.items()) / SECOND_MS
    whole_lanes = _whole(lanes)
    return max(_whole(slots), whole_lanes), whole_lanes


def worker_rps(windows: Iterable[Window]) -> float:
    """What one worker served in the median window."""
    return float(np.median([each.throughput_rps / each.point.workers for each in windows]))


def _whole(concurrency: float) -> int:
    return max(1, int(np.ceil(concurrency - NEARLY_ONE_MORE)))


def _worker_rates(windows: Iterable[Window], *arrivals: Arrivals) -> dict[int, float]:
    """The highest throughput of a worker, by number of workers: of each point the median."""
    rates: dict[int, float] = defaultdict(float)
    for point, mine in by_point(windows).items():
        if point.arrivals in arrivals:
            rates[point.workers] = max(rates[point.workers], worker_rps(mine))
    return rates
