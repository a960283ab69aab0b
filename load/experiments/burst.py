"""
What a fleet of pods does in a burst, by the metric that scales it.

`python -m load.experiments.burst` prints, for each kind of traffic and each metric, how late
requests were and what it cost. Pods have one core and two workers, as shipped, and are simulated
as `load plan` does (load/plan/simulation.py), the autoscaler as Kubernetes and KEDA document it: a
scrape each 15 s, a decision each 15 s on the last scrape, at most twice as many pods or four more,
fewer only after five minutes, a new pod ready after 20 s. A target is so many times the metric's
mean in a pod that uses 43 % of its CPU. Nothing is shed, so that all lateness is seen.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from load.latencies import Floats
from load.plan.simulation import Requests, Station, response_ms, settled

POD = Station(workers=2, cores=1, slots=256, lanes=1)
SCRAPE_S, READY_S, FEWER_S = 15, 20, 300
FEWEST, MOST = 2, 12
TOLERANCE = 0.1  # of the target, within which the HorizontalPodAutoscaler changes nothing
CPU_MS = 17.0  # of a request on average, as of cat-or-dog and iris in campaign 0002
USUAL_RPS, BURST_RPS = 50.0, 200.0  # of two pods, and of eight
BURST_S = (120, 420)
END_S = 900
LATE_MS = 200.0
SECOND_MS = 1000.0
TIMES = (1, 3)  # the mean is the target
SEEDS = (2, 3, 4)
HEADINGS = ("traffic", "metric", "target", "late", "p99", "pods before", "most", "pod-minutes")

Drawn = tuple[Floats, Floats, Floats]  # CPU in ms, rows, and ms off the CPU, in the request


@dataclass(frozen=True)
class Traffic:
    """A kind of request: what *count* of them are, and how much of their CPU time is a model's."""

    name: str
    draw: Callable[[np.random.Generator, int], Drawn]
    model_share: float = 1.0
    burst_rps: float = BURST_RPS
    slow_ms: float = 0.0  # how much longer bodies take to arrive during the burst


@dataclass
class Pod:
    """One pod: when it is ready, when it leaves, and what it was sent since it was last empty."""

    ready_s: float
    left_s: float = math.inf
    sent: list[NDArray[np.int64]] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What came of a run: lateness of all its requests, and how many pods there were."""

    late_share: float
    p99_ms: float
    pods_before: int  # most that were wanted while the usual load lasted
    pods_most: int
    pod_minutes: float


def main() -> None:
    """Simulate and print."""
    print("".join(f"{heading:>13}" for heading in HEADINGS))
    for traffic in KINDS:
        for metric in METRICS:
            for times in TIMES if metric != "CPU" else (1,):
                target = times * mean_of(traffic, metric)
                outcomes = [outcome(traffic, metric, target, seed) for seed in SEEDS]
                _row(traffic.name, metric, target, outcomes)


def _row(name: str, metric: str, target: float, outcomes: Sequence[Outcome]) -> None:
    def mean(figure: str) -> float:
        return float(np.mean([getattr(each, figure) for each in outcomes]))

    cells = [
        *(name, metric, f"{target:.2f}", f"{mean('late_share'):.1%}"),
        f"{mean('p99_ms') / SECOND_MS:.1f} s",
        *(f"{mean(figure):.0f}" for figure in ("pods_before", "pods_most", "pod_minutes")),
    ]
    print("".join(f"{cell:>13}" for cell in cells), flush=True)


def _single(random: np.random.Generator, count: int) -> Drawn:
    return random.gamma(4, CPU_MS / 4, count), np.ones(count), np.zeros(count)


def _bulk(random: np.random.Generator, count: int) -> Drawn:
    """One in ten brings 125 rows, and takes as long as 25 others."""
    many = random.random(count) < 0.1
    return np.where(many, 125.0, 5.0), np.where(many, 125.0, 1.0), np.zeros(count)


KINDS = (
    Traffic("one row", _single),
    Traffic("bulk", _bulk),
    Traffic("outside", _single, model_share=0.2),  # large JSON, the echo, an application's own code
    Traffic("slow bodies", _single, burst_rps=USUAL_RPS, slow_ms=2000.0),
)


class Fleet:
    """Pods, and all requests of a run: who got them, and when they were done."""

    def __init__(self, traffic: Traffic, seed: int) -> None:
        random = np.random.default_rng(seed)
        start, end = BURST_S
        self.arrival_ms = np.concatenate(
            [
                _arrivals(random, USUAL_RPS, 0, start),
                _arrivals(random, traffic.burst_rps, start, end),
                _arrivals(random, USUAL_RPS, end, END_S),
            ]
        )
        count = len(self.arrival_ms)
        self.cpu_ms, self.rows, self.away_ms = traffic.draw(random, count)
        self.away_ms = self.away_ms + traffic.slow_ms * self.in_burst
        self.model_ms = self.cpu_ms * traffic.model_share
        self.done_ms = np.full(count, np.inf)
        self.worker = random.integers(POD.workers, size=count)
        self.place = random.random(count)
        self.pods = [Pod(0.0) for _ in range(FEWEST)]

    @property
    def in_burst(self) -> NDArray[np.bool_]:
        """Which requests came during it."""
        start_ms, end_ms = (edge * SECOND_MS for edge in BURST_S)
        return (self.arrival_ms >= start_ms) & (self.arrival_ms < end_ms)

    def serve(self, from_s: float, to_s: float) -> None:
        """Let the requests of a step go to ready pods at random, and be served up to its end."""
        first, last = np.searchsorted(self.arrival_ms, [from_s * SECOND_MS, to_s * SECOND_MS])
        ready = [pod for pod in self.pods if pod.ready_s <= from_s < pod.left_s]
        fresh = np.arange(first, last)
        chosen = (self.place[first:last] * len(ready)).astype(np.int64)
        for number, pod in enumerate(ready):
            pod.sent.append(fresh[chosen == number])
        for pod in self.pods:
            self._run(pod, to_s)

    def _run(self, pod: Pod, to_s: float) -> None:
        """Serve what *pod* was sent since it was last empty: what it did before is settled."""
        mine = np.concatenate(pod.sent) if pod.sent else np.arange(0)
        if not len(mine):
            return
        requests = Requests(
            self.arrival_ms[mine], self.worker[mine], self.cpu_ms[mine], self.away_ms[mine]
        )
        self.done_ms[mine] = self.arrival_ms[mine] + response_ms(POD, requests)
        latest = np.maximum.accumulate(self.done_ms[mine])
        gaps = np.flatnonzero(self.arrival_ms[mine][1:] >= latest[:-1])
        if latest[-1] <= to_s * SECOND_MS:
            pod.sent = []
        elif len(gaps):
            pod.sent = [mine[gaps[-1] + 1 :]]
        else:
            pod.sent = [mine]


def _in_flight(fleet: Fleet, at_ms: float) -> float:
    return float(np.sum((fleet.arrival_ms <= at_ms) & (fleet.done_ms > at_ms)))


def _queued_rows(fleet: Fleet, at_ms: float) -> float:
    """Rows that wait for a model or are in it: not those whose other CPU time is yet to come."""
    computed_ms = fleet.done_ms - fleet.away_ms
    in_model_ms = fleet.model_ms * POD.workers / POD.cores
    alone = fleet.model_ms < fleet.cpu_ms
    entered_ms = np.where(alone, computed_ms - in_model_ms, fleet.arrival_ms)
    return float(fleet.rows[(entered_ms <= at_ms) & (computed_ms > at_ms)].sum())


def _cores(fleet: Fleet, at_ms: float) -> float:
    """Cores in use over the last scrape's interval."""
    computed_ms = fleet.done_ms - fleet.away_ms
    since_ms = at_ms - SCRAPE_S * SECOND_MS
    lately = (computed_ms > since_ms) & (computed_ms <= at_ms)
    return float(fleet.cpu_ms[lately].sum()) / SCRAPE_S / SECOND_MS


