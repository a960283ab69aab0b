"""LightGBM's own files (`.txt`), which need no other library."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from service.inference.runtimes.booster_columns import lightgbm_columns
from service.inference.runtimes.tabular import TabularInputs, numbered, two_classes
from service.inference.tensors import Tensors, TensorSpec

# What LightGBM calls the columns of an array.
MADE_UP = "Column_0"


class LightgbmRuntime:
    """A Runtime over one booster. Classes are numbers: the file keeps no names of them."""

    def __init__(self, artefact: Path, **said: Any) -> None:
        """Take what TabularInputs does besides; raises InvalidModel as it does."""
        booster = lightgbm.Booster(model_file=artefact)
        names = booster.feature_name()
        known = [] if names[:1] == [MADE_UP] else list(lightgbm_columns(booster, names))
        self._inputs = TabularInputs(known, len(names), **said)
        self.inputs, self.example = self._inputs.specs, self._inputs.example
        self.decided = self._inputs.decided
        self._booster = booster
        self._objective = str(booster.dump_model(num_iteration=1).get("objective", "")).split(" ")
        answer = self._ask(np.zeros([1, len(names)]))
        shape = (-1, *answer.shape[1:])
        labels = numbered(shape[-1]) if self._is_of_classes else ()
        name = "probabilities" if labels else "value"
        self.outputs = {name: TensorSpec(name, answer.dtype, shape, labels)}

    @property
    def _is_of_classes(self) -> bool:
        return self._objective[0] in {"binary", "multiclass", "multiclassova"}

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the booster once about all rows of *inputs*."""
        answer = self._ask(self._inputs.matrix(inputs))
        return dict(zip(self.outputs, [answer], strict=True))

    def _ask(self, matrix: NDArray[Any]) -> NDArray[Any]:
        answer = np.asarray(self._booster.predict(matrix, num_threads=1))
        return two_classes(answer) if self._objective[0] == "binary" else answer
