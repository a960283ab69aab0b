"""
A mix of targets, as real traffic is: what a request of it asks for, on the whole.

By default the weights of load/locustfile.py, whose users ask as often as one another.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from load.campaign import Campaign, Regime
from load.latencies import Floats, Spectrum
from load.plan.cost import mixed_by_round, mixed_costs
from load.plan.demand import Demand, TooLittleMeasured, UnclearTarget, measured
from load.plan.memory import Memory

# The users of load/locustfile.py by what they ask (a test compares).
WEIGHTS = {"/models/cat-or-dog/predict": 6.0, "/models/iris/predict": 3.0, "/": 1.0}


def measured_mix(
    campaign: Campaign, regime: Regime, weights: Mapping[str, float] | None = None
) -> Demand:
    """
    The demand of the targets of *regime* together, each by its weight.

    Without *weights* the locustfile's, or evenly where it asks for none of them. Those that are
    given must have been measured. Raises UnclearTarget and TooLittleMeasured.
    """
    windows = campaign.windows
    targets = sorted({each.point.target for each in windows if each.point.regime == regime})
    if weights is None:
        weights = {name: WEIGHTS[name] for name in targets if name in WEIGHTS}
        weights = weights or dict.fromkeys(targets, 1.0)
    missing = [name for name in weights if name not in targets]
    if missing:
        told = ", ".join(targets) or "nothing"
        raise UnclearTarget(f"--mix {missing[0]}: the {regime} regime has {told}")
    if not weights:
        raise TooLittleMeasured(f"no window of the {regime} regime was measured")
    parts = {name: measured(campaign, regime, name) for name in weights}
    if len(parts) == 1:
        return next(iter(parts.values()))
    total = sum(weights.values())
    return mixed([(weights[name] / total, part) for name, part in parts.items()])


def mixed(parts: Sequence[tuple[float, Demand]]) -> Demand:
    """One demand of several, each with its share; what one of them was not seen to do none does."""
    shares = np.array([share for share, _ in parts])
    demands = [demand for _, demand in parts]
    largest = max(parts, key=lambda part: part[0] * part[1].service.mean_ms)[1]
    slowest = max(demands, key=lambda demand: demand.lightest.slo_ms)
    return Demand(
        regime=largest.regime,
        target=" + ".join(f"{share:.0%} {demand.target}" for share, demand in parts),
        lightest=slowest.lightest,
        measured_requests=min(demand.measured_requests for demand in demands),
        service=_spectrum(shares, [demand.service for demand in demands]),
        service_by_round_ms=mixed_by_round(
            shares, [demand.service_by_round_ms for demand in demands]
        ),
        costs={
            workers: mixed_costs(shares, [demand.cost(workers) for demand in demands])
            for workers in _common(demand.costs for demand in demands)
        },
        wavering=largest.wavering,
        crowding=_crowding(shares, demands),
        slots=min(demand.slots for demand in demands),
        lanes=min(demand.lanes for demand in demands),
        memory=Memory(
            max(demand.memory.shared_bytes for demand in demands),
            max(demand.memory.worker_bytes for demand in demands),
        ),
        windows=sum(demand.windows for demand in demands),
        rounds=min(demand.rounds for demand in demands),
    )


def _spectrum(shares: Floats, spectra: Sequence[Spectrum]) -> Spectrum:
    """A request of the mix is one of the first with the first's share, and so on."""
    total = sum(spectrum.total for spectrum in spectra)
    values = np.concatenate([spectrum.values_ms for spectrum in spectra])
    counts = np.concatenate(
        [
            spectrum.counts * (share * total / spectrum.total)
            for share, spectrum in zip(shares, spectra, strict=True)
        ]
    )
    order = np.argsort(values, kind="stable")
    return Spectrum(values[order], counts[order])


def _crowding(shares: Floats, demands: Sequence[Demand]) -> dict[int, float]:
    """By the CPU time that each has of the whole."""
    heavy = shares * [demand.service.mean_ms for demand in demands]
    heavy /= heavy.sum()
    return {
        workers: float(heavy @ [demand.crowding[workers] for demand in demands])
        for workers in _common(demand.crowding for demand in demands)
    }


def _common(measured_at: Iterable[Mapping[int, object]]) -> list[int]:
    numbers = [set(each) for each in measured_at]
    return sorted(set.intersection(*numbers))
