"""What gradient boosters remember of the columns that they were fitted on."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from service.inference.runtimes.column import Column

# What XGBoost calls a column of categories, and one of true and false.
XGBOOST_CATEGORY, XGBOOST_BOOLEAN = "c", "i"


def booster_columns(step: Any, names: Sequence[str]) -> Iterator[Column]:
    """List what *step* knows of the columns *names*, which it was given in this order."""
    library = type(step).__module__.split(".")[0]
    if library == "xgboost" and hasattr(step, "get_booster"):
        yield from xgboost_columns(step.get_booster(), names)
    elif library == "lightgbm" and hasattr(step, "booster_"):
        yield from lightgbm_columns(step.booster_, names)
    elif library == "catboost":
        yield from catboost_columns(step, names)
    elif getattr(step, "_preprocessor", None) is not None and hasattr(step, "is_categorical_"):
        yield from _histogram_columns(step, names)


def xgboost_columns(booster: Any, names: Sequence[str]) -> Iterator[Column]:
    """Types and, since XGBoost 3.1, categories; raises nothing where it remembers neither."""
    types = booster.feature_types or []
    known = xgboost_categories(booster) if XGBOOST_CATEGORY in types else {}
    for number, (name, kind) in enumerate(zip(names, types, strict=False)):
        if kind == XGBOOST_CATEGORY:
            categories = tuple(known.get(number, ()))
            yield Column(name, "category", categories, categories[0] if categories else "")
        else:
            yield Column(name).as_dtype("bool") if kind == XGBOOST_BOOLEAN else Column(name)


def xgboost_categories(booster: Any) -> dict[int, list[Any]]:
    """The categories of each column, by its number, as the model's own JSON holds them."""
    learner = json.loads(booster.save_raw(raw_format="json"))["learner"]["gradient_booster"]
    held = learner.get("model", learner.get("gbtree", {}).get("model", {})).get("cats", {})
    found: dict[int, list[Any]] = {}
    for number, column in enumerate(held.get("enc", ())):
        values = column.get("values", [])
        if "offsets" in column:
            packed = bytes(value & 0xFF for value in values)
            ends = column["offsets"]
            values = [packed[a:b].decode() for a, b in pairwise(ends)]
        if values:
            found[number] = values
    return found


def lightgbm_columns(booster: Any, names: Sequence[str]) -> Iterator[Column]:
    """Categories of columns that were pandas categories, in their order; ranges of the others."""
    infos = booster.dump_model(num_iteration=1)["feature_infos"]
    categories = iter(booster.pandas_categorical or [])
    for name, inner in zip(names, booster.feature_name(), strict=False):
        info = infos.get(inner, {})
        if info.get("values"):
            known = tuple(next(categories, ()))
            yield Column(name, "category" if known else "int64", known, known[0] if known else 0)
        elif "min_value" in info:
            middle = (float(info["min_value"]) + float(info["max_value"])) / 2
            yield Column(name, example=float(f"{middle:.3g}") if np.isfinite(middle) else 0.0)


def catboost_columns(model: Any, names: Sequence[str]) -> Iterator[Column]:
    """CatBoost keeps which columns are categories and texts, and hashes of what they held."""
    strings = {*model.get_cat_feature_indices(), *model.get_text_feature_indices()}
    for number, name in enumerate(names):
        yield Column(name, "string", example="text") if number in strings else Column(name)


def _histogram_columns(step: Any, names: Sequence[str]) -> Iterator[Column]:
    """scikit-learn's: the categories are those of the encoder that it fits for itself."""
    encoder = step._preprocessor.named_transformers_.get("encoder")  # noqa: SLF001  # kept nowhere else
    categorical = [name for name, is_one in zip(names, step.is_categorical_, strict=True) if is_one]
    for name, known in zip(categorical, getattr(encoder, "categories_", ()), strict=False):
        held = tuple(value for value in np.asarray(known, object).tolist() if value == value)  # noqa: PLR0124  # NaN is not
        yield Column(name, "category", held, held[0] if held else "text")
