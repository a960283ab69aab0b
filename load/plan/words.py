"""A plan in words: the commands to type, the price, and why."""

from collections.abc import Sequence

from load.campaign import Arrivals, Campaign
from load.plan.capacity import (
    MEMORY_SHARE,
    Goal,
    Infeasible,
    Limit,
    Obstacle,
    Offer,
    Workers,
)
from load.plan.demand import SURE_REQUESTS, Demand
from load.plan.dynos import MIB, Dyno
from load.plan.what_if import BuildpackCase, SpinCase
from load.rig.readings import SPIN_ROUNDS

FEW_ROUNDS = 5
AUTOSCALING = (
    "ps:autoscale:enable names the p95 at which a dyno just holds that p99; Heroku adds or takes "
    "one dyno a minute at most, and looks at the last hour."
)


def commands(plan: Offer) -> tuple[str, str, str]:
    """What to type for *plan*."""
    return commands_for(plan.dyno, plan.workers.count, plan.dynos)


def commands_for(dyno: Dyno, workers: int, dynos: int) -> tuple[str, str, str]:
    """What to type for so many *workers* in each of so many *dynos*."""
    return (
        f"heroku ps:type web={dyno.name}",
        f"heroku config:set WEB_CONCURRENCY={workers}",
        f"heroku ps:scale web={dynos}",
    )


def price(plan: Offer, demand: Demand) -> str:
    """What *plan* costs, and how sure that is."""
    low, high = plan.usd_interval
    few = ": few, so the truth may lie outside" if demand.rounds < FEW_ROUNDS else ""
    return (
        f"{plan.dynos} dynos at ${plan.dyno.usd_a_month:g} are ${plan.usd_a_month:,.0f} a month. "
        f"95 % interval: ${low:,.0f} to ${high:,.0f} (bootstrap over {demand.rounds} rounds{few})."
    )


def line(plan: Offer) -> str:
    """*plan* in one line."""
    assumed = f", spin ratio {plan.spin_ratio:g}" if plan.spin_ratio != 1 else ""
    return (
        f"{plan.dyno.name}: {plan.dynos} dynos, {plan.workers.count} workers each, "
        f"${plan.usd_a_month:,.0f} a month{assumed}"
    )


def refusal(error: Infeasible) -> str:
    """Why this dyno will not do, with its name."""
    return f"{error.dyno.name}: not possible, {obstacle(error)}"


def obstacle(error: Infeasible) -> str:
    """Why the dyno will not do."""
    dyno, figures = error.dyno, error.figures
    match error.obstacle:
        case Obstacle.NO_SPARE:
            return f"Heroku runs at most {dyno.most} of them, and one more must be spare"
        case Obstacle.TOO_MANY:
            return (
                f"{figures[0]:.0f} and one spare are needed, and Heroku runs at most {dyno.most} "
                "of them unless asked for more"
            )
        case Obstacle.MEMORY:
            return (
                f"one worker takes {_mib(figures[0])}, and {MEMORY_SHARE:.0%} of its memory are "
                f"{_mib(figures[1])}"
            )
        case Obstacle.TIME:
            return f"there even a request that never queues has a p99 of {figures[0]:.0f} ms"


def why_workers(workers: Workers, dyno: Dyno, demand: Demand) -> str:
    """Why the dyno runs no more *workers*."""
    match workers.limit:
        case Limit.CORES:
            cores = "core" if dyno.cores == 1 else f"{dyno.cores} cores"
            return f"more would find its {cores} busy"
        case Limit.MEMORY:
            return f"more do not fit into {MEMORY_SHARE:.0%} of {_mib(dyno.memory_bytes)}"
        case Limit.MEASURED:
            return f"at most twice the {demand.most_workers} that were measured"


