"""Columns as they travel, made into the table that an estimator was fitted on."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.inference.runtimes.column import Column
from service.inference.tensors import DATETIME, Tensors

Table: TypeAlias = Callable[[Tensors], Any]


def matrix_of(columns: Sequence[Column]) -> Table:
    """What puts all columns, which are numbers, into one array [n, columns]."""
    names = [column.name for column in columns]
    return lambda inputs: np.column_stack([inputs[name] for name in names])


def frame_of(columns: Sequence[Column]) -> Table:
    """What puts each column, of its own dtype, into a pandas DataFrame."""
    import pandas as pd  # noqa: PLC0415  # 0.4 s and 40 MB that other models need not pay

    made = {column.name: _series(pd, column) for column in columns}
    return lambda inputs: pd.DataFrame({name: make(inputs[name]) for name, make in made.items()})


def _series(pd: Any, column: Column) -> Callable[[NDArray[Any]], Any]:
    """What makes an array as it travels into the column of a frame."""
    sort = column.sort
    if column.dtype == "category":
        known = list(column.categories) or None
        return lambda array: pd.Categorical(_plain(array, sort, np.nan), categories=known)
    if sort.startswith(f"{DATETIME}["):
        zone = sort[len(DATETIME) + 1 : -1]
        return lambda array: pd.Series(array).dt.tz_localize("UTC").dt.tz_convert(zone)
    return lambda array: _plain(array, sort, column.missing)


def _plain(array: NDArray[Any], sort: str, missing: Any) -> NDArray[Any]:
    """Whole numbers and booleans as such, unless one is missing; a missing string as *missing*."""
    if sort in {"bool", "int64"} and array.dtype.kind == "f":
        return array if np.isnan(array).any() else array.astype(sort)
    if array.dtype.kind == "O" and missing is not None:
        absent = array == np.array(None)
        if absent.any():
            return np.where(absent, missing, array)
    return array
