"""Models that take an exact number of rows a call, served to any number of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.tensors import Tensors, TensorSpec, row_count


def fixed_rows(inputs: Mapping[str, TensorSpec]) -> int | None:
    """
    Find how many rows a call must have, None for any number.

    Raises InvalidModel where inputs have no rows, or of different numbers.
    """
    for name, spec in inputs.items():
        if not spec.shape:
            raise InvalidModel(
                f"its input {name!r} is one value for the whole call, not one for each row; make "
                "it a constant of the graph (an initializer) and export it again"
            )
    sizes = {name: spec.shape[0] for name, spec in inputs.items()}
    fixed = set(sizes.values()) - {-1}
    if not fixed:
        return None
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {'any' if n < 0 else n}" for name, n in sizes.items())
        raise InvalidModel(
            f"its inputs have no common number of rows ({listed}); export it with a first "
            "dimension of any size, the same in each input"
        )
    return fixed.pop()


class FixedRows:
    """A Runtime that asks another *rows* rows at a time, the last of them padded."""

    def __init__(self, runtime: Any, rows: int) -> None:
        self.runtime = runtime
        self.rows = rows
        self.inputs: Mapping[str, TensorSpec] = {
            name: _free(spec) for name, spec in runtime.inputs.items()
        }
        self.outputs: Mapping[str, TensorSpec] = {
            name: _free(spec) for name, spec in runtime.outputs.items()
        }

    def __getattr__(self, name: str) -> Any:
        """What else the runtime tells of itself."""
        return getattr(self.runtime, name)

    def predict(self, inputs: Tensors) -> Tensors:
        """Ask as often as it takes. Raises ValueError for an answer of another number of rows."""
        count = row_count(inputs)
        parts = [self._part(inputs, start) for start in range(0, count, self.rows)]
        return {name: _joined([part[name] for part in parts])[:count] for name in parts[0]}

    def _part(self, inputs: Tensors, start: int) -> Tensors:
        rows = {name: array[start : start + self.rows] for name, array in inputs.items()}
        missing = self.rows - row_count(rows)
        if missing:
            rows = {
                name: np.concatenate([array, np.repeat(array[:1], missing, axis=0)])
                for name, array in rows.items()
            }
        outputs: Tensors = self.runtime.predict(rows)
        answered = row_count(outputs)
        if answered != self.rows:
            raise ValueError(f"the model answered {answered} rows to {self.rows}")
        return outputs


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Put rows one after another, also those of different lengths."""
    if len({part.shape[1:] for part in parts}) == 1:
        return np.concatenate(parts)
    rows = [row.tolist() for part in parts for row in part]
    ragged: NDArray[Any] = np.empty(len(rows), object)
    ragged[:] = rows
    return ragged


def _free(spec: TensorSpec) -> TensorSpec:
    return replace(spec, shape=(-1, *spec.shape[1:]))
