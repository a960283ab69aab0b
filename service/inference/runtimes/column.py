"""A column of a table, as an estimator or model.toml knows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from service.errors import InvalidModel
from service.inference.tensors import DATETIME, TensorSpec, dtype_called

# What the example of a column is, of which only the dtype is known.
EXAMPLES: dict[str, Any] = {"string": "text", "category": "text", "bool": False, "int64": 0}
DAY = "2026-01-31T12:00:00"

# How values of Python's types are called in model.toml, bool before int, which it is as well.
SORTS: dict[str, Any] = {"bool": bool, "int64": int, "float64": (int, float), "string": str}


@dataclass(frozen=True)
class Column:
    """
    A column; *categories* are all that it may hold, none where it may hold others as well.

    *dtype* is as model.toml has it, and empty for numbers of which nothing is remembered. A
    column of strings has *missing* for a value that was not sent.
    """

    name: str
    dtype: str = ""
    categories: tuple[Any, ...] = ()
    example: Any = 0.0
    missing: Any = np.nan

    @property
    def sort(self) -> str:
        """What its values are: the dtype, or that of the categories."""
        if self.dtype != "category":
            return self.dtype
        return sort_of(self.categories) or "string"

    @property
    def spec(self) -> TensorSpec:
        """Its array: float64, which has a missing value, for numbers and booleans."""
        array = dtype_called(self.sort or "float64")
        return TensorSpec(
            self.name,
            np.dtype("float64") if array.kind in "biuf" else array,
            (-1,),
            categories=self.categories,
            said_as=self.sort,
            takes_booleans=not self.dtype,
        )

    def as_dtype(self, dtype: str) -> "Column":
        """The same column, known to be of *dtype*, with an example of it."""
        example = EXAMPLES.get(dtype, 0.0)
        if dtype.startswith(DATETIME):
            example = DAY if dtype == DATETIME else f"{DAY}+00:00"
        return replace(self, dtype=dtype, example=example)


def as_shown(column: Column, shown: Mapping[str, Any]) -> Column:
    """
    A *column* as rows show it, or as its own example does, where it is not known.

    Raises InvalidModel for a category whose values nobody shows: their numbers would be others.
    """
    if column.dtype == "category" and not column.categories:
        if not shown.get("categories"):
            raise InvalidModel(
                f"its column {column.name!r} is a category whose values the model does not "
                "remember; show rows in which it is one: --data FILE.parquet"
            )
        return replace(column, categories=tuple(shown["categories"]), example=column.example)
    if column.dtype:
        return column
    if shown.get("dtype"):
        changed = column.as_dtype(shown["dtype"])
        known = tuple(shown.get("categories", ()))
        return replace(changed, categories=known, example=column.example)
    dtype = {bool: "bool", str: "string"}.get(type(column.example))
    return replace(column, dtype=dtype) if dtype else column


def sort_of(values: Sequence[Any]) -> str:
    """The dtype of *values* of one sort; empty where they are of several, or none."""
    for dtype, types in SORTS.items():
        if values and all(isinstance(value, types) for value in values):
            return dtype
    return ""


def as_said(column: Column, said: Mapping[str, Any], example: Any = None) -> Column:
    """*column* as model.toml says it is, with its own *example*; what neither says stays."""
    categories = tuple(said.get("categories") or column.categories)
    dtype = said.get("dtype", "") or column.dtype
    if dtype == column.dtype or not said.get("dtype"):
        changed = replace(column, categories=categories)
    else:
        changed = replace(column.as_dtype(dtype), categories=categories)
    if example is None:
        example = changed.example
    if categories and example not in categories:
        example = categories[0]
    return replace(changed, example=example)
