"""Throughput, efficiency and residuals by number of workers, with the law."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load.campaign import Verdict, Window
from load.report.canvas import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    NothingToShow,
    labelled,
    legend_below,
    several,
    single,
    whole_numbers,
)
from load.report.evidence import Scaling, saturated
from load.scaling import Band, Fit

WORKERS = "workers (processes that answer requests)"
LEAST_REACH = 5.0  # %, of the residuals' axis
SHOWN_PAST = 1.4  # times the largest measured number of workers
MARKS = {
    Verdict.LOWER_BOUND: ("^", ORANGE, "not counted: sender at its limit"),
    Verdict.REFUSED: ("o", RED, "refused"),
}


def throughput(scaling: Scaling) -> Figure:
    """Throughput with the law, its bands, the ideal, and hollow what was refused."""
    windows = saturated(scaling.group.windows)
    if not windows:
        raise NothingToShow("No window with a fixed number of clients was measured.")
    figure, axes = single(f"Throughput of {scaling.group.target}", WORKERS, "requests a second")
    most = max(window.point.workers for window in windows)
    _ideal(axes, scaling, most)
    law = scaling.usable
    if law and law.bands:
        _bands(axes, law, most)
    _points(axes, windows)
    peak = law.peak.workers if law and law.peak else None
    if peak and peak < most * SHOWN_PAST:
        axes.axvline(peak, color=RED, ls=":", label="most throughput")
    axes.set_xlim(0, most * SHOWN_PAST)
    axes.set_ylim(0, 1.45 * max(window.throughput_rps for window in windows))
    whole_numbers(axes)
    legend_below(figure, axes)
    return figure


def efficiency(scaling: Scaling) -> Figure:
    """Each worker's share of what a single one does."""
    valid = saturated(scaling.group.valid)
    alone = _alone_rps(valid)
    figure, axes = single(
        f"Efficiency of {scaling.group.target}", WORKERS, "of one worker's throughput, %"
    )
    axes.axhline(100, color=GREY, ls="--", label="ideal: nobody waits for anybody")
    if scaling.usable and scaling.usable.bands:
        shown = [band for band in scaling.usable.bands if not band.extrapolated]
        workers = np.array([band.workers for band in shown])
        low, high = (
            100 * _of(shown, field) / workers / alone for field in ("mean_low_rps", "mean_high_rps")
        )
        axes.fill_between(
            workers, low, high, color=BLUE, alpha=0.3, lw=0, label="where the average lies (95 %)"
        )
        law = 100 * _of(shown, "throughput_rps") / workers / alone
        axes.plot(workers, law, color=BLUE, label="law")
    axes.plot(
        [window.point.workers for window in valid],
        [100 * window.throughput_rps / window.point.workers / alone for window in valid],
        "o", ms=5, color=GREEN, alpha=0.6, mew=0, label="a valid window",
    )  # fmt: skip
    axes.set_xlim(left=0)
    axes.set_ylim(0, max(115.0, axes.get_ylim()[1]))
    whole_numbers(axes)
    legend_below(figure, axes)
    return figure


def residuals(scaling: Scaling) -> Figure:
    """How far each law is from each window."""
    if not scaling.fit:
        raise NothingToShow(f"No law was fitted: {scaling.why_not}.")
    workers = np.array([sample.workers for sample in scaling.fit.samples])
    figure, panels = several(len(scaling.fit.laws))
    for axes, law in zip(panels, scaling.fit.laws, strict=True):
        away = 100 * np.array(law.residuals)
        labelled(
            axes,
            f"{law.law} (Akaike weight {100 * law.weight:.0f} %)",
            "workers",
            "measured − law, %",
        )
        axes.axhline(0, color=GREY, lw=1)
        axes.plot(workers, away, "o", ms=4, color=GREEN, alpha=0.6, mew=0)
        places = np.unique(workers)
        axes.plot(places, [away[workers == place].mean() for place in places], color=BLUE)
        axes.set_xscale("log", base=2)
        axes.set_xticks(places, [str(place) for place in places])
        axes.minorticks_off()
        reach = 1.15 * max(LEAST_REACH, float(np.abs(away).max()))
        axes.set_ylim(-reach, reach)
    return figure


def _ideal(axes: Axes, scaling: Scaling, most: int) -> None:
    valid = saturated(scaling.group.valid)
    if any(window.point.workers == 1 for window in valid):
        ends = np.array([0, most * SHOWN_PAST])
        label = "ideal: each adds as much as the first"
        axes.plot(ends, ends * _alone_rps(valid), color=GREY, ls="--", label=label)


def _bands(axes: Axes, fit: Fit, most: int) -> None:
    shown = _shown(fit, most)
    workers = [band.workers for band in shown]
    for low, high, alpha, label in (
        ("window_low_rps", "window_high_rps", 0.13, "where the next window will lie (95 %)"),
        ("mean_low_rps", "mean_high_rps", 0.3, "where the average lies (95 %)"),
    ):
        axes.fill_between(
            workers, _of(shown, low), _of(shown, high), color=BLUE, alpha=alpha, lw=0, label=label
        )
    law = _of(shown, "throughput_rps")
    beyond = [place for place, band in enumerate(shown) if band.extrapolated]
    known = beyond[0] if beyond else len(shown)
    axes.plot(workers[:known], law[:known], color=BLUE, label=f"law: {fit.chosen.law}")
    if beyond:
        axes.plot(workers[known - 1 :], law[known - 1 :], color=BLUE, ls=":", label="not measured")


def _points(axes: Axes, windows: list[Window]) -> None:
    valid = [window for window in windows if window.verdict == Verdict.VALID]
    _dots(axes, valid, "o", color=GREEN, mew=0, alpha=0.7, label="a valid window")
    for verdict, (mark, colour, label) in MARKS.items():
        others = [window for window in windows if window.verdict == verdict]
        if others:
            _dots(axes, others, mark, mfc="none", mec=colour, label=label)


def _dots(axes: Axes, windows: list[Window], mark: str, **style: Any) -> None:
    axes.plot(
        [window.point.workers for window in windows],
        [window.throughput_rps for window in windows],
        mark, ms=5, **style,
    )  # fmt: skip


def _shown(fit: Fit, most: int) -> list[Band]:
    return [band for band in fit.bands if band.workers <= most * SHOWN_PAST]


def _of(bands: list[Band], field: str) -> np.ndarray:
    return np.array([getattr(band, field) for band in bands])


def _alone_rps(valid: list[Window]) -> float:
    alone = [window.throughput_rps for window in valid if window.point.workers == 1]
    if not alone:
        raise NothingToShow("No valid window has one worker, so there is nothing to compare with.")
    return float(np.exp(np.mean(np.log(alone))))
