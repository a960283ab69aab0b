"""
Whether all workers worked.

The kernel spreads connections, not requests, and at best at random: of c connections over N
workers each gets a binomial number, so their shares vary by sqrt((N−1)/c) of their mean. Shares
that vary more were not dealt at random; and shares that vary too much, for whatever reason, make
"N workers" a lie.
"""

from collections.abc import Iterator, Mapping
from math import sqrt

from scipy.special import chdtrc

from load.campaign import Point

EFFECTIVE = 0.9  # of the workers
CHANCE = 0.001
NOTICEABLE = 0.1  # a variation of shares below it changes no figure


def faults(point: Point, answered_by_worker: Mapping[str, int]) -> Iterator[str]:
    """A sentence if the answers came from fewer workers than *point* says."""
    counts = sorted(answered_by_worker.values())
    counts = [0] * (point.workers - len(counts)) + counts
    total, workers = sum(counts), len(counts)
    if not total or point.workers == 1:
        return
    if workers > point.workers:
        yield (
            f"{workers} workers answered where {point.workers} were asked for: one was replaced, "
            "or somebody else serves."
        )
        return
    variation = _variation(counts)
    chance = _chance(variation, point, total)
    effective = workers / (1 + variation**2)
    if effective >= EFFECTIVE * workers and not (chance < CHANCE and variation > NOTICEABLE):
        return
    yield (
        f"The answers are as unequal as if {effective:.1f} of {workers} workers had shared them: "
        f"the busiest gave {counts[-1] / total:.1%} and the idlest {counts[0] / total:.1%} where "
        f"{1 / workers:.1%} is fair. {_cause(variation, chance, point)}"
    )


def _variation(counts: list[int]) -> float:
    mean = sum(counts) / len(counts)
    return sqrt(sum((count - mean) ** 2 for count in counts) / len(counts)) / mean


def _chance(variation: float, point: Point, total: int) -> float:
    """Pearson's chi² of the shares, were connections and then requests dealt at random."""
    degrees = point.workers - 1
    unit = 1 / point.connections + 1 / total
    return float(chdtrc(degrees, variation**2 / unit))


def _cause(variation: float, chance: float, point: Point) -> str:
    random = sqrt((point.workers - 1) / point.connections)
    figures = (
        f"{point.connections} connections dealt at random make shares vary by {random:.0%}; these "
        f"vary by {variation:.0%}"
    )
    if chance < CHANCE:
        return f"{figures}: chance does not explain it."
    return f"{figures}: chance explains it, and more connections would even it out."
