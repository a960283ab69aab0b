"""What may be sent to a model, as JSON Schema (2020-12) says it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from service.inference.signature.feature import Feature, FeatureKind, kind_of_dtype, range_of
from service.inference.signature.rows import ROWS, FeatureRows
from service.inference.tensors import TensorSpec

JsonSchema: TypeAlias = dict[str, Any]

TEXT: JsonSchema = {"type": "string"}

# Makes a model's own words ones that may be shown.
Tell: TypeAlias = Callable[[str], str]

TYPES: dict[FeatureKind, str] = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "string": "string",
    "datetime": "string",
}

# What a double holds is what JSON's numbers are, and no bound worth telling.
WIDEST = range_of(np.dtype(np.float64))

# A date as ISO 8601 writes it without an offset, of which JSON Schema knows no format. Only that a
# year is no leap year it does not tell.
YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
MONTH_AND_DAY = "((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-9])|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)"
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
LOCAL_DATE = f"^{YEAR}-{MONTH_AND_DAY}([T ]{TIME})?$"

# The first and the last millisecond that Python has a date for.
MILLISECONDS = {"minimum": -62_135_596_800_000, "maximum": 253_402_300_799_999}

UNHEEDED = "taken, and not looked at"
ROW_SIZE = "one number of rows in all inputs, and one size wherever a free one has one name"


def closed(properties: Mapping[str, JsonSchema], optional: Collection[str] = ()) -> JsonSchema:
    """Describe an object of these *properties* alone, of which some are *optional*."""
    schema: JsonSchema = {"type": "object", "properties": dict(properties)}
    required = [name for name in properties if name not in optional]
    if required:
        schema["required"] = required
    return schema | {"additionalProperties": False}


def row_schema(rows: FeatureRows, ignored: Sequence[str], tell: Tell) -> JsonSchema:
    """Describe a row in JSON, which may have names that are *ignored*."""
    others: JsonSchema = {name: {"description": UNHEEDED} for name in ignored}
    features = {each.name: feature_schema(each, tell) for each in rows.features}
    return closed(others | features, _optional(rows, ignored))


def form_schema(rows: FeatureRows, ignored: Sequence[str], tell: Tell) -> JsonSchema:
    """Describe a row in a form, in which there is no null, but nothing at all."""
    others = {name: TEXT | {"description": UNHEEDED} for name in ignored}
    features = {each.name: text_schema(each, tell) for each in rows.features}
    return closed(others | features, _optional(rows, ignored))


def _optional(rows: FeatureRows, ignored: Sequence[str]) -> set[str]:
    needed = {each.name for each in rows.features if not each.optional}
    return {*ignored, *(each.name for each in rows.features)} - needed


def rows_schema(row: JsonSchema, limit_rows: int) -> JsonSchema:
    """Describe several rows, each of which is a *row*."""
    listed = {"type": "array", "items": row, "minItems": 1, "maxItems": limit_rows}
    return closed({ROWS: listed})


def feature_schema(feature: Feature, tell: Tell) -> JsonSchema:
    """Describe a feature in JSON."""
    return _told(feature, _value(feature), is_nullable=feature.optional, tell=tell)


def text_schema(feature: Feature, tell: Tell) -> JsonSchema:
    """Describe a feature in a form or a query."""
    schema = _date(feature) if feature.kind == "datetime" else _value(feature)
    return _told(feature, schema, is_nullable=False, tell=tell)


def _told(feature: Feature, schema: JsonSchema, *, is_nullable: bool, tell: Tell) -> JsonSchema:
    if is_nullable:
        named = schema["type"]
        schema["type"] = [*(named if isinstance(named, list) else [named]), "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    if feature.description:
        schema["description"] = tell(feature.description)
    return schema


def _value(feature: Feature) -> JsonSchema:
    if feature.categories:
        return {"type": TYPES[feature.kind], "enum": list(feature.categories)}
    if feature.kind == "datetime":
        date = _date(feature)
        return date | {"type": ["string", "integer"]} | MILLISECONDS
    schema: JsonSchema = {"type": TYPES[feature.kind]}
    if feature.kind in {"number", "integer"}:
        schema |= bounds_schema(*feature.bounds)
    if feature.takes_booleans:
        schema["type"] = ["number", "boolean"]
    return schema


def _date(feature: Feature) -> JsonSchema:
    shape = {"format": "date-time"} if feature.zoned else {"pattern": LOCAL_DATE}
    return {"type": "string", **shape}


def bounds_schema(lowest: float, highest: float) -> JsonSchema:
    """Describe a range; a bound that every double keeps is left out."""
    schema = {}
    if lowest > WIDEST[0]:
        schema["minimum"] = _shortest(lowest)
    if highest < WIDEST[1]:
        schema["maximum"] = _shortest(highest)
    return schema


def _shortest(bound: float) -> float:
    return int(bound) if float(bound).is_integer() and abs(bound) < 1 << 53 else bound


def tensors_schema(specs: Sequence[TensorSpec], limit_rows: int | None = None) -> JsonSchema:
    """
    Describe inputs by name, in nested lists: of one row, or of one to *limit_rows*.

    That sizes agree with one another JSON Schema cannot say; a sentence does.
    """
    properties: JsonSchema = {}
    for spec in specs:
        schema = array_schema(leaf_schema(spec.datatype), spec.shape[1:])
        if limit_rows is not None:
            schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": limit_rows}
        properties[spec.name] = schema
    is_tied = len(specs) > 1 or any(-1 in spec.shape[1:] for spec in specs)
    return closed(properties) | ({"description": ROW_SIZE} if is_tied else {})


def array_schema(leaf: JsonSchema, sizes: Sequence[int]) -> JsonSchema:
    """Describe lists as deep as there are *sizes*, of which -1 is any but none."""
    schema = leaf
    for size in reversed(sizes):
        schema = {"type": "array", "items": schema, "minItems": max(1, size)}
        if size >= 0:
            schema["maxItems"] = size
    return schema


def leaf_schema(dtype: "np.dtype[Any]") -> JsonSchema:
    """Describe one value of an array."""
    kind = kind_of_dtype(dtype)
    schema: JsonSchema = {"type": TYPES[kind]}
    if kind in {"number", "integer"}:
        schema |= bounds_schema(*range_of(dtype))
    return schema
