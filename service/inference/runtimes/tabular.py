"""The inputs of a booster's own file: columns by name, or one matrix where it kept no names."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidModel
from service.inference.runtimes.column import Column, as_said
from service.inference.tensors import Tensors, TensorSpec

MATRIX = "X"


class TabularInputs:
    """
    What a booster takes, and the array [n, columns] of float64 that it takes it in.

    Categories are their numbers in it, as the libraries count them; what is missing is NaN.
    """

    def __init__(
        self,
        known: Sequence[Column],
        wide: int,
        *,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        example: Mapping[str, Any] | None = None,
    ) -> None:
        """
        What model.toml says of its *columns*, and the row of its *example*, count more.

        Raises InvalidModel for categories that the file does not hold.
        """
        said, row = columns or {}, example or {}
        self.columns = [
            as_said(each, said.get(each.name, {}), row.get(each.name)) for each in known
        ]
        for column in self.columns:
            if column.dtype == "category" and not column.categories:
                raise InvalidModel(
                    f"its column {column.name!r} is a category, and the file does not hold its "
                    "values; train and save it again with a newer release of the library"
                )
        self._codes = {
            column.name: {value: code for code, value in enumerate(column.categories)}
            for column in self.columns
            if column.dtype == "category"
        }
        self.specs = {column.name: column.spec for column in self.columns} or {
            MATRIX: TensorSpec(MATRIX, np.dtype("float64"), (-1, wide))
        }
        self.example = {column.name: column.example for column in self.columns}
        self.decided = {each.name: each for each in self.columns if not each.dtype}

    def matrix(self, inputs: Tensors) -> NDArray[Any]:
        """The numbers of all columns, in their order."""
        if not self.columns:
            return inputs[MATRIX]
        return np.column_stack([self._numbers(name, inputs[name]) for name in self.specs])

    def _numbers(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        codes = self._codes.get(name)
        if codes is None:
            return array
        return np.array([codes.get(value, np.nan) for value in array.tolist()], np.float64)


def two_classes(scores: NDArray[Any]) -> NDArray[Any]:
    """The scores [n, 2] of both classes, of the second's [n]."""
    return np.column_stack([1 - scores, scores])


def numbered(count: int) -> tuple[str, ...]:
    """Labels of classes that the file knows by number alone."""
    return tuple(map(str, range(count)))
