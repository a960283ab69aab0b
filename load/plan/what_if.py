"""What another spin ratio, or the buildpack's own number of workers, would mean for a plan."""

import math
from dataclasses import dataclass

from load.plan.capacity import (
    DynoCapacity,
    Goal,
    Infeasible,
    Offer,
    dyno_capacity,
    offer,
    workers_in_memory,
)
from load.plan.demand import Demand

GUESS_FACTOR = 2  # how far an assumed spin ratio may be off


@dataclass(frozen=True)
class SpinCase:
    """How many dynos another spin ratio would take, or why none will do."""

    spin_ratio: float
    dynos: int = 0
    refused: Infeasible | None = None


@dataclass(frozen=True)
class BuildpackCase:
    """
    What the buildpack's WEB_CONCURRENCY would mean.

    Where the *workers* do not fit into the dyno's memory there is neither *capacity* nor *refused*.
    """

    workers: int
    size_bytes: float
    dynos: int = 0
    capacity: DynoCapacity | None = None
    refused: Infeasible | None = None


def spin_cases(plan: Offer, demand: Demand, goal: Goal, seed: int) -> tuple[SpinCase, ...]:
    """Plan anew with half and with twice the assumed ratio."""
    return tuple(
        _spin_case(plan, demand, goal, ratio, seed)
        for ratio in (plan.spin_ratio / GUESS_FACTOR, plan.spin_ratio * GUESS_FACTOR)
    )


def _spin_case(plan: Offer, demand: Demand, goal: Goal, ratio: float, seed: int) -> SpinCase:
    try:
        return SpinCase(ratio, offer(demand, goal, plan.dyno, spin_ratio=ratio, seed=seed).dynos)
    except Infeasible as error:
        return SpinCase(ratio, refused=error)


def buildpack_case(plan: Offer, demand: Demand, goal: Goal, seed: int) -> BuildpackCase:
    """Plan anew with the number of workers that Heroku's Python buildpack sets."""
    workers = plan.dyno.buildpack_workers
    size_bytes = demand.memory.bytes(workers)
    if workers == plan.workers.count:
        return BuildpackCase(workers, size_bytes, plan.dynos, plan.holding)
    if workers > workers_in_memory(demand, plan.dyno):
        return BuildpackCase(workers, size_bytes)
    try:
        capacity = dyno_capacity(
            demand, goal, plan.dyno, workers, spin_ratio=plan.spin_ratio, seed=seed
        )
    except Infeasible as error:
        return BuildpackCase(workers, size_bytes, refused=error)
    dynos = math.ceil(goal.rps / capacity.rps) + 1
    return BuildpackCase(workers, size_bytes, dynos, capacity)
