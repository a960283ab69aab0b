"""
What changed from one campaign to another, as ratios with 95 % intervals.

The unit of replication is the round. In each round, a point of one campaign is paired with the same
point of the other; the logarithms of their ratios are averaged, over the rounds for a point and
over points and rounds for a path.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import exp, log, sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit

from load.campaign import Arrivals, Campaign, Point, Verdict, Window
from load.latencies import percentile_ms

CONFIDENCE = 0.95
FEWEST_ROUNDS = 3  # of fewer nothing can be said about chance
SAME_RATE = 0.05  # open points are alike when their rates are this near


@dataclass(frozen=True)
class Metric:
    """A figure of a window."""

    name: str  # as in baseline.toml
    label: str
    reading: Callable[[Window], float]
    arrivals: frozenset[Arrivals]  # where it means something
    less_is_better: bool = True


@dataclass(frozen=True)
class Change:
    """By what factor a metric changed, at one point or over all points of a path."""

    metric: Metric
    path: str
    point: Point | None
    rounds: int
    ratio: float
    low: float  # of the 95 % interval; all points of a path together keep it
    high: float


def _percentile_ms(window: Window, percentile: float) -> float:
    return max(0.001, percentile_ms(window.client.response_hdr, percentile))


def _memory_bytes(window: Window) -> float:
    return window.server.pss_master_bytes + sum(window.server.pss_bytes_by_worker.values())


BOTH, OPEN, CLOSED = (frozenset(each) for each in (Arrivals, {Arrivals.OPEN}, {Arrivals.CLOSED}))
METRICS = (
    Metric(
        "throughput",
        "throughput",
        lambda each: each.throughput_rps,
        CLOSED,  # open arrivals bring as much as they were asked to
        less_is_better=False,
    ),
    Metric(
        "cpu_per_request",
        "CPU per request, in the machine's own pace,",
        lambda each: each.cpu_ms_per_request / each.server.spin_ms,
        BOTH,
    ),
    # a closed loop waits for slow answers instead of sending: its latencies are no claim
    Metric("p50", "median response time", lambda each: _percentile_ms(each, 50), OPEN),
    Metric("p99", "99th percentile of response times", lambda each: _percentile_ms(each, 99), OPEN),
    Metric("memory", "memory of all workers", _memory_bytes, BOTH),
)


def changes(before: Campaign, after: Campaign) -> list[Change]:
    """
    Every path and metric as a whole, followed by its single points.

    A path without three rounds in common is left out.
    """
    pairs = sorted(_pairs(before, after), key=lambda pair: path(pair.point))
    return [
        change
        for name, group in groupby(pairs, key=lambda pair: path(pair.point))
        for change in _of_path(name, list(group))
    ]


def path(point: Point) -> str:
    """What a report calls a path under its regime."""
    return f"{point.regime} {point.target}"


@dataclass(frozen=True)
class _Pair:
    """A point in one round of both campaigns."""

    point: Point
    round: int
    before: tuple[Window, ...]
    after: tuple[Window, ...]

    def readings(self, metric: Metric) -> tuple[float, float]:
        """Before and after."""
        old, new = ([metric.reading(each) for each in side] for side in (self.before, self.after))
        return fmean(old), fmean(new)


def _pairs(before: Campaign, after: Campaign) -> Iterator[_Pair]:
    old, new = _by_point(before), _by_point(after)
    for point, rounds in old.items():
        same = next((other for other in new if _alike(point, other)), None)
        if same is None:
            continue
        for number in sorted(rounds.keys() & new[same].keys()):
            yield _Pair(point, number, tuple(rounds[number]), tuple(new[same][number]))


def _by_point(campaign: Campaign) -> dict[Point, dict[int, list[Window]]]:
    found: dict[Point, dict[int, list[Window]]] = defaultdict(lambda: defaultdict(list))
    for window in campaign.windows:
        if window.verdict is Verdict.VALID:
            found[window.point][window.round].append(window)
    return found


def _alike(one: Point, other: Point) -> bool:
    """The same but for a small difference of the rate, which sweeps find out by themselves."""
    same = all(
        getattr(one, field) == getattr(other, field)
        for field in ("regime", "target", "workers", "arrivals", "connections")
    )
    if not same or one.offered_rps is None or other.offered_rps is None:
        return same
    return abs(log(one.offered_rps / other.offered_rps)) <= SAME_RATE


def _of_path(name: str, pairs: list[_Pair]) -> Iterator[Change]:
    for metric in METRICS:
        by_point: dict[Point, dict[int, float]] = defaultdict(dict)
        by_round: dict[int, list[float]] = defaultdict(list)
        for pair in pairs:
            old, new = pair.readings(metric)
            if pair.point.arrivals in metric.arrivals and min(old, new) > 0:
                by_point[pair.point][pair.round] = log(new / old)
                by_round[pair.round].append(log(new / old))
        whole = {number: fmean(values) for number, values in by_round.items()}
        yield from _change(metric, name, None, whole, 1)
        for point, ratios in by_point.items():
            yield from _change(metric, name, point, ratios, len(by_point))


def _change(
    metric: Metric, name: str, point: Point | None, by_round: Mapping[int, float], among: int
) -> Iterator[Change]:
    """Of so many points *among* which one may stand out by chance, each gets a wider interval."""
    if len(by_round) < FEWEST_ROUNDS:
        return
    middle, low, high = interval(by_round.values(), 1 - (1 - CONFIDENCE) / among)
    yield Change(metric, name, point, len(by_round), exp(middle), exp(low), exp(high))


def interval(values: Collection[float], confidence: float) -> tuple[float, float, float]:
    """
    The mean of *values* and its interval by Student's t.

    Of three to seven rounds a bootstrap's percentiles would be far too narrow.
    """
    middle = fmean(values)
    error = stdev(values) / sqrt(len(values))
    reach = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * error
    return middle, middle - reach, middle + reach
