"""What a fitted scikit-learn pipeline knows of the columns that it was fitted on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

NUMBER, STRING = np.dtype("float64"), np.dtype("object")


@dataclass(frozen=True)
class Column:
    """A column; *categories* are all that it may hold, none where it may hold others as well."""

    name: str
    dtype: np.dtype[Any] = NUMBER
    categories: tuple[Any, ...] = ()
    example: Any = 0.0


def columns_of(estimator: Any) -> list[Column]:
    """List the columns that the estimator wants, or none where it was fitted without names."""
    names = list(getattr(estimator, "feature_names_in_", ()))
    known = {column.name: column for column in _described(estimator, names)}
    unused = _dropped(estimator, names)
    return [known.get(name, Column(name)) for name in names if name not in unused]


def needs_frame(estimator: Any, columns: Sequence[Column]) -> bool:
    """Whether columns are chosen by name, or are of several types, which one array has not."""
    by_name = isinstance(_first(estimator), ColumnTransformer)
    return bool(columns) and (by_name or any(column.dtype != NUMBER for column in columns))


def _described(step: Any, names: Sequence[str]) -> Iterator[Column]:
    """What *step* has learnt of the columns *names*, which it is given in this order."""
    if isinstance(step, Pipeline):
        yield from _described_by_steps([inner for _, inner in step.steps], names)
    elif isinstance(step, ColumnTransformer):
        for _, inner, chosen in step.transformers_:
            if not isinstance(inner, str):
                yield from _described(inner, _chosen(chosen, names))
    elif hasattr(step, "categories_"):
        closed = getattr(step, "handle_unknown", "") == "error"
        for name, categories in zip(names, step.categories_, strict=False):
            yield _categorical(name, categories, closed=closed)
    elif _takes_texts(step):
        yield from (Column(name, STRING, example="text") for name in names)
    elif getattr(step, "mean_", None) is not None:
        for name, mean in zip(names, np.ravel(step.mean_), strict=False):
            yield Column(name, example=float(f"{mean:.3g}"))


def _described_by_steps(steps: Sequence[Any], names: Sequence[str]) -> Iterator[Column]:
    """What the first step has learnt; an imputer leaves the columns to the next."""
    for step in steps:
        found = list(_described(step, names))
        if found or not isinstance(step, SimpleImputer):
            yield from found
            return


def _categorical(name: str, categories: Any, *, closed: bool) -> Column:
    known = [value for value in np.asarray(categories).tolist() if not _is_missing(value)]
    dtype = np.dtype(type(known[0])) if known else STRING
    if dtype.kind not in "bif":
        dtype = STRING
    return Column(name, dtype, tuple(known) if closed else (), known[0] if known else "text")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _chosen(chosen: Any, names: Sequence[str]) -> list[str]:
    """Resolve a ColumnTransformer's choice: names, numbers, a slice or a mask."""
    if isinstance(chosen, str):
        return [chosen]
    if not isinstance(chosen, slice) and all(isinstance(name, str) for name in chosen):
        return list(chosen)
    picked: list[str] = np.asarray(names, object)[chosen].tolist()
    return picked


def _dropped(estimator: Any, names: Sequence[str]) -> set[str]:
    """The columns that were there when the pipeline was fitted and that it does not look at."""
    first = _first(estimator)
    if not isinstance(first, ColumnTransformer):
        return set()
    used = {
        name
        for _, inner, chosen in first.transformers_
        if not (isinstance(inner, str) and inner == "drop")
        for name in _chosen(chosen, names)
    }
    return set(names) - used


def _first(estimator: Any) -> Any:
    return estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator


def _takes_texts(step: Any) -> bool:
    return bool(hasattr(step, "__sklearn_tags__") and get_tags(step).input_tags.string)