def reasons(plan: Offer, demand: Demand, goal: Goal) -> list[str]:
    """How *plan* came about, a sentence or two each."""
    holding = plan.holding
    bound = "its CPU" if holding.cpu_bound else "its workers' slots"
    cpu_ms = demand.cost(plan.workers.count).cpu_ms
    carry = "carries" if plan.needed == 1 else "carry"
    carrying = holding.p99_ms(goal.rps / plan.needed)
    all_there = holding.p99_ms(goal.rps / plan.dynos)
    return [
        f"A request takes {demand.service.mean_ms:.1f} ms alone, {cpu_ms:.2f} ms of it CPU.",
        f"{plan.workers.count} workers a dyno: {why_workers(plan.workers, plan.dyno, demand)}.",
        (
            f"One dyno holds {holding.rps:.0f} requests a second within that p99, which is "
            f"{holding.rps / holding.ceiling_rps:.0%} of what {bound} could do with endless queues."
        ),
        (
            f"{plan.needed} {carry} the load (p99 {carrying:.0f} ms, simulated); one more is there "
            "because a deploy, a crash or the daily restart takes one away. With all "
            f"{plan.dynos} the p99 is {all_there:.0f} ms."
        ),
        (
            "The router picks a dyno at random and a connection stays with one worker, so a "
            "request may queue behind others while the next worker idles; the simulation does so, "
            "and lets the machine's pace waver as it was seen to."
        ),
    ]


def spin_what_if(plan: Offer, cases: Sequence[SpinCase], *, spin_ms: float) -> tuple[str, str]:
    """What another spin ratio than the assumed one would mean, and how to measure it."""
    name, ratio = plan.dyno.name, plan.spin_ratio
    outcomes = [
        f"impossible at {case.spin_ratio:g} ({obstacle(case.refused)})"
        if case.refused
        else f"{case.dynos} dynos at {case.spin_ratio:g}"
        for case in cases
    ]
    assumed = (
        f"Neighbours share the CPU of {name}. ASSUMED, not measured: Python takes {ratio:g} times "
        f"as long there as on the machine that was measured (the spin ratio). It would be "
        f"{' and '.join(outcomes)}."
    )
    how = (
        f'Measure it there: heroku run --size={name} -- python -m timeit -n 50 -r 1 "for _ in '
        f'range({SPIN_ROUNDS}): pass", which took {spin_ms:.0f} msec per loop here; pass the '
        f"quotient as --spin-ratio {name}=…."
    )
    return assumed, how


def buildpack_what_if(plan: Offer, case: BuildpackCase) -> str:
    """What the buildpack's own WEB_CONCURRENCY would mean."""
    says = f"Heroku's buildpack would set WEB_CONCURRENCY={case.workers}"
    if case.workers == plan.workers.count:
        return f"{says} too."
    if case.refused:
        return f"{says}: {obstacle(case.refused)}."
    if not case.capacity:
        size_mib = case.size_bytes / MIB
        return f"{says}, which takes {size_mib:.0f} of {plan.dyno.memory_mib} MiB: too much."
    cost = case.dynos * plan.dyno.usd_a_month
    return (
        f"{says}: {case.capacity.rps:.0f} requests a second each, {case.dynos} dynos, "
        f"${cost:,.0f} a month."
    )


def measurement(campaign: Campaign, demand: Demand) -> list[str]:
    """What the plan stands on."""
    point, memory = demand.lightest, demand.memory
    load = (
        f"{point.offered_rps:g} requests a second"
        if point.offered_rps
        else f"{point.connections} connections"
    )
    few = f" (fewer than {SURE_REQUESTS}, so the slowest are not known)"
    few = few if demand.measured_requests < SURE_REQUESTS else ""
    texts = [
        (
            f"{demand.target} ({demand.regime} regime): {demand.windows} valid windows in "
            f"{demand.rounds} rounds, {campaign.started_at}, {campaign.machine.cpu}, "
            f"commit {campaign.machine.commit}."
        ),
        (
            f"Service times from {demand.measured_requests} requests, "
            f"{_count(point.workers, 'worker')}, {load}{few}; their queueing was taken out by "
            "simulating that very load."
        ),
        (
            f"A worker was seen to serve {_count(demand.slots, 'request')} at once on "
            f"{_count(demand.lanes, 'core')}, and takes {memory.worker_bytes / MIB:.0f} MiB; "
            f"{memory.shared_bytes / MIB:.0f} MiB are shared."
        ),
    ]
    if point.arrivals == Arrivals.CLOSED:
        texts[1] = (
            f"Service times from {demand.measured_requests} requests, "
            f"{_count(point.workers, 'worker')}, {load}. There were no valid windows with open "
            "arrivals: these times contain waiting, and the plan is too careful."
        )
    return texts


def bullets(texts: Sequence[str]) -> str:
    """*texts* as a list."""
    return "".join(f"  - {text}\n" for text in texts)


def _mib(size_bytes: float) -> str:
    return f"{size_bytes / MIB:.0f} MiB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
