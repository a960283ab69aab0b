"""
Fitted scikit-learn pipelines, from skops files, or from pickles where model.toml allows them.

A skops file cannot run code when it is opened; a pickle can do anything the service can.
"""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import joblib
import numpy as np
from numpy.typing import NDArray
from skops import io as skops

from config import machine
from service.errors import InvalidModel
from service.inference.runtimes.sklearn_columns import Column, columns_of, needs_frame
from service.inference.tensors import Tensors, TensorSpec

# The one input of a pipeline that was fitted on an array without names.
MATRIX, TEXTS = "X", "text"

# A dtype holds no code; skops 0.16 does not know it, and every OneHotEncoder has one.
SAFE = frozenset({"numpy.dtype"})

# A forest of 300 trees has 4.5 MB of schema, and takes some ten times as much while it is read.
SCHEMA, SCHEMA_LIMIT_BYTES = "schema.json", 64 << 20

log = logging.getLogger(__name__)


class SklearnRuntime:
    """
    A Runtime over one fitted estimator.

    A classifier that gives probabilities answers those, its classes as labels. *example* is a
    row of the columns as it may be sent.
    """

    def __init__(
        self, artefact: Path, *, allow_pickle: bool = False, trusted: Sequence[str] = ()
    ) -> None:
        """Raises InvalidModel for types that are not *trusted*, and for a pickle unless allowed."""
        self._estimator = _load(artefact, trusted, allow_pickle=allow_pickle)
        columns = columns_of(self._estimator)
        self._names = [column.name for column in columns]
        self._frame = _pandas() if needs_frame(self._estimator, columns) else None
        self.example = {column.name: column.example for column in columns}
        self.inputs = _inputs(self._estimator, columns)
        self._output = _Output(self._estimator, self._table(self._example_row()))
        self.outputs = {self._output.spec.name: self._output.spec}

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask the estimator once about all rows of *inputs*."""
        return {self._output.spec.name: self._output.answer(self._table(inputs))}

    def _example_row(self) -> Tensors:
        return {
            spec.name: np.array([self.example[spec.name]], spec.datatype)
            if spec.name in self.example
            else np.zeros([1, *spec.shape[1:]], spec.datatype)
            for spec in self.inputs.values()
        }

    def _table(self, inputs: Tensors) -> Any:
        if self._frame:
            return self._frame({name: inputs[name] for name in self._names})
        if self._names:
            return np.column_stack([inputs[name] for name in self._names])
        return next(iter(inputs.values()))


class _Output:
    """What an estimator is asked for, and how that is said."""

    def __init__(self, estimator: Any, example: Any) -> None:
        """Ask about the one row of *example*, too. Raises InvalidModel for what cannot predict."""
        classes = getattr(estimator, "classes_", None)
        self._is_label = isinstance(classes, np.ndarray)
        if self._is_label and hasattr(estimator, "predict_proba"):
            labels = tuple(map(str, classes.tolist()))  # type: ignore[union-attr]  # just seen
            shape = (-1, len(labels))
            self.spec = TensorSpec("probabilities", np.dtype("float64"), shape, labels)
            self._is_label = False
            self._ask = estimator.predict_proba
            return
        if not hasattr(estimator, "predict"):
            raise InvalidModel(f"{type(estimator).__name__} has no predict()")
        self._ask = estimator.predict
        answer = self.answer(example)
        name = "label" if self._is_label else "value"
        self.spec = TensorSpec(name, answer.dtype, (-1, *answer.shape[1:]))

    def answer(self, table: Any) -> NDArray[Any]:
        """Ask about every row of *table*; classes are answered as strings."""
        answer = np.asarray(self._ask(table))
        if self._is_label:
            return np.array([str(label) for label in answer.tolist()], object)
        return answer


def unknown_types(artefact: Path) -> list[str]:
    """Name the types in a skops file that are not known to be safe. Raises InvalidModel."""
    _check_size(artefact)
    return sorted(set(skops.get_untrusted_types(file=artefact)) - SAFE)


def _check_size(artefact: Path) -> None:
    """Refuse what a small skops file would become when it is unpacked."""
    with ZipFile(artefact) as packed:
        sizes_bytes = {member.filename: member.file_size for member in packed.infolist()}
    for what, size_bytes, limit_bytes in (
        (f"{artefact.name}: its {SCHEMA}", sizes_bytes.get(SCHEMA, 0), SCHEMA_LIMIT_BYTES),
        (artefact.name, sum(sizes_bytes.values()), machine.memory_bytes()),
    ):
        if size_bytes > limit_bytes:
            raise InvalidModel(
                f"{what} unpacks to {size_bytes} bytes, and at most {limit_bytes} are read"
            )


def _load(artefact: Path, trusted: Sequence[str], *, allow_pickle: bool) -> Any:
    if artefact.suffix == ".skops":
        unknown = [name for name in unknown_types(artefact) if name not in trusted]
        if unknown:
            raise InvalidModel(
                f"{artefact.name} holds types that skops does not know to be safe: "
                f"{', '.join(unknown)}; if you trust them, name them in model.toml: "
                f"trusted = {unknown}"
            )
        return skops.load(artefact, trusted=[*SAFE, *trusted])
    if not allow_pickle:
        raise InvalidModel(
            f"{artefact.name} is a pickle, which may run any code when it is opened; save it with "
            "skops.io.dump, or say allow_pickle = true in model.toml"
        )
    log.warning("%s is a pickle, and model.toml allows it to run code", artefact)
    return joblib.load(artefact)


def _inputs(estimator: Any, columns: Sequence[Column]) -> dict[str, TensorSpec]:
    if columns:
        # A plain array has no names, which is all that this warns of; the order is the same.
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        return {
            column.name: TensorSpec(column.name, column.dtype, (-1,), categories=column.categories)
            for column in columns
        }
    wide = getattr(estimator, "n_features_in_", None)
    if wide is None:  # a vectorizer of texts does not count features
        return {TEXTS: TensorSpec(TEXTS, np.dtype("object"), (-1,))}
    return {MATRIX: TensorSpec(MATRIX, np.dtype("float64"), (-1, wide))}


def _pandas() -> Any:
    import pandas as pd  # noqa: PLC0415  # 0.4 s and 40 MB that other models need not pay

    return pd.DataFrame
