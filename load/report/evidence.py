"""The windows of a campaign, arranged as the report's chapters look at them."""

from collections.abc import Iterable
from dataclasses import dataclass

from load.campaign import Arrivals, Campaign, Regime, Verdict, Window
from load.grouping import grouped
from load.scaling import Fit, Sample, TooFewSamples, fit


@dataclass(frozen=True)
class Group:
    """Everything measured of one path under one regime."""

    regime: Regime
    target: str
    windows: tuple[Window, ...]

    @property
    def name(self) -> str:
        """As the report calls it."""
        return f"{self.target} ({self.regime})"

    @property
    def valid(self) -> tuple[Window, ...]:
        """The windows that count."""
        return tuple(window for window in self.windows if window.verdict == Verdict.VALID)


@dataclass(frozen=True)
class Scaling:
    """The law that a group follows, or why there is none."""

    group: Group
    fit: Fit | None
    why_not: str = ""

    @property
    def usable(self) -> Fit | None:
        """The fit, unless it says itself that its law must not be used."""
        return self.fit if self.fit and not self.fit.refused else None


def groups(campaign: Campaign) -> list[Group]:
    """By regime and path, in the order of the regimes."""
    found = grouped(campaign.windows, lambda window: (window.point.regime, window.point.target))
    order = list(Regime)
    return [
        Group(regime, target, tuple(found[regime, target]))
        for regime, target in sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    ]


def scalings(found: Iterable[Group]) -> list[Scaling]:
    """The law of every group of the wait regime: elsewhere the cores run out before the workers."""
    return [_scaling(group) for group in found if group.regime == Regime.WAIT]


def _scaling(group: Group) -> Scaling:
    samples = [
        Sample(
            workers=window.point.workers, throughput_rps=window.throughput_rps, round=window.round
        )
        for window in saturated(group.valid)
        if window.throughput_rps > 0
    ]
    try:
        return Scaling(group, fit(samples))
    except TooFewSamples as error:
        return Scaling(group, None, str(error))


def saturated(windows: Iterable[Window]) -> list[Window]:
    """Those with closed arrivals: they show what the server can do at most."""
    return [window for window in windows if window.point.arrivals == Arrivals.CLOSED]


def opened(windows: Iterable[Window]) -> list[Window]:
    """Those with open arrivals: they show how long requests take."""
    return [window for window in windows if window.point.arrivals == Arrivals.OPEN]


def busiest(found: Iterable[Group], *, arrivals: Arrivals) -> Group | None:
    """The group whose latencies say most: the model's, else any that has windows of that kind."""
    order = [Regime.MODEL, Regime.CPU, Regime.WAIT]
    having = [
        group for group in found if any(window.point.arrivals == arrivals for window in group.valid)
    ]
    return min(having, key=lambda group: order.index(group.regime), default=None)
