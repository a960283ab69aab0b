"""Curves that the measurements could as well have given, to see how far they spread."""

from dataclasses import dataclass, replace

import numpy as np

from load.scaling.laws import Floats, Ints, Law, log_throughput
from load.scaling.regression import Data, solve
from load.scaling.selection import Selection, bounds

FEW_ROUNDS = 4  # below it, drawing whole rounds again says little


@dataclass(frozen=True)
class Draw:
    """Refitted parameters of one law: (draws, parameters)."""

    law: Law
    theta: Floats


@dataclass(frozen=True)
class Draws:
    """
    Each law drawn as often as it is believed, so that doubt about the law is in the spread.

    Half are parametric: the law plus noise anew, of a round and of a window, whose own size is
    drawn too. Half draw whole rounds again, one fewer than there are (Rao and Wu 1988), which
    keeps noise that is uneven or shared; with few rounds all are parametric.
    """

    selection: Selection
    of_laws: tuple[Draw, ...]
    noise_scale: Floats  # (draws,): what the noise could be, as a multiple of its estimate

    def curves(self, workers: Ints) -> Floats:
        """The logarithm of X of every draw at *workers*: (draws, points)."""
        return np.concatenate(
            [log_throughput(draw.law, draw.theta, workers) for draw in self.of_laws]
        )


def draw(selection: Selection, rounds: Ints, count: int, rng: np.random.Generator) -> Draws:
    """*count* draws, up to rounding; *rounds* says which round each point belongs to."""
    drawn, scales = [], []
    for candidate in selection.candidates:
        size = round(count * candidate.weight)
        blocks = size // 2 if selection.rounds >= FEW_ROUNDS else 0
        scale = _scale(selection, size, rng)
        centre = log_throughput(candidate.law, candidate.theta[None], selection.data.workers)
        data = _parametric(selection, centre, rounds, scale[blocks:], rng)
        parts = [_refit(candidate.law, data, candidate.theta, size - blocks)]
        if blocks:
            again = replace(selection.data, weights=_block_weights(rounds, blocks, rng))
            parts.append(_refit(candidate.law, again, candidate.theta, blocks))
        drawn.append(Draw(candidate.law, np.concatenate(parts[::-1])))
        scales.append(scale)
    return Draws(selection, tuple(drawn), np.concatenate(scales))


def _scale(selection: Selection, size: int, rng: np.random.Generator) -> Floats:
    freedom = len(selection.data.workers) - len(selection.candidates[0].theta)
    precision: Floats = rng.chisquare(freedom, size) / freedom
    return 1 / np.sqrt(precision)


def _parametric(
    selection: Selection, centre: Floats, rounds: Ints, scale: Floats, rng: np.random.Generator
) -> Data:
    names, which = np.unique(rounds, return_inverse=True)
    window = selection.within_round * rng.standard_normal((len(scale), len(rounds)))
    shared = selection.between_rounds * rng.standard_normal((len(scale), len(names)))
    return replace(selection.data, log_rps=centre + scale[:, None] * (window + shared[:, which]))


def _block_weights(rounds: Ints, size: int, rng: np.random.Generator) -> Floats:
    names, which = np.unique(rounds, return_inverse=True)
    count = len(names)
    times = rng.multinomial(count - 1, np.full(count, 1 / count), size)
    answer: Floats = (times * (count / (count - 1)))[:, which]
    return answer


def _refit(law: Law, data: Data, theta: Floats, size: int) -> Floats:
    return solve(law, data, np.repeat(theta[None], size, axis=0), bounds(law))[0]