METRICS = {"in flight": _in_flight, "queued rows": _queued_rows, "CPU": _cores}


def _arrivals(random: np.random.Generator, rps: float, from_s: float, to_s: float) -> Floats:
    count = random.poisson(rps * (to_s - from_s))
    return np.sort(random.uniform(from_s * SECOND_MS, to_s * SECOND_MS, count))


def mean_of(traffic: Traffic, metric: str) -> float:
    """The metric's mean in a pod at the planned rate, over a quarter of an hour."""
    calm = Traffic(traffic.name, traffic.draw, traffic.model_share, USUAL_RPS)
    fleet = Fleet(calm, seed=1)
    fleet.serve(0, END_S)
    moments = settled(np.arange(SCRAPE_S, END_S, 0.5)) * SECOND_MS
    return float(np.mean([METRICS[metric](fleet, at_ms) for at_ms in moments])) / FEWEST


def outcome(traffic: Traffic, metric: str, target: float, seed: int) -> Outcome:
    """What comes of a burst of *traffic* where *target* is a pod's share of *metric*."""
    fleet, wanted = Fleet(traffic, seed), [FEWEST]
    for end_s in range(SCRAPE_S, END_S + 1, SCRAPE_S):
        fleet.serve(end_s - SCRAPE_S, end_s)
        total = METRICS[metric](fleet, (end_s - SCRAPE_S / 2) * SECOND_MS)
        _scale(fleet, total / target, wanted, end_s)
    took_ms = fleet.done_ms - fleet.arrival_ms - fleet.away_ms
    stayed_s = [min(END_S, pod.left_s) - min(END_S, pod.ready_s - READY_S) for pod in fleet.pods]
    return Outcome(
        late_share=float(np.mean(took_ms > LATE_MS)),
        p99_ms=float(np.quantile(took_ms, 0.99)),
        pods_before=max(wanted[: BURST_S[0] // SCRAPE_S + 1]),
        pods_most=max(wanted),
        pod_minutes=sum(stayed_s) / 60,
    )


def _scale(fleet: Fleet, shares: float, wanted: list[int], now_s: float) -> None:
    """Decide as the HorizontalPodAutoscaler does: *shares* pods would each have the target."""
    staying = [pod for pod in fleet.pods if now_s < pod.left_s]
    near = abs(shares / len(staying) - 1) <= TOLERANCE
    pods = len(staying) if near else math.ceil(shares)
    quickest = max(2 * len(staying), len(staying) + 4)
    wanted.append(max(FEWEST, min(pods, quickest, MOST)))
    fleet.pods += [Pod(now_s + READY_S) for _ in range(wanted[-1] - len(staying))]
    for pod in staying[max(wanted[-FEWER_S // SCRAPE_S :]) :]:
        pod.left_s = now_s


if __name__ == "__main__":
    main()
