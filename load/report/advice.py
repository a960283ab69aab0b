"""What to type: the commands, and what they hold."""

from dataclasses import dataclass

from load.campaign import Campaign, Regime
from load.plan.capacity import (
    DynoCapacity,
    Goal,
    Infeasible,
    Workers,
    dyno_capacity,
    held_interval,
    workers_for,
)
from load.plan.demand import Demand, TooLittleMeasured, UnclearTarget, measured
from load.plan.dynos import Dyno, named

DYNOS = ("standard-2x", "standard-1x", "performance-m", "performance-l")  # the first is proposed
RUNNING = 4  # as in the tutorial: heroku ps:scale web=4
SEED = 1


@dataclass(frozen=True)
class Row:
    """What RUNNING dynos of a kind do, one of them being the spare."""

    dyno: Dyno
    workers: Workers
    holding: DynoCapacity
    interval_rps: tuple[float, float]  # of what one dyno holds, 95 %

    @property
    def rps(self) -> float:
        """Requests a second that are held while one dyno is away."""
        return (RUNNING - 1) * self.holding.rps

    @property
    def low_rps(self) -> float:
        """The lower end of its 95 % interval."""
        return (RUNNING - 1) * self.interval_rps[0]

    @property
    def high_rps(self) -> float:
        """The upper end of its 95 % interval."""
        return (RUNNING - 1) * self.interval_rps[1]

    @property
    def usd_a_month(self) -> float:
        """For all that run."""
        return RUNNING * self.dyno.usd_a_month


@dataclass(frozen=True)
class Advice:
    """The verdict: a demand with what each dyno makes of it, or why there is none."""

    demand: Demand | None
    rows: tuple[Row, ...]
    impossible: tuple[Infeasible, ...]  # dynos that will not do
    unmeasured: tuple[str, ...] = ()  # why there is no demand, target by target

    @property
    def best(self) -> Row | None:
        """The dyno to propose."""
        return self.rows[0] if self.rows else None

    @property
    def slo_ms(self) -> float:
        """Within which 99 of 100 requests are to be answered."""
        return self.demand.lightest.slo_ms if self.demand else 0.0


def advice(campaign: Campaign) -> Advice:
    """From the model's windows."""
    targets = sorted(
        {window.point.target for window in campaign.windows if window.point.regime == Regime.MODEL}
    )
    unmeasured = []
    for target in targets:
        try:
            return _of(measured(campaign, Regime.MODEL, target))
        except (TooLittleMeasured, UnclearTarget) as error:
            unmeasured.append(str(error))
    return Advice(None, (), (), tuple(unmeasured))


def _of(demand: Demand) -> Advice:
    rows, impossible = [], []
    for name in DYNOS:
        (dyno,) = named(name)
        try:
            rows.append(_row(demand, dyno))
        except Infeasible as error:
            impossible.append(error)
    return Advice(demand, tuple(rows), tuple(impossible))


def _row(demand: Demand, dyno: Dyno) -> Row:
    workers = workers_for(demand, dyno, dyno.spin_ratio)
    goal = Goal(1.0, demand.lightest.slo_ms)
    holding = dyno_capacity(
        demand, goal, dyno, workers.count, spin_ratio=dyno.spin_ratio, seed=SEED
    )
    interval = held_interval(demand, goal.p99_ms, holding, SEED)
    return Row(dyno, workers, holding, interval)
