"""How many dynos hold a load, and what they cost: simulation on measured service times."""

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from load.latencies import Floats
from load.plan.demand import Demand
from load.plan.dynos import Dyno
from load.plan.simulation import ServiceDraw, Station

SECOND_MS = 1000.0
MEMORY_SHARE = 0.85  # of a dyno's memory; the rest is for what a request takes while it lasts
BUSY_SLOTS = 0.5  # of the slots when the cores are full: more workers than that add nothing
FULLEST = 0.9  # of the ceiling: beyond it a finite simulation no longer shows the queue's growth
EMPTIEST = 0.02
PAST_MEASURED = 2  # times the largest number of workers measured: nothing is planned beyond
STEPS = 5  # of the search: to 1/32 of the ceiling, and interpolation from there
GROWTH = 3  # times the instances planned: as far as an autoscaler may go
REPLICATES = 2000  # of the bootstrap
LEVEL = 0.95


@dataclass(frozen=True)
class Goal:
    """What is wanted of all dynos together."""

    rps: float
    p99_ms: float


class Obstacle(Enum):
    """Why a dyno cannot meet a goal."""

    NO_SPARE = auto()  # only one may run, and one more must be spare
    TOO_MANY = auto()  # more are needed than may run
    MEMORY = auto()  # not even one worker fits
    TIME = auto()  # a request that never queues takes too long


class Infeasible(ValueError):
    """
    The dyno cannot meet the goal. `nearest` is a goal that it can meet, if there is one.

    *figures* are the obstacle's: how many are needed; a worker's bytes and those there are; the p99
    in ms of a request that never queues.
    """

    def __init__(
        self, dyno: Dyno, obstacle: Obstacle, *figures: float, nearest: Goal | None = None
    ) -> None:
        super().__init__(f"{dyno.name}: {obstacle.name} {figures}")
        self.dyno = dyno
        self.obstacle = obstacle
        self.figures = figures
        self.nearest = nearest


class Limit(Enum):
    """What decides how many workers a dyno runs."""

    CORES = auto()
    MEMORY = auto()
    MEASURED = auto()


@dataclass(frozen=True)
class Workers:
    """How many workers a dyno runs, and what decided it."""

    count: int
    limit: Limit


@dataclass(frozen=True)
class DynoCapacity:
    """What one dyno holds: the highest rate within the p99, and the rates that were tried."""

    instance: Station
    rps: float
    tried_rps: Floats
    tried_p99_ms: Floats
    ceiling_rps: float
    cpu_bound: bool

    def p99_ms(self, rps: float) -> float:
        """The p99 at *rps* a dyno, between the rates that were tried."""
        return float(np.exp(np.interp(rps, self.tried_rps, np.log(self.tried_p99_ms))))


@dataclass(frozen=True)
class Offer:
    """A number of dynos that meets the goal even while one of them is away."""

    dyno: Dyno
    spin_ratio: float
    workers: Workers
    holding: DynoCapacity
    needed: int  # without the spare
    usd_interval: tuple[float, float]

    @property
    def dynos(self) -> int:
        """To run: one more than needed, since deploys and Heroku's daily restart take one away."""
        return self.needed + 1

    @property
    def usd_a_month(self) -> float:
        """For all of them."""
        return self.dynos * self.dyno.usd_a_month


def offer(
    demand: Demand, goal: Goal, dyno: Dyno, *, spin_ratio: float | None = None, seed: int = 1
) -> Offer:
    """The fewest of *dyno* that hold *goal*. Raises Infeasible, with what comes nearest."""
    ratio = dyno.spin_ratio if spin_ratio is None else spin_ratio
    if dyno.most < 2:
        raise Infeasible(dyno, Obstacle.NO_SPARE)
    workers = workers_for(demand, dyno, ratio)
    holding = dyno_capacity(demand, goal, dyno, workers.count, spin_ratio=ratio, seed=seed)
    needed = math.ceil(goal.rps / holding.rps)
    if needed + 1 > dyno.most:
        nearest = Goal(math.floor((dyno.most - 1) * holding.rps), goal.p99_ms)
        raise Infeasible(dyno, Obstacle.TOO_MANY, needed, nearest=nearest)
    worst, best = held_interval(demand, goal.p99_ms, holding, seed)
    low, high = ((math.ceil(goal.rps / rps) + 1) * dyno.usd_a_month for rps in (best, worst))
    return Offer(dyno, ratio, workers, holding, needed, (low, high))


def workers_for(demand: Demand, dyno: Dyno, spin_ratio: float) -> Workers:
    """As many workers as the cores can feed, as memory holds, and as the measurement reaches."""
    fits = workers_in_memory(demand, dyno)
    known = PAST_MEASURED * demand.most_workers
    reach = min(fits, known)
    at_once = dyno.cores * _lasts_ms(demand, reach, spin_ratio)  # with full cores, by Little's law
    at_once /= demand.cost(reach).cpu_ms * spin_ratio
    useful = max(
        math.ceil(dyno.cores / demand.lanes), math.ceil(at_once / demand.slots / BUSY_SLOTS)
    )
    return min(
        Workers(useful, Limit.CORES),
        Workers(fits, Limit.MEMORY),
        Workers(known, Limit.MEASURED),
        key=lambda workers: workers.count,
    )


