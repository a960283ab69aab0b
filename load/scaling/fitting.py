"""From windows to the law that they follow."""

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.special import fdtrc

from load.scaling import bootstrap, prediction, words
from load.scaling.intervals import Interval, calibration, intervals
from load.scaling.laws import NAMES, Floats, Ints, Law, log_throughput
from load.scaling.outcome import Fit, LawFit, Parameter, Sample
from load.scaling.regression import solve, unbounded
from load.scaling.selection import (
    FEWEST_COUNTS,
    FEWEST_SAMPLES,
    Candidate,
    Measured,
    Selection,
    select,
)
from load.scaling.textbook import textbook

DRAWS = 2000
IMPOSSIBLE = 0.01  # chance at which a negative cost is no longer taken for noise


class TooFewSamples(ValueError):
    """The samples cannot carry a law with three parameters."""


def fit(samples: Sequence[Sample], *, draws: int = DRAWS, seed: int = 0) -> Fit:
    """
    The scaling law of *samples*, with *draws* of the bootstrap behind bands and predictions.

    Without draws, or where the law is refused, there are neither bands nor peak, ceiling or
    held-out prediction. The same samples and seed give the same fit. Raises TooFewSamples.
    """
    _enough(samples)
    measured = Measured(
        workers=np.array([each.workers for each in samples]),
        log_rps=np.log([each.throughput_rps for each in samples]),
        rounds=np.array([each.round for each in samples]),
    )
    selection = select(measured)
    laws = tuple(_law_fit(each, selection, measured) for each in selection.candidates)
    bare = Fit(
        samples=tuple(samples),
        refused=_impossible(selection),
        laws=laws,
        textbook=textbook(measured),
        window_noise=selection.within_round,
        round_noise=selection.between_rounds,
        misfit=_misfit(measured.workers, np.array(laws[0].residuals)),
        bands=(),
        peak=None,
        ceiling=None,
        hold_out=None,
        sentences=(),
    )
    full = (
        _predicted(bare, selection, measured, draws, seed) if draws and not bare.refused else bare
    )
    return msgspec.structs.replace(full, sentences=words.sentences(full))


def _enough(samples: Sequence[Sample]) -> None:
    counts = sorted({each.workers for each in samples})
    if counts[:1] != [1]:
        raise TooFewSamples(
            "a scaling law starts from one worker, and no valid window has one worker"
        )
    if any(each.throughput_rps <= 0 for each in samples):
        raise TooFewSamples("a window without an answer has no place in a scaling law")
    if len(counts) < FEWEST_COUNTS or len(samples) < FEWEST_SAMPLES:
        raise TooFewSamples(
            f"a scaling law has three parameters: it takes {FEWEST_SAMPLES} valid windows at "
            f"{FEWEST_COUNTS} numbers of workers to tell them from noise; "
            f"there are {len(samples)} at {counts}"
        )


def _law_fit(candidate: Candidate, selection: Selection, measured: Measured) -> LawFit:
    theta = candidate.theta
    values = [float(np.exp(theta[0])), *theta[1:].tolist()]
    spans = [
        Interval(*np.exp([span.low, span.high]).tolist()) if i == 0 else span
        for i, span in enumerate(intervals(candidate.law, selection))
    ]
    away = measured.log_rps - log_throughput(candidate.law, theta[None], measured.workers)[0]
    return LawFit(
        law=candidate.law,
        parameters=tuple(
            Parameter(name=name, value=value, low=span.low, high=span.high)
            for name, value, span in zip(NAMES[candidate.law], values, spans, strict=True)
        ),
        aicc=candidate.aicc,
        weight=candidate.weight,
        residuals=tuple(away.tolist()),
    )


def _impossible(selection: Selection) -> tuple[str, ...]:
    """Whether a USL with negative costs is significantly better than every possible law."""
    start = selection.of(Law.USL).theta[None]
    free, least = solve(Law.USL, selection.data, start, unbounded(start))
    gain = min(each.loss for each in selection.candidates) - float(least[0])
    gain *= 2 * calibration(Law.USL, selection.data, free[0])
    chance = float(fdtrc(2, len(selection.data.workers) - 3, max(0.0, gain) / 2))
    if chance >= IMPOSSIBLE:
        return ()
    return (words.impossible(float(free[0, 1]), float(free[0, 2]), chance),)


def _misfit(workers: Ints, residuals: Floats) -> float:
    return max(abs(float(residuals[workers == count].mean())) for count in np.unique(workers))


def _predicted(bare: Fit, selection: Selection, measured: Measured, count: int, seed: int) -> Fit:
    rng = np.random.default_rng(seed)
    draws = bootstrap.draw(selection, measured.rounds, count, rng)
    second = [Interval(each.low, each.high) for each in bare.chosen.parameters[1:2]]
    kappa = bare.usl.by_name["kappa"]
    peak = prediction.turning_point(draws, Interval(kappa.low, kappa.high))
    return msgspec.structs.replace(
        bare,
        bands=prediction.bands(draws, rng),
        peak=peak,
        ceiling=prediction.ceiling(draws, second[0]) if second and not peak.workers else None,
        hold_out=prediction.hold_out(measured, count, rng),
    )
