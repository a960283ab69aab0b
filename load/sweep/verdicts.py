"""
What a window is good for, by gates that its own figures pass or trip.

A gate on the generator makes the window a lower bound: the server can do at least this. Any other
gate refuses it, for then nobody knows what was measured.
"""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TypeAlias

import msgspec

from load.campaign import Arrivals, Regime, Verdict, Window
from load.generator.tally import CPU_SHARE_LIMIT, LAG_SHARE_LIMIT
from load.grouping import grouped
from load.latencies import percentile_ms
from load.sweep import fairness

LAG_MS = 1.0  # of the 99th percentile: less is no delay, whatever its share of the response
ACHIEVED = 0.98  # of what was offered
LITTLE = 0.05
SAMPLES_PER_S = 100  # how often the generator counts what is in flight
FEWEST_ANSWERS = 30  # by each worker
STEAL = 0.01
OTHERS = 0.05  # of all cores
DRIFT = 0.05
RESOLUTION = 1.002  # of a histogram with three digits


Block: TypeAlias = tuple[int, Regime, str]


def judged(window: Window) -> Window:
    """*window* with its verdict, and a sentence for every gate that it trips."""
    limits, faults = tuple(_limits(window)), tuple(_faults(window))
    verdict = Verdict.LOWER_BOUND if limits else Verdict.VALID
    return msgspec.structs.replace(
        window, verdict=Verdict.REFUSED if faults else verdict, reasons=limits + faults
    )


def judged_together(windows: Sequence[Window]) -> tuple[Window, ...]:
    """
    All windows of a campaign, those of a block in which the machine drifted refused.

    A block is what a round measures of one target, with its anchors first, amid and last. The
    machine drifted if these differ by more than 5 %, or if too few of them are valid to tell.
    """
    blocks = grouped(windows, _block)
    drifts = {block: tuple(_drifts(here)) for block, here in blocks.items()}
    return tuple(_refused(each, drifts[_block(each)]) for each in windows)


def _block(window: Window) -> Block:
    return window.round, window.point.regime, window.point.target


def _refused(window: Window, reasons: tuple[str, ...]) -> Window:
    if not reasons:
        return window
    return msgspec.structs.replace(
        window, verdict=Verdict.REFUSED, reasons=window.reasons + reasons
    )


def _limits(window: Window) -> Iterator[str]:
    """Why the generator was the limit."""
    client, point = window.client, window.point
    if client.cpu_share_max >= CPU_SHARE_LIMIT:
        yield (
            f"The generator used {client.cpu_share_max:.0%} of its core in its busiest second; "
            f"from {CPU_SHARE_LIMIT:.0%} on it may be what limits the throughput."
        )
    median_ms = percentile_ms(client.response_hdr, 50)
    if client.lag_p99_ms >= LAG_MS and client.lag_p99_ms >= LAG_SHARE_LIMIT * median_ms:
        yield (
            f"The generator sent late: 1 % of the requests left {client.lag_p99_ms:.2f} ms or more "
            f"after their time, which is {client.lag_p99_ms / max(median_ms, 1e-3):.0%} of the "
            f"median response of {median_ms:.2f} ms."
        )
    if client.dropped:
        yield (
            f"{client.dropped} of {client.sent + client.dropped} requests were never sent, because "
            f"all {point.connections} connections were busy."
        )
    if point.offered_rps is not None:
        yield from _fell_short(window, point.offered_rps)


def _fell_short(window: Window, offered_rps: float) -> Iterator[str]:
    """A Poisson process itself varies by the root of its count: three of them are allowed."""
    expected = offered_rps * window.duration_s
    sent = window.client.sent
    if sent + 3 * sqrt(expected) < ACHIEVED * expected:
        yield (
            f"The generator sent {sent / window.duration_s:.1f} requests/s of the "
            f"{offered_rps:.1f} that were asked for ({sent / expected:.0%})."
        )


def _faults(window: Window) -> Iterator[str]:
    """Why the figures cannot be what they seem."""
    yield from _little(window)
    yield from _mean_above_p99(window)
    yield from _unanswered(window)
    yield from _miscounted(window)
    yield from _disturbed(window)
    yield from _too_few(window)
    yield from fairness.faults(window.point, window.client.answered_by_worker)


