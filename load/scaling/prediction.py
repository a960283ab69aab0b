"""What the drawn curves say: bands, a held-out prediction, the peak and the ceiling."""

import numpy as np

from load.scaling import bootstrap
from load.scaling.bootstrap import Draws
from load.scaling.intervals import Interval
from load.scaling.laws import Floats, Ints, Law, log_throughput, peak
from load.scaling.outcome import Band, Ceiling, HoldOut, Peak
from load.scaling.selection import FEWEST_COUNTS, FEWEST_SAMPLES, Measured, Selection, select

SIDES = (2.5, 97.5)
REACH = 2  # times the largest measured number of workers: no figure beyond, unless …
NARROW = 0.2  # … its prediction interval is within ±20 %
FARTHEST = 4  # and never beyond so many times


def bands(draws: Draws, rng: np.random.Generator) -> tuple[Band, ...]:
    """One for each number of workers, up to the last of which something may be told."""
    largest = int(draws.selection.data.workers.max())
    grid = np.arange(1, FARTHEST * largest + 1)
    curves = draws.curves(grid)
    windows = curves + _noise(draws, rng, 1)[:, None]
    middle = np.exp(averaged(draws.selection, grid))
    rows = []
    for i, workers in enumerate(grid.tolist()):
        mean, window = (np.exp(np.percentile(each[:, i], SIDES)) for each in (curves, windows))
        wide = window[0] < (1 - NARROW) * middle[i] or window[1] > (1 + NARROW) * middle[i]
        if workers > REACH * largest and wide:
            break
        rows.append(_band(workers, middle[i], mean, window, extrapolated=workers > largest))
    return tuple(rows)


def _band(workers: int, middle: float, mean: Floats, window: Floats, *, extrapolated: bool) -> Band:
    return Band(
        workers=workers,
        throughput_rps=float(middle),
        mean_low_rps=float(mean[0]),
        mean_high_rps=float(mean[1]),
        window_low_rps=float(window[0]),
        window_high_rps=float(window[1]),
        extrapolated=extrapolated,
    )


def averaged(selection: Selection, workers: Ints) -> Floats:
    """The logarithm of X at *workers*, the laws averaged by their weights."""
    answer: Floats = sum(
        (
            each.weight * log_throughput(each.law, each.theta[None], workers)[0]
            for each in selection.candidates
        ),
        start=np.zeros(len(workers)),
    )
    return answer


def _noise(draws: Draws, rng: np.random.Generator, windows: int) -> Floats:
    """The noise of the mean of so many *windows*, each in a round of its own."""
    selection = draws.selection
    variance = (selection.within_round**2 + selection.between_rounds**2) / windows
    answer: Floats = (
        np.sqrt(variance) * draws.noise_scale * rng.standard_normal(len(draws.noise_scale))
    )
    return answer


def hold_out(measured: Measured, count: int, rng: np.random.Generator) -> HoldOut | None:
    """Predict the largest number of workers from the others; None if they are too few."""
    largest = int(measured.workers.max())
    kept = measured.workers < largest
    if len(np.unique(measured.workers[kept])) < FEWEST_COUNTS or kept.sum() < FEWEST_SAMPLES:
        return None
    rest = Measured(measured.workers[kept], measured.log_rps[kept], measured.rounds[kept])
    selection = select(rest)
    draws = bootstrap.draw(selection, rest.rounds, count, rng)
    where = np.array([largest])
    guesses = draws.curves(where)[:, 0] + _noise(draws, rng, int((~kept).sum()))
    low, high = np.exp(np.percentile(guesses, SIDES))
    return HoldOut(
        workers=largest,
        law=selection.candidates[0].law,
        measured_rps=float(np.exp(measured.log_rps[~kept].mean())),
        predicted_rps=float(np.exp(averaged(selection, where))[0]),
        low_rps=float(low),
        high_rps=float(high),
    )


def turning_point(draws: Draws, kappa: Interval) -> Peak:
    """Where throughput peaks, or up to where it does not, never past the reach of the data."""
    workers = draws.selection.data.workers
    largest = int(workers.max())
    reach = REACH * largest
    best = draws.selection.candidates[0]
    if best.law is Law.USL and kappa.low > 0:
        where = float(peak(best.theta[1:2], best.theta[2:3])[0])
        if where <= reach:
            low, high = np.percentile(_peaks(draws, only=Law.USL), SIDES, method="nearest")
            return Peak(workers=where, low=float(low), high=float(high) if high <= reach else None)
    best_seen = _best_seen(workers, draws.selection.data.log_rps)
    earliest = float(np.percentile(_peaks(draws), SIDES[0], method="nearest"))
    return Peak(none_below=int(min(earliest, reach if best_seen == largest else best_seen)))


def _best_seen(workers: Ints, log_rps: Floats) -> int:
    counts: list[int] = np.unique(workers).tolist()
    return max(counts, key=lambda count: float(log_rps[workers == count].mean()))


def _peaks(draws: Draws, only: Law | None = None) -> Floats:
    return np.concatenate(
        [
            peak(each.theta[:, 1], each.theta[:, 2])
            if each.law is Law.USL
            else np.full(len(each.theta), np.inf)
            for each in draws.of_laws
            if only in {None, each.law}
        ]
    )


def ceiling(draws: Draws, contention: Interval) -> Ceiling | None:
    """
    Lambda over the chosen law's second parameter.

    None where its interval touches 0, or where it is, as an extrapolation, too wide to be told.
    """
    best = draws.selection.candidates[0]
    if best.law is Law.LINEAR or contention.low <= 0:
        return None
    theta = next(each.theta for each in draws.of_laws if each.law is best.law)
    with np.errstate(divide="ignore"):
        spread = np.exp(theta[:, 0]) / theta[:, 1]
    low, high = np.percentile(spread, SIDES, method="nearest")
    value = float(np.exp(best.theta[0]) / best.theta[1])
    if low < (1 - NARROW) * value or high > (1 + NARROW) * value:
        return None
    return Ceiling(rps=value, low_rps=float(low), high_rps=float(high))
