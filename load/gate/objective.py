"""
An objective, and whether what was measured meets it.

A share of late requests is an estimate: an objective is met or missed only where the exact
binomial interval says so with 95 % confidence. 299 requests without a late one are the fewest that
can confirm a p99.
"""

import math
import re
from dataclasses import dataclass

from scipy import stats

from load.campaign import Client
from load.gate.junit import Case, Outcome
from load.generator.tally import CPU_SHARE_LIMIT, LAG_SHARE_LIMIT

CONFIDENCE = 0.95

MS_PER = {"ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Objective:
    """Of all requests, the share *late* at most may take longer than *within_ms*, or fail."""

    text: str
    late: float
    within_ms: float


def parse(text: str) -> Objective:
    """Read "p99<200ms" or "p99.9<1.5s". Raises ValueError."""
    found = re.fullmatch(r"p(\d\d?(?:\.\d+)?)\s*<=?\s*(\d+(?:\.\d+)?)(ms|s)", text.strip())
    if not found or not 0 < float(found[1]) < 100 or not float(found[2]):
        raise ValueError(f"{text!r} given; say which percentile within what, such as p99<200ms")
    late = round(1 - float(found[1]) / 100, 9)
    return Objective(text.strip(), late, float(found[2]) * MS_PER[found[3]])


def judge(client: Client, slo: Objective, errors: float) -> list[Case]:
    """The objectives, and whether the generator could know."""
    due = client.sent + client.dropped
    failed = sum(client.errors.values()) + client.censored + client.dropped
    return [
        _generator(client, slo),
        _share_case(slo.text, "late or failed", due - client.good, due, slo.late),
        _share_case(f"errors ≤ {100 * errors:g} %", "failed", failed, due, errors),
    ]


def _generator(client: Client, slo: Objective) -> Case:
    name = "the generator kept up"
    lag_limit_ms = LAG_SHARE_LIMIT * slo.within_ms
    said = (
        f"{client.cpu_share_max:.0%} of its core in its busiest second (limit "
        f"{CPU_SHARE_LIMIT:.0%}), 99 % sent within {client.lag_p99_ms:.1f} ms of when they were "
        f"due (limit {lag_limit_ms:g} ms)"
    )
    kept_up = client.cpu_share_max <= CPU_SHARE_LIMIT and client.lag_p99_ms <= lag_limit_ms
    return Case(name, Outcome.MET if kept_up else Outcome.UNKNOWN, said)


def _share_case(name: str, what: str, bad: int, due: int, limit: float) -> Case:
    low, high = share_bounds(bad, due)
    said = (
        f"{bad} of {due} {what}; {CONFIDENCE:.0%} sure that the share is above {low:.2%}, "
        f"and that it is below {high:.2%} (limit {limit:.2%})"
    )
    if high <= limit or (limit == 0 and due and not bad):
        return Case(name, Outcome.MET, said)
    if low > limit or (limit == 0 and bad):
        return Case(name, Outcome.MISSED, said)
    return Case(name, Outcome.UNKNOWN, f"{said}: measure longer")


def share_bounds(bad: int, of: int) -> tuple[float, float]:
    """
    The bounds of a share, each with 95 % confidence.

    Clopper and Pearson (1934), The use of confidence or fiducial limits.
    """
    if not of:
        return 0.0, 1.0
    interval = stats.binomtest(bad, of).proportion_ci(2 * CONFIDENCE - 1, method="exact")
    return float(interval.low), float(interval.high)


def fewest_requests(limit: float) -> int:
    """How many requests, all good, confirm that a share is below *limit*."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - limit))
