"""What a request asks of the machine and a worker of its memory, as a campaign measured them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from load.campaign import Arrivals, Campaign, Point, Regime, Verdict, Window
from load.grouping import by_point, by_round
from load.latencies import Floats, Spectrum, decode, merged
from load.plan.calibration import ALONE, alone
from load.plan.cost import Cost, costs_of, wavering
from load.plan.memory import Memory, fitted
from load.plan.pace import concurrency, crowding, worker_rps
from load.plan.simulation import Station

LEAST_ROUNDS = 2  # of one there is no telling how far the next would be off
LEAST_REQUESTS = 50  # of the lightest load
SURE_REQUESTS = 299  # fewer say nothing of their own p99 at 95 % confidence: 0.99 ** 299 < 0.05


class TooLittleMeasured(ValueError):
    """The campaign lacks the valid windows that a plan needs."""


class UnclearTarget(ValueError):
    """The campaign measured other paths than the one asked for, or several."""


@dataclass(frozen=True)
class Demand:
    """What the windows of one regime and target say, those that are VALID."""

    regime: Regime
    target: str
    lightest: Point  # the point whose service times are drawn: it loads a worker least
    measured_requests: int  # of all its windows together
    service: Spectrum  # of a request alone, as they tell
    service_by_round_ms: Floats
    costs: dict[int, Cost]  # by number of workers
    wavering: Floats  # of each window, relative to its point: rising
    crowding: dict[int, float]  # by number of workers: a worker's pace alone over its pace then
    slots: int  # requests that a worker has been seen to serve at once
    lanes: int  # cores that a worker has been seen to use at once
    memory: Memory
    windows: int
    rounds: int

    @property
    def most_workers(self) -> int:
        """The largest number of workers that was measured."""
        return max(self.costs)

    def cost(self, workers: int) -> Cost:
        """What a request costs, at the number of workers measured that is nearest to *workers*."""
        return self.costs[_nearest(self.costs, workers)]

    def wait_ms(self, workers: int) -> float:
        """What of a service time is not CPU, with so many workers in each other's way."""
        alone_ms = max(0.0, self.service.mean_ms - self.cost(workers).seldom_ms)
        return alone_ms * self.crowding[_nearest(self.crowding, workers)]


def measured(campaign: Campaign, regime: Regime, target: str | None = None) -> Demand:
    """
    The demand of *target* under *regime*.

    *target* may be left out where the regime has one only. Raises UnclearTarget and
    TooLittleMeasured, each with what there is.
    """
    asked = [window for window in campaign.windows if window.point.regime == regime]
    target = _target(asked, regime, target)
    windows = [
        window
        for window in asked
        if window.point.target == target and window.verdict == Verdict.VALID
    ]
    _check_rounds(windows, asked, regime, target)
    lightest = _lightest(windows)
    light = [window for window in windows if window.point == lightest]
    times = merged(decode(window.client.service_hdr) for window in light)
    _check_requests(times, lightest)
    cores = len(campaign.machine.server_cores) or campaign.machine.cores
    memory, costs = _memory(windows), _costs(windows, cores)
    service = _alone(times, windows, lightest, costs, cores)
    slots, lanes = concurrency(windows, service.mean_ms, costs)
    return Demand(
        regime=regime,
        target=target,
        lightest=lightest,
        measured_requests=times.total,
        service=service,
        service_by_round_ms=_by_round_ms(light),
        costs=costs,
        wavering=wavering(windows, cores),
        crowding=crowding(windows, costs, cores),
        slots=slots,
        lanes=lanes,
        memory=memory,
        windows=len(windows),
        rounds=len(by_round(windows)),
    )


def _target(windows: Sequence[Window], regime: Regime, target: str | None) -> str:
    targets = sorted({window.point.target for window in windows})
    if not targets:
        raise TooLittleMeasured(f"no window of the {regime} regime was measured")
    if target is None and len(targets) > 1:
        raise UnclearTarget(f"--target: the {regime} regime has several, {', '.join(targets)}")
    if target is not None and target not in targets:
        raise UnclearTarget(f"--target {target}: the {regime} regime has {', '.join(targets)}")
    return target or targets[0]


def _check_rounds(
    valid: Sequence[Window], asked: Sequence[Window], regime: Regime, target: str
) -> None:
    seen = len(by_round(valid))
    if seen >= LEAST_ROUNDS:
        return
    refused = [w for w in asked if w.point.target == target and w.verdict != Verdict.VALID]
    why = f"; {len(refused)} are not valid, the first because: {_first(refused)}" if refused else ""
    raise TooLittleMeasured(
        f"{target} ({regime} regime) has valid windows in {seen} rounds, "
        f"and a plan needs {LEAST_ROUNDS}{why}"
    )


def _first(refused: Sequence[Window]) -> str:
    return next((reason for window in refused for reason in window.reasons), "no reason given")


def _check_requests(service: Spectrum, point: Point) -> None:
    if service.total < LEAST_REQUESTS:
        raise TooLittleMeasured(
            f"the lightest load of {point.target} has {service.total} answers in valid windows, "
            f"and a plan needs {LEAST_REQUESTS}: measure longer windows or more rounds"
        )


def _lightest(windows: Sequence[Window]) -> Point:
    """The point that loads a worker least; open arrivals first, closed ones always queue."""
    points = by_point(windows)
    return min(points, key=lambda point: _lightness(point, worker_rps(points[point])))


def _lightness(point: Point, worker_rps: float) -> tuple[bool, float, float]:
    if point.arrivals == Arrivals.OPEN:
        return False, worker_rps, point.workers
    return True, point.connections / point.workers, point.workers


def _costs(windows: Sequence[Window], cores: int) -> dict[int, Cost]:
    found = costs_of(windows, cores)
    if min(float(cost.at_ms.min()) for cost in found.values()) <= 0:
        raise TooLittleMeasured("no valid window says how much CPU time its requests took")
    return found


def _memory(windows: Sequence[Window]) -> Memory:
    memory = fitted(windows)
    if memory is None:
        raise TooLittleMeasured("no valid window says how much memory (PSS) its workers had")
    return memory


def _by_round_ms(windows: Iterable[Window]) -> Floats:
    return np.array(
        [
            np.mean([window.client.mean_service_ms for window in each])
            for each in by_round(windows).values()
        ]
    )


def _alone(
    times: Spectrum, windows: Iterable[Window], point: Point, costs: Mapping[int, Cost], cores: int
) -> Spectrum:
    """Service times without the queueing of *point*; with closed arrivals there is no telling."""
    if not point.offered_rps:
        return times
    own_ms = costs[point.workers].at_rate(point.offered_rps)
    likely_ms = max(own_ms, float(times.quantile_ms(ALONE)[0]))
    slots, lanes = concurrency(windows, likely_ms, costs)
    return alone(times, Station(point.workers, cores, slots, lanes), point.offered_rps, own_ms)


def _nearest(measured: Iterable[int], workers: int) -> int:
    return min(measured, key=lambda each: abs(np.log(each / workers)))
