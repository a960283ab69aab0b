"""
How long requests take in one instance (a dyno, a pod) with several workers: an event simulation.

Routing is random, over the instances and over an instance's workers, so queues do not pool. A
Poisson process split at random is independent Poisson processes: one instance stands for all.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from load.latencies import Floats, Spectrum
from load.plan.cost import Cost

WARM_UP = 0.1  # of the requests: those that found the queues still empty are left out
REQUESTS = 40_000  # simulated for each rate
SPELLS = 40  # so often the machine's pace changes meanwhile
STEADY: Floats = np.ones(1)
SECOND_MS = 1000.0
NEVER = float("inf")


@dataclass(frozen=True)
class Station:
    """
    What serves.

    A request takes one of its worker's slots for as long as it lasts: first it uses CPU, then it
    waits for something else. At most `lanes` requests of a worker use CPU at once, and all that do
    share the cores evenly.
    """

    workers: int
    cores: int
    slots: int = 1
    lanes: int = 1


@dataclass(frozen=True)
class Requests:
    """Arrivals at one instance, each with its worker and what it asks for, in ms."""

    arrival_ms: Floats
    worker: NDArray[np.int64]
    cpu_ms: Floats
    away_ms: Floats  # off the CPU, in the slot


@dataclass
class _Worker:
    free_slots: int
    free_lanes: int
    for_slot: deque[int] = field(default_factory=deque)
    for_lane: deque[int] = field(default_factory=deque)


def response_ms(instance: Station, requests: Requests) -> Floats:
    """Response time of each request [n]: from its arrival until it is done."""
    return _Run(instance, requests).response_ms()


class ServiceDraw:
    """
    One set of random numbers for every rate, so that only the rate makes a difference.

    Of CPU time and of the wait for something else only the means are known, *cost* and *wait_ms*:
    each request has of both what *service*, relative to its mean, draws for it. The machine's pace
    wavers from spell to spell, as *wavering* [n] has seen it do: the queue of a slow one is long.
    """

    def __init__(
        self,
        service: Spectrum,
        cost: Cost,
        wait_ms: float,
        seed: int,
        wavering: Floats = STEADY,
    ) -> None:
        random = np.random.default_rng(seed)
        self._gaps = random.exponential(size=REQUESTS)
        self._places = random.random(REQUESTS)
        size = service.quantile_ms(random.random(REQUESTS)) / service.mean_ms
        self._cost, self._away_ms = cost, size * wait_ms
        self._sizes = size * np.repeat(_spells(wavering, random), REQUESTS // SPELLS)

    def p99_ms(self, instance: Station, rps: float) -> float:
        """The 99th percentile of the response time at *rps* requests a second."""
        return float(np.quantile(self.response_ms(instance, rps), 0.99))

    def response_ms(self, instance: Station, rps: float) -> Floats:
        """Response times at *rps* requests a second, once queues have settled."""
        requests = Requests(
            np.cumsum(self._gaps) * SECOND_MS / rps,
            (self._places * instance.workers).astype(np.int64),
            self._sizes * self._cost.at_rate(rps),
            self._away_ms,
        )
        return settled(response_ms(instance, requests))


def _spells(wavering: Floats, random: np.random.Generator) -> Floats:
    """Paces as often as they were seen, in random order."""
    paces: Floats = np.quantile(wavering, (np.arange(SPELLS) + 0.5) / SPELLS)
    random.shuffle(paces)
    return paces


def settled(times_ms: Floats) -> Floats:
    """*times_ms* without the first ones, which found empty queues."""
    return times_ms[int(len(times_ms) * WARM_UP) :]


class _Run:
    """One pass over the requests. Time is in ms; `work` is the CPU time one lane has got so far."""

    def __init__(self, instance: Station, requests: Requests) -> None:
        self.cores = instance.cores
        self.arrival = requests.arrival_ms.tolist()
        self.worker = requests.worker.tolist()
        self.cpu = requests.cpu_ms.tolist()
        self.away = requests.away_ms.tolist()
        self.workers = [
            _Worker(instance.slots, min(instance.lanes, instance.slots))
            for _ in range(instance.workers)
        ]
        self.now = 0.0
        self.work = 0.0  # equal shares: every lane in use gets the same, so one clock serves all
        self.running: list[tuple[float, int]] = []  # (work at which it has its CPU time, request)
        self.waiting: list[tuple[float, int]] = []  # (time at which its wait ends, request)
        self.done = [0.0] * len(self.arrival)

    def response_ms(self) -> Floats:
        for request, arrival in enumerate(self.arrival):
            self._until(arrival)
            self._arrive(request)
        self._until(NEVER)
        return np.array(self.done, dtype=np.float64) - np.array(self.arrival, dtype=np.float64)

    def _until(self, end: float) -> None:
        """Let everything happen that is due by *end*, in its order, and go there."""
        running, waiting = self.running, self.waiting
        while running or waiting:
            # What runs needs this much work more, done at this pace: at most one core each.
            pace = min(1.0, self.cores / len(running)) if running else 0.0
            cpu_at = self.now + max(0.0, running[0][0] - self.work) / pace if running else NEVER
            away_at = waiting[0][0] if waiting else NEVER
            at = min(cpu_at, away_at, end)
            self.work += (at - self.now) * pace
            self.now = at
            if at == cpu_at:
                self._leave_cpu(heapq.heappop(running)[1])
            elif at == away_at:
                self._finish(heapq.heappop(waiting)[1])
            else:
                return
        self.now = end

    def _arrive(self, request: int) -> None:
        worker = self.workers[self.worker[request]]
        if worker.free_slots:
            worker.free_slots -= 1
            self._want_cpu(worker, request)
        else:
            worker.for_slot.append(request)

    def _want_cpu(self, worker: _Worker, request: int) -> None:
        if worker.free_lanes:
            worker.free_lanes -= 1
            heapq.heappush(self.running, (self.work + self.cpu[request], request))
        else:
            worker.for_lane.append(request)

    def _leave_cpu(self, request: int) -> None:
        worker = self.workers[self.worker[request]]
        worker.free_lanes += 1
        if worker.for_lane:
            self._want_cpu(worker, worker.for_lane.popleft())
        if self.away[request] > 0:
            heapq.heappush(self.waiting, (self.now + self.away[request], request))
        else:
            self._finish(request)

    def _finish(self, request: int) -> None:
        self.done[request] = self.now
        worker = self.workers[self.worker[request]]
        worker.free_slots += 1
        if worker.for_slot:
            worker.free_slots -= 1
            self._want_cpu(worker, worker.for_slot.popleft())
