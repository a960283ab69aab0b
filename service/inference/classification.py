"""From a model's scores to an answer in words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelFailed
from service.inference.manifest import Manifest, Output
from service.inference.tensors import Tensors


@dataclass(frozen=True, slots=True)
class Ranked:
    """One label and its score."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classification:
    """The best label, every label's score, and the best few of the fine-grained output."""

    label: str
    scores: dict[str, float]
    top: list[Ranked]


def classify(manifest: Manifest, outputs: Tensors, row: int) -> Classification:
    """
    Name the scores in row *row* of *outputs*.

    The first output of model.toml decides the label, the one with a `top` gives the ranking.
    Raises ModelFailed if a score is not finite.
    """
    named = {name: _scores(manifest.name, outputs[name][row]) for name in manifest.outputs}
    deciding = next(iter(manifest.outputs))
    ranking = next((name for name, out in manifest.outputs.items() if out.top), deciding)
    decided = _ranked(manifest.outputs[deciding], named[deciding])
    return Classification(
        label=decided[0].label,
        scores={ranked.label: ranked.score for ranked in decided},
        top=_ranked(manifest.outputs[ranking], named[ranking]),
    )


def _scores(model: str, scores: NDArray[np.floating]) -> NDArray[np.floating]:
    if not np.isfinite(scores).all():
        raise ModelFailed(f"{model} answered with a score that is not a finite number")
    return scores


def _ranked(output: Output, scores: NDArray[np.floating]) -> list[Ranked]:
    best = np.argsort(-scores, kind="stable")[: output.top]
    return [Ranked(output.labels[index], round(float(scores[index]), 6)) for index in best]
