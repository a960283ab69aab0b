"""What the server spent: CPU, memory, even shares; and whether the machine kept its pace."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load.campaign import Campaign, Verdict, Window
from load.grouping import by_point, by_workers
from load.latencies import Floats
from load.plan.capacity import MEMORY_SHARE
from load.plan.dynos import named
from load.plan.memory import MIB, fitted
from load.report.canvas import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    NothingToShow,
    labelled,
    legend_below,
    several,
    single,
)
from load.report.evidence import Group, opened, saturated
from load.sweep.verdicts import DRIFT

DYNOS = ("standard-1x", "standard-2x", "performance-m")  # whose memory is drawn
Z95 = 1.96


def dyno_sizes_mib() -> tuple[int, ...]:
    """The memory of the dynos that are drawn."""
    return tuple(dyno.memory_mib for name in DYNOS for dyno in named(name))


def cpu(groups: Sequence[Group]) -> Figure:
    """CPU time of a request and the wait for a core, by number of workers."""
    having = [group for group in groups if group.valid]
    if not having:
        raise NothingToShow("No window was valid.")
    figure, panels = several(len(having), height_in=3.2)
    for axes, group in zip(panels, having, strict=True):
        labelled(axes, group.target, "workers", "ms a request")
        counts = by_workers(group.valid)
        used = [[window.cpu_ms_per_request for window in mine] for mine in counts.values()]
        waits = [[_wait_ms(window) for window in mine] for mine in counts.values()]
        places = np.arange(len(counts))
        middle = np.array([np.median(each) for each in used])
        spread = np.array(
            [[np.median(each) - min(each), max(each) - np.median(each)] for each in used]
        )
        axes.bar(places, middle, color=BLUE, width=0.6, label="on a core (CPU time)")
        axes.bar(
            places, [np.median(each) for each in waits], bottom=middle,
            color=ORANGE, width=0.6, label="ready, waiting for a core",
        )  # fmt: skip
        axes.errorbar(
            places, middle, yerr=spread.T, fmt="none", ecolor="black", capsize=3, lw=1,
            label="least and most CPU time of a window",
        )  # fmt: skip
        axes.set_xticks(places, [str(workers) for workers in counts])
        axes.grid(visible=False, axis="x")
    legend_below(figure, panels[0])
    return figure


def shares(groups: Sequence[Group]) -> Figure:
    """Each worker's share of a window's answers, against what chance would give."""
    valid = [window for group in groups for window in group.valid]
    shared = [w for w in valid if w.point.workers > 1 and w.client.answered_by_worker]
    if not shared:
        raise NothingToShow("No valid window with several workers says which of them answered.")
    figure, axes = single("Is the work shared evenly?", "workers", "of an equal share, %")
    counts = list(by_workers(shared))
    _chance(axes, counts, shared)
    for windows, colour, offset, label in (
        (saturated(shared), GREEN, -0.14, "a worker in a window, fixed clients"),
        (opened(shared), ORANGE, 0.14, "a worker in a window, given rate"),
    ):
        if windows:
            at, share = _relative_shares(windows, counts, offset)
            axes.plot(at, share, "o", ms=3, mew=0, alpha=0.35, color=colour, label=label)
    axes.axhline(100, color=GREY, lw=1)
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    axes.set_ylim(bottom=0)
    legend_below(figure, axes)
    return figure


def memory(groups: Sequence[Group]) -> Figure:
    """PSS by number of workers, stacked worker by worker on what they share."""
    having = [group for group in groups if fitted(group.valid)]
    if not having:
        raise NothingToShow("No valid window says how much memory (PSS) the server took.")
    figure, panels = several(len(having), height_in=3.4)
    for axes, group in zip(panels, having, strict=True):
        labelled(axes, group.target, "workers", "memory (PSS), MiB")
        _memory_stacks(axes, group)
    legend_below(figure, panels[0])
    return figure


def drift(campaign: Campaign) -> Figure:
    """The same points again and again: what changes is the machine."""
    repeated = {window.point for window in campaign.windows if window.anchor}
    if not repeated:
        raise NothingToShow("No point was repeated within a round, so drift cannot be seen.")
    figure, axes = single(
        "Did the machine keep its pace?", "minutes since the start", "of the median, %"
    )
    axes.axhspan(
        100 * (1 - DRIFT), 100 * (1 + DRIFT), color=GREY, alpha=0.15, lw=0,
        label=f"within {DRIFT:.0%}",
    )  # fmt: skip
    anchors = by_point(window for window in campaign.windows if window.point in repeated)
    for colour, (point, windows) in zip((BLUE, GREEN, PURPLE, RED), anchors.items(), strict=False):
        rates = np.array([window.throughput_rps for window in windows])
        _anchor(axes, windows, rates, color=colour, label=f"anchor of {point.target}")
    every = [window for windows in anchors.values() for window in windows]
    timed = sorted((each.started_at_s, each.server.spin_ms) for each in every)
    minutes, spins_ms = np.array([each for each in timed if each[1] > 0]).reshape(-1, 2).T
    if len(spins_ms):
        axes.plot(
            minutes / 60, 100 * np.median(spins_ms) / spins_ms, "s--", ms=4, color=ORANGE,
            label="pace of a fixed piece of Python",
        )  # fmt: skip
    legend_below(figure, axes)
    return figure


def _anchor(axes: Axes, windows: Sequence[Window], rates: Floats, **style: Any) -> None:
    minutes = np.array([window.started_at_s / 60 for window in windows])
    valid = np.array([window.verdict == Verdict.VALID for window in windows])
    shares = 100 * rates / max(1e-9, float(np.median(rates[valid] if valid.any() else rates)))
    axes.plot(minutes[valid], shares[valid], "o-", ms=5, **style)
    axes.plot(minutes[~valid], shares[~valid], "o", mfc="none", mec=style["color"])


def _wait_ms(window: Window) -> float:
    return window.server.run_queue_wait_ms / max(1, window.server.answered)


def _chance(axes: Axes, counts: Sequence[int], windows: Sequence[Window]) -> None:
    """Requests thrown at workers like dice: binomial, 95 % within the band."""
    for place, (workers, mine) in enumerate(by_workers(windows).items()):
        answered = np.median([sum(w.client.answered_by_worker.values()) for w in mine])
        away = 100 * Z95 * np.sqrt((workers - 1) / max(1, answered))
        axes.fill_between(
            [place - 0.35, place + 0.35], 100 - away, 100 + away, color=BLUE, alpha=0.3, lw=0,
            label="where chance alone puts 95 of 100" if workers == counts[0] else None,
        )  # fmt: skip


def _relative_shares(
    windows: Sequence[Window], counts: Sequence[int], offset: float
) -> tuple[list[float], list[float]]:
    at, share = [], []
    for window in windows:
        answers = list(window.client.answered_by_worker.values())
        answers += [0] * (window.point.workers - len(answers))
        at += [counts.index(window.point.workers) + offset] * len(answers)
        share += [100 * each * window.point.workers / max(1, sum(answers)) for each in answers]
    return at, share


def _memory_stacks(axes: Axes, group: Group) -> None:
    size = fitted(group.valid)
    counts = by_workers(w for w in group.valid if w.server.pss_bytes_by_worker)
    places = np.arange(len(counts))
    master = [
        np.median([w.server.pss_master_bytes for w in mine]) / MIB for mine in counts.values()
    ]
    axes.bar(places, master, color=GREY, width=0.6, label="master process")
    top = np.array(master)
    for number in range(max(counts)):
        heights = np.array([_worker_mib(mine, number) for mine in counts.values()])
        axes.bar(
            places, heights, bottom=top, color=BLUE, width=0.6, edgecolor="white", lw=0.4,
            label="a worker" if number == 0 else None,
        )  # fmt: skip
        top += heights
    if size:
        line = [size.bytes(workers) / MIB for workers in counts]
        label = "fitted: shared + workers × each"
        axes.plot(places, line, "_", ms=22, mew=2, color="black", label=label)
    for limit in dyno_sizes_mib():
        if limit * MEMORY_SHARE < 1.1 * top.max():
            axes.axhline(limit * MEMORY_SHARE, color=RED, ls="--", lw=1)
            axes.annotate(
                f"{MEMORY_SHARE:.0%} of {limit} MiB", (places[0] - 0.4, limit * MEMORY_SHARE),
                color=RED, fontsize=8.5, va="bottom",
            )  # fmt: skip
    axes.set_xticks(places, [str(workers) for workers in counts])
    axes.grid(visible=False, axis="x")


def _worker_mib(windows: Sequence[Window], number: int) -> float:
    """The median size of the worker that is *number*th in size."""
    sizes = [sorted(window.server.pss_bytes_by_worker.values()) for window in windows]
    return float(np.median([each[number] if number < len(each) else 0 for each in sizes])) / MIB
