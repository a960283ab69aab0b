"""How long requests take: the whole spectrum, and the p99 by rate."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load.campaign import Arrivals, Verdict, Window
from load.grouping import by_point, by_workers
from load.latencies import Spectrum, decode, merged
from load.report.canvas import RED, SERIES, NothingToShow, labelled, legend_below, several, single
from load.report.evidence import Group, busiest, opened

NINES = np.array([0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999])
NINES_NAMES = ["0", "50", "90", "99", "99.9", "99.99", "99.999"]
BEYOND = 10  # slower requests that a percentile needs before it is drawn
SHOWN_RATES = 3


def spectrum(groups: Sequence[Group]) -> Figure:
    """Response and service time by percentile: at the lowest, a middle and the highest rate."""
    group = busiest(groups, arrivals=Arrivals.OPEN)
    if group is None:
        raise NothingToShow("No valid window had requests arriving at a given rate.")
    windows = opened(group.valid)
    workers = max(by_workers(windows))
    points = list(by_point(window for window in windows if window.point.workers == workers).items())
    chosen = sorted({round(place) for place in np.linspace(0, len(points) - 1, SHOWN_RATES)})
    title = f"{group.target}, {workers} workers"
    figure, axes = single(title, "of 100 requests, so many are at least as fast", "time, ms")
    for colour, place in zip(SERIES, chosen, strict=False):
        point, mine = points[place]
        response = merged(decode(window.client.response_hdr) for window in mine)
        service = merged(decode(window.client.service_hdr) for window in mine)
        name = f"{point.offered_rps:g} a second"
        _line(axes, response, color=colour, label=f"{name}: since it was due")
        _line(axes, service, color=colour, ls=":", label=f"{name}: since it was sent")
    axes.axhline(points[0][0].slo_ms, color=RED, ls="--", lw=1, label="limit (SLO)")
    _percentile_axis(axes)
    axes.set_yscale("log")
    _plain(axes)
    legend_below(figure, axes)
    return figure


def p99_by_rate(groups: Sequence[Group]) -> Figure:
    """The p99 of each number of workers as the rate grows, and the limit."""
    having = [group for group in groups if opened(group.valid)]
    if not having:
        raise NothingToShow("No valid window had requests arriving at a given rate.")
    figure, panels = several(len(having), height_in=3.4)
    for axes, group in zip(panels, having, strict=True):
        labelled(axes, group.target, "requests a second", "p99, ms")
        _rates(axes, group)
        axes.set_yscale("log")
        _plain(axes)
        axes.set_xlim(
            0, 1.08 * max(window.point.offered_rps or 0 for window in opened(group.windows))
        )
    legend_below(figure, max(panels, key=lambda axes: len(axes.get_lines())), columns=3)
    return figure


def _rates(axes: Axes, group: Group) -> None:
    windows = opened(group.windows)
    for colour, (workers, mine) in zip(SERIES, by_workers(windows).items(), strict=False):
        label = f"{workers} worker" if workers == 1 else f"{workers} workers"
        valid = [window for window in mine if window.verdict == Verdict.VALID]
        rates = by_point(valid)
        axes.plot(
            [point.offered_rps or 0 for point in rates],
            [np.median([_p99_ms(window) for window in each]) for each in rates.values()],
            "o-", ms=5, color=colour, label=label,
        )  # fmt: skip
        _dots(axes, valid, color=colour, mew=0, alpha=0.5)
        _dots(axes, [window for window in mine if window not in valid], mfc="none", mec=colour)
    axes.axhline(windows[0].point.slo_ms, color=RED, ls="--", lw=1, label="limit (SLO)")


def _dots(axes: Axes, windows: Sequence[Window], **style: Any) -> None:
    axes.plot(
        [window.point.offered_rps or 0 for window in windows],
        [_p99_ms(window) for window in windows],
        "o", ms=4, **style,
    )  # fmt: skip


def _p99_ms(window: Window) -> float:
    return float(decode(window.client.response_hdr).quantile_ms(0.99)[0])


def _line(axes: Axes, times: Spectrum, **style: Any) -> None:
    last = max(2.0, times.total / BEYOND)
    nines = np.geomspace(1, last, 200)
    axes.plot(nines, times.quantile_ms(1 - 1 / nines), **style)


def _percentile_axis(axes: Axes) -> None:
    """Each step to the right has a tenth of the requests of the one before."""
    axes.set_xscale("log")
    places = 1 / (1 - NINES)
    kept = [place for place in range(len(places)) if places[place] <= axes.get_xlim()[1]]
    axes.set_xticks(places[kept], [NINES_NAMES[place] for place in kept])
    axes.minorticks_off()
    axes.set_xlim(left=1)


def _plain(axes: Axes) -> None:
    """Milliseconds as people write them, also between powers of ten."""
    low, high = axes.get_ylim()
    ticks = [step * 10.0**power for power in range(-3, 6) for step in (1, 2, 5)]
    kept = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(kept, [f"{tick:g}" for tick in kept])
    axes.minorticks_off()
