"""What a fitted scikit-learn pipeline remembers of the columns that it was fitted on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline

from service.inference.runtimes.booster_columns import booster_columns
from service.inference.runtimes.column import Column, sort_of

# They answer the columns that they get, in the same order; what follows knows them by that.
IMPUTERS = (SimpleImputer, KNNImputer)


def columns_of(estimator: Any) -> tuple[list[Column], list[str]]:
    """
    List the columns that the estimator wants, none where it was fitted on an array of numbers.

    The others are those that were there when it was fitted and that it does not look at.
    """
    names = list(map(str, _names_of(estimator)))
    has_names = bool(names)
    if not has_names:  # an array: called as scikit-learn calls its columns
        names = [f"x{number}" for number in range(getattr(estimator, "n_features_in_", 0))]
    known: dict[str, Column] = {}
    for column in _described(estimator, names):
        known[column.name] = _richer(known.get(column.name), column)
    if not has_names and not any(column.sort == "string" for column in known.values()):
        return [], []  # one array of numbers
    unused = _dropped(estimator, names)
    wanted = [known.get(name, Column(name)) for name in names if name not in unused]
    return wanted, [name for name in names if name in unused]


def _names_of(estimator: Any) -> Sequence[str]:
    """Its own, or those that CatBoost and LightGBM call otherwise; made-up ones are none."""
    for step in _delegates(estimator):
        names = getattr(step, "feature_names_in_", None)
        if names is None and type(step).__module__.startswith("catboost"):
            names = [name for name in step.feature_names_ or () if not name.isdigit()]
        known = [] if names is None else list(names)
        if known:
            return known
    return ()


def _delegates(estimator: Any) -> Iterator[Any]:
    """The estimator, and what stands first in it: both are given the same columns."""
    while estimator is not None:
        yield estimator
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[0][1] if estimator.steps else None
        else:
            estimator = getattr(
                estimator, "best_estimator_", getattr(estimator, "estimator_", None)
            )


def _richer(known: Column | None, found: Column) -> Column:
    """Of two that know something of one column, what both know; the first counts more."""
    if known is None:
        return found
    if known.dtype and (known.categories or not found.categories):
        return known
    return replace(found, dtype=found.dtype or known.dtype, example=found.example)


def _described(step: Any, names: Sequence[str]) -> Iterator[Column]:
    """What *step* has learnt of the columns *names*, which it is given in this order."""
    if isinstance(step, Pipeline):
        yield from _described_by_steps([inner for _, inner in step.steps], names)
    elif isinstance(step, ColumnTransformer):
        for _, inner, chosen in step.transformers_:
            if not isinstance(inner, str):
                yield from _described(inner, _chosen(chosen, names))
    elif isinstance(step, FeatureUnion):
        for _, inner in step.transformer_list:
            yield from _described(inner, names)
    else:
        yield from _own(step, names)
        for inner in _wrapped(step):
            given = [str(name) for name in getattr(inner, "feature_names_in_", names)]
            if set(given) <= set(names) and getattr(inner, "n_features_in_", 0) in {0, len(given)}:
                yield from _described(inner, given)


def _own(step: Any, names: Sequence[str]) -> Iterator[Column]:
    """What a step that wraps nothing has learnt."""
    if getattr(step, "categories_", None) is not None:
        closed = getattr(step, "handle_unknown", "") == "error"
        for name, categories in zip(names, step.categories_, strict=False):
            yield _categorical(name, categories, closed=closed)
    elif isinstance(step, (CountVectorizer, HashingVectorizer)):
        yield from (Column(name, "string", example="text") for name in names)
    elif isinstance(step, SimpleImputer) and hasattr(step, "statistics_"):
        for name, value in zip(names, step.statistics_, strict=False):
            yield _filled(name, value)
    elif getattr(step, "mean_", None) is not None and np.ndim(step.mean_) == 1:
        for name, mean in zip(names, step.mean_, strict=False):
            yield _numeric(name, mean)
    yield from booster_columns(step, names)


def _described_by_steps(steps: Sequence[Any], names: Sequence[str]) -> Iterator[Column]:
    """
    What the steps have learnt, as long as they see the columns themselves.

    An imputer hands them on in their order; what another makes of them has its names, where the
    next step chooses by name.
    """
    in_order = True
    for step in steps:
        if step is None or step == "passthrough":
            continue
        if in_order:
            yield from _described(step, names)
        elif isinstance(step, ColumnTransformer):
            given = [str(name) for name in getattr(step, "feature_names_in_", ())]
            yield from (column for column in _described(step, given) if column.name in names)
        in_order = in_order and isinstance(step, IMPUTERS)


def _wrapped(step: Any) -> Iterator[Any]:
    """The fitted estimators in a step, clones that it has fitted before those it was made of."""
    values = sorted(vars(step).items(), key=lambda item: not item[0].endswith("_"))
    for name, value in values:
        if name.startswith("_"):  # its own, which may be given other columns
            continue
        inner = value if isinstance(value, (list, tuple)) else [value]
        for each in inner[:1] if len(inner) > 3 else inner:
            found = each[1] if isinstance(each, tuple) and len(each) > 1 else each
            if isinstance(found, BaseEstimator) and hasattr(found, "n_features_in_"):
                yield found


def _categorical(name: str, categories: Any, *, closed: bool) -> Column:
    values = np.asarray(categories, object).tolist()
    known = [value for value in values if not _is_missing(value)]
    dtype = sort_of(known)
    missing = None if any(value is None for value in values) else np.nan
    example = known[0] if known else "text"
    return Column(
        name, dtype or "string", tuple(known) if closed and dtype else (), example, missing=missing
    )


def _filled(name: str, value: Any) -> Column:
    if isinstance(value, str):
        return Column(name, "string", example=value)
    if isinstance(value, (bool, np.bool_)) or value is None:
        return Column(name)
    return _numeric(name, value)


def _numeric(name: str, value: Any) -> Column:
    number = float(value) if isinstance(value, (int, float, np.number)) else 0.0
    return Column(name, example=float(f"{number:.3g}") if np.isfinite(number) else 0.0)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _chosen(chosen: Any, names: Sequence[str]) -> list[str]:
    """Resolve a ColumnTransformer's choice: names, numbers, a slice or a mask."""
    if isinstance(chosen, str):
        return [chosen]
    if not isinstance(chosen, slice) and all(isinstance(name, str) for name in chosen):
        return list(chosen)
    picked: Any = np.asarray(names, object)[chosen]
    return [picked] if isinstance(picked, str) else list(picked.tolist())


def _dropped(estimator: Any, names: Sequence[str]) -> set[str]:
    """The columns that were there when the pipeline was fitted and that it does not look at."""
    first = list(_delegates(estimator))[-1]
    if not isinstance(first, ColumnTransformer):
        return set()
    used = {
        name
        for _, inner, chosen in first.transformers_
        if not (isinstance(inner, str) and inner == "drop")
        for name in _chosen(chosen, names)
    }
    return set(names) - used
