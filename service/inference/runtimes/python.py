"""
Models that are a Python file with one class: `load()` once, then `predict(batch)`.

A batch is a dict of arrays, n rows each. The answer is a dict of arrays with n rows, or one array
or list with n rows, which is then the output `output`.
"""

import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from inspect import isclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from service.errors import InvalidModel
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
        self._model = _only_class(_import(artefact), artefact)()
        self._model.load()
        self.example = getattr(self._model, "example", None)

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the model about all rows of *inputs*."""
        answer = self._model.predict(dict(inputs))
        named = answer if isinstance(answer, Mapping) else {OUTPUT: answer}
        return {str(name): np.asarray(column) for name, column in named.items()}


def _import(artefact: Path) -> ModuleType:
    folder = str(artefact.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = spec_from_file_location(f"model_{artefact.stem}", artefact)
    if spec is None or spec.loader is None:
        raise InvalidModel(f"{artefact.name} is not a Python file")
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
