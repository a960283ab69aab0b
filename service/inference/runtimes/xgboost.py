"""XGBoost's own files (`.json`, `.ubj`), which need no other library."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from service.inference.runtimes.booster_columns import xgboost_columns
from service.inference.runtimes.tabular import TabularInputs, numbered, two_classes
from service.inference.tensors import Tensors, TensorSpec

# Objectives that answer classes (doc/parameter.rst, "Learning Task Parameters").
SIGMOID, SOFTPROB = "binary:logistic", "multi:softprob"
CLASSES = {"multi:softmax", "binary:hinge"}


class XgboostRuntime:
    """A Runtime over one booster. Classes are numbers: the file keeps no names of them."""

    def __init__(self, artefact: Path, **said: Any) -> None:
        """Take what TabularInputs does besides; raises InvalidModel as it does."""
        booster = xgboost.Booster(model_file=str(artefact))
        booster.set_param({"nthread": 1})
        names = booster.feature_names or []
        known = list(xgboost_columns(booster, names))
        self._inputs = TabularInputs(known, booster.num_features(), **said)
        self.inputs, self.example = self._inputs.specs, self._inputs.example
        self.decided = self._inputs.decided
        self._booster = booster
        self._until = _iterations(booster)
        self._objective = _objective(booster)
        self.outputs = self._specs(self._ask(np.zeros([1, booster.num_features()])))

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the booster once about all rows of *inputs*."""
        answer = self._ask(self._inputs.matrix(inputs))
        return dict(zip(self.outputs, [answer], strict=True))

    def _ask(self, matrix: NDArray[Any]) -> NDArray[Any]:
        data = xgboost.DMatrix(
            matrix,
            feature_names=self._booster.feature_names,
            feature_types=self._booster.feature_types,
            enable_categorical=True,
            nthread=1,
        )
        answer = self._booster.predict(data, iteration_range=self._until)
        if self._objective == SIGMOID and answer.ndim == 1:
            return two_classes(answer)
        if self._objective in CLASSES:
            return np.array([str(int(label)) for label in answer], object)
        return np.asarray(answer)

    def _specs(self, answer: NDArray[Any]) -> dict[str, TensorSpec]:
        shape = (-1, *answer.shape[1:])
        if self._objective in {SIGMOID, SOFTPROB} and answer.ndim == 2:
            labels = numbered(answer.shape[1])
            return {"probabilities": TensorSpec("probabilities", answer.dtype, shape, labels)}
        name = "label" if self._objective in CLASSES else "value"
        return {name: TensorSpec(name, answer.dtype, shape)}


def _objective(booster: Any) -> str:
    config = json.loads(booster.save_config())
    return str(config["learner"]["objective"]["name"])


def _iterations(booster: Any) -> tuple[int, int]:
    """All, or as many as the scikit-learn classes use of a model that was stopped early."""
    best = booster.attr("best_iteration")
    return (0, int(best) + 1) if best and booster.attr("scikit_learn") else (0, 0)