def workers_in_memory(demand: Demand, dyno: Dyno) -> int:
    """Workers that fit into *dyno*. Raises Infeasible if not even one does."""
    room = MEMORY_SHARE * dyno.memory_bytes - demand.memory.shared_bytes
    fits = int(room // demand.memory.worker_bytes)
    if fits < 1:
        there_bytes = MEMORY_SHARE * dyno.memory_bytes
        raise Infeasible(dyno, Obstacle.MEMORY, demand.memory.bytes(1), there_bytes)
    return fits


def dyno_capacity(
    demand: Demand, goal: Goal, dyno: Dyno, workers: int, *, spin_ratio: float, seed: int
) -> DynoCapacity:
    """
    What one dyno holds, by bisection over the arrival rate with the same random numbers.

    Raises Infeasible if the p99 is missed even when a request is nearly alone.
    """
    instance = Station(workers, dyno.cores, demand.slots, demand.lanes)
    ceiling, cpu_bound = _ceiling_rps(instance, demand, spin_ratio)
    cost = demand.cost(workers).slower(spin_ratio)
    draw = ServiceDraw(demand.service, cost, demand.wait_ms(workers), seed, demand.wavering)
    tried = {share: draw.p99_ms(instance, share * ceiling) for share in (EMPTIEST, FULLEST)}
    if tried[EMPTIEST] > goal.p99_ms:
        nearest = _slower(draw, instance, ceiling, goal, dyno.most - 1)
        raise Infeasible(dyno, Obstacle.TIME, tried[EMPTIEST], nearest=nearest)
    _search(draw, instance, ceiling, goal.p99_ms, tried)
    shares = np.array(sorted(tried))
    times_ms = np.maximum.accumulate([tried[share] for share in sorted(tried)])
    held_share = float(np.interp(np.log(goal.p99_ms), np.log(times_ms), shares))
    return DynoCapacity(
        instance, held_share * ceiling, shares * ceiling, times_ms, ceiling, cpu_bound
    )


def _search(
    draw: ServiceDraw, instance: Station, ceiling: float, p99_ms: float, tried: dict[float, float]
) -> None:
    """Close in on the highest share of *ceiling* within *p99_ms*; each try goes into *tried*."""
    low, high = EMPTIEST, FULLEST
    if tried[FULLEST] <= p99_ms:
        return
    for _ in range(STEPS):
        middle = (low + high) / 2
        tried[middle] = draw.p99_ms(instance, middle * ceiling)
        low, high = (middle, high) if tried[middle] <= p99_ms else (low, middle)


def _slower(draw: ServiceDraw, instance: Station, ceiling: float, goal: Goal, most: int) -> Goal:
    """The p99 that *most* of these can hold at the goal's rate; if none, at half their ceiling."""
    dyno_rps = max(goal.rps / most, EMPTIEST * ceiling)
    rps = goal.rps
    if dyno_rps > FULLEST * ceiling:
        dyno_rps = ceiling / 2
        rps = math.floor(most * dyno_rps)
    return Goal(rps, _round_up(draw.p99_ms(instance, dyno_rps)))


def _lasts_ms(demand: Demand, workers: int, spin_ratio: float) -> float:
    return demand.cost(workers).cpu_ms * spin_ratio + demand.wait_ms(workers)


def _ceiling_rps(instance: Station, demand: Demand, spin_ratio: float) -> tuple[float, bool]:
    """The rate beyond which queues grow without end, and whether CPU sets it."""
    cpu_ms = demand.cost(instance.workers).cpu_ms * spin_ratio
    by_cpu = min(instance.cores, instance.workers * instance.lanes) / cpu_ms
    by_slots = instance.workers * instance.slots / _lasts_ms(demand, instance.workers, spin_ratio)
    return SECOND_MS * min(by_cpu, by_slots), by_cpu <= by_slots


def held_interval(
    demand: Demand, p99_ms: float, holding: DynoCapacity, seed: int
) -> tuple[float, float]:
    """
    What one dyno holds, in requests a second: a 95 % interval, by a bootstrap over the rounds.

    A resample of the rounds stretches all times by some factor f; what a dyno holds within the p99
    is then what it held within p99 / f, divided by f.
    """
    random = np.random.default_rng(seed)
    cost = demand.cost(holding.instance.workers)
    times = cost.by_round_ms if holding.cpu_bound else demand.service_by_round_ms
    picks = random.integers(len(times), size=(REPLICATES, len(times)))
    stretch = times[picks].mean(axis=1) / times.mean()
    limits = np.log(p99_ms / stretch)
    rates = np.interp(limits, np.log(holding.tried_p99_ms), holding.tried_rps)
    tails = (1 - LEVEL) / 2
    low, high = np.quantile(rates / stretch, [tails, 1 - tails])
    return float(low), float(high)


def _round_up(ms: float) -> int:
    return math.ceil(ms / 10) * 10
