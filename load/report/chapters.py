"""The report's chapters: each a question, what this campaign says of it, and its plots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from load.campaign import Campaign
from load.plan.capacity import MEMORY_SHARE
from load.report import latency_plots, scaling_plots, server_plots, words
from load.report.canvas import NothingToShow, drawing, png
from load.report.evidence import Group, Scaling


@dataclass(frozen=True)
class Picture:
    """A plot, or the words that stand where it would be."""

    name: str  # of its file, without .png
    caption: str
    png: bytes | None
    missing: str = ""


@dataclass(frozen=True)
class Chapter:
    """A question and its answer."""

    title: str
    words: tuple[str, ...]  # what is shown, each term explained
    findings: tuple[str, ...]  # what this campaign says
    pictures: tuple[Picture, ...]


def chapters(campaign: Campaign, found: Sequence[Group], laws: Sequence[Scaling]) -> list[Chapter]:
    """All of them, in the order in which a reader asks."""
    with drawing():
        return [
            *_scaling(laws),
            _cost(found),
            _latency(found),
            Chapter(
                "Do all workers work?",
                words.SHARES,
                (),
                (_picture("shares", words.SHARES_PLOT, lambda: server_plots.shares(found)),),
            ),
            Chapter(
                "How much memory does a worker take?",
                words.MEMORY,
                (),
                (_picture("memory", _memory_caption(), lambda: server_plots.memory(found)),),
            ),
            Chapter(
                "Was the machine steady?",
                words.DRIFT,
                (),
                (_picture("drift", words.DRIFT_PLOT, lambda: server_plots.drift(campaign)),),
            ),
        ]


def _scaling(laws: Sequence[Scaling]) -> list[Chapter]:
    if not laws:
        return [Chapter("Do more workers serve more?", words.NO_SCALING, (), ())]
    return [_law(law, law.group.target.replace("/", "-") if len(laws) > 1 else "") for law in laws]


def _law(law: Scaling, suffix: str) -> Chapter:
    return Chapter(
        f"Do more workers serve more? {law.group.target}"
        if suffix
        else "Do more workers serve more?",
        (*words.SCALING, words.SCALING_HOW.format(target=law.group.target)),
        law.fit.sentences if law.fit else (f"No law was fitted: {law.why_not}.",),
        (
            _picture(
                f"throughput{suffix}", words.THROUGHPUT, lambda: scaling_plots.throughput(law)
            ),
            _picture(
                f"efficiency{suffix}", words.EFFICIENCY, lambda: scaling_plots.efficiency(law)
            ),
            _picture(f"residuals{suffix}", words.RESIDUALS, lambda: scaling_plots.residuals(law)),
        ),
    )


def _cost(found: Sequence[Group]) -> Chapter:
    return Chapter(
        "What does a request cost?",
        words.COST,
        tuple(_cost_sentence(group) for group in found if group.valid),
        (_picture("cpu", words.CPU, lambda: server_plots.cpu(found)),),
    )


def _memory_caption() -> str:
    *sizes, largest = map(str, server_plots.dyno_sizes_mib())
    free = 100 * (1 - MEMORY_SHARE)
    return words.MEMORY_PLOT.format(sizes=f"{', '.join(sizes)} or {largest}", free=free)


def _cost_sentence(group: Group) -> str:
    costs = [window.cpu_ms_per_request for window in group.valid]
    middle = float(np.median(costs))
    if middle <= 0:
        return f"{group.name}: no CPU time was read."
    return (
        f"{group.name}: {middle:.2f} ms CPU a request in the median window ({min(costs):.2f} to "
        f"{max(costs):.2f}); one core can do {1000 / middle:,.0f} a second."
    )


def _latency(found: Sequence[Group]) -> Chapter:
    return Chapter(
        "How long do requests take?",
        words.LATENCY,
        (),
        (
            _picture("latency", words.SPECTRUM, lambda: latency_plots.spectrum(found)),
            _picture("p99", words.P99, lambda: latency_plots.p99_by_rate(found)),
        ),
    )


def _picture(name: str, caption: str, draw: Callable[[], Figure]) -> Picture:
    try:
        return Picture(name, caption, png(draw()))
    except NothingToShow as error:
        return Picture(name, caption, None, str(error))