def _little(window: Window) -> Iterator[str]:
    """Little's law; where arrivals are open, counting now and then has an error of its own."""
    seen = window.client.mean_in_flight
    derived = window.throughput_rps * window.client.mean_service_ms / 1000
    allowed = LITTLE * seen
    if window.point.arrivals is Arrivals.OPEN:
        allowed += 3 * sqrt(seen / (SAMPLES_PER_S * window.duration_s))
    if abs(seen - derived) > allowed:
        yield (
            f"Little's law fails: {seen:.2f} requests were in flight on average, but "
            f"{window.throughput_rps:.1f} answers/s of {window.client.mean_service_ms:.2f} ms make "
            f"{derived:.2f}; figures that contradict each other are not of one thing."
        )


def _mean_above_p99(window: Window) -> Iterator[str]:
    mean_ms = window.client.mean_service_ms
    p99_ms = percentile_ms(window.client.service_hdr, 99)
    if mean_ms > p99_ms * RESOLUTION:
        yield (
            f"The mean service time of {mean_ms:.2f} ms is above its 99th percentile of "
            f"{p99_ms:.2f} ms: a few answers took so long that the percentiles hide them."
        )


def _unanswered(window: Window) -> Iterator[str]:
    client = window.client
    if client.answered < ACHIEVED * client.sent:
        yield (
            f"Only {client.answered} of {client.sent} requests were answered "
            f"({client.answered / client.sent:.0%}); {client.censored} were still waiting at the "
            "end: this load is more than what is served."
        )


def _miscounted(window: Window) -> Iterator[str]:
    """The server may have counted an answer that came too late, or that broke on its way."""
    client, counted = window.client, window.server.answered
    broken = sum(count for name, count in client.errors.items() if not name.isdigit())
    if not client.answered <= counted <= client.answered + client.censored + broken:
        yield (
            f"The generator had {client.answered} answers and the server counted {counted}: "
            "somebody else answers, or somebody else asks."
        )


def _disturbed(window: Window) -> Iterator[str]:
    server = window.server
    if server.steal_share > STEAL:
        yield (
            f"The hypervisor took {server.steal_share:.1%} of the cores away; more than "
            f"{STEAL:.0%} is a measurement of the neighbours."
        )
    if server.other_cpu_share > OTHERS:
        yield (
            f"Other processes used {server.other_cpu_share:.1%} of the cores, more than "
            f"{OTHERS:.0%}."
        )


def _too_few(window: Window) -> Iterator[str]:
    workers = window.point.workers
    each = window.client.answered / workers
    if each < FEWEST_ANSWERS:
        yield (
            f"{window.client.answered} answers are {each:.0f} for each of {workers} "
            f"workers; {FEWEST_ANSWERS} are the least that says something."
        )


def _drifts(block: Sequence[Window]) -> Iterator[str]:
    """How far the anchors of a block are apart, for each point that has anchors in it."""
    for point in dict.fromkeys(each.point for each in block if each.anchor):
        yield from _drift([each for each in block if each.point == point])


def _drift(same: list[Window]) -> Iterator[str]:
    point, number = same[0].point, same[0].round
    valid = [each for each in same if each.verdict is Verdict.VALID]
    label = f"{point.regime} {point.target} with {point.workers}"
    if len(valid) < 2:
        yield (
            f"Round {number} shows no drift and no steadiness: of its {len(same)} windows of "
            f"{label}, {len(valid)} can be compared."
        )
        return
    unit, values = _steadiness(valid)
    apart = max(values) / min(values) - 1
    if apart > DRIFT:
        spins = [each.server.spin_ms for each in valid]
        yield (
            f"The machine drifted in round {number}: the same load ({label}) gave "
            f"{min(values):.4g} to {max(values):.4g} {unit}, {apart:.1%} apart where {DRIFT:.0%} "
            f"is allowed; a fixed piece of work took {min(spins):.0f} to {max(spins):.0f} ms."
        )


def _steadiness(windows: list[Window]) -> tuple[str, list[float]]:
    """What should not change: open arrivals fix the throughput, so there it is the cost."""
    if windows[0].point.arrivals is Arrivals.OPEN:
        return "ms of CPU per request", [each.cpu_ms_per_request for each in windows]
    return "requests/s", [each.throughput_rps for each in windows]
