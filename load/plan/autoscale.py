"""
Heroku's autoscaling of web dynos, by their p95: for which plans there is any, and its command.

It is for Performance, Private and Shield dynos
(https://devcenter.heroku.com/articles/autoscaling), and not for Fir.
"""

import math

import numpy as np

from load.plan.capacity import GROWTH, Goal, Offer
from load.plan.demand import Demand
from load.plan.simulation import ServiceDraw

TIERS = ("performance-", "private-", "shield-")
P95 = 0.95


def obstacle(plan: Offer) -> str | None:
    """Why Heroku does not scale this plan by itself; None if it does."""
    dyno = plan.dyno
    if dyno.runtime == "fir":
        return f"Heroku does not autoscale on Fir, whose dyno {dyno.name} is"
    if not dyno.name.startswith(TIERS):
        return f"Heroku autoscales Performance, Private and Shield dynos only, and not {dyno.name}"
    if _most(plan) == plan.dynos:
        return f"Heroku runs at most {dyno.most} of {dyno.name}, which are planned already"
    return None


def command(plan: Offer, demand: Demand, goal: Goal, seed: int) -> str:
    """
    What to type for *plan*, for which there is no obstacle.

    The p95 is that of dynos which just hold the goal's p99: above it another one is due. It is
    never more than that p99, and Heroku takes whole ms.
    """
    holding = plan.holding
    cost = demand.cost(plan.workers.count).slower(plan.spin_ratio)
    wait_ms = demand.wait_ms(plan.workers.count)
    draw = ServiceDraw(demand.service, cost, wait_ms, seed, demand.wavering)
    p95_ms = float(np.quantile(draw.response_ms(holding.instance, holding.rps), P95))
    wanted_ms = math.ceil(min(p95_ms, goal.p99_ms))
    return f"heroku ps:autoscale:enable --min {plan.dynos} --max {_most(plan)} --p95 {wanted_ms}"


def _most(plan: Offer) -> int:
    return min(plan.dyno.most, GROWTH * plan.dynos)
