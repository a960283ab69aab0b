"""
Models that are a Python file with one class: `load()` once, then `predict(batch)`.

A batch is a dict of arrays, n rows each. The answer is a dict of arrays with n rows, or one array
or list with n rows, which is then the output `output`; a list of n dicts and a pandas DataFrame are
outputs of their own names.
"""

from collections.abc import Mapping
from inspect import isclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.runtimes.own_code import imported
from service.inference.tensors import Tensors, TensorSpec

OUTPUT = "output"
METHODS = ("load", "predict")


class PythonRuntime:
    """
    A Runtime over one object of the user's class, which does not say what it takes and gives.

    The class may have an *example*: a row as it may be sent.
    """

    def __init__(self, artefact: Path) -> None:
        """Import *artefact* and load its model; files beside it can be imported as well."""
        self.inputs: Mapping[str, TensorSpec] = {}
        self.outputs: Mapping[str, TensorSpec] = {}
        self._model = _only_class(imported(artefact, f"model_{artefact.stem}"), artefact)()
        self._model.load()
        self.example = getattr(self._model, "example", None)

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the model about all rows of *inputs*."""
        named = _named(self._model.predict(dict(inputs)))
        return {str(name): _array(column) for name, column in named.items()}


def _named(answer: Any) -> Mapping[Any, Any]:
    """The columns of an answer: of a dict, of a list of dicts, of a DataFrame, or one."""
    if isinstance(answer, Mapping):
        return answer
    if hasattr(answer, "columns") and hasattr(answer, "to_dict"):
        return {name: answer[name] for name in answer.columns}
    if isinstance(answer, list) and answer and all(isinstance(row, Mapping) for row in answer):
        return {name: [row.get(name) for row in answer] for name in answer[0]}
    return {OUTPUT: answer}


def _array(column: Any) -> NDArray[Any]:
    """An array with a row for each, also of rows that are themselves lists of different lengths."""
    try:
        return np.asarray(column)
    except ValueError:
        ragged: NDArray[Any] = np.empty(len(column), object)
        ragged[:] = list(column)
        return ragged


def _only_class(module: ModuleType, artefact: Path) -> Any:
    """Find the class that the file itself defines. Raises InvalidModel unless there is one."""
    found = [
        value
        for value in vars(module).values()
        if isclass(value)
        and value.__module__ == module.__name__
        and all(callable(getattr(value, method, None)) for method in METHODS)
    ]
    if len(found) != 1:
        names = [value.__name__ for value in found]
        raise InvalidModel(
            f"{artefact.name} has {names or 'no classes'} with load() and predict(batch); "
            "it wants exactly one"
        )
    return found[0]
