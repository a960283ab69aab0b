"""CatBoost's own files (`.cbm`)."""

from pathlib import Path
from typing import Any

import catboost
import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.runtimes.booster_columns import catboost_columns
from service.inference.runtimes.tabular import MATRIX, TabularInputs
from service.inference.tensors import Tensors, TensorSpec


class CatboostRuntime:
    """A Runtime over one model; columns of categories and of texts take any string."""

    def __init__(self, artefact: Path, **said: Any) -> None:
        """Take what TabularInputs does besides; raises InvalidModel also for embeddings."""
        model = catboost.CatBoost().load_model(str(artefact))
        if model.get_embedding_feature_indices():
            raise InvalidModel("it takes embeddings, which are not served")
        names = list(model.feature_names_)
        known = list(catboost_columns(model, names))
        if all(name.isdigit() for name in names) and not any(each.dtype for each in known):
            known = []
        self._inputs = TabularInputs(known, len(names), **said)
        self.inputs, self.example = self._inputs.specs, self._inputs.example
        self.decided = self._inputs.decided
        labels = tuple(map(str, np.asarray(model.classes_).tolist()))
        kind = catboost.CatBoostClassifier if labels else catboost.CatBoostRegressor
        self._model = kind().load_model(str(artefact))
        self._ask = self._model.predict_proba if labels else self._model.predict
        answer = self._answer(self._example())
        name = "probabilities" if labels else "value"
        shape = (-1, *answer.shape[1:])
        self.outputs = {name: TensorSpec(name, answer.dtype, shape, labels)}

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the model once about all rows of *inputs*."""
        return dict(zip(self.outputs, [self._answer(inputs)], strict=True))

    def _answer(self, inputs: Tensors) -> NDArray[Any]:
        return np.asarray(self._ask(self._table(inputs), thread_count=1))

    def _table(self, inputs: Tensors) -> NDArray[Any]:
        if MATRIX in inputs and not self.example:
            return inputs[MATRIX]
        names = self._inputs.specs
        rows = len(next(iter(inputs.values())))
        table: NDArray[Any] = np.empty([rows, len(names)], object)
        for number, name in enumerate(names):
            table[:, number] = inputs[name]
        return table

    def _example(self) -> Tensors:
        if not self.example:
            return {MATRIX: np.zeros([1, self.inputs[MATRIX].shape[1]])}
        return {
            name: np.array([self.example[name]], spec.datatype)
            for name, spec in self.inputs.items()
        }
